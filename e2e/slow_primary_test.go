package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// These tests are about V3 and V64: with ASYNC backups the secondary queues what it has to tell the primary, and a
// primary that is slow gets it late. docs/why.md has the figures.

// slowCache is the cache that the tests look at; there is nothing special about it.
const slowCache = "sessions"

// TestTheGuidesOrderEmptiesASlowPrimary shows the danger that the plugin exists for. It does by hand what the guide says,
// in the guide's order, on a primary that does not answer for a few seconds.
func TestTheGuidesOrderEmptiesASlowPrimary(t *testing.T) {
	fresh(t, sites.Async)
	ctx := t.Context()
	const entries = 50
	fillAndSettle(t, entries)

	b := client(t, pair.B)
	must(t, pair.A.Freeze())
	writeAt(ctx, t, b, "while-frozen", 10)
	must(t, b.Backup(ctx, slowCache, "site-a", sites.TakeOffline))
	must(t, b.Clear(ctx, slowCache))
	must(t, b.Backup(ctx, slowCache, "site-a", sites.BringOnline))
	must(t, pair.A.Thaw())

	eventually(t, "the primary is emptied by the guide's own order", func(ctx context.Context) bool {
		left, err := client(t, pair.A).Size(ctx, slowCache)
		return err == nil && left == 0
	})
	t.Logf("the guide's order, every reply a success: the primary went from %d entries to 0", entries)
}

// TestASlowPrimaryKeepsEveryEntry does the same to the plugin: the secondary writes while the primary is frozen from the
// moment Keycloak is told to stop, and the primary thaws when the secondary is empty or the run has given up.
func TestASlowPrimaryKeepsEveryEntry(t *testing.T) {
	moments := map[string]string{"once both directions are cut": "site-a holds site site-b offline for"}
	if *full {
		moments["from the moment Keycloak is told to stop"] = "original state recorded"
	}
	for name, moment := range moments {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Async)
			ctx := t.Context()
			const entries = 50
			fillAndSettle(t, entries)
			truth := readAll(t, pair.A)

			run := begin(t, pair, straight("--step-timeout", "2m")...)
			run.until(ctx, moment)
			must(t, pair.A.Freeze())
			ended := make(chan outcome, 1)
			go func() { ended <- run.wait() }()
			writeAt(ctx, t, client(t, pair.B), "while-frozen", 10)
			first := thawWhenEmptyOrOver(t, ended)

			if first.code != 0 {
				mustKeep(t, truth)
				t.Logf("the run gave up safely with exit code %d; the same command again", first.code)
				must(t, pair.A.WaitReady(ctx))
				must(t, pair.WaitLinked(ctx))
				resync(t, straight()...).mustSucceed(t)
			}
			mustKeep(t, truth)
			mustBeWhole(t)
		})
	}
}

// thawWhenEmptyOrOver thaws the primary once the secondary's cache is empty, or once the run has ended.
func thawWhenEmptyOrOver(t *testing.T, ended <-chan outcome) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	b := client(t, pair.B)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case out := <-ended:
			must(t, pair.A.Thaw())
			return out
		case <-ctx.Done():
			must(t, pair.A.Thaw())
			t.Fatal("the run neither emptied the secondary nor ended")
		case <-tick.C:
			if left, err := b.Size(ctx, slowCache); err == nil && left == 0 {
				must(t, pair.A.Thaw())
				return <-ended
			}
		}
	}
}

// fillAndSettle writes entries on the primary and waits until they are on the secondary.
func fillAndSettle(t *testing.T, entries int) {
	t.Helper()
	must(t, pair.A.Fill(t.Context(), slowCache, sites.Entries{Prefix: "kept-", Count: entries}))
	eventually(t, "the secondary has what the primary wrote", func(ctx context.Context) bool {
		size, err := client(t, pair.B).Size(ctx, slowCache)
		return err == nil && size == entries
	})
}

// writeAt writes a few entries through one server of the secondary.
func writeAt(ctx context.Context, t *testing.T, c *sites.Client, prefix string, n int) {
	t.Helper()
	for i := range n {
		must(t, c.Put(ctx, slowCache, fmt.Sprintf("%s-%d", prefix, i), "stale", 0))
	}
}

// mustKeep checks that the primary has every entry of the truth with its value; what was written there since is no loss.
func mustKeep(t *testing.T, truth map[string]contents) {
	t.Helper()
	for cache, entries := range truth {
		now := read(t, pair.A, cache)
		lost := 0
		for key, value := range entries {
			if now[key] != value {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("the primary lost or changed %d of %d entries of %s", lost, len(entries), cache)
		}
	}
}
