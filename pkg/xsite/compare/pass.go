package compare

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// errLimit ends a pass that is larger than Options.ByteLimit.
var errLimit = errors.New("more bytes than the limit")

// side is one site's part of a comparison.
type side struct {
	role   Side
	lister Lister
	cache  string
}

// visitor is told of every entry of one site in one pass, in one goroutine. The key is valid only during the call.
type visitor func(p fingerprint, key []byte)

// pass streams both sites at the same time, each to its own visitor, and returns their numbers of entries.
func (c *comparison) pass(ctx context.Context, primary, secondary visitor) error {
	var passed atomic.Int64
	c.primaryEntries, c.secondaryEntries = 0, 0
	c.passes++
	err := both(ctx, c.primary, c.secondary, func(ctx context.Context, s *side) error {
		visit, entries := primary, &c.primaryEntries
		if s.role == Secondary {
			visit, entries = secondary, &c.secondaryEntries
		}
		hasher := newFingerprinter(c.seed)
		see := func(key, value []byte) error {
			n := passed.Add(int64(len(key) + len(value)))
			if limit := c.options.ByteLimit; limit > 0 && n > limit {
				return errLimit
			}
			if c.way != WayEntries {
				value = nil
			}
			*entries++
			visit(hasher.of(key, value), key)
			return nil
		}
		if c.way == WayKeys {
			return s.lister.Keys(ctx, s.cache, func(key []byte) error { return see(key, nil) })
		}
		return s.lister.Entries(ctx, s.cache, see)
	})
	c.bytes += passed.Load()
	return err
}

// both does something for both sides at the same time. The first failure stops the other side; an error says which side
// it is of, and one that only follows from the stop is not reported.
func both(ctx context.Context, primary, secondary *side, do func(context.Context, *side) error) error {
	shared, cancel := context.WithCancel(ctx)
	defer cancel()
	sides := [2]*side{primary, secondary}
	var errs [2]error
	var wg sync.WaitGroup
	for i, s := range sides {
		wg.Go(func() {
			if err := do(shared, s); err != nil {
				errs[i] = &SideError{Side: s.role, Cache: s.cache, Err: err}
				cancel()
			}
		})
	}
	wg.Wait()
	return weightiest(ctx, errs[0], errs[1])
}

// weightiest picks the error to report: a real one before "cannot be listed", that before one that follows from the stop.
func weightiest(ctx context.Context, errs ...error) error {
	var picked error
	best := 0
	for _, err := range errs {
		weight := 3
		switch {
		case err == nil:
			weight = 0
		case ctx.Err() == nil && errors.Is(err, context.Canceled):
			weight = 1
		case errors.Is(err, infinispan.ErrNotListable):
			weight = 2
		}
		if weight > best {
			picked, best = err, weight
		}
	}
	return picked
}
