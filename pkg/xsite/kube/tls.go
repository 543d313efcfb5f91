package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// flagInsecure is the flag that accepts any certificate.
const flagInsecure = "--insecure-skip-tls-verify-infinispan"

// tlsConfig prepares TLS towards the servers: their certificate is issued for the Service, and the Secret with it holds
// the certificate itself, its chain or its CA, each of which is trusted here and nothing else is. read names the Secrets
// that were needed.
func (s *Site) tlsConfig(ctx context.Context, certSecret string) (config *tls.Config, read []string, err error) {
	config = &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: s.server.name + "." + s.place.Namespace + ".svc",
	}
	if s.opts.InsecureSkipTLSVerifyInfinispan {
		config.InsecureSkipVerify = true // the user said so, and the bytes travel inside the API server's TLS
		return config, nil, nil
	}
	if certSecret == "" {
		return nil, nil, &AnswerError{Ref: s.server.ref, Problem: "it speaks https and it is not known which Secret holds its CA; " +
			"accept its certificate with " + flagInsecure}
	}
	found, err := s.secret(ctx, certSecret, "the certificate of Infinispan's data port")
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	usable := false
	for _, key := range []string{"tls.crt", "ca.crt", "service-ca.crt"} {
		usable = pool.AppendCertsFromPEM(found.Data[key]) || usable
	}
	problem := errNoCertificate
	if store, ok := found.Data[keyStore]; ok && !usable {
		problem = addKeyStore(pool, store, found.Data["password"])
		usable = problem == nil
	}
	if !usable {
		return nil, nil, s.badSecret(certSecret, problem.Error(),
			"add the CA as ca.crt, or accept the certificate with "+flagInsecure, nil)
	}
	config.RootCAs = pool
	return config, []string{certSecret}, nil
}

// keyStore is the key of a Secret with a PKCS #12 file, as the operator takes it beside its password and alias.
const keyStore = "keystore.p12"

// addKeyStore trusts the certificates in a PKCS #12 file: those beside its only private key, or those of a trust store.
// Errors hold nothing of the file.
func addKeyStore(pool *x509.CertPool, store, password []byte) error {
	var certificates []*x509.Certificate
	var err error
	for _, secret := range []string{string(password), strings.TrimRight(string(password), "\r\n")} {
		if certificates, err = inKeyStore(store, secret); !errors.Is(err, pkcs12.ErrIncorrectPassword) {
			break
		}
	}
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return errors.New("its key password does not open its " + keyStore)
	case err != nil:
		return fmt.Errorf("no certificate in PEM form, and its %s cannot be read: %w", keyStore, err)
	case len(certificates) == 0:
		return errors.New("no certificate in PEM form, and none in its " + keyStore)
	}
	for _, certificate := range certificates {
		pool.AddCert(certificate)
	}
	return nil
}

// inKeyStore reads the certificates of a PKCS #12 file.
func inKeyStore(store []byte, password string) ([]*x509.Certificate, error) {
	_, own, chain, err := pkcs12.DecodeChain(store, password)
	if err == nil {
		return append(chain, own), nil
	}
	if trusted, failed := pkcs12.DecodeTrustStore(store, password); failed == nil {
		return trusted, nil
	}
	return nil, err
}
