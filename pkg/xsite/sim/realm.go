package sim

import (
	"crypto/md5" //nolint:gosec // Digest is defined with it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/icholy/digest"
)

// realm is the endpoint realm of a node: it knows the nonces that it gave and how often each was used (V68).
type realm struct {
	nonces map[string]int
}

// admit finds the user of a request. Where there is none, it has answered already.
func (n *Node) admit(w http.ResponseWriter, r *http.Request) (User, bool) {
	endpoint := endpointOf(r)
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case endpoint == OpenEndpoint:
		return User{Role: "admin"}, true
	case scheme == "Basic" && endpoint == DataEndpoint, scheme == "Digest" && endpoint == BrokenEndpoint:
		n.refuseMechanism(w, scheme)
		return User{}, false
	case scheme == "Basic":
		if name, password, ok := r.BasicAuth(); ok {
			if u, known := n.user(name); known && u.Password == password {
				return u, true
			}
		}
	case scheme == "Digest":
		if u, ok := n.checkDigest(r); ok {
			return u, true
		}
	}
	n.challenge(w, r)
	return User{}, false
}

// endpointOf is the endpoint that a request came to.
func endpointOf(r *http.Request) Endpoint {
	endpoint, _ := r.Context().Value(endpointKey{}).(Endpoint)
	return endpoint
}

// refuseMechanism is the answer to a mechanism that the port does not know (V52, V72).
func (n *Node) refuseMechanism(w http.ResponseWriter, scheme string) {
	mechanism := strings.ToUpper(scheme)
	if r := n.site.world.release; scheme == "Basic" && !r.old() && r.before(16, 0, 0) {
		mechanism = "null"
	}
	w.Header()["Content-Type"] = nil
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprintf(w, "ISPN080052: The request authentication mechanism '%s' is not supported", mechanism) //nolint:gosec // a test's own words
}

// user finds a user of the realm.
func (n *Node) user(name string) (User, bool) {
	users := append([]User{Admin()}, n.site.world.o.Users...)
	i := slices.IndexFunc(users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{}, false
	}
	return users[i], true
}

// challenge is the answer to who has not said, or not proved, who he is.
func (n *Node) challenge(w http.ResponseWriter, r *http.Request) {
	defer n.lock()()
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	n.offer(w, endpointOf(r), scheme)
	w.WriteHeader(http.StatusUnauthorized)
}

// offer names the mechanisms of the port, with a new nonce.
func (n *Node) offer(w http.ResponseWriter, endpoint Endpoint, tried string) {
	if n.auth.nonces == nil {
		n.auth.nonces = map[string]int{}
	}
	nonce := fmt.Sprintf("AAAA%08d", len(n.auth.nonces))
	n.auth.nonces[nonce] = 0
	algorithm := "MD5"
	if endpoint != DataEndpoint {
		if tried != "Digest" {
			w.Header().Add("WWW-Authenticate", `Basic realm="`+endpoint.realm()+`"`)
		}
		if tried == "Basic" {
			return
		}
		algorithm = "SHA-256"
		if n.site.world.release.old() {
			algorithm = "MD5"
		}
	}
	w.Header().Add("WWW-Authenticate", fmt.Sprintf(
		`Digest realm=%q, nonce=%q, opaque="00000000000000000000000000000000", algorithm=%s, qop=auth`, endpoint.realm(), nonce, algorithm))
}

// realm is what the endpoint calls its realm.
func (e Endpoint) realm() string {
	if e != DataEndpoint {
		return "admin"
	}
	return "default"
}

// checkDigest takes an answer to a challenge whose count grows.
func (n *Node) checkDigest(r *http.Request) (User, bool) {
	c, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err != nil || c.URI != r.RequestURI {
		return User{}, false
	}
	u, known := n.user(c.Username)
	if !known {
		return User{}, false
	}
	defer n.lock()()
	last, given := n.auth.nonces[c.Nonce]
	if !given || c.Nc <= last {
		return User{}, false
	}
	sum := func(text string) string {
		if c.Algorithm == "SHA-256" {
			h := sha256.Sum256([]byte(text))
			return hex.EncodeToString(h[:])
		}
		h := md5.Sum([]byte(text)) //nolint:gosec // as above
		return hex.EncodeToString(h[:])
	}
	a1, a2 := sum(u.Name+":"+endpointOf(r).realm()+":"+u.Password), sum(r.Method+":"+c.URI)
	if c.Response != sum(fmt.Sprintf("%s:%s:%08x:%s:auth:%s", a1, c.Nonce, c.Nc, c.Cnonce, a2)) {
		return User{}, false
	}
	n.auth.nonces[c.Nonce] = c.Nc
	return u, true
}
