package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

// verify compares the contents of the two sites, cache by cache. One whose keys are not all there is repeated from
// `offline` on and compared again; what a push reports is never taken for the result (V16).
func (r *run) verify(ctx context.Context) error {
	r.result.Caches = nil
	for at := 0; at < len(r.plan.Caches); {
		// Waited out before the comparison, not after: what is proved should be what Keycloak is started on.
		//mutate:settle
		if err := r.guardSettle(ctx); err != nil {
			return err
		}
		c := r.plan.Caches[at]
		result, err := r.compare(ctx, c)
		if err == nil {
			r.result.Caches = append(r.result.Caches, result)
			at++
			continue
		}
		if !repeatable(err) {
			return err
		}
		servers := r.proved
		if err := r.transfer.renew(ctx, c, err); err != nil {
			return err
		}
		if err := r.transfer.batch(ctx, []CachePlan{c}); err != nil {
			return err
		}
		// What was compared went with the servers that held it, or has been pushed again.
		if resent := r.transfer.resent; resent || !slices.Equal(servers, r.proved) {
			r.transfer.resent = false
			r.noted(Secondary, "the servers of site %s changed, or were out of sight: every cache is compared anew", r.secondary.name)
			r.result.Caches, at = nil, 0
			r.journal.unverified()
		}
	}
	if err := r.guardStopped(ctx); err != nil {
		return err
	}
	if err := guardSameNodes(ctx, r.secondary, r.proved); err != nil {
		return err
	}
	// One that began meanwhile still writes to the primary what the secondary held then (V63).
	//mutate:one-sender
	if err := r.guardOneSender(ctx, r.secondary, r.plan.Caches); err != nil {
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
	r.unwatched = true
	err := r.endStalePushes(ctx)
	if err == nil {
		err = r.watchKeycloak(ctx)
	}
	if err == nil {
		err = r.compareAll(ctx)
	}
	if err == nil {
		err = r.guardStopped(ctx)
	}
	return r.unlessVoid(ctx, err)
}

// verifyServing is verifyAgain for a run that had begun to start Keycloak.
func (r *run) verifyServing(ctx context.Context) error {
	r.unwatched = true
	err := r.endStalePushes(ctx)
	if err == nil {
		err = r.compareAll(ctx)
	}
	return r.unlessVoid(ctx, err)
}

// unlessVoid takes the proof back when the contents no longer hold, or a server that held them is gone. That they could
// not be looked at, that the journal could not be written, or that the user broke off, says nothing of them: the next run
// looks again.
func (r *run) unlessVoid(ctx context.Context, err error) error {
	guard, found := StoppedBy(err)
	if err == nil || ctx.Err() != nil || guard == GuardRecorded || (!found && !lost(err)) {
		return err
	}
	r.reached = clearing
	return errors.Join(err, r.journal.verifiedNow(ctx, false))
}

// compareAll compares every cache once, and remembers whose servers hold what was compared.
func (r *run) compareAll(ctx context.Context) error {
	r.transfer = newTransfer(r)
	r.proved = r.secondary.identity()
	for _, c := range r.plan.Caches {
		result, err := r.compare(ctx, c)
		if err != nil {
			return err
		}
		r.result.Caches = append(r.result.Caches, result)
	}
	return guardSameNodes(ctx, r.secondary, r.proved)
}

// compare compares one cache and holds the truthful-end guard on what was found.
func (r *run) compare(ctx context.Context, c CachePlan) (CacheResult, error) {
	r.cacheState(CacheState{Cache: c.Name, State: "comparing", Attempt: r.transfer.attempts[c.Name]})
	var found compare.Result
	err := r.readWhole(ctx, Secondary, func(ctx context.Context) (err error) {
		found, err = r.contents(ctx, c)
		return err
	})
	if err != nil {
		return CacheResult{}, fmt.Errorf("compare cache %s of the two sites: %w", c.Name, err)
	}
	compared := CacheState{
		Cache: c.Name, State: "equal", Done: found.SecondaryEntries, Total: found.PrimaryEntries, Attempt: r.transfer.attempts[c.Name],
		Counted: map[Role]int64{Primary: found.PrimaryEntries, Secondary: found.SecondaryEntries},
		Missing: found.MissingOnSecondary, Extra: found.ExtraOnSecondary,
	}
	err = r.guardTruthfulEnd(ctx, c, found)
	if err == nil {
		err = r.guardPassedOn(ctx, c)
	}
	if err != nil {
		compared.State = "unequal"
		r.cacheState(compared)
		return CacheResult{}, err
	}
	if err := r.cacheReached(ctx, c.Name, (*CacheReached).isVerified); err != nil {
		return CacheResult{}, err
	}
	r.cacheState(compared)
	return CacheResult{
		Name: c.Name, Discarded: c.SecondaryEntries,
		PrimaryEntries: found.PrimaryEntries, SecondaryEntries: found.SecondaryEntries,
		Compared: comparedBy(found.Way), Missing: found.MissingOnSecondary, Extra: found.ExtraOnSecondary,
		Pushes: r.transfer.attempts[c.Name], PushTook: r.transfer.took[c.Name],
	}, nil
}

// contents compares the contents of one cache in the way that the user chose. Where nobody watched since they were proved, the
// values are compared too: an old key may have got another value meanwhile.
func (r *run) contents(ctx context.Context, c CachePlan) (found compare.Result, err error) {
	options := r.compareOptions()
	if r.unwatched && options.Mode == compare.ModeKeys {
		strict := options
		strict.Mode = compare.ModeEntries
		found, err = compare.Cache(ctx, r.primary.relay().node, r.secondary.relay().node, c.Name, c.RemoteName, strict)
		if err != nil || found.Why == compare.ReasonNone {
			return found, err
		}
	}
	return compare.Cache(ctx, r.primary.relay().node, r.secondary.relay().node, c.Name, c.RemoteName, options)
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
