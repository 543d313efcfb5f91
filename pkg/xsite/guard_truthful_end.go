package xsite

import (
	"context"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// guardTruthfulEnd: a cache is recovered when every key that was on the primary in every pass is on the secondary, with
// the same value where values were compared. What a push reports is not enough: OK has been seen with 0 of 100,000
// entries (V16). Keys that are only on the secondary are a remark when they can expire there: lifespans began anew with
// the push (V61). Lasting ones are not explained by that.
func (r *run) guardTruthfulEnd(ctx context.Context, c CachePlan, found compare.Result) error {
	stop := func(format string, args ...any) error {
		return &Stop{
			Guard: GuardTruthfulEnd, Found: fmt.Sprintf("cache %s: ", c.Name) + fmt.Sprintf(format, args...),
			Where:   fmt.Sprintf("sites %s and %s", r.primary.name, r.secondary.name),
			Because: "the secondary would serve other data than the primary, although the push reported OK (V16)",
			Next:    "run the same command again; if it stays so, look at the servers' logs of both sites",
		}
	}
	switch {
	case found.Way == compare.WaySizes && !found.SecondaryHasAll():
		return stop("the secondary holds %d entries, the primary %d", found.SecondaryEntries, found.PrimaryEntries)
	case found.Partial:
		return stop("more entries differ than can be counted")
	case found.MissingOnSecondary > 0 && !c.Bounded:
		return stop("%d of %d entries of the primary are not on the secondary", found.MissingOnSecondary, found.PrimaryEntries)
	case found.MissingOnSecondary*2 > found.PrimaryEntries: // a push that did nothing says OK too (V16)
		return stop("%d of %d entries of the primary are not on the secondary, more than half: more than a bounded cache is taken to have dropped; "+
			"if its max-count is that small there, raise it", found.MissingOnSecondary, found.PrimaryEntries)
	case found.Different > 0:
		return stop("%d entries have other values on the secondary", found.Different)
	case found.MissingOnSecondary > 0:
		r.remark("cache %s is bounded: %d of %d entries of the primary are not on the secondary, which may drop any",
			c.Name, found.MissingOnSecondary, found.PrimaryEntries)
	case found.Way == compare.WaySizes && r.opts.Verify != VerifySizes:
		r.remark("cache %s was compared by its numbers of entries only (%s): equal numbers are not proof of equal contents", c.Name, found.Why)
		return nil
	}
	if found.ExtraOnSecondary == 0 {
		return nil
	}
	var mortal int64
	err := r.readWhole(ctx, Secondary, func(ctx context.Context) (err error) {
		mortal, err = countMortal(ctx, r.secondary, c.RemoteName)
		return err
	})
	if err != nil {
		return err
	}
	if found.ExtraOnSecondary > mortal {
		return stop("%d entries are only on the secondary, and only %d entries there can expire", found.ExtraOnSecondary, mortal)
	}
	r.remark("cache %s: %d entries are only on site %s: they expired on site %s, and do so a little later here, since lifespans began anew (V61)",
		c.Name, found.ExtraOnSecondary, r.secondary.name, r.primary.name)
	return nil
}

// countMortal counts the entries of a cache that expire by themselves.
func countMortal(ctx context.Context, s *site, cache string) (int64, error) {
	var mortal int64
	err := s.relay().node.EntriesWithMetadata(ctx, cache, 0, func(e infinispan.Entry) error {
		if !e.Lasting() {
			mortal++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count the entries that expire in cache %s of the %s: %w", cache, s, err)
	}
	return mortal, nil
}

// remark keeps a finding for the summary that does not lessen the success.
func (r *run) remark(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.result.Remarks = append(r.result.Remarks, text)
	r.noted("", "%s", text)
}
