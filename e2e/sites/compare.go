package sites

import (
	"context"
	"fmt"
	"slices"
)

// Comparison is what the witness found in one cache of both sites.
type Comparison struct {
	Cache string
	// A and B are the numbers of entries.
	A, B int
	// Missing are only on A, Extra only on B; Different have the same key and another value.
	Missing, Extra, Different int
}

// Equal tells whether both sites hold the same keys with the same values.
func (c Comparison) Equal() bool { return c.Missing == 0 && c.Extra == 0 && c.Different == 0 }

// Compare reads caches (all of either site when none is named) of both sites, keys and values, and compares them.
// It shares nothing with the program under test. A cache that one site lacks is an error.
func (p *Pair) Compare(ctx context.Context, caches ...string) ([]Comparison, error) {
	if len(caches) == 0 {
		for _, s := range p.Sites() {
			names, err := s.Caches(ctx)
			if err != nil {
				return nil, err
			}
			caches = append(caches, names...)
		}
		slices.Sort(caches)
		caches = slices.Compact(caches)
	}
	all := make([]Comparison, 0, len(caches))
	for _, cache := range caches {
		var a, b map[string]string
		err := parallel(ctx,
			func(ctx context.Context) (err error) { a, err = p.A.entries(ctx, cache); return err },
			func(ctx context.Context) (err error) { b, err = p.B.entries(ctx, cache); return err },
		)
		if err != nil {
			return nil, err
		}
		all = append(all, compareEntries(cache, a, b))
	}
	return all, nil
}

// entries reads a cache of the site through one of its servers.
func (s *Site) entries(ctx context.Context, cache string) (map[string]string, error) {
	_, client, err := s.answering(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := client.Entries(ctx, cache)
	if err != nil {
		return nil, fmt.Errorf("read cache %s of %s: %w", cache, s.Name, err)
	}
	return entries, nil
}

// compareEntries counts what differs.
func compareEntries(cache string, a, b map[string]string) Comparison {
	c := Comparison{Cache: cache, A: len(a), B: len(b)}
	for key, value := range a {
		switch other, there := b[key]; {
		case !there:
			c.Missing++
		case other != value:
			c.Different++
		}
	}
	c.Extra = c.B - (c.A - c.Missing)
	return c
}
