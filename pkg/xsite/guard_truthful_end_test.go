package xsite

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

func TestADifferenceTooLargeToCountIsNotTakenForNone(t *testing.T) {
	r := &run{primary: &site{role: Primary, name: "site-a"}, secondary: &site{role: Secondary, name: "site-b"}}
	err := r.guardTruthfulEnd(t.Context(), CachePlan{Name: "sessions"}, compare.Result{Way: compare.WayKeys, Partial: true})
	if guard, stopped := StoppedBy(err); !stopped || guard != GuardTruthfulEnd {
		t.Errorf("stopped by %q: %v", guard, err)
	}
}
