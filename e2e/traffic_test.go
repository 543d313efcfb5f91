package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestAPushThatSaysOKWithEntriesMissingIsRepeated is V16: somebody clears the secondary in the middle of the push, which
// then reports OK with the entries missing. The run must not believe it.
func TestAPushThatSaysOKWithEntriesMissingIsRepeated(t *testing.T) {
	fresh(t, sites.Sync)
	ctx := t.Context()
	must(t, pair.Fill(ctx, "sessions", sites.Entries{Prefix: "kept-", Count: 20_000, ValueSize: 200}))
	truth := readAll(t, pair.A)

	run := begin(t, pair, straight()...)
	run.until(ctx, "sessions: pushing")
	b := client(t, pair.B)
	eventually(t, "entries arrive on the secondary", func(ctx context.Context) bool {
		size, err := b.Size(ctx, "sessions")
		return err == nil && size > 1000
	})
	must(t, b.Clear(ctx, "sessions", sites.KeepHome))

	out := run.wait().mustSucceed(t)
	if !strings.Contains(out.stderr, "repeating cache sessions") {
		t.Error("the push that lost entries was not repeated: the test cleared too early or too late, or the run believed it")
	}
	mustBeRecovered(t, truth)
}

// TestWritesAndExpiryDuringTheRunNeitherFailNorDeceive writes at the primary all through the run, while other entries
// expire: no write may fail or be lost, and expiry must not be taken for a difference.
func TestWritesAndExpiryDuringTheRunNeitherFailNorDeceive(t *testing.T) {
	fresh(t, sites.Sync)
	ctx := t.Context()
	truth := makeStale(t, 400)
	must(t, pair.A.Fill(ctx, "work", sites.Entries{Prefix: "mortal-", Count: 200, Lifespan: 3 * time.Second}))

	traffic := startTraffic(t, "authenticationSessions")
	resync(t, straight()...).mustSucceed(t)
	written := traffic.stop(t)
	if len(written) < 20 {
		t.Fatalf("only %d writes were made during the run: the test would prove little", len(written))
	}
	maps.Copy(truth["authenticationSessions"], written)
	eventually(t, "what was to expire has expired at both sites", func(ctx context.Context) bool {
		for _, s := range pair.Sites() {
			if size, err := client(t, s).Size(ctx, "work"); err != nil || size != len(truth["work"]) {
				return false
			}
		}
		return true
	})
	mustBeRecovered(t, truth)
}

// traffic is a client of the primary at work.
type traffic struct {
	end     context.CancelFunc
	done    sync.WaitGroup
	written contents
	failed  []error
}

// startTraffic writes new entries into a cache of the primary, one every few milliseconds, until it is stopped.
func startTraffic(t *testing.T, cache string) *traffic {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	w := &traffic{end: end, written: contents{}}
	a := client(t, pair.A)
	w.done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			key, value := fmt.Sprintf("live-%d", i), fmt.Sprintf("value-%d", i)
			// A write is never cut short: one that was sent must end, or nobody knows whether it counts.
			if err := a.Put(context.WithoutCancel(ctx), cache, key, value, 0); err != nil {
				w.failed = append(w.failed, err)
				continue
			}
			w.written[key] = value
		}
	})
	return w
}

// stop ends the writes and returns those that succeeded; one that failed fails the test.
func (w *traffic) stop(t *testing.T) contents {
	t.Helper()
	w.end()
	w.done.Wait()
	if len(w.failed) > 0 {
		t.Errorf("%d writes of the primary failed during the run, the first with: %v", len(w.failed), w.failed[0])
	}
	return w.written
}

// TestKeycloakThatWasStoppedByHandNeedsACount: nothing tells how many instances there were, so the run asks.
func TestKeycloakThatWasStoppedByHandNeedsACount(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	must(t, pair.B.SetKeycloakInstances(t.Context(), 0))
	resync(t, straight()...).mustEnd(t, 3, "recorded:", "0 instances already", "--keycloak-instances N", "nothing was changed")
	resync(t, straight("--keycloak-instances", "2")...).mustSucceed(t)
	mustBeRecovered(t, truth)
}
