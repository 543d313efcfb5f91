package infinispan

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/icholy/digest"
)

// drainLimit bounds what is read of a 401's body in order to use its connection again.
const drainLimit = 64 << 10

// authenticator answers the server's challenge with the credentials.
//
// Nothing is sent before the server asked: Basic on a port that knows Digest only is answered by 403 (V52). A challenge
// that worked is used again with a rising count; a retry after a 401 uses its own fresh challenge, which no concurrent
// call shares before it has worked, so that calls at the same time cannot spoil each other's count.
type authenticator struct {
	base  http.RoundTripper
	creds Credentials

	mu    sync.Mutex
	known *mechanism
}

// mechanism is one way to authenticate: Basic where challenge is nil, Digest otherwise.
type mechanism struct {
	challenge *digest.Challenge
	count     int
}

// RoundTrip sends the request, and once more with an answer to the challenge where the server asks for one.
func (a *authenticator) RoundTrip(req *http.Request) (*http.Response, error) {
	first, err := cloneRequest(req)
	if err != nil {
		return nil, err
	}
	used, count := a.useKnown()
	if used != nil {
		if err := a.authorize(first, used, count); err != nil {
			return nil, err
		}
	}
	res, err := a.base.RoundTrip(first)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusForbidden && used != nil {
		// It may be the mechanism that is refused: let the next call ask again.
		a.forget(used)
		return res, nil
	}
	if res.StatusCode != http.StatusUnauthorized || a.creds.Username == "" {
		return res, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, drainLimit)) // only to reuse the connection
	_ = res.Body.Close()
	res.Body = http.NoBody
	offers := parseChallenges(res.Header.Values("WWW-Authenticate"))
	ranked := rank(offers)
	if len(ranked) == 0 {
		return nil, fmt.Errorf("%w: the server offers %s, this client Digest (MD5, SHA-256, SHA-512-256) and Basic", ErrMechanism, names(offers))
	}
	if used != nil {
		a.forget(used)
		if used.challenge == nil && ranked[0].challenge == nil {
			return res, nil // Basic was sent and refused; it would be refused again
		}
	}
	return a.try(req, ranked)
}

// try sends the request with the strongest mechanism, and with the next one only where the server says that it does not
// support what it has just offered: 14.0.28 offers Digest on a port set to DIGEST-SHA-256 and then refuses it. A refused
// password is not tried again in a weaker way.
func (a *authenticator) try(req *http.Request, ranked []*mechanism) (*http.Response, error) {
	for i, m := range ranked {
		next, err := cloneRequest(req)
		if err != nil {
			return nil, err
		}
		if err := a.authorize(next, m, 1); err != nil {
			return nil, err
		}
		res, err := a.base.RoundTrip(next)
		if err != nil {
			return nil, err
		}
		if refused, err := refusesMechanism(res); err != nil {
			return nil, err
		} else if refused && i+1 < len(ranked) {
			continue
		}
		if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
			a.mu.Lock()
			m.count = 1
			a.known = m
			a.mu.Unlock()
		}
		return res, nil
	}
	return nil, ErrMechanism // not reached: the last mechanism always returns
}

// mechanismRefused is the id of the server's message for a mechanism that the port does not support (V52).
const mechanismRefused = "ISPN080052"

// refusesMechanism reports whether an answer refuses the mechanism. The body can be read as before.
func refusesMechanism(res *http.Response) (bool, error) {
	if res.StatusCode != http.StatusForbidden {
		return false, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, drainLimit))
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.Contains(body, []byte(mechanismRefused)), err
}

// CloseIdleConnections closes those of the transport below.
func (a *authenticator) CloseIdleConnections() {
	if closer, ok := a.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// useKnown gives the mechanism that worked before and the number of this use of it; nil where none has worked yet.
func (a *authenticator) useKnown() (known *mechanism, count int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		return nil, 0
	}
	a.known.count++
	return a.known, a.known.count
}

