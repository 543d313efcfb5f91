package kube

import (
	"errors"
	"io"
	"net"
	"sync"
)

// podConn is one connection to a port of a pod, whatever the way. Deadlines are those of a net.Pipe, whose near end it is.
type podConn struct {
	net.Conn

	remote podAddr

	mu       sync.Mutex
	received bool  // whether anything came back
	cause    error // why it ended, when that is more than an end
}

// newPodConn makes a connection of the near end of a pipe.
func newPodConn(near net.Conn, remote podAddr) *podConn {
	return &podConn{Conn: near, remote: remote}
}

// RemoteAddr gives POD:PORT.
func (c *podConn) RemoteAddr() net.Addr { return c.remote }

// Read reads from the pod. The end of a connection that broke is its cause, never io.EOF (V42).
func (c *podConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.explained(err)
}

// Write writes to the pod.
func (c *podConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.explained(err)
}

// because records why the connection ended, before its far end is closed; nil for an end without complaint.
func (c *podConn) because(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cause = cause
}

// explained replaces the pipe's word for "the far end is closed" by the cause.
func (c *podConn) explained(err error) error {
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

// gotBytes reports whether anything was received.
func (c *podConn) gotBytes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
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
