package kube

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// testPair makes a certificate for the Service of the test's Infinispan.
func testPair(t *testing.T) (certificate tls.Certificate, text string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "infinispan"}, DNSNames: []string{"infinispan.keycloak.svc"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func testCertificate(t *testing.T) string {
	t.Helper()
	_, text := testPair(t)
	return text
}

// restEndpoint plays an Infinispan node that wants Basic authentication and names its caches.
func restEndpoint(user, password string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="admin"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`["sessions"]`))
	})
}

func TestANodeIsReachedWithTheOperatorsCredentials(t *testing.T) {
	f := newSite(t)
	server := httptest.NewServer(restEndpoint("operator", canary+"-operator"))
	defer server.Close()
	f.expose("infinispan-0", 11223, server.Listener.Addr().String())
	var mu sync.Mutex
	var calls []infinispan.CallRecord
	site := f.mustConnect(func(o *Options) {
		o.ObserveCall = func(r infinispan.CallRecord) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, r)
		}
	})
	defer site.Close()
	node, err := site.Node(t.Context(), podZero())
	if err != nil {
		t.Fatal(err)
	}
	names, err := node.CacheNames(t.Context())
	if err != nil || len(names) != 1 || names[0] != "sessions" {
		t.Fatalf("got %v, %v", names, err)
	}
	again, err := site.Node(t.Context(), podZero())
	if err != nil || again != node {
		t.Errorf("the same pod has another client: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(calls) == 0 {
		t.Error("no call was observed")
	}
}

func TestANodeIsReachedOverTLSByTheServicesName(t *testing.T) {
	for name, trusted := range map[string]bool{"its own certificate": true, "another certificate": false} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			pair, text := testPair(t)
			if !trusted {
				text = testCertificate(t)
			}
			encrypted(f, nil)
			f.put(secretOf("certs", map[string]string{"tls.crt": text}))
			server := httptest.NewUnstartedServer(restEndpoint("developer", canary+"-developer"))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			server.Config.ErrorLog = nil
			server.StartTLS()
			defer server.Close()
			f.expose("infinispan-0", 11222, server.Listener.Addr().String())
			site := f.mustConnect(func(o *Options) { o.Port = 11222 })
			defer site.Close()
			node, err := site.Node(t.Context(), podZero())
			if err != nil {
				t.Fatal(err)
			}
			if _, err = node.CacheNames(t.Context()); (err == nil) != trusted {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheErrorsOfAConnectionReachTheCaller(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	node, err := site.Node(t.Context(), podZero())
	if err != nil {
		t.Fatal(err)
	}
	_, err = node.CacheNames(t.Context())
	if refused := as[*ForwardError](t, err); refused.Port != 11223 {
		t.Errorf("got %+v", refused)
	}
	f.remove(infinispanPod("infinispan-0"))
	f.cut()
	if _, err = node.CacheNames(t.Context()); !errors.Is(err, xsite.ErrPodGone) {
		t.Errorf("got %v", err)
	}
}

func TestNoSecretIsInAnythingPrinted(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	node, err := site.Node(t.Context(), podZero())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, value := range []any{site, site.opts, site.door, site.api, node, site.place, site.nodes[podZero().UID]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	text, err := json.Marshal(site.Place())
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	_, err = node.CacheNames(t.Context())
	fmt.Fprintf(&out, "%v %+v %#v", err, err, err)
	if strings.Contains(out.String(), canary) {
		t.Errorf("a secret is in:\n%s", out.String())
	}
}

func TestTheServersURLHasNoUser(t *testing.T) {
	f := newSite(t)
	flags := f.getter()
	address := "http://user:" + canary + "@" + f.server.Listener.Addr().String() + "/?" + canary
	flags.APIServer = &address
	site, err := Connect(t.Context(), Options{Getter: flags})
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	if got := site.Place(); strings.Contains(got.Server, canary) || got.Context != "site-b" {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutAKubeconfigThereIsAnError(t *testing.T) {
	if _, err := Connect(t.Context(), Options{}); err == nil {
		t.Error("no error")
	}
}
