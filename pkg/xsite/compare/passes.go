package compare

import (
	"bytes"
	"context"
	"slices"
	"strings"
)

// comparison is one run of up to three passes in one way.
type comparison struct {
	primary, secondary *side
	way                Way
	options            Options
	seed               seed

	passes                           int
	bytes                            int64
	primaryEntries, secondaryEntries int64
	partial                          bool
}

// tally is what pass 1 keeps of a site.
type tally struct {
	buckets []bucket
	present *filter
}

func newTally() *tally {
	return &tally{buckets: make([]bucket, bucketCount), present: newFilter()}
}

func (t *tally) see(p fingerprint, _ []byte) {
	t.buckets[p.bucket].add(p.element())
	t.present.add(p.id)
}

// run makes the passes.
func (c *comparison) run(ctx context.Context) (Result, error) {
	c.seed = newSeed()
	p1, s1 := newTally(), newTally()
	if err := c.pass(ctx, p1.see, s1.see); err != nil {
		return Result{}, err
	}
	chosen, unequal := c.choose(p1.buckets, s1.buckets)
	if !unequal {
		return c.result(), nil
	}
	if err := c.between(ctx, 2); err != nil {
		return Result{}, err
	}
	suspects, err := c.collect(ctx, chosen)
	if err != nil {
		return Result{}, err
	}
	if len(suspects) == 0 {
		return c.result(), nil
	}
	if err := c.between(ctx, 3); err != nil {
		return Result{}, err
	}
	return c.lookAgain(ctx, suspects, p1.present, s1.present)
}

func (c *comparison) between(ctx context.Context, pass int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.options.Between == nil {
		return nil
	}
	return c.options.Between(ctx, pass)
}

// result is a result without differences.
func (c *comparison) result() Result {
	return Result{
		Cache: c.primary.cache, Way: c.way, Passes: c.passes, Partial: c.partial, Bytes: c.bytes,
		PrimaryEntries: c.primaryEntries, SecondaryEntries: c.secondaryEntries,
	}
}

// choose marks the unequal buckets that pass 2 looks into: all, as long as their keys fit the limit.
func (c *comparison) choose(p, s []bucket) (chosen []bool, unequal bool) {
	limit := uint64(c.trackLimit()) //nolint:gosec // it is above zero
	chosen = make([]bool, bucketCount)
	var onPrimary, onSecondary uint64
	for i := range p {
		if p[i] == s[i] {
			continue
		}
		unequal = true
		if onPrimary+p[i].count > limit || onSecondary+s[i].count > limit {
			c.partial = true
			continue
		}
		onPrimary += p[i].count
		onSecondary += s[i].count
		chosen[i] = true
	}
	return chosen, unequal
}

func (c *comparison) trackLimit() int {
	if c.options.TrackLimit > 0 {
		return c.options.TrackLimit
	}
	return defaultTrackLimit
}

// record is a key that pass 2 collected.
type record struct {
	id   id
	mark mark
}

// collection is what pass 2 keeps of a site.
type collection struct {
	chosen  []bool
	limit   int
	records []record
	over    bool
}

func (c *collection) see(p fingerprint, _ []byte) {
	switch {
	case !c.chosen[p.bucket]:
	case len(c.records) >= c.limit:
		c.over = true
	default:
		c.records = append(c.records, record{id: p.id, mark: p.mark})
	}
}

// sorted puts the records in order, each key once.
func (c *collection) sorted() []record {
	slices.SortFunc(c.records, func(a, b record) int { return bytes.Compare(a.id[:], b.id[:]) })
	return slices.CompactFunc(c.records, func(a, b record) bool { return a.id == b.id })
}

// collect is pass 2: the keys of the chosen buckets that are not the same on both sites, in order.
func (c *comparison) collect(ctx context.Context, chosen []bool) ([]suspect, error) {
	limit := 2*c.trackLimit() + bucketCount // room for what came since pass 1
	p := &collection{chosen: chosen, limit: limit}
	s := &collection{chosen: chosen, limit: limit}
	if err := c.pass(ctx, p.see, s.see); err != nil {
		return nil, err
	}
	c.partial = c.partial || p.over || s.over
	return unlike(p.sorted(), s.sorted()), nil
}

// unlike merges two sorted lists into those keys that are not the same in both.
func unlike(p, s []record) []suspect {
	var out []suspect
	for len(p) > 0 || len(s) > 0 {
		var order int
		switch {
		case len(s) == 0:
			order = -1
		case len(p) == 0:
			order = 1
		default:
			order = bytes.Compare(p[0].id[:], s[0].id[:])
		}
		var x suspect
		if order <= 0 {
			x.id, x.primary[0] = p[0].id, sighting{seen: true, mark: p[0].mark}
			p = p[1:]
		}
		if order >= 0 {
			x.id, x.secondary[0] = s[0].id, sighting{seen: true, mark: s[0].mark}
			s = s[1:]
		}
		if x.primary[0] != x.secondary[0] {
			out = append(out, x)
		}
	}
	return out
}

// lookAgain is pass 3: what became of the suspects.
func (c *comparison) lookAgain(ctx context.Context, suspects []suspect, onPrimary, onSecondary *filter) (Result, error) {
	shownPrimary, shownSecondary := c.newSample(), c.newSample()
	// Both sites' passes read these while each writes its own half of the suspects.
	ids, kinds := make([]id, len(suspects)), make([]Kind, len(suspects))
	for i, x := range suspects {
		ids[i], kinds[i] = x.id, x.kind()
	}
	look := func(side func(*suspect) *sighting, sample *sample) visitor {
		return func(p fingerprint, key []byte) {
			i, found := slices.BinarySearchFunc(ids, p.id, func(x, k id) int { return bytes.Compare(x[:], k[:]) })
			if !found {
				return
			}
			*side(&suspects[i]) = sighting{seen: true, mark: p.mark}
			sample.keep(kinds[i], p.id, key)
		}
	}
	err := c.pass(ctx,
		look(func(x *suspect) *sighting { return &x.primary[1] }, shownPrimary),
		look(func(x *suspect) *sighting { return &x.secondary[1] }, shownSecondary))
	if err != nil {
		return Result{}, err
	}
	r := c.result()
	for _, x := range suspects {
		kind := x.judge(onPrimary, onSecondary)
		switch kind {
		case KindMissing:
			r.MissingOnSecondary++
		case KindExtra:
			r.ExtraOnSecondary++
		case KindDifferent:
			r.Different++
		default:
			r.Moving++
			continue
		}
		text, ok := shownPrimary.texts[x.id]
		if kind == KindExtra {
			text, ok = shownSecondary.texts[x.id]
		}
		if ok {
			r.Shown = append(r.Shown, Difference{Kind: kind, Key: text})
		}
	}
	r.Shown = cut(r.Shown, c.options.ShowKeys)
	return r, nil
}

// cut sorts differences by kind and key and keeps at most n of each kind.
func cut(all []Difference, n int) []Difference {
	slices.SortFunc(all, func(a, b Difference) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(a.Kind), string(b.Kind))
		}
		return strings.Compare(a.Key, b.Key)
	})
	kept := map[Kind]int{}
	return slices.DeleteFunc(all, func(d Difference) bool {
		kept[d.Kind]++
		return kept[d.Kind] > n
	})
}
