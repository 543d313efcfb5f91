package e2e

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// These tests are about V7: a cache in mode AUTO whose site has the other one offline brings it online and pushes by itself
// when the other comes back into view. From the secondary that puts stale entries on the primary.

// makeStaleAutomatic is makeStale with ASYNC caches that are in mode AUTO on both sites.
func makeStaleAutomatic(t *testing.T) map[string]contents {
	t.Helper()
	fresh(t, sites.Async)
	t.Cleanup(func() { made = "" }) // these caches keep their modes
	truth := makeStale(t, 100)
	for _, s := range pair.Sites() {
		for _, cache := range cachesOf(t, s) {
			must(t, client(t, s).SetMode(t.Context(), cache, s.Peer(), "AUTO"))
		}
	}
	return truth
}

// partition parts the sites until they have lost sight of each other, and joins them again.
func partition(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pair.Cut()
	must(t, pair.WaitUnlinked(ctx))
	pair.Heal()
	must(t, pair.WaitLinked(ctx))
}

// staleAt counts the entries of a site that only the secondary should hold.
func staleAt(ctx context.Context, t *testing.T, s *sites.Site, cache string) int {
	t.Helper()
	entries, err := client(t, s).Entries(ctx, cache)
	must(t, err)
	return len(staleOf(entries))
}

// TestAStaleSecondaryPushesByItselfWhenNobodyForbidsIt shows the danger: what a healing partition does to a primary that the
// secondary holds offline, as the guide says.
func TestAStaleSecondaryPushesByItselfWhenNobodyForbidsIt(t *testing.T) {
	makeStaleAutomatic(t)
	setFlags(t, pair.B, "site-a", sites.TakeOffline)
	partition(t)
	eventually(t, "stale entries of the secondary are on the primary", func(ctx context.Context) bool {
		return staleAt(ctx, t, pair.A, "sessions") > 0
	})
}

// TestAutomaticPushesAreOffWhileALinkHeals has a partition come and go while a run is at work, and after one that was killed
// with all stale entries still there and the primary offline on the secondary, or failed at the end, when the modes are AUTO again.
func TestAutomaticPushesAreOffWhileALinkHeals(t *testing.T) {
	for name, during := range map[string]func(t *testing.T, run *running, truth map[string]contents) outcome{
		"at work": func(t *testing.T, run *running, _ map[string]contents) outcome {
			t.Helper()
			run.until(t.Context(), "clear     started")
			partition(t)
			return run.wait()
		},
		"killed": func(t *testing.T, run *running, _ map[string]contents) outcome {
			t.Helper()
			run.kill(t.Context(), "site site-b holds site site-a offline")
			partition(t)
			dropLeases(t)
			return outcome{code: -1}
		},
		"failed at the end": func(t *testing.T, run *running, truth map[string]contents) outcome {
			t.Helper()
			run.until(t.Context(), "start     started")
			pair.Cut()
			out := run.wait()
			out.mustEnd(t, 7, "it holds site site-b offline, so its writes depend on nobody", "data at risk: none")
			for i, key := range slices.Sorted(maps.Keys(truth["sessions"])) {
				if i%2 == 0 { // logs out
					must(t, client(t, pair.A).Delete(t.Context(), "sessions", key))
					delete(truth["sessions"], key)
					continue
				}
				must(t, client(t, pair.A).Put(t.Context(), "sessions", key, "newer", 0))
				truth["sessions"][key] = "newer"
			}
			partition(t)
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			truth := makeStaleAutomatic(t)
			run := begin(t, pair, straight("--step-timeout", "3m")...)
			out := during(t, run, truth)
			mustKeepPrimary(t, truth)
			mustHaveNothingStale(t)
			if out.code != 0 {
				resync(t, straight()...).mustSucceed(t)
			}
			mustBeRecovered(t, truth)
			for _, s := range pair.Sites() {
				for _, cache := range cachesOf(t, s) {
					mode, err := client(t, s).Mode(t.Context(), cache, s.Peer())
					must(t, err)
					if mode != "AUTO" {
						t.Errorf("cache %s of %s is in mode %s, was AUTO", cache, s.Name, mode)
					}
				}
			}
		})
	}
}
