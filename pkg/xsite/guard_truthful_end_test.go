package xsite

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

func TestADifferenceIsNeverTakenForARecovery(t *testing.T) {
	for name, c := range map[string]struct {
		bounded bool
		found   compare.Result
	}{
		"too large to count": {found: compare.Result{Way: compare.WayKeys, Partial: true}},
		"missing":            {found: compare.Result{Way: compare.WayKeys, MissingOnSecondary: 1}},
		"other values":       {found: compare.Result{Way: compare.WayEntries, Different: 1}},
		"other values behind missing ones allowed": {bounded: true, found: compare.Result{Way: compare.WayEntries, PrimaryEntries: 9, MissingOnSecondary: 1, Different: 1}},
		"most of a bounded cache":                  {bounded: true, found: compare.Result{Way: compare.WayKeys, PrimaryEntries: 9, MissingOnSecondary: 5}},
		"fewer, where only numbers are compared":   {found: compare.Result{Way: compare.WaySizes, PrimaryEntries: 2, SecondaryEntries: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(Options{PrimaryCluster: nowhere{}, SecondaryCluster: nowhere{}})
			err := r.guardTruthfulEnd(t.Context(), CachePlan{Name: "sessions", Bounded: c.bounded}, c.found)
			if guard, stopped := StoppedBy(err); !stopped || guard != GuardTruthfulEnd {
				t.Errorf("stopped by %q: %v", guard, err)
			}
		})
	}
}

// nowhere is a cluster that nothing is asked of.
type nowhere struct{ Cluster }

// Place implements Cluster.
func (nowhere) Place() Place { return Place{} }
