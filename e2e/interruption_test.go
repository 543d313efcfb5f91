package e2e

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// moment is a point of a run, as its output tells it.
type moment struct{ name, text string }

// moments are points in all phases but preflight, in which nothing is changed.
func moments() []moment {
	return []moment{
		{"probe", "probe     started"},
		{"stop", "original state recorded"},
		{"offline", "holds site site-a offline"},
		{"clear", "actionTokens: cleared"},
		{"push", "sessions: pushing"},
		{"verify", "comparing"},
		{"online", "contents compared"},
		{"start", "speaks to site site-a again"},
	}
}

// kill ends the plugin as kill -9 does, when it says something; one that was done before is fine.
func (r *running) kill(ctx context.Context, when string) {
	r.t.Helper()
	r.until(ctx, when)
	_ = r.command.Process.Signal(syscall.SIGKILL)
	<-r.ended
}

// dropLeases removes the leases of a plugin that was killed, which the next one would wait for.
func dropLeases(t testing.TB) {
	t.Helper()
	for _, s := range pair.Sites() {
		must(t, s.Kube().CoordinationV1().Leases(sites.Namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{},
			metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-ispn-resync"}))
	}
}

// mustKeepPrimary checks that the primary holds at least the truth and takes writes.
func mustKeepPrimary(t testing.TB, truth map[string]contents) {
	t.Helper()
	for cache, entries := range truth {
		found := read(t, pair.A, cache)
		lost := 0
		for key, value := range entries {
			if found[key] != value {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("the primary lost %d of %d entries of %s", lost, len(entries), cache)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	const key = "written-afterwards"
	if err := client(t, pair.A).Put(ctx, "sessions", key, "value", 0); err != nil {
		t.Errorf("the primary's writes fail: %v", err)
		return
	}
	truth["sessions"][key] = "value"
}

// TestARunKilledInAnyPhaseIsFinishedByTheSameCommand ends the plugin without a word in each phase.
func TestARunKilledInAnyPhaseIsFinishedByTheSameCommand(t *testing.T) {
	for _, at := range moments() {
		t.Run(at.name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 40)
			begin(t, pair, straight()...).kill(t.Context(), at.text)
			mustKeepPrimary(t, truth)
			dropLeases(t)
			resync(t, straight()...).mustSucceed(t)
			mustBeRecovered(t, truth)
		})
	}
}

// TestALeaseThatAKilledRunLeftIsWaitedOut waits as long as it takes.
func TestALeaseThatAKilledRunLeftIsWaitedOut(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	begin(t, pair, straight()...).kill(t.Context(), "sessions: pushing")
	resync(t, straight()...).mustSucceed(t).mustEnd(t, 0, "not renewed for")
	mustBeRecovered(t, truth)
}

// TestCtrlCEndsARunSafelyAndTwiceAtOnce sends one signal in two phases, and two while the safe end cannot come.
func TestCtrlCEndsARunSafelyAndTwiceAtOnce(t *testing.T) {
	for _, at := range []moment{{"stop", "original state recorded"}, {"push", "sessions: pushing"}} {
		t.Run(at.name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 400)
			run := begin(t, pair, straight()...)
			run.until(t.Context(), at.text)
			must(t, run.command.Process.Signal(os.Interrupt))
			run.wait().mustEnd(t, 5, "state:", "data at risk: none", "next:")
			mustKeepPrimary(t, truth)
			resync(t, straight()...).mustSucceed(t) // without waiting: a safe end gives the leases back
			mustBeRecovered(t, truth)
		})
	}
	t.Run("twice", func(t *testing.T) {
		fresh(t, sites.Sync)
		truth := makeStale(t, 400)
		run := begin(t, pair, straight()...)
		run.until(t.Context(), "sessions: pushing")
		must(t, pair.B.Freeze()) // so that the safe end takes its time
		must(t, run.command.Process.Signal(os.Interrupt))
		run.until(t.Context(), "once more ends at once")
		began := time.Now()
		must(t, run.command.Process.Signal(os.Interrupt))
		if out := run.wait(); out.code == 0 {
			t.Error("says that it succeeded")
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("ended after %s", took)
		}
		must(t, pair.B.Thaw())
		dropLeases(t)
		mustKeepPrimary(t, truth)
		resync(t, straight()...).mustSucceed(t)
		mustBeRecovered(t, truth)
	})
}

// death is a way in which a server of a site ends.
type death struct {
	name string
	end  func(t *testing.T, s *sites.Site)
}

// deaths are all of them: of the server that speaks for the site, and so coordinates its pushes, and of another one. The last,
// a crash, can keep the new server from starting for four minutes (V84).
func deaths() []death {
	remove := func(pick func(relay, other string) string) func(t *testing.T, s *sites.Site) {
		return func(t *testing.T, s *sites.Site) {
			t.Helper()
			must(t, s.DeletePod(t.Context(), pick(podsOf(t, s))))
		}
	}
	return []death{
		{"relay", remove(func(relay, _ string) string { return relay })},
		{"other", remove(func(_, other string) string { return other })},
		{"relay crashes", func(t *testing.T, s *sites.Site) {
			t.Helper()
			relay, _ := podsOf(t, s)
			must(t, s.KillNode(relay))
		}},
	}
}

// podsOf names the pod whose server speaks for a site (V50), and the other one.
func podsOf(t *testing.T, s *sites.Site) (relay, other string) {
	t.Helper()
	_, info, err := s.Relay(t.Context())
	must(t, err)
	if strings.HasPrefix(info.Node, "infinispan-0-") {
		return "infinispan-0", "infinispan-1"
	}
	return "infinispan-1", "infinispan-0"
}

// TestAServerThatDiesInAnyPhaseCostsNothing ends a server of either site in the middle of a run (V6a, V18, V19, V20). The run
// may mend that or stop; the same command ends it. Without -full sites and servers take turns, and none crashes.
func TestAServerThatDiesInAnyPhaseCostsNothing(t *testing.T) {
	for i, at := range moments() {
		for j, s := range pair.Sites() {
			for k, death := range deaths() {
				if !*full && (i%2 != j || i/2%2 != k) {
					continue
				}
				t.Run(strings.Join([]string{at.name, s.Name, death.name}, "/"), func(t *testing.T) { serverDies(t, at, s, death.end) })
			}
		}
	}
}

// serverDies has a server end in the middle of a run, and the same command finish when that run did not.
func serverDies(t *testing.T, at moment, s *sites.Site, end func(t *testing.T, s *sites.Site)) {
	t.Helper()
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	run := begin(t, pair, straight("--step-timeout", "2m")...)
	run.until(t.Context(), at.text)
	end(t, s)
	out := run.wait()
	switch out.code {
	case 0:
	case 3: // a server that is going down answers 500 already
		out.mustEnd(t, 3, "nothing was changed")
	default:
		out.mustEnd(t, out.code, "state:", "data at risk: none", "next:")
	}
	must(t, s.WaitReady(t.Context()))
	must(t, pair.WaitLinked(t.Context()))
	mustKeepPrimary(t, truth)
	if out.code != 0 {
		resync(t, straight()...).mustSucceed(t)
	}
	truth["sessions"]["written-afterwards"] = "value"
	mustBeRecovered(t, truth)
}

// TestASecondaryThatRestartsAsAWholeIsNotClearedWithItsFlagsLost: after the restart every server says online again (V6).
func TestASecondaryThatRestartsAsAWholeIsNotClearedWithItsFlagsLost(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	run := begin(t, pair, straight()...)
	run.until(t.Context(), "holds site site-a offline")
	for _, pod := range []string{"infinispan-0", "infinispan-1"} {
		must(t, pair.B.DeletePod(t.Context(), pod))
	}
	out := run.wait()
	must(t, pair.B.WaitReady(t.Context()))
	must(t, pair.WaitLinked(t.Context()))
	mustKeepPrimary(t, truth)
	if out.code != 0 {
		resync(t, straight()...).mustSucceed(t)
	}
	mustBeRecovered(t, truth)
}

// TestTheReverseOfAnUnfinishedRunIsRefused: the site that was to be discarded is empty; keeping it would lose everything.
func TestTheReverseOfAnUnfinishedRunIsRefused(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	begin(t, pair, straight()...).kill(t.Context(), "clear     done")
	dropLeases(t)
	reverse := []string{
		"--primary-context", "site-b", "--secondary-context", "site-a", "--confirm", "site-a",
		"--accept", "primary-keycloak-not-ready", "--accept", "primary-smaller", "--accept", "primary-held-offline",
	}
	resync(t, reverse...).mustEnd(t, 3, "direction:", "is unfinished", "it keeps site site-a and discards site site-b", "nothing was changed")
	mustKeepPrimary(t, truth)

	abort := append([]string{"abort"}, straight()...)
	resync(t, abort...).mustEnd(t, 3, "--discard-sessions", "nothing was changed")
	if out := resync(t, "history", "--primary-context", "site-a", "--secondary-context", "site-b").mustSucceed(t); !strings.Contains(out.stdout, "UNFINISHED") {
		t.Errorf("history does not show the unfinished run:\n%s", out.stdout)
	}
	resync(t, append(abort, "--discard-sessions")...).mustSucceed(t)
	mustBeWhole(t)
	mustKeepPrimary(t, truth)
	resync(t, straight()...).mustSucceed(t)
	mustBeRecovered(t, truth)
	resync(t, "history", "prune", "--primary-context", "site-a", "--secondary-context", "site-b", "--confirm", "site-b").mustSucceed(t)
	if out := resync(t, "history", "--primary-context", "site-a", "--secondary-context", "site-b").mustSucceed(t); !strings.Contains(out.stdout, "No run") {
		t.Errorf("history after prune:\n%s", out.stdout)
	}
}
