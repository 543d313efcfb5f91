package xsite_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

func TestALinkThatFailsBehindTheClearLeavesThePrimaryServing(t *testing.T) {
	for name, c := range map[string]struct {
		how   link
		guard xsite.Guard
	}{"seen by the views": {linkDown, xsite.GuardReachable}, "not seen yet": {linkSilent, xsite.GuardLinked}} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.busy = true
			p.after(occasion{site: siteB, method: "Clear", cache: "sessions"}, happens(func() { p.link = c.how }))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, c.guard, xsite.Failed)
			if n := p.count(siteA, "StartPush", ""); n > 0 {
				t.Error("a push was started over a dead link")
			}
			if len(p.failed) > 0 {
				t.Errorf("%d writes of the primary failed: %v", len(p.failed), p.failed[0])
			}
			p.wantHeldSafe(t)
			p.link = linkUp
			p.continues(t)
		})
	}
}

func TestALinkThatFailsWithTheStartOfThePushLeavesThePrimaryServing(t *testing.T) {
	p := newPair(t)
	p.busy = true
	p.before(occasion{site: siteA, method: "StartPush"}, happens(func() { p.link = linkSilent }))
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantHeldSafe(t) // the failed start had brought the secondary online (V10)
	if len(p.failed) > 0 {
		t.Errorf("%d writes of the primary failed: %v", len(p.failed), p.failed[0])
	}
	p.link = linkUp
	p.continues(t)
}

func TestThePrimaryIsMadeIndependentBeforeAFailedSecondaryIsAskedAnything(t *testing.T) {
	p := newPair(t)
	failed := 0
	p.before(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 5}, func() error { failed = len(p.calls); return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	after := p.calls[failed:]
	first := func(site, method string) int {
		return slices.IndexFunc(after, func(c call) bool { return c.site == site && (method == "" || c.method == method) })
	}
	if silenced, asked := first(siteA, "TakeOffline"), first(siteB, ""); silenced < 0 || asked >= 0 && asked < silenced {
		t.Errorf("after the failure: %v", after)
	}
	p.wantHeldSafe(t)
}

func TestAnUnfinishedRunThatMayNotGoOnStillLeavesThePrimaryServing(t *testing.T) {
	p := newPair(t)
	p.deadline = &ending{at: countTo(t, "StartPush"), how: diedAfter}
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.deadline, p.link = nil, linkDown // the secondary is online on the primary, and nobody is there to see it
	_, err = p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	p.wantHeldSafe(t)
	p.link = linkUp
	p.continues(t)
}

// countTo tells which changing call of a whole run is the first of a method.
func countTo(t *testing.T, method string) int {
	t.Helper()
	p, at := newPair(t), 0
	p.before(occasion{site: siteA, method: method}, happens(func() { at = p.changes }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAPushThatEndsInAnythingButOKIsRepeated(t *testing.T) {
	for _, status := range []infinispan.PushStatus{infinispan.PushError, infinispan.PushCanceled, infinispan.PushIdle} {
		t.Run(string(status), func(t *testing.T) {
			p := newPair(t)
			p.after(occasion{site: siteA, method: "StartPush", cache: "sessions"}, happens(func() {
				p.drop(func(push *transfer) bool { return push.cache == "sessions" })
				p.a.caches["sessions"].status[0] = status
			}))
			result, err := p.recover(t)
			if err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
			for _, c := range result.Caches {
				if c.Name == "sessions" && c.Pushes != 2 {
					t.Errorf("took %d pushes, want 2", c.Pushes)
				}
			}
		})
	}
}

func TestAPushThatStandsStillIsRepeated(t *testing.T) {
	for name, prepare := range map[string]func(*pair){"SYNC": func(*pair) {}, "ASYNC": (*pair).async} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			prepare(p)
			p.starved["sessions"] = 1
			result, err := p.recover(t)
			if err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
			for _, c := range result.Caches {
				if want := map[bool]int{true: 2, false: 1}[c.Name == "sessions"]; c.Pushes != want {
					t.Errorf("cache %s took %d pushes, want %d", c.Name, c.Pushes, want)
				}
			}
		})
	}
}

func TestAPushThatStandsStillForEverEndsTheRun(t *testing.T) {
	for name, busy := range map[string]bool{"quiet": false, "with traffic": true} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.starved["sessions"], p.busy = 99, busy
			began := p.now
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardMoving, xsite.Failed)
			if took := p.now.Sub(began); took > 10*time.Minute {
				t.Errorf("took %s to find out", took)
			}
			if n := p.count(siteA, "StartPush", "sessions"); n != 3 {
				t.Errorf("pushed %d times, want 3", n)
			}
			p.wantHeldSafe(t)
			p.starved["sessions"] = 0
			p.continues(t)
		})
	}
}

