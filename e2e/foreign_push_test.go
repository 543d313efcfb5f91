package e2e

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// pushedCache is the cache that somebody else pushes; there is nothing special about it.
const pushedCache = "sessions"

// foreignPush is a push of pushedCache that is not the plugin's.
type foreignPush struct {
	from, to *sites.Site
	// stuck is one whose start failed, since no server of the other site answered: its status says SENDING for ever (V10).
	stuck bool
	// says is what a run says of it.
	says string
}

// foreignPushes are those that a run may find. The pair must be up.
func foreignPushes() map[string]foreignPush {
	towardsSecondary, towardsPrimary := "a push of cache sessions to site site-b", "a push of cache sessions to site site-a"
	return map[string]foreignPush{
		"running, of a second operator":   {from: pair.A, to: pair.B, says: towardsSecondary},
		"stuck, of a second operator":     {from: pair.A, to: pair.B, says: towardsSecondary, stuck: true},
		"running, in the wrong direction": {from: pair.B, to: pair.A, says: towardsPrimary},
		"stuck, in the wrong direction":   {from: pair.B, to: pair.A, says: towardsPrimary, stuck: true},
	}
}

// start starts the push. One that runs lasts for at least half a minute while the link is as slow as this makes it.
func (p foreignPush) start(t *testing.T) {
	t.Helper()
	through := client(t, p.from)
	if !p.stuck {
		pair.Delay(500 * time.Millisecond)
		t.Cleanup(func() { pair.Delay(0) })
		must(t, through.Backup(t.Context(), pushedCache, p.to.Name, sites.StartPush))
		return
	}
	must(t, p.to.Freeze())
	err := through.Backup(t.Context(), pushedCache, p.to.Name, sites.StartPush)
	must(t, p.to.Thaw())
	var answer *sites.Error
	if !errors.As(err, &answer) || answer.Status != http.StatusInternalServerError {
		t.Fatalf("the start of a push to a frozen site answers %v, want 500 (V10)", err)
	}
	mustStaySeen(t)
}

// mustRun checks that the status still says SENDING.
func (p foreignPush) mustRun(t *testing.T) {
	t.Helper()
	statuses, err := client(t, p.from).PushStatus(t.Context(), pushedCache)
	must(t, err)
	if statuses[p.to.Name] != "SENDING" {
		t.Fatalf("the foreign push is %s: the test proves nothing", statuses[p.to.Name])
	}
}

// TestAForeignPushIsRefusedAndEndedOnlyWhenThatIsWanted has a push of somebody else run or be stuck when the plugin comes
// (V10 to V15, V63). What such a push brings to the primary is not the plugin's doing; that nothing more comes once it was
// ended is.
func TestAForeignPushIsRefusedAndEndedOnlyWhenThatIsWanted(t *testing.T) {
	for name, push := range foreignPushes() {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Sync)
			ctx := t.Context()
			truth := makeStale(t, 40)
			must(t, push.from.Fill(ctx, pushedCache, sites.Entries{Prefix: "more-", Count: 2000})) // there is something to push
			push.start(t)

			before := observe(t)
			resync(t, straight()...).mustEnd(t, 3, "one-sender:", push.says, "--cancel-stale-push", "nothing was changed")
			push.mustRun(t)
			after := observe(t)
			if !push.stuck { // it goes on bringing entries
				before.Contents, after.Contents = nil, nil
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the refused run changed something (-before +after):\n%s", short(diff))
			}

			run := begin(t, pair, straight("--cancel-stale-push")...)
			run.until(ctx, "is ended, its status is IDLE")
			pair.Delay(0)
			ended := readAll(t, pair.A)
			run.wait().mustSucceed(t)
			if push.stuck && push.from == pair.B {
				mustHaveNothingStale(t)
			}
			if push.from == pair.A {
				mustKeepPrimary(t, truth)
				ended["sessions"]["written-afterwards"] = "value"
			}
			mustBeRecovered(t, ended)
		})
	}
}

// mustHaveNothingStale checks that no entry which only the secondary held is on the primary.
func mustHaveNothingStale(t *testing.T) {
	t.Helper()
	for cache, entries := range readAll(t, pair.A) {
		if stale := staleOf(entries); len(stale) > 0 {
			t.Errorf("%d stale entries of the secondary are on the primary in %s, %s for one", len(stale), cache, stale[0])
		}
	}
}

// staleOf lists the keys of those that makeStale writes at the secondary only.
func staleOf(entries contents) []string {
	var stale []string
	for key := range entries {
		if strings.HasPrefix(key, "stale-") || key == "only-on-b" {
			stale = append(stale, key)
		}
	}
	return stale
}

// TestAPushThatSomebodyStartsDuringOursCostsNothing has another operator start one while the plugin pushes: of the same cache,
// which leaves a server at SENDING for ever (V15), or back towards the primary (V63).
func TestAPushThatSomebodyStartsDuringOursCostsNothing(t *testing.T) {
	for name, from := range map[string]*sites.Site{"of the primary again": pair.A, "towards the primary": pair.B} {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 400)
			slowLink(t)
			run := begin(t, pair, straight("--stall-timeout", "15s")...)
			run.until(t.Context(), "sessions: pushing")
			through, err := from.Clients()
			must(t, err)
			err = through[len(through)-1].Backup(t.Context(), pushedCache, from.Peer(), sites.StartPush)
			t.Logf("the other operator is told: %v", err)
			out := run.wait()
			mustHaveNothingStale(t)
			mustKeepPrimary(t, truth)
			if out.code != 0 {
				out.mustEnd(t, out.code, "one-sender:", "state:", "data at risk: none", "next:")
				resync(t, straight("--cancel-stale-push")...).mustSucceed(t)
			} else if from == pair.B {
				forgetPush(t, from, pushedCache) // it is the other operator's, who may want to read it
			}
			mustBeRecovered(t, truth)
		})
	}
}

// TestAPushTowardsThePrimaryBetweenTheCutAndTheClearIsNoticed has somebody start a push of the stale data while the caches are
// about to be cleared: it brings the primary online on the secondary (V63), so nothing may be cleared.
func TestAPushTowardsThePrimaryBetweenTheCutAndTheClearIsNoticed(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	slowLink(t)
	run := begin(t, pair, straight()...)
	run.until(t.Context(), "site site-b holds site site-a offline")
	b := client(t, pair.B)
	const pushed = "loginFailures"
	must(t, b.Backup(t.Context(), pushed, "site-a", sites.StartPush))
	out := run.wait()
	found := read(t, pair.A, pushed) // older values that the push brought before it was noticed are not the plugin's doing
	for key := range truth[pushed] {
		if _, there := found[key]; !there {
			t.Errorf("the primary lost %s of %s", key, pushed)
		}
	}
	delete(truth, pushed)
	mustKeepPrimary(t, truth)
	if out.code != 0 {
		out.mustEnd(t, out.code, "data at risk: none", "next:")
		resync(t, straight("--cancel-stale-push")...).mustSucceed(t)
	}
	eventually(t, "both sites hold the same", func(context.Context) bool { return cmp.Equal(readAll(t, pair.A), readAll(t, pair.B)) })
	mustBeWhole(t)
}
