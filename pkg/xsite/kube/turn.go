package kube

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Turn lets one credential plugin run at a time. A plugin may ask the user for a code, and nobody can answer two questions at
// once; the plugins of two sites would ask both when their credentials expire together. The sites of a pair share a Turn.
type Turn struct {
	token chan struct{}

	mu    sync.Mutex
	asked func(asking bool)
}

// asksAfter is how long a plugin runs until it is taken for one that asks. Requests with credentials at hand never take so
// long.
const asksAfter = 300 * time.Millisecond

// NewTurn makes a turn that is free.
func NewTurn() *Turn {
	t := &Turn{token: make(chan struct{}, 1)}
	t.token <- struct{}{}
	return t
}

// Watch has f told when a plugin seems to ask the user, since it takes its time, and when it has ended. f must not block.
func (t *Turn) Watch(f func(asking bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = f
}

// tell passes on.
func (t *Turn) tell(asking bool) {
	t.mu.Lock()
	f := t.asked
	t.mu.Unlock()
	if f != nil {
		f(asking)
	}
}

// client-go gives no hook for the time in which a plugin runs. Its round tripper runs the plugin before it passes a request on,
// and after an answer 401. So the turn is taken outside of that round tripper and given back inside of it, and the other way
// round with such an answer.

// waitsForTurn takes the turn around client-go's round tripper.
type waitsForTurn struct {
	turn *Turn
	next http.RoundTripper
}

// RoundTrip waits until no other plugin runs, or until the request's context ends.
func (w *waitsForTurn) RoundTrip(request *http.Request) (*http.Response, error) {
	h := &heldTurn{turn: w.turn}
	if err := h.take(request.Context()); err != nil {
		return nil, fmt.Errorf("wait until the credential plugin of the other site has ended: %w", err)
	}
	defer h.give()
	return w.next.RoundTrip(request.WithContext(context.WithValue(request.Context(), turnKey{}, h)))
}

// WrappedRoundTripper is how client-go finds what is inside.
func (w *waitsForTurn) WrappedRoundTripper() http.RoundTripper { return w.next }

// givesTurnBack gives the turn back inside of client-go's round tripper.
type givesTurnBack struct{ next http.RoundTripper }

// RoundTrip makes the request without the turn.
func (g *givesTurnBack) RoundTrip(request *http.Request) (*http.Response, error) {
	h, ok := request.Context().Value(turnKey{}).(*heldTurn)
	if !ok {
		return g.next.RoundTrip(request)
	}
	h.give()
	response, err := g.next.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		_ = h.take(request.Context()) // the context has ended: then what comes is not waited for either
	}
	return response, err
}

// WrappedRoundTripper is how client-go finds what is inside.
func (g *givesTurnBack) WrappedRoundTripper() http.RoundTripper { return g.next }

// turnKey is where a request keeps its hold of the turn.
type turnKey struct{}

// heldTurn is one request's hold of the turn.
type heldTurn struct {
	turn *Turn

	mu           sync.Mutex
	held, asking bool
	slow         *time.Timer
}

// take waits for the turn.
func (h *heldTurn) take(ctx context.Context) error {
	select {
	case <-h.turn.token:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.held = true
		h.slow = time.AfterFunc(asksAfter, h.asks)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// give gives it back, if it is held.
func (h *heldTurn) give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.held {
		return
	}
	h.held = false
	h.slow.Stop()
	if h.asking {
		h.asking = false
		h.turn.tell(false)
	}
	h.turn.token <- struct{}{}
}

// asks says that the plugin takes its time.
func (h *heldTurn) asks() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held {
		h.asking = true
		h.turn.tell(true)
	}
}
