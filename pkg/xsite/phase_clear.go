package xsite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// clearTries is how often a cache is cleared until it is empty: what the primary sent just before it took the secondary
// offline may still arrive.
const clearTries = 3

// clear empties the caches of the plan on the secondary, the canary first, and proves each empty. From its first call
// on the stale data is gone and only going on helps.
func (r *run) clear(ctx context.Context) error {
	if err := r.guardQuiet(ctx); err != nil {
		return err
	}
	if err := r.guardManual(ctx); err != nil {
		return err
	}
	if err := r.guardSameCaches(ctx); err != nil {
		return err
	}
	order := smallestFirst(r.plan.Caches)
	canary, err := r.guardCanary(ctx, order)
	if err != nil {
		return err
	}
	for _, c := range order {
		if c.Name == canary {
			continue
		}
		if err := r.clearCache(ctx, c, nil); err != nil {
			return err
		}
	}
	r.changed(Secondary, "%d caches of site %s are empty; site %s still speaks to nobody", len(order), r.secondary.name, r.secondary.name)
	return nil
}

// clearCache empties one cache of the secondary. The guards stand immediately before the call, and the call itself
// carries the header that keeps it at home (guard no-leak). The mark is noted before the clear when it is the canary's.
func (r *run) clearCache(ctx context.Context, c CachePlan, mark *CanaryMark) error {
	began := r.opts.Clock.Now()
	for try := 1; ; try++ {
		if err := r.guardClear(ctx, c); err != nil {
			return err
		}
		//mutate:recorded
		if err := r.journal.clearingNow(ctx, mark); err != nil {
			return err
		}
		r.reached = clearing
		//mutate:stopped
		if err := r.guardNoneCame(); err != nil {
			return err
		}
		node := r.secondary.relay().node
		if err := node.Clear(ctx, c.RemoteName); err != nil {
			if away(err) && r.opts.Clock.Now().Sub(began) < r.opts.StepTimeout && r.opts.Clock.Wait(ctx, afterUnknown) == nil {
				try-- // whether it was cleared is not known; the guards stand before the next try as before this one
				continue
			}
			return fmt.Errorf("clear cache %s of the %s: %w", c.RemoteName, r.secondary, err)
		}
		r.clearedAt = r.opts.Clock.Now()
		left, err := node.Size(ctx, c.RemoteName)
		if err != nil {
			return fmt.Errorf("count what is left in cache %s of the %s: %w", c.RemoteName, r.secondary, err)
		}
		if left == 0 {
			r.cacheState(CacheState{Cache: c.Name, State: "cleared", Counted: map[Role]int64{Secondary: left}})
			return r.cacheReached(ctx, c.Name, (*CacheReached).isCleared)
		}
		if try == clearTries {
			return &Stop{
				Guard: GuardQuiet, Found: fmt.Sprintf("cache %s has %d entries again after %d clears", c.RemoteName, left, try), Where: r.secondary.String(),
				Because: "somebody writes to the secondary; what was pushed would be mixed with it",
				Next:    "find the client that writes (Infinispan's list of connections), stop it, then run the same command again",
			}
		}
		if err := r.opts.Clock.Wait(ctx, r.opts.PollInterval); err != nil {
			return err
		}
	}
}

// guardClear holds the guards that stand immediately before each clear.
func (r *run) guardClear(ctx context.Context, c CachePlan) error {
	//mutate:direction
	if err := r.guardPrimaryKept(ctx); err != nil {
		return err
	}
	if err := r.guardStopped(ctx); err != nil {
		return err
	}
	return r.guardOffline(ctx, c)
}

// smallestFirst sorts caches by what the primary holds in them: a leak should cost the least there is.
func smallestFirst(caches []CachePlan) []CachePlan {
	return slices.SortedStableFunc(slices.Values(caches), func(a, b CachePlan) int { return cmp.Compare(a.PrimaryEntries, b.PrimaryEntries) })
}
