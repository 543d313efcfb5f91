package infinispan

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// canary is the password of every test: it must appear in nothing that is printed.
const canary = "canary-Pa55word"

func testCredentials() Credentials {
	return Credentials{Username: "operator", Password: NewSecret(canary)}
}

// newTestClient makes a client of a test server.
func newTestClient(t *testing.T, h http.Handler, change ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{BaseURL: base, Credentials: testCredentials(), CallTimeout: 5 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// reply is a canned answer.
type reply struct {
	status int
	body   string
}

// canned answers by "METHOD request-URI" and notes what was asked, with the flags header.
type canned struct {
	replies map[string]reply

	mu    sync.Mutex
	asked []string
}

func (c *canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.RequestURI
	c.mu.Lock()
	noted := call
	if flags := r.Header.Get("flags"); flags != "" {
		noted += " flags=" + flags
	}
	c.asked = append(c.asked, noted)
	c.mu.Unlock()
	a, ok := c.replies[call]
	if !ok {
		a = reply{http.StatusNotFound, "Resource not found"}
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func (c *canned) calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.asked...)
}

// digestServer asks for Digest, refuses a nonce count that does not rise, as the real server does, and hands what is
// authorised to next. It counts requests by outcome.
type digestServer struct {
	algorithms []string
	basic      bool
	user       string
	password   string
	next       http.Handler
	// unsupported are the schemes that are offered and then refused with 403, as 14.0.28 does.
	unsupported string

	mu         sync.Mutex
	nonces     map[string]int
	challenged int
	schemes    []string
}

func (d *digestServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	d.mu.Lock()
	if scheme != "" {
		d.schemes = append(d.schemes, scheme)
	}
	d.mu.Unlock()
	switch {
	case scheme != "" && scheme == d.unsupported, scheme == "Basic" && !d.basic:
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "ISPN080052: The request authentication mechanism '%s' is not supported", strings.ToUpper(scheme))
	case scheme == "Basic":
		if user, password, ok := r.BasicAuth(); ok && user == d.user && password == d.password {
			d.next.ServeHTTP(w, r)
			return
		}
		d.challenge(w)
	case scheme == "Digest" && d.valid(r):
		d.next.ServeHTTP(w, r)
	default:
		d.challenge(w)
	}
}

func (d *digestServer) challenge(w http.ResponseWriter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.challenged++
	if d.basic {
		w.Header().Add("WWW-Authenticate", `Basic realm="default"`)
	}
	for _, algorithm := range d.algorithms {
		nonce := fmt.Sprintf("nonce-%d", len(d.nonces))
		if d.nonces == nil {
			d.nonces = map[string]int{}
		}
		d.nonces[nonce] = 0
		w.Header().Add("WWW-Authenticate", fmt.Sprintf(
			`Digest realm="default", nonce=%q, opaque="00000000000000000000000000000000", algorithm=%s, qop=auth`, nonce, algorithm))
	}
	w.WriteHeader(http.StatusUnauthorized)
}

func (d *digestServer) valid(r *http.Request) bool {
	c, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err != nil || c.Username != d.user || c.URI != r.RequestURI {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last, known := d.nonces[c.Nonce]
	if !known || c.Nc <= last {
		return false
	}
	sum := hashers()[c.Algorithm]
	if sum == nil {
		return false
	}
	a1 := sum(d.user + ":default:" + d.password)
	a2 := sum(r.Method + ":" + c.URI)
	want := sum(fmt.Sprintf("%s:%s:%08x:%s:auth:%s", a1, c.Nonce, c.Nc, c.Cnonce, a2))
	if c.Response != want {
		return false
	}
	d.nonces[c.Nonce] = c.Nc
	return true
}

func hashers() map[string]func(string) string {
	with := func(h func() hash.Hash) func(string) string {
		return func(s string) string {
			sum := h()
			_, _ = io.WriteString(sum, s)
			return hex.EncodeToString(sum.Sum(nil))
		}
	}
	return map[string]func(string) string{"MD5": with(md5.New), "SHA-256": with(sha256.New), "SHA-512-256": with(sha512.New512_256)}
}
