package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// doors are the ways into a node: connections in memory, and a socket on loopback for who asks for one. They are opened
// and shut with the world's lock held and used without it.
type doors struct {
	node *Node

	mu     sync.Mutex
	server *http.Server
	inside *pipes
	socket net.Listener
}

// open makes a server for a node that starts.
func (d *doors) open(h http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside = &pipes{calls: make(chan net.Conn), shut: make(chan struct{})}
	d.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Hour, ConnContext: d.named}
	go serve(d.server, d.inside)
}

// serve serves until the listener is closed, which is the only end there is.
func serve(server *http.Server, l net.Listener) {
	_ = server.Serve(l)
}

// adminPort is the port of the operator's endpoint; every other port is that of the world's own kind.
const adminPort = "11223"

// adminConn is a connection to the operator's endpoint.
type adminConn struct{ net.Conn }

// endpointKey is the key of a request's endpoint in its context.
type endpointKey struct{}

// named lets a handler know the endpoint that its request came to.
func (d *doors) named(ctx context.Context, c net.Conn) context.Context {
	endpoint := d.node.site.world.o.Endpoint
	if _, is := c.(adminConn); is {
		endpoint = AdminEndpoint
	}
	return context.WithValue(ctx, endpointKey{}, endpoint)
}

// shut closes the server with all its connections.
func (d *doors) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return
	}
	_ = d.server.Close() // what it cannot close is closed
	d.server, d.inside, d.socket = nil, nil, nil
}

// URL is the address of the node on loopback, such as http://127.0.0.1:41234; empty while it is down. It begins to listen
// when it is first asked for, and anew after a restart. In a bubble of synctest use DialContext.
func (n *Node) URL(ctx context.Context) (string, error) {
	d := &n.doors
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return "", fmt.Errorf("node %d of %s is down: %w", n.index, n.site.name, syscall.ECONNREFUSED)
	}
	if d.socket == nil {
		var err error
		if d.socket, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return "", fmt.Errorf("listen on loopback: %w", err)
		}
		go serve(d.server, d.socket)
	}
	return "http://" + d.socket.Addr().String(), nil
}

// DialContext makes a connection to the node in memory, whatever the host; port 11223 is the operator's endpoint. It is
// what a client in a bubble uses.
func (n *Node) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	n.doors.mu.Lock()
	inside := n.doors.inside
	n.doors.mu.Unlock()
	if inside == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	_, port, _ := net.SplitHostPort(address)
	return inside.dial(ctx, port == adminPort)
}

// Address is a URL for clients that use DialContext.
func (n *Node) Address() *url.URL {
	return &url.URL{Scheme: "http", Host: fmt.Sprintf("%s-%d.sim:11222", n.site.name, n.index)}
}

// Client makes a client of the node as Admin, over DialContext. Changes are applied to its options.
func (n *Node) Client(changes ...func(*infinispan.Options)) (*infinispan.Client, error) {
	o := infinispan.Options{
		BaseURL: n.Address(), DialContext: n.DialContext,
		Credentials: infinispan.Credentials{Username: Admin().Name, Password: infinispan.NewSecret(Admin().Password)},
	}
	for _, change := range changes {
		change(&o)
	}
	return infinispan.New(o)
}

// pipes is a listener of connections in memory.
type pipes struct {
	calls chan net.Conn
	shut  chan struct{}
	once  sync.Once
}

var errShut = errors.New("the node is down")

func (p *pipes) dial(ctx context.Context, admin bool) (net.Conn, error) {
	here, there := net.Pipe()
	if admin {
		there = adminConn{there}
	}
	select {
	case p.calls <- there:
		return here, nil
	case <-p.shut:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept waits for a dial.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.shut:
		return nil, errShut
	}
}

// Close refuses further dials.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.shut) })
	return nil
}

// Addr is an address on loopback, since a node's answers tell one.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 11222} }
