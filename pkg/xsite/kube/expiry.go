package kube

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// tokenWatch notes when the bearer token that goes out with requests ends. Nothing else of it is kept.
type tokenWatch struct{ ends atomic.Int64 }

// wrap looks at requests on their way. It must be the innermost wrapper, so that the token is on them already, whatever
// gave it.
func (t *tokenWatch) wrap(next http.RoundTripper) http.RoundTripper {
	return &watchedTransport{next: next, watch: t}
}

// watchedTransport shows each request to a tokenWatch.
type watchedTransport struct {
	next  http.RoundTripper
	watch *tokenWatch
}

// RoundTrip implements http.RoundTripper.
func (w *watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		w.watch.ends.Store(endOfToken(token))
	}
	return w.next.RoundTrip(r)
}

// WrappedRoundTripper gives what is below, for those who close its connections.
func (w *watchedTransport) WrappedRoundTripper() http.RoundTripper { return w.next }

// endOfToken reads when a token ends, in seconds since 1970, if it is a JWT; else 0. Its signature is the API server's
// business.
func endOfToken(token string) int64 {
	const partsOfJWT = 3
	parts := strings.Split(token, ".")
	if len(parts) != partsOfJWT {
		return 0
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return 0
	}
	var said struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(claims, &said) != nil {
		return 0
	}
	return int64(said.Exp)
}

// expiry is when the credentials end: the token that was last sent, or the client certificate; nil when neither says.
func (c *clients) expiry() *xsite.Expiry {
	var first *xsite.Expiry
	if seconds := c.token.ends.Load(); seconds > 0 {
		first = &xsite.Expiry{What: "the bearer token", At: time.Unix(seconds, 0)}
		if c.config.ExecProvider != nil || c.config.AuthProvider != nil || c.config.BearerTokenFile != "" {
			first.What, first.Renewed = "the bearer token of the credential plugin", true
		}
	}
	if at, ok := endOfCertificate(c.config.TLSClientConfig); ok && (first == nil || at.Before(first.At)) {
		first = &xsite.Expiry{What: "the client certificate of the kubeconfig", At: at}
	}
	return first
}

// endOfCertificate reads when the client certificate of a kubeconfig ends.
func endOfCertificate(config rest.TLSClientConfig) (time.Time, bool) {
	data := config.CertData
	if len(data) == 0 && config.CertFile != "" {
		data, _ = os.ReadFile(config.CertFile) // what cannot be read fails where it is used
	}
	for block, more := pem.Decode(data); block != nil; block, more = pem.Decode(more) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			return certificate.NotAfter, true
		}
	}
	return time.Time{}, false
}
