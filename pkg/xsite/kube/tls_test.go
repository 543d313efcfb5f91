package kube

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

// keyStored makes the data port one whose certificate Secret holds a PKCS #12 file and its password, and nothing else.
func keyStored(f *fakeAPI, store []byte, password string) {
	encrypted(f, nil)
	f.put(secretOf("certs", map[string]string{"keystore.p12": string(store), "password": password, "alias": "server"}))
}

// stored makes a PKCS #12 file of a pair with its key.
func stored(t *testing.T, encoder *pkcs12.Encoder, pair tls.Certificate, password string) []byte {
	t.Helper()
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	store, err := encoder.Encode(pair.PrivateKey, certificate, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// fixture reads a file that keytool of JDK 17 made; its password is changeit.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestANodeIsReachedOverTLSWithACertificateInAKeyStore(t *testing.T) {
	const password = canary + "-store"
	for name, test := range map[string]struct {
		encoder  *pkcs12.Encoder
		password string
	}{
		"as keytool makes them":            {encoder: pkcs12.Modern, password: password},
		"as older ones made them":          {encoder: pkcs12.LegacyDES, password: password},
		"a password with an end of a line": {encoder: pkcs12.Modern, password: password + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			pair, _ := testPair(t)
			keyStored(f, stored(t, test.encoder, pair, password), test.password)
			server := httptest.NewUnstartedServer(restEndpoint("developer", canary+"-developer"))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			server.StartTLS()
			defer server.Close()
			f.expose("infinispan-0", 11222, server.Listener.Addr().String())
			site := f.mustConnect(func(o *Options) { o.Port = 11222 })
			node, err := site.Node(t.Context(), podZero())
			if err != nil {
				t.Fatal(err)
			}
			if names, err := node.CacheNames(t.Context()); err != nil || len(names) != 1 {
				t.Errorf("got %v, %v", names, err)
			}
		})
	}
}

func TestTheKeyStoresOfKeytoolAreRead(t *testing.T) {
	certificates, err := inKeyStore(fixture(t, "keytool.p12"), "changeit")
	if err != nil || len(certificates) != 1 || certificates[0].Subject.CommonName != "infinispan" {
		t.Errorf("got %d certificates, %v", len(certificates), err)
	}
}

func TestATrustStoreIsTrusted(t *testing.T) {
	pair, _ := testPair(t)
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{certificate}, "changeit")
	if err != nil {
		t.Fatal(err)
	}
	if err := addKeyStore(x509.NewCertPool(), store, []byte("changeit")); err != nil {
		t.Error(err)
	}
}

func TestAKeyStoreThatCannotBeUsedIsSaidWithoutItsSecrets(t *testing.T) {
	pair, _ := testPair(t)
	for name, test := range map[string]struct {
		store    []byte
		password string
		says     string
	}{
		"another password": {stored(t, pkcs12.Modern, pair, canary+"-store"), canary, "its key password does not open its keystore.p12"},
		"no PKCS #12":      {[]byte(canary), canary, "its keystore.p12 cannot be read"},
		"several keys":     {fixture(t, "keytool-two.p12"), "changeit", "its keystore.p12 cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			keyStored(f, test.store, test.password)
			_, err := f.connect(func(o *Options) { o.Port = 11222 })
			as[*SecretError](t, err)
			for _, word := range []string{"secret certs", test.says, "ca.crt", flagInsecure} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q is not in: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("a secret is in: %v", err)
			}
		})
	}
}
