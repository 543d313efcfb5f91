package kube

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
)

const (
	// messageGrace is how long the end of a connection waits for the far end's explanation of it.
	messageGrace = 2 * time.Second
	// messageLimit is how many bytes of such an explanation are read.
	messageLimit = 4 << 10
	// copyBuffer is the memory for each direction of a connection.
	copyBuffer = 32 << 10
)

// session is one port-forward connection, shared by the connections to the ports of one pod.
type session struct {
	forwarder *forwarder
	link      link
	closing   sync.Once

	mu      sync.Mutex
	active  int
	retired bool
}

// newSession keeps the link until it is closed. A forwarder that was closed meanwhile closes it at once.
func newSession(f *forwarder, l link) *session {
	s := &session{forwarder: f, link: l}
	f.mu.Lock()
	f.sessions[s] = struct{}{}
	f.mu.Unlock()
	if f.life.Err() != nil {
		s.close()
	}
	return s
}

// usable reports whether new connections can be made.
func (s *session) usable() bool {
	s.mu.Lock()
	retired := s.retired
	s.mu.Unlock()
	return !retired && !s.broken()
}

// broken reports whether the link has ended.
func (s *session) broken() bool {
	select {
	case <-s.link.CloseChan():
		return true
	default:
		return false
	}
}

// retire closes the session once it has no connection.
func (s *session) retire() {
	s.mu.Lock()
	s.retired = true
	idle := s.active == 0
	s.mu.Unlock()
	if idle {
		s.close()
	}
}

// release counts a connection out.
func (s *session) release() {
	s.mu.Lock()
	s.active--
	last := s.active == 0 && s.retired
	s.mu.Unlock()
	if last {
		s.close()
	}
}

// close ends the link with all connections over it.
func (s *session) close() {
	s.closing.Do(func() {
		s.forwarder.mu.Lock()
		delete(s.forwarder.sessions, s)
		s.forwarder.mu.Unlock()
		if s.link.cut != nil {
			_ = s.link.cut() // first, so that the farewell below cannot wait for a peer that does not read
		}
		_ = s.link.Close() // ending is all that is asked; there is nothing to lose in it
	})
}

// connect makes one connection to a port: an error stream and a data stream with the same request id.
func (s *session) connect(ctx context.Context, d *podDialer, port, id int) (net.Conn, error) {
	s.mu.Lock()
	s.active++
	s.mu.Unlock()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(id))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	complaints, err := s.stream(ctx, headers)
	if err != nil {
		s.release()
		return nil, err
	}
	_ = complaints.Close() // nothing is written to it; when that cannot be said the data stream fails too
	message := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(io.LimitReader(complaints, messageLimit)) // what was read before it broke is what there is
		message <- string(text)
	}()
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := s.stream(ctx, headers)
	if err != nil { // a port that refuses may be faster than the acknowledgement of the stream
		text := ""
		if ctx.Err() == nil && !s.broken() {
			text = await(message)
		}
		s.drop(complaints)
		s.release()
		if text != "" {
			return nil, d.forwarder.broke("dial", d.address(port), d.pod, &ForwardError{Pod: d.pod.Name, Port: port, Message: text})
		}
		return nil, err
	}
	near, far := net.Pipe()
	c := &forwarding{podConn: newPodConn(near, d.address(port)), dialer: d, session: s}
	go c.send(data, far)
	go c.receive(far, data, complaints, message)
	return c.podConn, nil
}

// await gives the far end's explanation, or nothing if it does not come in time.
func await(message <-chan string) string {
	timer := time.NewTimer(messageGrace)
	defer timer.Stop()
	select {
	case text := <-message:
		return text
	case <-timer.C:
		return ""
	}
}

// stream creates one stream. The library's own wait knows no context and ends after 30 s only.
func (s *session) stream(ctx context.Context, headers http.Header) (httpstream.Stream, error) {
	type result struct {
		stream httpstream.Stream
		err    error
	}
	done := make(chan result, 1)
	headers = headers.Clone()
	go func() {
		stream, err := s.link.CreateStream(headers)
		done <- result{stream, err}
	}()
	late := func() {
		if r := <-done; r.err == nil {
			s.drop(r.stream)
		}
	}
	select {
	case r := <-done:
		return r.stream, r.err
	case <-s.link.CloseChan():
		go late()
		return nil, net.ErrClosed
	case <-ctx.Done():
		go late()
		return nil, context.Cause(ctx)
	}
}

// drop ends a stream in both directions.
func (s *session) drop(stream httpstream.Stream) {
	_ = stream.Reset() // the other side may be gone, which is as good
	s.link.RemoveStreams(stream)
}

// forwarding is one connection over a session.
type forwarding struct {
	*podConn

	dialer  *podDialer
	session *session
}

// send copies to the pod until the near end is closed, which ends the connection in both directions.
func (c *forwarding) send(data httpstream.Stream, far net.Conn) {
	_, err := io.CopyBuffer(writerOnly{data}, readerOnly{far}, make([]byte, copyBuffer))
	if err == nil { // the near end was closed
		c.session.drop(data)
	}
}

// receive copies from the pod until either side ends, finds out why, and cleans up.
func (c *forwarding) receive(far net.Conn, data, complaints httpstream.Stream, message <-chan string) {
	_, err := io.CopyBuffer(writerOnly{far}, readerOnly{&noting{data, c.podConn}}, make([]byte, copyBuffer))
	lost := c.session.broken()
	c.session.drop(data)
	var text string
	if err == nil { // the far end ended it; it may say why
		text = await(message)
	}
	c.session.drop(complaints)
	c.because(c.explain(text, lost))
	_ = far.Close() // a pipe's Close does not fail
	c.session.release()
}

// explain makes an error of how the far end ended the connection, nil when it ended it without complaint.
func (c *forwarding) explain(message string, lost bool) error {
	var cause error
	op := "read"
	switch {
	case message != "":
		cause = &ForwardError{Pod: c.remote.pod, Port: c.remote.port, Message: message}
		if !c.gotBytes() && neverConnected(message) {
			op = "dial"
		}
	case lost:
		cause = &LostError{Pod: c.remote.pod, Way: PortForward}
	default:
		return nil
	}
	return c.dialer.forwarder.broke(op, c.remote, c.dialer.pod, cause)
}

// address is how a port of the pod is called.
func (d *podDialer) address(port int) podAddr {
	return podAddr{way: PortForward, pod: d.pod.Name, port: port}
}

// neverConnected reports whether a container runtime's message says that the pod's port was not reached at all. The
// runtimes have words of their own; these are in those of containerd and CRI-O (socat).
func neverConnected(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "connection refused") || strings.Contains(message, "failed to connect to")
}
