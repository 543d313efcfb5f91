package compare

import (
	"context"
	"errors"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Lister lists the contents of caches of one site. *infinispan.Client is one.
//
// Keys and Entries give canonical bytes, valid only during visit; the error of visit ends the listing and comes back
// unchanged. A listing that is not whole is an error. An error that matches infinispan.ErrNotListable says that the
// cache cannot be listed in this way.
type Lister interface {
	Keys(ctx context.Context, cache string, visit func(canonical []byte) error) error
	Entries(ctx context.Context, cache string, visit func(key, value []byte) error) error
	Size(ctx context.Context, cache string) (int64, error)
}

// Mode is what a caller wants compared.
type Mode string

// The modes.
const (
	// ModeKeys compares keys.
	ModeKeys Mode = "keys"
	// ModeEntries compares keys and values.
	ModeEntries Mode = "entries"
	// ModeSizes compares numbers of entries only.
	ModeSizes Mode = "sizes"
)

// Way is how a cache was compared.
type Way string

// The ways.
const (
	// WayKeys: the keys were listed and compared.
	WayKeys Way = "keys"
	// WayEntries: keys and values were listed and compared.
	WayEntries Way = "entries"
	// WayEntryKeys: entries were listed since keys alone cannot be (V40), and their keys were compared.
	WayEntryKeys Way = "entry-keys"
	// WaySizes: only the numbers of entries were compared, which proves little.
	WaySizes Way = "sizes"
)

// Reason says why a cache was compared in a weaker way than was asked for.
type Reason string

// The reasons.
const (
	// ReasonNone: it was compared as asked.
	ReasonNone Reason = ""
	// ReasonLimit: it is larger than Options.ByteLimit.
	ReasonLimit Reason = "byte-limit"
	// ReasonNotListable: a site cannot list it.
	ReasonNotListable Reason = "not-listable"
)

// Options say how to compare. The zero value compares keys without limit.
type Options struct {
	// Mode is ModeKeys if empty.
	Mode Mode
	// ByteLimit bounds the canonical bytes of one pass over both sites; beyond it sizes are compared instead. 0 means
	// no limit.
	ByteLimit int64
	// TrackLimit bounds how many keys of each site pass 2 collects (16 bytes each, 32 with values). Where more lie in
	// differing buckets, only as many buckets are looked at and the result is Partial. 0 means 524,288.
	TrackLimit int
	// ShowKeys is how many keys of each kind of difference the result may hold. 0 keeps none.
	ShowKeys int
	// Between, where set, is called before pass 2 and pass 3 with the number of the pass; an error ends the comparison.
	// It is the place for a pause, which gives writes under way the time to arrive.
	Between func(ctx context.Context, pass int) error
}

const defaultTrackLimit = 1 << 19

// Side names a site by its role.
type Side string

// The sides.
const (
	Primary   Side = "primary"
	Secondary Side = "secondary"
)

// SideError is an error of one site's listing.
type SideError struct {
	// Side is the site's role.
	Side Side
	// Cache is the cache's name there.
	Cache string
	// Err is what went wrong.
	Err error
}

// Error names the side and the cache.
func (e *SideError) Error() string {
	return fmt.Sprintf("list cache %q on the %s: %v", e.Cache, e.Side, e.Err)
}

// Unwrap returns Err.
func (e *SideError) Unwrap() error {
	return e.Err
}

// Cache compares one cache of two sites.
//
// The way is the same for both sites: keys where both can list them, entries where a site cannot list keys alone, sizes
// where neither works or the limit is passed; Result.Way and Result.Why say so. A listing that fails or is not whole is
// an error, a *SideError where it is one site's.
func Cache(ctx context.Context, primary, secondary Lister, cachePrimary, cacheSecondary string, o Options) (Result, error) {
	p := &side{role: Primary, lister: primary, cache: cachePrimary}
	s := &side{role: Secondary, lister: secondary, cache: cacheSecondary}
	ways, err := waysFor(o.Mode)
	if err != nil {
		return Result{}, err
	}
	why := ReasonNone
	for _, way := range ways {
		c := &comparison{primary: p, secondary: s, way: way, options: o}
		r, err := c.run(ctx)
		switch {
		case errors.Is(err, errLimit):
			return sizes(ctx, p, s, ReasonLimit)
		case errors.Is(err, infinispan.ErrNotListable):
			why = ReasonNotListable
			continue
		case err != nil:
			return Result{}, err
		}
		r.Why = why
		return r, nil
	}
	return sizes(ctx, p, s, why)
}

// waysFor lists the ways to try for a mode, before sizes.
func waysFor(mode Mode) ([]Way, error) {
	switch mode {
	case "", ModeKeys:
		return []Way{WayKeys, WayEntryKeys}, nil
	case ModeEntries:
		return []Way{WayEntries, WayKeys}, nil
	case ModeSizes:
		return nil, nil
	}
	return nil, fmt.Errorf("compare: unknown mode %q; use keys, entries or sizes", mode)
}

// sizes compares the numbers of entries.
func sizes(ctx context.Context, p, s *side, why Reason) (Result, error) {
	r := Result{Cache: p.cache, Way: WaySizes, Why: why, Passes: 1}
	err := both(ctx, p, s, func(ctx context.Context, sd *side) error {
		n, err := sd.lister.Size(ctx, sd.cache)
		if sd.role == Primary {
			r.PrimaryEntries = n
		} else {
			r.SecondaryEntries = n
		}
		return err
	})
	if err != nil {
		return Result{}, err
	}
	return r, nil
}