func TestAServerThatRestartsDuringThePushDoesNotLoseEntries(t *testing.T) {
	for name, restart := range map[string]func(p *pair){
		"the one that pushes":        func(p *pair) { p.a.restart(0, false) },
		"the other of the primary":   func(p *pair) { p.a.restart(1, false) },
		"the one that receives":      func(p *pair) { p.b.restart(0, false) },
		"the other of the secondary": func(p *pair) { p.b.restart(1, false) },
		"only its container":         func(p *pair) { p.b.restart(0, true) },
		"one that stays away for a while": func(p *pair) {
			p.b.restart(0, false)
			p.b.servers[0].ready = false
			p.after(occasion{site: siteB, method: "Pods", nth: 9}, happens(func() { p.b.servers[0].ready = true }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.after(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 3}, happens(func() { restart(p) }))
			began := p.now
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			if took := p.now.Sub(began); took > time.Minute {
				t.Errorf("took %s: the restart was not noticed, only that nothing moved", took)
			}
			p.wantRecovered(t)
		})
	}
}

// A restart between the end of the pushes and the moment the secondary may speak again makes a server of it say online
// too early (V6a) and may have taken entries with it.
func TestAServerThatRestartsBehindThePushVoidsItsResult(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Keys", cache: "work"}, happens(func() {
		p.b.restart(1, false)
		delete(p.b.caches["work"].entries, "work-01")
	}))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardSameNodes, xsite.Failed)
	if k := p.b.keycloaks[0]; k.instances != 0 {
		t.Error("Keycloak was started on contents that are not proved")
	}
	p.continues(t)
}

func TestAnOKWithEntriesMissingIsNotTheEnd(t *testing.T) {
	p := newPair(t)
	p.lossy["sessions"], p.lossy["work"] = 1, 2
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	want := map[string]int{"sessions": 2, "clientSessions": 1, "work": 3}
	for _, c := range result.Caches {
		if c.Pushes != want[c.Name] {
			t.Errorf("cache %s took %d pushes, want %d", c.Name, c.Pushes, want[c.Name])
		}
	}
}

func TestAnOKWithEntriesMissingEachTimeLeavesKeycloakDown(t *testing.T) {
	p := newPair(t)
	p.lossy["sessions"] = 99
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Failed)
	p.wantHeldSafe(t)
	p.lossy["sessions"] = 0
	p.continues(t)
}

func TestAnOKWithTheSecondaryOfflineIsNotTheEnd(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteA, method: "StartPush", cache: "work"}, happens(func() { // as if the cache were missing (V57)
		c := p.a.caches["work"]
		p.drop(func(x *transfer) bool { return x.cache == "work" })
		c.setFlag(infinispan.FlagOffline)
		c.status[0], p.b.caches["work"].receiving = infinispan.PushOK, false
	}))
	p.after(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 4}, happens(func() { // by somebody's hand (V17)
		p.a.caches["sessions"].flags[1] = infinispan.FlagOffline
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestAClearInTheMiddleOfThePushIsFoundByTheComparison(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 4}, happens(func() { wipe(p.b.caches["sessions"]) })) // V16
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestLastingEntriesThatOnlyTheSecondaryHasAreNotExplained(t *testing.T) {
	p := newPair(t)
	p.hooks = append(p.hooks, &hook{occasion: occasion{site: siteB, method: "Keys", cache: "work", always: true}, before: happens(func() {
		p.b.caches["work"].entries["late"] = entry{value: "stale"}
	})})
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Failed)
	p.wantHeldSafe(t)
	p.continues(t)
}

