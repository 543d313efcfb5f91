package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// jwt makes a token that ends at a time.
func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return strings.Join([]string{encode([]byte(`{"alg":"none"}`)), encode([]byte(claims)), "signature"}, ".")
}

func TestTheEndOfATokenIsReadOffTheRequestsItGoesOutWith(t *testing.T) {
	for token, want := range map[string]int64{
		jwt(`{"exp":1772335000,"sub":"` + canary + `"}`): 1772335000,
		jwt(`{"exp":1.772335e9}`):                        1772335000,
		jwt(`{"sub":"x"}`):                               0,
		jwt(`?`):                                         0,
		"sha256~opaque":                                  0,
		"a.!.c":                                          0,
	} {
		f := newSite(t)
		getter := f.getter()
		wrap := getter.WrapConfigFn
		getter.WrapConfigFn = func(c *rest.Config) *rest.Config {
			c.BearerToken = token // over plain HTTP none is taken from a kubeconfig
			return wrap(c)
		}
		site := f.mustConnect(func(o *Options) { o.Getter = getter })
		found, err := site.Contenders(t.Context(), xsite.Primary)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case want == 0 && found.Expiry != nil:
			t.Errorf("%s: found %+v", token, found.Expiry)
		case want != 0 && (found.Expiry == nil || found.Expiry.At.Unix() != want || found.Expiry.Renewed || strings.Contains(found.Expiry.What, canary)):
			t.Errorf("%s: found %+v", token, found.Expiry)
		}
	}
}

func TestATokenOfAPluginIsRenewed(t *testing.T) {
	token := jwt(`{"exp":1772335000}`)
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newSite(t)
	getter := f.getter()
	wrap := getter.WrapConfigFn
	getter.WrapConfigFn = func(c *rest.Config) *rest.Config {
		c.BearerToken, c.BearerTokenFile = "", path
		return wrap(c)
	}
	found, err := f.mustConnect(func(o *Options) { o.Getter = getter }).Contenders(t.Context(), xsite.Primary)
	if err != nil || found.Expiry == nil || !found.Expiry.Renewed {
		t.Errorf("got %+v: %v", found.Expiry, err)
	}
}

func TestTheEndOfAClientCertificateIsRead(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}, &x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]rest.TLSClientConfig{"data": {CertData: data}, "file": {CertFile: path}} {
		c := &clients{config: &rest.Config{TLSClientConfig: config}, token: &tokenWatch{}}
		if got := c.expiry(); got == nil || !got.At.Equal(ends) || !strings.Contains(got.What, "client certificate") {
			t.Errorf("%s: got %+v", name, got)
		}
		c.token.ends.Store(ends.Add(time.Hour).Unix())
		if got := c.expiry(); !got.At.Equal(ends) {
			t.Errorf("%s: the later end counts: %+v", name, got)
		}
	}
	c := &clients{config: &rest.Config{TLSClientConfig: rest.TLSClientConfig{CertData: []byte("no certificate")}}, token: &tokenWatch{}}
	if got := c.expiry(); got != nil {
		t.Errorf("got %+v", got)
	}
}
