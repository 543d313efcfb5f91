package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
	if !usable {
		return nil, nil, s.badSecret(certSecret, errNoCertificate.Error(),
			"add the CA as ca.crt, or accept the certificate with "+flagInsecure, nil)
	}
	config.RootCAs = pool
	return config, []string{certSecret}, nil
}
