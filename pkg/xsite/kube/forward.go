package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	constants "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/transport/websocket"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	streamspdy "k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// dialTimeout bounds one connection to a pod's port, including a new port-forward connection and both looks at the
// pod's UID.
const dialTimeout = 30 * time.Second

// forwarder opens port-forward connections to the pods of one site.
type forwarder struct {
	*reach

	mu       sync.Mutex
	sessions map[*session]struct{}
}

// newForwarder makes a forwarder that lives until close.
func newForwarder(r *reach) *forwarder {
	return &forwarder{reach: r, sessions: map[*session]struct{}{}}
}

// close ends all connections.
func (f *forwarder) close() {
	f.end()
	f.mu.Lock()
	sessions := make([]*session, 0, len(f.sessions))
	for s := range f.sessions {
		sessions = append(sessions, s)
	}
	f.mu.Unlock()
	for _, s := range sessions {
		s.close()
	}
}

// podDialer makes TCP-like connections into one pod. They share one port-forward connection, which is opened when it
// is needed and again when it dropped; every opening proves before and after that the pod still has its UID, and so does
// every further connection before a byte is sent.
type podDialer struct {
	forwarder *forwarder
	pod       xsite.Pod

	turn    chan struct{} // holds the one token that allows to open
	mu      sync.Mutex
	current *session
	next    int // the id of the next connection, unique per pod as the protocol asks per session
}

// newPodDialer makes the dialer of one pod; nothing is opened yet.
func newPodDialer(f *forwarder, pod xsite.Pod) *podDialer {
	d := &podDialer{forwarder: f, pod: pod, turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	return d
}

// dial connects to a port of the pod. The error wraps xsite.ErrPodGone when the pod is no longer there. A port that
// refuses connections is a *net.OpError with Op "dial" around a *ForwardError; since the protocol knows no "connected",
// it may come as late as from the first read.
func (d *podDialer) dial(ctx context.Context, port int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(d.forwarder.life, cancel)()
	for {
		s, opened, err := d.session(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := s.connect(ctx, d, port, d.nextID())
		if err == nil && !opened {
			// A kubelet keeps a port-forward with the pod it was opened to; not every stand-in for one does.
			if gone := d.forwarder.check(ctx, d.pod); gone != nil {
				_ = conn.Close() // nothing was sent over it
				d.retire(s)
				return nil, gone
			}
		}
		if err == nil {
			return conn, nil
		}
		if _, ok := errors.AsType[*ForwardError](err); ok {
			return nil, err // an answer; nothing is wrong with the connection it came over
		}
		d.retire(s)
		if opened || ctx.Err() != nil {
			return nil, fmt.Errorf("connect to port %d of pod %s: %w: %w", port, d.pod.Name, xsite.ErrUnavailable, err)
		}
		// The old connection had broken unnoticed; a new one decides.
	}
}

// nextID numbers the connections of this pod.
func (d *podDialer) nextID() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	return d.next
}

// session returns the pod's open port-forward connection, or opens one; opened tells which.
func (d *podDialer) session(ctx context.Context) (s *session, opened bool, err error) {
	select {
	case <-ctx.Done():
		return nil, false, d.forwarder.ended(ctx, d.pod)
	case <-d.turn:
	}
	defer func() { d.turn <- struct{}{} }()
	d.mu.Lock()
	s = d.current
	d.mu.Unlock()
	if s != nil && s.usable() {
		return s, false, nil
	}
	if err := d.forwarder.check(ctx, d.pod); err != nil {
		return nil, false, err
	}
	link, err := d.forwarder.open(ctx, d.pod.Name)
	if err != nil {
		if gone := d.forwarder.check(ctx, d.pod); errors.Is(gone, xsite.ErrPodGone) {
			err = fmt.Errorf("%w: %w", gone, err)
		}
		return nil, false, err
	}
	s = newSession(d.forwarder, link)
	if err := d.forwarder.check(ctx, d.pod); err != nil {
		s.close()
		return nil, false, err
	}
	d.mu.Lock()
	d.current = s
	d.mu.Unlock()
	return s, true, nil
}

// retire keeps new connections off a session; it is closed when its last connection ends.
func (d *podDialer) retire(s *session) {
	d.mu.Lock()
	if d.current == s {
		d.current = nil
	}
	d.mu.Unlock()
	s.retire()
}

// link is one upgraded connection to a pod's port-forward subresource.
type link struct {
	httpstream.Connection

	// cut ends the connection below without a word to the other side; nil where that cannot be had.
	cut func() error
}

// open upgrades a connection to the pod's port-forward subresource: WebSocket, and SPDY where the server or a proxy on
// the way does not know it, as kubectl does.
func (f *forwarder) open(ctx context.Context, pod string) (link, error) {
	target := f.site.api.kube.CoreV1().RESTClient().Post().
		Namespace(f.site.place.Namespace).Resource("pods").Name(pod).SubResource("portforward").URL()
	type result struct {
		link link
		err  error
	}
	done := make(chan result, 1)
	go func() {
		if f.site.opts.SPDYForPortForward {
			l, err := f.openSPDY(ctx, target)
			done <- result{l, err}
			return
		}
		l, err := f.openWebSocket(ctx, target)
		if isUpgradeFailure(err) {
			refusal := err
			l, err = f.openSPDY(ctx, target)
			err = overSPDY(err, refusal)
		}
		done <- result{l, err}
	}()
	select {
	case r := <-done:
		return r.link, f.refused(r.err, pod, "portforward")
	case <-ctx.Done():
		go func() { // a handshake that ends after all is not wanted any more
			if r := <-done; r.err == nil {
				_ = r.link.Close() // nobody is left to hear of it
			}
		}()
		return link{}, fmt.Errorf("open a port-forward to pod %s: %w", pod, context.Cause(ctx))
	}
}

// openWebSocket tunnels SPDY through a WebSocket.
func (f *forwarder) openWebSocket(ctx context.Context, target *url.URL) (link, error) {
	transport, holder, err := websocket.RoundTripperFor(f.site.api.config)
	if err != nil {
		return link{}, fmt.Errorf("prepare a WebSocket: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return link{}, fmt.Errorf("prepare a WebSocket: %w", err)
	}
	socket, err := websocket.Negotiate(transport, holder, request, constants.WebsocketsSPDYTunnelingPortForwardV1)
	if err != nil {
		return link{}, err
	}
	tunnel := portforward.NewTunnelingConnectionWithLogger(klog.FromContext(ctx), socket)
	connection, err := streamspdy.NewClientConnectionWithPings(tunnel, portforward.PingPeriod)
	if err != nil {
		return link{}, fmt.Errorf("begin SPDY over the WebSocket: %w", err)
	}
	return link{Connection: connection, cut: tunnel.Close}, nil
}

// openSPDY upgrades to SPDY directly.
func (f *forwarder) openSPDY(ctx context.Context, target *url.URL) (link, error) {
	transport, upgrader, err := spdy.RoundTripperFor(f.site.api.config)
	if err != nil {
		return link{}, fmt.Errorf("prepare SPDY: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), http.NoBody)
	if err != nil {
		return link{}, fmt.Errorf("prepare SPDY: %w", err)
	}
	connection, _, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: transport}, request, constants.PortForwardV1Name)
	if err != nil {
		return link{}, err
	}
	return link{Connection: connection}, nil
}
