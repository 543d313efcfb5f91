package infinispan

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// defaultCallTimeout is longer than what a SYNC push takes to fail against a frozen peer (V10: 4.5 s) and shorter
	// than anybody's patience.
	defaultCallTimeout = 30 * time.Second
	// defaultUserAgent is what a server's list of connections shows as client library (V62).
	defaultUserAgent = "kubectl-ispn-resync"
	// idleConnTimeout closes connections that a run no longer uses.
	idleConnTimeout = 90 * time.Second
	// idleConns are kept, more than a run makes calls to one server at once; a new one costs requests to the API server.
	idleConns = 8
	// tlsHandshakeTimeout bounds the handshake inside a call.
	tlsHandshakeTimeout = 15 * time.Second
)

// Options say how to reach one node.
type Options struct {
	// BaseURL is http://host:port or https://host:port, without user, path or query. The host is used for the Host
	// header, for the server name of TLS, and as the address given to DialContext.
	BaseURL *url.URL
	// DialContext makes the connection, for instance through a port-forward. Nil dials BaseURL's host directly. Its
	// errors stay recognisable by errors.Is and errors.As in the errors of every call.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is the configuration for https; nil means the system's roots. It is cloned.
	TLS *tls.Config
	// Credentials are used with the mechanism that the server asks for, and sent only once it has asked (V52).
	Credentials Credentials
	// CallTimeout bounds each call as a whole; for listings it bounds each wait for more data instead. 0 means 30 s.
	CallTimeout time.Duration
	// UserAgent is the User-Agent header; empty means "kubectl-ispn-resync".
	UserAgent string
	// Observe, where set, is told of every call after its end. It may be called from several goroutines at once.
	Observe func(CallRecord)
}

// CallRecord describes one finished call, for logs and figures.
type CallRecord struct {
	// Method is the HTTP method.
	Method string
	// Path is the escaped path with the query; a key in it is replaced by {key}, since keys are personal data.
	Path string
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Duration is the time from the start of the call to the end of the answer's body.
	Duration time.Duration
	// Err is what went wrong with the call itself or its HTTP status; nil otherwise.
	Err error
	// Sent are the headers that are particular to the call, Received those of the answer. Neither says anything of
	// credentials.
	Sent, Received http.Header
	// Body is the beginning of the answer; empty where that may hold personal data or passwords of stores.
	Body string
}

// Client is the REST client of one Infinispan node. It is safe for concurrent use. Its String never shows credentials.
type Client struct {
	base      url.URL
	calls     *http.Client
	listings  *http.Client
	timeout   time.Duration
	userAgent string
	creds     Credentials
	observe   func(CallRecord)

	mu        sync.Mutex
	container []string // path segments below /rest/v2, once the dialect is known
}

// New checks the options and makes a client. It does not connect.
func New(o Options) (*Client, error) {
	if err := checkBase(o.BaseURL); err != nil {
		return nil, err
	}
	dial := o.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	var tlsConfig *tls.Config
	if o.TLS != nil {
		tlsConfig = o.TLS.Clone()
	}
	// No proxy from the environment: the connection is made by DialContext and by nobody else.
	calls := &http.Transport{
		DialContext:         markDialErrors(dial),
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: tlsHandshakeTimeout,
		DisableCompression:  true,
		IdleConnTimeout:     idleConnTimeout,
		MaxIdleConnsPerHost: idleConns,
	}
	// A listing has a connection of its own. On one that was used before, the transport would silently repeat a request
	// that the server dropped (V40), and the server would refuse the repeated Digest answer: a false 401.
	listings := calls.Clone()
	listings.DisableKeepAlives = true
	c := &Client{
		base:      url.URL{Scheme: o.BaseURL.Scheme, Host: o.BaseURL.Host},
		timeout:   o.CallTimeout,
		userAgent: o.UserAgent,
		creds:     o.Credentials,
		observe:   o.Observe,
		calls:     newHTTPClient(calls, o.Credentials),
		listings:  newHTTPClient(listings, o.Credentials),
	}
	if c.timeout <= 0 {
		c.timeout = defaultCallTimeout
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	return c, nil
}

// Close closes idle connections. Calls after Close still work.
func (c *Client) Close() {
	c.calls.CloseIdleConnections()
	c.listings.CloseIdleConnections()
}

// String names the node's address.
func (c *Client) String() string {
	return "infinispan node at " + c.base.String()
}

// GoString is String: the fields of a client are nobody's business.
func (c *Client) GoString() string {
	return c.String()
}

// newHTTPClient makes a client that authenticates and follows no redirects.
func newHTTPClient(base http.RoundTripper, creds Credentials) *http.Client {
	return &http.Client{
		Transport:     &authenticator{base: base, creds: creds},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// checkBase refuses addresses that would carry a user, a path or a query into every call.
func checkBase(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("infinispan client: no base URL")
	case u.User != nil:
		return errors.New("infinispan client: the base URL must not carry a user; use Credentials")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("infinispan client: scheme %q of the base URL is neither http nor https", u.Scheme)
	case u.Host == "":
		return errors.New("infinispan client: the base URL has no host")
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return errors.New("infinispan client: the base URL must be scheme and host only")
	}
	return nil
}

// dialError marks an error of making the connection, so that it is told apart from a connection that was dropped.
type dialError struct {
	err error
}

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// markDialErrors wraps the errors of a dial function.
func markDialErrors(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, &dialError{err: err}
		}
		return conn, nil
	}
}
