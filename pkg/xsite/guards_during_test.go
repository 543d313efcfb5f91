package xsite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// wantHeldSafe is the state after a failure past the first clear: the primary is whole and depends on nobody, nothing
// may speak to it, and Keycloak of the secondary is down.
func (p *pair) wantHeldSafe(t *testing.T) {
	t.Helper()
	for _, s := range []*site{p.a, p.b} {
		for name := range p.truth {
			for i, flag := range s.caches[name].flags {
				if flag != infinispan.FlagOffline {
					t.Errorf("%s says %s for cache %s on server %d", s.name, flag, name, i)
				}
			}
		}
	}
	for _, k := range p.b.keycloaks {
		if k.instances != 0 {
			t.Errorf("Keycloak of the secondary is wanted with %d instances", k.instances)
		}
	}
	p.wantOpen(t)
	if err := p.clientWrites("sessions", "after-failure", entry{value: "fresh"}); err != nil {
		t.Errorf("a write of the primary fails: %v", err)
	}
	p.wantPrimaryWhole(t)
}

// wantUndone is the state after a failure before the first clear: everything is as it was, and the run is closed.
func (p *pair) wantUndone(t *testing.T, before string) {
	t.Helper()
	p.pass(time.Minute) // Keycloak's pods come back
	p.wantKeycloakServing(t)
	p.wantClosed(t, "undone")
	if after := p.contents(); after != before {
		t.Errorf("not everything was put back:\n%s\n%s", before, after)
	}
	p.wantPrimaryWhole(t)
}

// contents is the part of the image that is about caches.
func (p *pair) contents() string {
	var all strings.Builder
	for _, s := range []*site{p.a, p.b} {
		for _, name := range []string{"sessions", "clientSessions", "work"} {
			c := s.caches[name]
			all.WriteString(text(s.name, name, c.keys(p.now), c.entries, c.flags, c.modes, c.status))
		}
	}
	return all.String()
}

// continues demands that the same command finishes, once the cause is mended.
func (p *pair) continues(t *testing.T) {
	t.Helper()
	p.hooks = nil
	if _, err := p.recover(t); err != nil {
		t.Fatalf("the same command did not finish: %v", err)
	}
	p.wantRecovered(t)
}

func TestAKeycloakThatComesUpBehindTheClearIsNotLeftServing(t *testing.T) {
	for name, up := range map[string]func(p *pair){
		"and stays":                 func(p *pair) { p.b.keycloaks[0].instances = 1; p.b.startPod(p.b.keycloaks[0]) },
		"and is gone in the moment": func(p *pair) { p.b.flicker() },
		"and its watch is lost":     func(p *pair) { p.b.loseWatches() },
	} {
		for when, at := range map[string]occasion{
			"during the clear": {site: siteB, method: "Clear", cache: "clientSessions"},
			"during the push":  {site: siteA, method: "StartPush"},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				p := newPair(t)
				p.after(at, happens(func() { up(p) }))
				_, err := p.recover(t)
				p.wantStoppedBy(t, err, xsite.GuardStopped, xsite.Failed)
				if n := p.count(siteB, "BringOnline", ""); n > 0 {
					t.Error("what that Keycloak wrote may reach the primary")
				}
				if k := p.b.keycloaks[0]; k.recorded == nil || *k.recorded != 2 {
					t.Errorf("the original count is lost: %v", k.recorded)
				}
				p.b.keycloaks[0].instances = 0 // whoever started it stops it again
				p.pass(time.Minute)
				p.wantHeldSafe(t)
				p.continues(t)
			})
		}
	}
}

func TestNothingIsClearedWhileAKeycloakPodIsThere(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteA, method: "TakeOffline", cache: "work"}, happens(func() { p.b.flicker() }))
	before := p.contents()
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardStopped, xsite.Failed)
	if n := p.count(siteB, "Clear", ""); n > 0 {
		t.Errorf("%d caches were cleared", n)
	}
	p.wantUndone(t, before)
	p.continues(t)
}

func TestNothingIsClearedWhileOneServerSaysOnline(t *testing.T) {
	for _, at := range []string{siteA, siteB} {
		t.Run("a server of "+at, func(t *testing.T) {
			p := newPair(t)
			p.site(at).servers[1].deaf = true
			before := p.contents()
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardOffline, xsite.Failed)
			if n := p.count(siteB, "Clear", ""); n > 0 {
				t.Errorf("%d clears were sent", n)
			}
			p.site(at).servers[1].deaf = false
			p.wantUndone(t, before)
			p.continues(t)
		})
	}
}

