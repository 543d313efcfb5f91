package e2e

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestAStaleSecondaryHoldsThePrimarysDataAfterTheRun is the product in one test, from both states in which an outage
// usually leaves the primary.
func TestAStaleSecondaryHoldsThePrimarysDataAfterTheRun(t *testing.T) {
	for name, before := range map[string]sites.Action{
		"the primary had taken the secondary offline": sites.TakeOffline,
		"the primary had it online still":             sites.BringOnline,
	} {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 400)
			setFlags(t, pair.A, "site-b", before)
			out := resync(t, straight()...).mustSucceed(t)
			mustBeRecovered(t, truth)
			for _, word := range []string{"site-a", "site-b", "Route 53", "Load balancer", "Lifespans"} {
				if !strings.Contains(out.stdout, word) {
					t.Errorf("the summary does not mention %q:\n%s", word, out.stdout)
				}
			}
		})
	}
}
