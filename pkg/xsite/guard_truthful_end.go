package xsite

import (
	"context"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
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
	case found.MissingOnSecondary > 0:
		return stop("%d of %d entries of the primary are not on the secondary", found.MissingOnSecondary, found.PrimaryEntries)
	case found.Different > 0:
		return stop("%d entries have other values on the secondary", found.Different)
	case found.ExtraOnSecondary == 0:
		return nil
	}
	mortal, err := r.secondary.relay().node.CountMortal(ctx, c.RemoteName)
	if err != nil {
		return fmt.Errorf("count the entries that expire in cache %s of the %s: %w", c.RemoteName, r.secondary, err)
	}
	if found.ExtraOnSecondary > mortal {
		return stop("%d entries are only on the secondary, and only %d entries there can expire", found.ExtraOnSecondary, mortal)
	}
	r.result.Remarks = append(r.result.Remarks, fmt.Sprintf("cache %s: %d entries are only on site %s; they expired on site %s, or will do so a little later here, since lifespans began anew (V61)",
		c.Name, found.ExtraOnSecondary, r.secondary.name, r.primary.name))
	return nil
}
