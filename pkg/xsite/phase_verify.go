package xsite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

// verify compares the contents of the two sites, cache by cache. One whose keys are not all there is repeated from
// `offline` on and compared again; what a push reports is never taken for the result (V16).
func (r *run) verify(ctx context.Context) error {
	r.result.Caches = make([]CacheResult, 0, len(r.plan.Caches))
	for _, c := range r.plan.Caches {
		for {
			result, err := r.compare(ctx, c)
			if err == nil {
				r.result.Caches = append(r.result.Caches, result)
				break
			}
			if !repeatable(err) {
				return err
			}
			if err := r.transfer.renew(ctx, c, err); err != nil {
				return err
			}
			if err := r.transfer.batch(ctx, []CachePlan{c}); err != nil {
				return err
			}
		}
	}
	if err := r.guardStopped(ctx); err != nil {
		return err
	}
	r.reached = verified
	if err := r.journal.verifiedNow(ctx, true); err != nil {
		return err
	}
	r.changed("", "contents compared: every key of site %s is on site %s", r.primary.name, r.secondary.name)
	return nil
}

// verifyAgain compares the contents for a run that continues one which had proved them. Contents that no longer hold are
// not mended here: the run then begins anew, under all its guards.
func (r *run) verifyAgain(ctx context.Context) error {
	r.transfer = newTransfer(r)
	err := r.watchKeycloak(ctx)
	for _, c := range r.plan.Caches {
		if err != nil {
			break
		}
		var result CacheResult
		if result, err = r.compare(ctx, c); err == nil {
			r.result.Caches = append(r.result.Caches, result)
		}
	}
	if err == nil {
		err = r.guardStopped(ctx)
	}
	if err != nil {
		r.reached = clearing
		return errors.Join(err, r.journal.verifiedNow(ctx, false))
	}
	r.proved = r.secondary.identity()
	return nil
}

// compare compares one cache and holds the truthful-end guard on what was found.
func (r *run) compare(ctx context.Context, c CachePlan) (CacheResult, error) {
	r.cacheState(CacheState{Cache: c.Name, State: "comparing", Attempt: r.transfer.attempts[c.Name]})
	found, err := compare.Cache(ctx, r.primary.relay().node, r.secondary.relay().node, c.Name, c.RemoteName, r.compareOptions())
	if err != nil {
		return CacheResult{}, fmt.Errorf("compare cache %s of the two sites: %w", c.Name, err)
	}
	if err := r.guardTruthfulEnd(ctx, c, found); err != nil {
		return CacheResult{}, err
	}
	r.cacheState(CacheState{Cache: c.Name, State: "equal", Done: found.SecondaryEntries, Total: found.PrimaryEntries, Attempt: r.transfer.attempts[c.Name]})
	return CacheResult{
		Name: c.Name, Discarded: c.SecondaryEntries,
		PrimaryEntries: found.PrimaryEntries, SecondaryEntries: found.SecondaryEntries,
		Compared: comparedBy(found.Way), Extra: found.ExtraOnSecondary,
		Pushes: r.transfer.attempts[c.Name], PushTook: r.transfer.took[c.Name],
	}, nil
}

// betweenPasses is the pause that lets writes under way arrive before differing keys are looked at again.
const betweenPasses = 500 * time.Millisecond

// compareOptions translates the user's choice for package compare.
func (r *run) compareOptions() compare.Options {
	return compare.Options{
		Mode:      compare.Mode(r.opts.Verify),
		ByteLimit: r.opts.VerifyLimit,
		Between:   func(ctx context.Context, _ int) error { return r.opts.Clock.Wait(ctx, betweenPasses) },
	}
}

// comparedBy translates the way a cache was compared into the words of the user's choice.
func comparedBy(way compare.Way) Verification {
	switch way {
	case compare.WayEntries:
		return VerifyEntries
	case compare.WaySizes:
		return VerifySizes
	default:
		return VerifyKeys
	}
}
