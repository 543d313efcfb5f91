package xsite_test

import (
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// brokenLinks are the ways in which a link fails. The views show a silent one as whole for a while, and the primary's writes
// fail all the same (V10, V65).
func brokenLinks() map[string]link {
	return map[string]link{"seen by the views": linkDown, "not seen yet": linkSilent}
}

// Behind the comparison too: what is written on the primary from then on makes the proved contents old, and nobody looks at the
// sites once a run has ended well.
func TestALinkThatFailsLeavesThePrimaryServing(t *testing.T) {
	for when, lose := range map[string]func(p *pair, how link){
		"during the push": func(p *pair, how link) {
			p.after(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 4}, happens(func() { p.link = how }))
		},
		"behind the comparison": func(p *pair, how link) {
			p.before(occasion{site: siteB, method: "BringOnline"}, func() error { p.link = how; return errFake })
		},
		"while Keycloak starts": func(p *pair, how link) {
			p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() { p.link = how }))
		},
	} {
		for name, how := range brokenLinks() {
			t.Run(when+", "+name, func(t *testing.T) {
				p := newPair(t)
				lose(p, how)
				_, err := p.recover(t)
				p.wantOutcome(t, err, xsite.Failed)
				p.wantHeldSafe(t)
				p.link = linkUp
				p.continues(t)
			})
		}
	}
}

// Another server takes the place of a relay node that died.
func TestALinkThatIsLostForAMomentWhileKeycloakStartsEndsNoRun(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() {
				p.link, p.mends = how, p.now.Add(5*time.Second)
			}))
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

// The flags are looked at behind the probe, which may wait for the link, not before it.
func TestASiteThatIsTakenOfflineDuringTheLastProbeIsNoSuccess(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() {
		p.after(occasion{site: siteA, method: "CreateCache"}, takenOffline(p.a, "work")) // of the last probe
	}))
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantHeldSafe(t)
	p.continues(t)
}

// Keycloak takes minutes to start on a busy cluster; nobody else looks at the link meanwhile.
func TestALinkThatIsLostWhileKeycloakTakesLongLeavesNoWriteFailingUntilThen(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.b.keycloaks[0].broken = true
			var lost time.Time
			p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() { p.link, lost = how, p.now }))
			_, err := p.recover(t)
			if took := p.now.Sub(lost); took > time.Minute {
				t.Errorf("writes of the primary failed for %s", took)
			}
			p.wantOutcome(t, err, xsite.Failed)
			p.wantHeldSafe(t)
			p.b.keycloaks[0].broken, p.link = false, linkUp
			p.continues(t)
		})
	}
}

// Exit code 9 says that only Keycloak is not ready.
func TestAKeycloakThatIsNotReadyOverALostLinkIsNotAllThatIsMissing(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.b.keycloaks[0].broken = true
			p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() { p.link = how }))
			_, err := p.recover(t, func(o *xsite.Options) { o.StepTimeout = 5 * time.Second }) // it ends before the link is looked at
			p.wantOutcome(t, err, xsite.Failed)
			p.wantHeldSafe(t)
			p.b.keycloaks[0].broken, p.link = false, linkUp
			p.continues(t)
		})
	}
}

func TestALinkThatFailsBeforeTheClearIsAnsweredWithTheSecondaryHeldOff(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.after(occasion{site: siteB, method: "TakeOffline", cache: "work"}, func() error { p.link = how; return errFake })
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			if n := p.count(siteB, "Clear", "work"); n > 0 {
				t.Error("cleared")
			}
			p.wantPrimaryAlone(t)
			p.link = linkUp
			p.continues(t)
		})
	}
}

// The whole secondary goes, its cluster too: nobody there can be asked, and the primary's view decides.
func TestASecondaryThatIsLostBeforeTheClearIsHeldOff(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "TakeOffline", cache: "work"}, func() error {
		p.link = linkDown
		p.away[siteB] = p.now.Add(20 * time.Second)
		return errFake
	})
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantPrimaryAlone(t)
	p.pass(time.Minute)
	p.link = linkUp
	p.continues(t)
}

func TestAnAbortBringsTheSecondaryOnlineOnlyOverALinkThatLives(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, "Clear")
			p.after(occasion{site: siteA, method: "ClearPushStatus", cache: "work"}, happens(func() { p.link = how }))
			if _, err := p.abort(t, true); err == nil {
				t.Error("the abort did not notice the link")
			}
			if p.link == linkUp {
				t.Fatal("the link did not fail, so this tells nothing")
			}
			p.wantPrimaryAlone(t)
			p.link = linkUp
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

// A call that is dropped on the way ends no abort: it is made again.
func TestAnAbortOutlivesAClusterThatIsAwayForAMoment(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "TakeOffline")
	p.before(occasion{site: siteB, method: "ScaleKeycloak"}, func() error {
		p.away[siteB] = p.now.Add(5 * time.Second)
		return errAway
	})
	if _, err := p.abort(t, false); err != nil {
		t.Fatal(err)
	}
	p.wantBefore(t)
}

// wantPrimaryAlone demands that the primary depends on nobody: its writes succeed, and it holds the secondary offline.
func (p *pair) wantPrimaryAlone(t *testing.T) {
	t.Helper()
	for name := range p.truth {
		for i, flag := range p.a.caches[name].flags {
			if flag != infinispan.FlagOffline {
				t.Errorf("the primary still depends on the secondary for cache %s on server %d", name, i)
			}
		}
	}
	if err := p.clientWrites("sessions", "afterwards", entry{value: "fresh"}); err != nil {
		t.Errorf("a write of the primary fails: %v", err)
	}
}
