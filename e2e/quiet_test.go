package e2e

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestAnotherClientOfTheSecondaryIsRefusedUnlessAccepted has an application connected to the secondary over Hot Rod (V62).
// Infinispan 14 does not list connections, which the run says.
func TestAnotherClientOfTheSecondaryIsRefusedUnlessAccepted(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	application, err := pair.B.Connect(t.Context(), "sessions")
	must(t, err)
	defer func() { must(t, application.Close()) }()

	if strings.HasPrefix(pair.Version(), "14.") {
		resync(t, straight()...).mustSucceed(t).mustEnd(t, 0, "does not list connections")
		mustBeRecovered(t, truth)
		return
	}
	before := readAll(t, pair.B)
	resync(t, straight()...).mustEnd(t, 7, "quiet:", "other clients are connected: HOTROD", "--accept other-clients", "data at risk: none")
	mustKeepPrimary(t, truth)
	for cache, entries := range before {
		if found := read(t, pair.B, cache); len(found) < len(entries) {
			t.Errorf("cache %s of the secondary went from %d entries to %d: it was cleared before the client was noticed", cache, len(entries), len(found))
		}
	}
	mustBeWhole(t)
	resync(t, straight("--accept", "other-clients")...).mustSucceed(t).mustEnd(t, 0, "other clients are connected: HOTROD", "(accepted)")
	mustBeRecovered(t, truth)
}