// authorize adds the Authorization header.
func (a *authenticator) authorize(req *http.Request, m *mechanism, count int) error {
	if m.challenge == nil {
		req.Header.Set("Authorization", "Basic "+basicToken(a.creds))
		return nil
	}
	answer, err := digest.Digest(m.challenge, digest.Options{
		Method:   req.Method,
		URI:      req.URL.RequestURI(),
		GetBody:  req.GetBody,
		Count:    count,
		Username: a.creds.Username,
		Password: a.creds.Password.Reveal(),
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMechanism, err)
	}
	req.Header.Set("Authorization", answer.String())
	return nil
}

// forget drops a mechanism unless another call has replaced it already.
func (a *authenticator) forget(m *mechanism) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == m {
		a.known = nil
	}
}

// basicToken is what follows "Basic " in the header.
func basicToken(c Credentials) string {
	return base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password.Reveal()))
}

// cloneRequest copies a request with a fresh body. All bodies of this package can be read again.
func cloneRequest(req *http.Request) (*http.Request, error) {
	clone := req.Clone(req.Context())
	if req.GetBody == nil {
		return clone, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("read the request body again: %w", err)
	}
	clone.Body = body
	return clone, nil
}

// rank puts the mechanisms on offer that this client has in order, the strongest first: Digest before Basic, since it
// does not show the password to the wire.
func rank(offers []string) []*mechanism {
	type ranked struct {
		*mechanism

		strength int
	}
	strengths := map[string]int{"": 1, "MD5": 1, "SHA-256": 2, "SHA-512-256": 3}
	var found []ranked
	for _, offer := range offers {
		scheme, _, _ := strings.Cut(offer, " ")
		switch {
		case digest.IsDigest(offer):
			challenge, err := digest.ParseChallenge(offer)
			if err != nil || !digest.CanDigest(challenge) {
				continue
			}
			if s := strengths[strings.ToUpper(challenge.Algorithm)]; s > 0 {
				found = append(found, ranked{&mechanism{challenge: challenge}, s})
			}
		case strings.EqualFold(scheme, "Basic"):
			found = append(found, ranked{&mechanism{}, 0})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return b.strength - a.strength })
	var out []*mechanism
	for _, f := range found {
		out = append(out, f.mechanism)
	}
	return out
}

// names lists the schemes of some challenges for an error message.
func names(offers []string) string {
	if len(offers) == 0 {
		return "no mechanism"
	}
	var list []string
	for _, offer := range offers {
		scheme, _, _ := strings.Cut(offer, " ")
		list = append(list, excerpt(scheme))
	}
	return strings.Join(list, ", ")
}

// parseChallenges splits WWW-Authenticate headers into single challenges: a header may carry several, separated by
// commas, which also separate the parameters of one.
func parseChallenges(headers []string) []string {
	var out []string
	for _, header := range headers {
		for _, part := range splitOutsideQuotes(header) {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if startsChallenge(part) || len(out) == 0 {
				out = append(out, part)
				continue
			}
			last := len(out) - 1
			separator := ", "
			if !strings.Contains(out[last], " ") {
				separator = " "
			}
			out[last] += separator + part
		}
	}
	return out
}

// startsChallenge reports whether a part begins with a scheme: a word of its own before any '='.
func startsChallenge(part string) bool {
	word, _, spaced := strings.Cut(part, " ")
	if strings.Contains(word, "=") {
		return false
	}
	if !spaced {
		return true
	}
	rest := strings.TrimSpace(part[len(word):])
	return !strings.HasPrefix(rest, "=")
}

// splitOutsideQuotes splits at commas that are not inside a quoted string.
func splitOutsideQuotes(s string) []string {
	var parts []string
	start, quoted, escaped := 0, false, false
	for i := range len(s) {
		switch {
		case escaped:
			escaped = false
		case quoted && s[i] == '\\':
			escaped = true
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}
