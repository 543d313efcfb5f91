package infinispan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// elementLimit bounds one element of a listing, and so the memory of a listing.
const elementLimit = 64 << 20

var (
	errIdle  = errors.New("no more data came")
	errLarge = errors.New("an element that is too large to be one")
)

// listOnce makes one listing call and hands every element of the array to element. The answer it returns, for the
// record, has a status only.
func (c *Client) listOnce(ctx context.Context, r *request, element func(raw []byte) error) (*answer, error) {
	callCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(c.timeout, func() { cancel(errIdle) })
	defer idle.Stop()
	res, err := c.send(callCtx, c.listings, r)
	if err != nil {
		return nil, c.failed(ctx, callCtx, r, err)
	}
	defer func() { _ = res.Body.Close() }()
	a := &answer{status: res.StatusCode, req: r, client: c}
	if res.StatusCode != http.StatusOK {
		if a.body, err = io.ReadAll(io.LimitReader(res.Body, bodyLimit)); err != nil {
			return nil, c.failed(ctx, callCtx, r, err)
		}
		err := a.check()
		if err == nil {
			err = a.unexpected("a status other than 200")
		}
		return a, err
	}
	s := &stream{
		body:  &idleReader{body: res.Body, idle: idle, timeout: c.timeout},
		limit: elementLimit,
		wrap: func(n int64, err error) error {
			failed := c.failed(ctx, callCtx, r, err)
			if ctx.Err() != nil {
				return failed
			}
			return &TruncatedError{Method: r.method, Path: r.shown(), Elements: n, Err: failed.Err}
		},
		unexpected: func(what string) error { return a.unexpected(what) },
	}
	return a, s.run(element)
}

// idleReader runs the idle timer only while it waits for data, so that a slow visitor does not count.
type idleReader struct {
	body    io.Reader
	idle    *time.Timer
	timeout time.Duration
}

func (i *idleReader) Read(p []byte) (int, error) {
	i.idle.Reset(i.timeout)
	n, err := i.body.Read(p)
	i.idle.Stop()
	return n, err
}

// stream reads one JSON array element by element.
type stream struct {
	body io.Reader
	// limit bounds one element; left is what may still be read before the current one ends.
	limit    int64
	left     int64
	elements int64
	// wrap makes the error of a stream that broke off, unexpected that of one that is not what it should be.
	wrap       func(elements int64, err error) error
	unexpected func(what string) error
}

// Read bounds what is read for one element.
func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errLarge
	}
	n, err := s.body.Read(p)
	s.left -= int64(n)
	return n, err
}

// run reads the array from '[' to ']' and to the end of the body: only then is it whole (V42).
func (s *stream) run(element func(raw []byte) error) error {
	s.left = s.limit
	dec := json.NewDecoder(s)
	open, err := dec.Token()
	if err != nil {
		return s.broken(err)
	}
	if open != json.Delim('[') {
		return s.unexpected("no JSON array")
	}
	var raw json.RawMessage
	for dec.More() {
		if err := dec.Decode(&raw); err != nil {
			return s.broken(err)
		}
		s.left = s.limit
		if err := element(raw); err != nil {
			if bad, ok := errors.AsType[*elementError](err); ok {
				return s.unexpected(bad.what)
			}
			return err
		}
		s.elements++
	}
	if _, err := dec.Token(); err != nil {
		return s.broken(err)
	}
	_, err = dec.Token()
	if err == nil {
		return s.unexpected("more after the end of the array")
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return s.broken(err)
}

// broken tells a stream that ended early from one that is not JSON. The text of a syntax error is not kept: it may show
// a piece of personal data.
func (s *stream) broken(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return s.unexpected(fmt.Sprintf("not JSON at byte %d", syntax.Offset))
	case errors.Is(err, errLarge):
		return s.unexpected(err.Error())
	case errors.Is(err, io.EOF):
		return s.wrap(s.elements, io.ErrUnexpectedEOF)
	}
	return s.wrap(s.elements, err)
}
