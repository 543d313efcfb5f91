package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
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
			return nil, d.broke("dial", port, &ForwardError{Pod: d.pod.Name, Port: port, Message: text})
		}
		return nil, err
	}
	near, far := net.Pipe()
	c := &podConn{Conn: near, dialer: d, session: s, port: port}
	go c.send(data, far)
	go c.receive(far, data, complaints, message)
	return c, nil
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

// podConn is one connection to a port of a pod. Deadlines are those of a net.Pipe, whose near end it is.
type podConn struct {
	net.Conn

	dialer  *podDialer
	session *session
	port    int

	mu       sync.Mutex
	received bool  // whether anything came back
	cause    error // why it ended, when that is more than an end
}

// podAddr is the address of a port in a pod.
type podAddr string

// Network is the name of the way.
func (podAddr) Network() string { return "port-forward" }

// String is POD:PORT.
func (a podAddr) String() string { return string(a) }

// RemoteAddr gives POD:PORT.
func (c *podConn) RemoteAddr() net.Addr {
	return c.dialer.address(c.port)
}

// Read reads from the pod. The end of a connection that broke is its cause, never io.EOF (V42).
func (c *podConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.because(err)
}

// Write writes to the pod.
func (c *podConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.because(err)
}

// because replaces the pipe's word for "the far end is closed" by the cause.
func (c *podConn) because(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	return err
}

// send copies to the pod until the near end is closed, which ends the connection in both directions.
func (c *podConn) send(data httpstream.Stream, far net.Conn) {
	_, err := io.CopyBuffer(writerOnly{data}, readerOnly{far}, make([]byte, copyBuffer))
	if err == nil { // the near end was closed
		c.session.drop(data)
	}
}

// receive copies from the pod until either side ends, finds out why, and cleans up.
func (c *podConn) receive(far net.Conn, data, complaints httpstream.Stream, message <-chan string) {
	_, err := io.CopyBuffer(writerOnly{far}, readerOnly{&noting{data, c}}, make([]byte, copyBuffer))
	lost := c.session.broken()
	c.session.drop(data)
	var text string
	if err == nil { // the far end ended it; it may say why
		text = await(message)
	}
	c.session.drop(complaints)
	if cause := c.explain(text, lost); cause != nil {
		c.mu.Lock()
		c.cause = cause
		c.mu.Unlock()
	}
	_ = far.Close() // a pipe's Close does not fail
	c.session.release()
}

// explain makes an error of how the far end ended the connection, nil when it ended it without complaint.
func (c *podConn) explain(message string, lost bool) error {
	var cause error
	op := "read"
	switch {
	case message != "":
		cause = &ForwardError{Pod: c.dialer.pod.Name, Port: c.port, Message: message}
		c.mu.Lock()
		if !c.received && neverConnected(message) {
			op = "dial"
		}
		c.mu.Unlock()
	case lost:
		cause = &LostError{Pod: c.dialer.pod.Name}
	default:
		return nil
	}
	return c.dialer.broke(op, c.port, cause)
}

// broke gives the error of a connection that broke, after a look at why: the pod may be gone.
func (d *podDialer) broke(op string, port int, cause error) error {
	ctx, cancel := context.WithTimeout(d.forwarder.life, dialTimeout)
	defer cancel()
	if gone := d.forwarder.check(ctx, d.pod); errors.Is(gone, xsite.ErrPodGone) {
		cause = fmt.Errorf("%w: %w", cause, gone)
	}
	return &net.OpError{Op: op, Net: podAddr("").Network(), Addr: d.address(port), Err: cause}
}

// address is how a port of the pod is called.
func (d *podDialer) address(port int) podAddr {
	return podAddr(net.JoinHostPort(d.pod.Name, strconv.Itoa(port)))
}

// neverConnected reports whether a container runtime's message says that the pod's port was not reached at all. The
// runtimes have words of their own; these are in those of containerd and CRI-O (socat).
func neverConnected(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "connection refused") || strings.Contains(message, "failed to connect to")
}

// noting remembers that something was received.
type noting struct {
	io.Reader

	conn *podConn
}

// Read reads and remembers.
func (r *noting) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.conn.mu.Lock()
		r.conn.received = true
		r.conn.mu.Unlock()
	}
	return n, err
}

// writerOnly and readerOnly hide other methods, so that a copy uses its buffer.
type (
	writerOnly struct{ io.Writer }
	readerOnly struct{ io.Reader }
)
