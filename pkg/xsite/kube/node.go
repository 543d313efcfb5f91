package kube

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// node is the client of one pod's server with the way to it.
type node struct {
	client *infinispan.Client
	dialer dialer
}

// close gives back idle connections; those in use end with the reach.
func (n *node) close() { n.client.Close() }

// Node gives the REST client of the server in that very pod. It connects when it is first called and again whenever the
// connection dropped; a pod that is gone, or is another one under the same name, makes its calls fail with an error that
// wraps xsite.ErrPodGone. The same pod always gets the same client.
func (s *Site) Node(_ context.Context, pod xsite.Pod) (xsite.Node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("connect to pod %s: %w", pod.Name, net.ErrClosed)
	}
	if n, ok := s.nodes[pod.UID]; ok {
		return n.client, nil
	}
	dialer := s.newDialer(pod)
	port := s.door.port
	client, err := infinispan.New(infinispan.Options{
		// The pod's name, so that errors and logs name it; the dialer goes nowhere else.
		BaseURL: &url.URL{Scheme: s.door.scheme, Host: net.JoinHostPort(pod.Name, strconv.Itoa(port))},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.dial(ctx, port)
		},
		TLS:         s.door.tls,
		Credentials: s.door.credentials,
		UserAgent:   s.opts.UserAgent,
		Observe:     s.opts.ObserveCall,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare a client for pod %s: %w", pod.Name, err)
	}
	s.nodes[pod.UID] = &node{client: client, dialer: dialer}
	return client, nil
}