func TestASiteBroughtOnlineBehindOurBackIsFoundBeforeTheNextClear(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Clear", cache: "work"}, happens(func() {
		p.b.caches["clientSessions"].flags[1] = infinispan.FlagOnline
	}))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardOffline, xsite.Failed)
	if n := p.count(siteB, "Clear", "clientSessions"); n > 0 {
		t.Error("the cache was cleared although a server says online")
	}
	p.wantPrimaryWhole(t)
	p.continues(t)
}

func TestAServerThatRestartedForgetsTheFlagAndStopsTheClear(t *testing.T) {
	for name, restart := range map[string]func(p *pair){
		"a new pod":       func(p *pair) { p.b.restart(1, false) },
		"a new container": func(p *pair) { p.b.restart(1, true) },
		"all of them":     func(p *pair) { p.b.restart(0, true); p.b.restart(1, true) }, // V6
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.after(occasion{site: siteB, method: "Clear", cache: "work"}, happens(func() { restart(p) }))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardSameNodes, xsite.Failed)
			if n := p.count(siteB, "Clear", "sessions"); n > 0 {
				t.Error("a cache was cleared although a server has forgotten the flag (V6a)")
			}
			p.wantPrimaryWhole(t)
			p.continues(t)
		})
	}
}

func TestAClearThatLeaksAgainstAllThatIsKnownTakesTheSmallestCacheOnly(t *testing.T) {
	for name, backups := range map[string]func(p *pair){"SYNC": func(*pair) {}, "ASYNC": (*pair).async} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			backups(p)
			p.b.leaksThroughFlags = true
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardCanary, xsite.Failed)
			if n := p.count(siteB, "Clear", ""); n != 1 {
				t.Errorf("%d caches were cleared, want only the canary", n)
			}
			clear(p.truth["work"]) // that much is lost
			p.wantHeldSafe(t)
		})
	}
}

func TestACacheThatFillsItselfAgainIsNotTakenForEmpty(t *testing.T) {
	p := newPair(t)
	p.hooks = append(p.hooks, &hook{occasion: occasion{site: siteB, method: "Clear", cache: "sessions", always: true}, after: happens(func() {
		p.b.caches["sessions"].entries["by another client"] = entry{value: "stale"}
	})})
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardQuiet, xsite.Failed)
	p.wantHeldSafe(t)
	p.continues(t)
}

// What the primary sent just before it was cut off is in the plan's contents, and comes again with the push.
func TestWhatThePrimarySentBeforeItWasCutOffIsClearedOnceMore(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Clear", cache: "sessions"}, happens(func() {
		p.b.caches["sessions"].entries["sessions-01"] = entry{value: "fresh"}
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if n := p.count(siteB, "Clear", "sessions"); n != 2 {
		t.Errorf("cleared %d times, want 2", n)
	}
	p.wantRecovered(t)
}

func TestAModeThatWasAutoIsManualDuringTheRunAndAutoAfterIt(t *testing.T) {
	p := newPair(t)
	p.auto()
	for _, s := range []*site{p.a, p.b} { // each comes back into the other's view while the other is being worked on
		p.after(occasion{site: siteB, method: "Clear", cache: "work"}, happens(s.seesPeerAnew))
		p.after(occasion{site: siteB, method: "TakeOffline"}, happens(s.seesPeerAnew))
	}
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestAModeThatIsSetBackToAutoEndsTheRunBeforeTheNextStep(t *testing.T) {
	for when, at := range map[string]occasion{
		"before the clear": {site: siteB, method: "TakeOffline"},
		"before the push":  {site: siteB, method: "Clear", cache: "sessions"},
	} {
		t.Run(when, func(t *testing.T) {
			p := newPair(t)
			p.async()
			p.after(at, happens(func() { p.b.caches["work"].modes[1] = infinispan.ModeAuto }))
			// Then the primary comes back into view: stale entries would be pushed to it (V7).
			p.before(occasion{site: siteB, method: "Clear", cache: "work"}, happens(p.b.seesPeerAnew))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardManual, xsite.Failed)
			if n := p.count(siteA, "StartPush", ""); n > 0 {
				t.Errorf("%d pushes were started", n)
			}
			p.b.caches["work"].setMode(infinispan.ModeManual)
			p.wantPrimaryWhole(t)
			p.continues(t)
		})
	}
}
