package kube

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// Transport is a way to the REST port of a pod.
type Transport string

// The ways.
const (
	// PortForward is the port-forward subresource of the pod.
	PortForward Transport = "port-forward"
	// Exec is a byte tunnel through a command in the server's container, for users who may exec and not port-forward.
	Exec Transport = "exec"
)

// Transports lists them, the one that is taken where both are allowed first.
func Transports() []Transport { return []Transport{PortForward, Exec} }

// flagTransport is the flag that chooses.
const flagTransport = "--transport"

// permission is what the way takes.
func (t Transport) permission() permission {
	p := permission{verb: "create", resource: "pods", subresource: "portforward", why: "to reach the REST endpoint of each server"}
	if t == Exec {
		p.subresource = "exec"
	}
	return p
}

// chooseTransport takes the way that was named, else the first that the API server allows this user. When it allows none
// the first is kept, and Access says what lacks.
func (s *Site) chooseTransport(ctx context.Context) error {
	if way := s.opts.Transport; way != "" {
		if !slices.Contains(Transports(), way) {
			return &RefError{Flag: flagTransport, Value: string(way), Problem: fmt.Sprintf("use one of %q", Transports())}
		}
		s.transport = way
		return nil
	}
	s.transport = PortForward
	for _, way := range Transports() {
		asked := way.permission()
		asked.namespace = s.place.Namespace
		answer, err := s.allowed(ctx, asked)
		if err != nil {
			return err
		}
		if !answer.Allowed {
			continue
		}
		if way != PortForward {
			s.opts.Note(fmt.Sprintf("Infinispan is reached through %s (%s), since this user may not create %s in namespace %s",
				way, asked.named(), PortForward.permission().named(), s.place.Namespace))
		}
		s.transport = way
		break
	}
	return nil
}

// dialer makes connections into one pod.
type dialer interface {
	dial(ctx context.Context, port int) (net.Conn, error)
}

// newDialer makes the dialer of a pod for the way that was chosen.
func (s *Site) newDialer(pod xsite.Pod) dialer {
	if s.transport == Exec {
		return &execDialer{reach: s.forward.reach, pod: pod}
	}
	return newPodDialer(s.forward, pod)
}