func TestEntriesThatLiveALittleLongerOnTheSecondaryAreARemark(t *testing.T) {
	p := newPair(t)
	e := entry{value: "fresh", lifespan: time.Hour, expires: p.now.Add(20 * time.Second)}
	p.a.caches["work"].entries["short"], p.truth["work"]["short"] = e, e
	p.after(occasion{site: siteA, method: "PushStatus", cache: "work", nth: 4}, happens(func() { p.now = p.now.Add(30 * time.Second) }))
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Remarks) != 1 {
		t.Errorf("remarks: %q", result.Remarks)
	}
	p.wantPrimaryWhole(t)
	p.wantKeycloakServing(t)
}

func TestFewerEntriesAreFoundWhereOnlySizesAreCompared(t *testing.T) {
	p := newPair(t)
	p.lossy["sessions"] = 1
	if _, err := p.recover(t, func(o *xsite.Options) { o.Verify = xsite.VerifySizes }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestOtherValuesAreFoundWhereValuesAreCompared(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteB, method: "Entries", cache: "work"}, happens(func() {
		p.b.caches["work"].entries["work-01"] = entry{value: "stale"}
	}))
	_, err := p.recover(t, func(o *xsite.Options) { o.Verify = xsite.VerifyEntries })
	if err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t) // the cache was repeated
	if n := p.count(siteA, "StartPush", "work"); n != 2 {
		t.Errorf("pushed %d times, want 2", n)
	}
}

func TestKeycloakThatIsNotReadyInTimeIsAnEndOfItsOwn(t *testing.T) {
	p := newPair(t)
	p.b.keycloaks[0].broken = true
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.NotReady)
	for name := range p.truth {
		if !p.hasAll(name) {
			t.Errorf("cache %s is not proved", name)
		}
	}
	clears, pushes := p.count(siteB, "Clear", ""), p.count(siteA, "StartPush", "")
	p.b.keycloaks[0].broken = false
	p.continues(t)
	if p.count(siteB, "Clear", "") != clears || p.count(siteA, "StartPush", "") != pushes {
		t.Error("running it again did more than wait")
	}
}

func TestKeycloakStaysDownAsLongAsTheContentsAreNotProved(t *testing.T) {
	for name, fail := range map[string]occasion{
		"the clear fails":             {site: siteB, method: "Clear", cache: "sessions"},
		"the push fails":              {site: siteA, method: "StartPush", cache: "sessions"},
		"the comparison fails":        {site: siteB, method: "Keys", cache: "sessions"},
		"the status cannot be read":   {site: siteA, method: "PushStatus", cache: "sessions", nth: 5},
		"the counters cannot be read": {site: siteB, method: "Stats", cache: "sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.before(fail, func() error { return errFake })
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			var failed *xsite.RunError
			if !errors.As(err, &failed) || failed.Undone || failed.Next == "" || len(failed.State) == 0 {
				t.Errorf("the error does not say how things are left: %+v", failed)
			}
			p.wantHeldSafe(t)
			p.continues(t)
		})
	}
}

func TestAtMostSoManyCachesArePushedAtTheSameTime(t *testing.T) {
	p := newPair(t)
	most := 0
	p.hooks = append(p.hooks, &hook{occasion: occasion{site: siteA, method: "PushStatus", always: true}, before: happens(func() {
		most = max(most, len(p.transfers))
	})})
	if _, err := p.recover(t, func(o *xsite.Options) { o.MaxPushes = 1 }); err != nil {
		t.Fatal(err)
	}
	if most != 1 {
		t.Errorf("%d pushes ran at the same time, want 1", most)
	}
	p.hooks = nil
	p.wantRecovered(t)
}
