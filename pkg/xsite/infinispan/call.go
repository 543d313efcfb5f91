package infinispan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bodyLimit bounds the answers that are read whole. Listings are streamed and have no such bound.
const bodyLimit = 8 << 20

// request is one call before it is sent.
type request struct {
	method string
	path   path
	query  string
	// header holds what is particular to the call.
	header http.Header
	body   []byte
	// private marks calls whose answers are no text for an error message: personal data, or configurations with the
	// passwords of stores.
	private bool
}

// shown is the path and query as errors and records name them.
func (r *request) shown() string {
	if r.query == "" {
		return r.path.shown
	}
	return r.path.shown + "?" + r.query
}

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
	req    *request
	client *Client
}

// do makes one call, bounded by the call timeout, and reads its answer whole. Statuses of 400 and above and redirects
// are errors; 304 is not a redirect.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	start := time.Now()
	a, err := c.exchange(ctx, &r)
	c.record(&r, a, start, err)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// record tells the observer of a finished call.
func (c *Client) record(r *request, a *answer, start time.Time, err error) {
	if c.observe == nil {
		return
	}
	record := CallRecord{Method: r.method, Path: r.shown(), Duration: time.Since(start), Err: err, Sent: r.header}
	var callErr *CallError
	switch {
	case a != nil:
		record.Status, record.Received = a.status, withoutCredentials(a.header)
		if !r.private {
			record.Body = c.redact(string(a.body))
		}
	case errors.As(err, &callErr):
		record.Status = callErr.Status
		if !r.private {
			record.Body = callErr.Body
		}
	}
	c.observe(record)
}

// withoutCredentials leaves out the headers by which a server asks for credentials, or speaks of them.
func withoutCredentials(header http.Header) http.Header {
	header = header.Clone()
	for _, name := range []string{"Www-Authenticate", "Authentication-Info", "Set-Cookie"} {
		header.Del(name)
	}
	return header
}

// exchange is do without the observer.
//
// A call that changes something is not taken back once it is on its way: the server would go on with it, and whatever is
// done next would meet it half-way (V66). It is bounded by the call timeout only.
func (c *Client) exchange(ctx context.Context, r *request) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.failed(ctx, ctx, r, err)
	}
	if r.method != http.MethodGet && r.method != http.MethodHead {
		ctx = context.WithoutCancel(ctx)
	}
	callCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	res, err := c.send(callCtx, c.calls, r)
	if err != nil {
		return nil, c.failed(ctx, callCtx, r, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit+1))
	if err != nil {
		return nil, c.failed(ctx, callCtx, r, err)
	}
	a := &answer{status: res.StatusCode, header: res.Header, body: body, req: r, client: c}
	if len(body) > bodyLimit {
		return nil, a.unexpected(fmt.Sprintf("a body of more than %d bytes", bodyLimit))
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return a, nil
}

// send builds the HTTP request and sends it over one of the client's two transports.
func (c *Client) send(ctx context.Context, with *http.Client, r *request) (*http.Response, error) {
	target := url.URL{
		Scheme: c.base.Scheme, Host: c.base.Host,
		Path: r.path.plain, RawPath: r.path.escaped, RawQuery: r.query,
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	maps.Copy(req.Header, r.header)
	return with.Do(req)
}

// failed turns an error of making a call into a CallError that says which kind it is.
func (c *Client) failed(ctx, callCtx context.Context, r *request, err error) *CallError {
	// url.Error repeats the URL, which may hold a key; what it wraps says the rest.
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err
	}
	call := &CallError{Method: r.method, Path: r.shown()}
	var netErr net.Error
	switch {
	case errors.Is(err, ErrMechanism):
		call.Err = err
	case errors.Is(ctx.Err(), context.Canceled):
		call.Err = fmt.Errorf("the call was stopped: %w", context.Cause(ctx))
	case ctx.Err() != nil:
		call.Err = fmt.Errorf("%w: %w", ErrTimeout, context.Cause(ctx))
	case callCtx.Err() != nil:
		call.Err = fmt.Errorf("%w (%s)", ErrTimeout, c.timeout)
	case errors.As(err, &netErr) && netErr.Timeout():
		call.Err = fmt.Errorf("%w: %w", ErrTimeout, err)
	default:
		call.Err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return call
}

// check makes an error of an error status or a redirect.
func (a *answer) check() error {
	if a.status >= http.StatusOK && a.status < http.StatusMultipleChoices || a.status == http.StatusNotModified {
		return nil
	}
	text := string(a.body)
	call := &CallError{Method: a.req.method, Path: a.req.shown(), Status: a.status, Body: a.client.redact(text)}
	switch {
	case a.status < http.StatusOK:
		return a.unexpected("an informational status")
	case a.status < http.StatusBadRequest:
		call.Err = ErrRedirect
	case a.status == http.StatusUnauthorized:
		call.Err = ErrUnauthorized
	case a.status == http.StatusForbidden && strings.Contains(text, mechanismRefused):
		call.Err = ErrMechanism
	case a.status == http.StatusForbidden:
		call.Err = ErrForbidden
	case a.status == http.StatusNotFound && strings.Contains(text, "does not have backup sites"),
		a.status == http.StatusNotFound && strings.Contains(text, "does not backup to site"):
		call.Err = ErrNoBackup
	case a.status == http.StatusNotFound && strings.TrimSpace(text) == "Resource not found":
		call.Err = ErrUnsupported
	case a.status == http.StatusNotFound:
		call.Err = ErrNotFound
	}
	return call
}

// redact removes the credentials from a text of the server and shortens it.
func (c *Client) redact(text string) string {
	if password := c.creds.Password.Reveal(); password != "" {
		text = strings.ReplaceAll(text, password, redacted)
		text = strings.ReplaceAll(text, basicToken(c.creds), redacted)
	}
	return shorten(text)
}

// unexpected makes the error for an answer that is not understood.
func (a *answer) unexpected(what string) *UnexpectedAnswerError {
	e := &UnexpectedAnswerError{Method: a.req.method, Path: a.req.shown(), Status: a.status, What: what}
	if !a.req.private {
		e.Body = a.client.redact(string(a.body))
	}
	return e
}

// decode reads the body as one JSON value.
func (a *answer) decode(into any) error {
	if a.status != http.StatusOK {
		return a.unexpected("a status other than 200")
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		if a.req.private {
			return a.unexpected("not the JSON it should be")
		}
		return a.unexpected("not the JSON it should be: " + err.Error())
	}
	return nil
}

// done checks the answer of a call that has nothing to tell: 200 or 204 without a body.
func (a *answer) done() error {
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		return a.unexpected("neither status 200 nor 204")
	}
	if len(bytes.TrimSpace(a.body)) != 0 {
		return a.unexpected("a text where none is expected")
	}
	return nil
}
