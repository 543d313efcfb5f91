package rest

import (
	"net/http"
	"sync"

	"github.com/icholy/digest"
)

// lanes answers Digest challenges for any number of requests at a time. A server takes a nonce only with
// counts that grow in the order in which it sees them, and requests sent side by side overtake each
// other: so each lane has a nonce of its own and carries one request at a time.
type lanes struct {
	user, password string
	transport      *http.Transport

	mu   sync.Mutex
	free []*digest.Transport
}

// RoundTrip sends a request on a lane that is free.
func (l *lanes) RoundTrip(req *http.Request) (*http.Response, error) {
	lane := l.take()
	defer l.put(lane)
	return lane.RoundTrip(req)
}

func (l *lanes) take() *digest.Transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := len(l.free) - 1; last >= 0 {
		lane := l.free[last]
		l.free = l.free[:last]
		return lane
	}
	return &digest.Transport{Username: l.user, Password: l.password, Transport: l.transport}
}

func (l *lanes) put(lane *digest.Transport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, lane)
}

// CloseIdleConnections gives up the connections that carry nothing.
func (l *lanes) CloseIdleConnections() { l.transport.CloseIdleConnections() }
