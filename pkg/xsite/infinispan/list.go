package infinispan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"
)

// Keys streams the keys of a cache, each once, in no order. Each is given to visit as canonical JSON, a plain string as
// "x"; the bytes are only valid until visit returns. An error of visit ends the listing and is returned as it is.
//
// Memory does not grow with the cache. A listing that breaks off is a TruncatedError, what was visited until then proves
// nothing. Where keys are protobuf messages the server drops the connection instead (V40), and 14.0.28 never answers:
// that is ErrNotListable, found by asking twice, or waiting for CallTimeout, and by the node's answering other calls in
// between. Entries lists such a cache.
func (c *Client) Keys(ctx context.Context, cache string, visit func(canonical []byte) error) error {
	var k canonicalizer
	var key []byte
	return c.list(ctx, cache, "action=keys", func(raw []byte) error {
		var err error
		if key, err = k.appendKey(key[:0], raw); err != nil {
			return &elementError{what: "a key is no JSON value"}
		}
		return visit(key)
	})
}

// Entries streams the entries of a cache as Keys streams its keys. A plain string as key or value is "x" in both, so
// that the keys of the two listings are equal.
func (c *Client) Entries(ctx context.Context, cache string, visit func(key, value []byte) error) error {
	var k canonicalizer
	var key, value []byte
	var w struct {
		Key   json.RawMessage `json:"key"`
		Value json.RawMessage `json:"value"`
	}
	return c.list(ctx, cache, "action=entries", func(raw []byte) error {
		w.Key, w.Value = w.Key[:0], w.Value[:0]
		if err := json.Unmarshal(raw, &w); err != nil || len(w.Key) == 0 || len(w.Value) == 0 {
			return &elementError{what: "an entry without key or value"}
		}
		var err error
		if key, err = k.appendKey(key[:0], w.Key); err != nil {
			return &elementError{what: "a key is no JSON value"}
		}
		if value, err = k.appendKey(value[:0], w.Value); err != nil {
			return &elementError{what: "a value is no JSON value"}
		}
		return visit(key, value)
	})
}

// Entry is one entry with its metadata.
type Entry struct {
	// Key and Value are canonical JSON, as Entries gives them.
	Key, Value []byte
	// Lifespan is the time from creation to expiry; negative for none.
	Lifespan time.Duration
	// MaxIdle is the time without access until expiry; negative for none.
	MaxIdle time.Duration
}

// Lasting reports whether the entry never expires by itself.
func (e Entry) Lasting() bool {
	return e.Lifespan < 0 && e.MaxIdle < 0
}

// EntriesWithMetadata streams at most limit entries with their lifespans; a limit of 0 or less means all. It is meant
// for samples, such as lasting entries that must still be there later. Otherwise it is Entries.
func (c *Client) EntriesWithMetadata(ctx context.Context, cache string, limit int, visit func(Entry) error) error {
	query := "action=entries&metadata=true"
	if limit > 0 {
		query += fmt.Sprintf("&limit=%d", limit)
	}
	var k canonicalizer
	var e Entry
	return c.list(ctx, cache, query, func(raw []byte) error {
		var w struct {
			Key      json.RawMessage `json:"key"`
			Value    json.RawMessage `json:"value"`
			Lifespan *int64          `json:"timeToLiveSeconds"`
			MaxIdle  *int64          `json:"maxIdleTimeSeconds"`
		}
		if err := json.Unmarshal(raw, &w); err != nil || len(w.Key) == 0 || len(w.Value) == 0 || w.Lifespan == nil || w.MaxIdle == nil {
			return &elementError{what: "an entry without key, value or metadata"}
		}
		var err error
		if e.Key, err = k.appendKey(e.Key[:0], w.Key); err != nil {
			return &elementError{what: "a key is no JSON value"}
		}
		if e.Value, err = k.appendKey(e.Value[:0], w.Value); err != nil {
			return &elementError{what: "a value is no JSON value"}
		}
		e.Lifespan = seconds(*w.Lifespan)
		e.MaxIdle = seconds(*w.MaxIdle)
		return visit(e)
	})
}

// seconds is a time of so many seconds, or the longest there is: one that is too long must not become none. Less than 0 is none.
func seconds(n int64) time.Duration {
	return time.Duration(min(max(n, -1), math.MaxInt64/int64(time.Second))) * time.Second
}

// elementError is an element of a listing that is not understood. It does not show the element.
type elementError struct {
	what string
}

func (e *elementError) Error() string { return e.what }

// list streams a listing and tells a cache that cannot be listed from a node that cannot be reached.
func (c *Client) list(ctx context.Context, cache, query string, element func(raw []byte) error) error {
	p, err := cachePath(cache)
	if err != nil {
		return err
	}
	r := request{method: http.MethodGet, path: p, query: query, private: true}
	const attempts = 2 // a connection can drop once for reasons of its own
	for range attempts {
		start := time.Now()
		var a *answer
		a, err = c.listOnce(ctx, &r, element)
		c.record(&r, a, start, err)
		silent := unanswered(err) && ctx.Err() == nil
		if !silent && !dropped(err) {
			return err
		}
		if _, asked := c.Info(ctx); asked != nil {
			return err
		}
		if silent {
			break // the wait was long enough
		}
	}
	// Not wrapped: the node is reachable, whatever this one call says.
	return &CallError{Method: r.method, Path: r.shown(), Err: fmt.Errorf("%w, while it answers other calls (%s)", ErrNotListable, cause(err))}
}

// cause gives what happened to a call without naming the call again.
func cause(err error) string {
	var call *CallError
	if errors.As(err, &call) && call.Err != nil {
		return call.Err.Error()
	}
	return err.Error()
}

// unanswered reports whether a call got no answer at all in time: so 14.0.28 treats what later versions drop.
func unanswered(err error) bool {
	var call *CallError
	return errors.As(err, &call) && call.Status == 0 && errors.Is(err, ErrTimeout)
}

// dropped reports whether a connection was made and then closed without any answer.
func dropped(err error) bool {
	var call *CallError
	var dial *dialError
	return errors.As(err, &call) && call.Status == 0 && errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrWayLost) && !errors.As(err, &dial)
}
