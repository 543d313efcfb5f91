package xsite_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

const (
	// mostFailing is for how long the primary's writes may fail once somebody looks at a link that is lost.
	mostFailing = 10 * time.Second
	// askedEvery is how often the link is asked from the primary alone, triedEvery how often during a wait that asks nobody.
	askedEvery, triedEvery = 10 * time.Second, 15 * time.Second
)

// dependsUntil notes the last time at which the primary had the secondary online for a cache.
func (p *pair) dependsUntil() *time.Time {
	last := &time.Time{}
	p.before(occasion{always: true}, happens(func() {
		for name := range p.truth {
			if slices.Contains(p.a.caches[name].flags, infinispan.FlagOnline) {
				*last = p.now
			}
		}
	}))
	return last
}

// A push fails, and before the sites are seen to be whole again link and cluster of the secondary are lost. The caches that were
// pushed already are online on the primary.
func TestAFailedPushOverALinkCutInSilenceLetsGoOfTheOtherCachesWithTheSecondarysClusterAway(t *testing.T) {
	p := smallPair(t)
	depends := p.dependsUntil()
	var lost time.Time
	p.after(occasion{site: siteA, method: "StartPush", cache: "sessions"}, happens(func() {
		p.drop(func(push *transfer) bool { return push.cache == "sessions" })
		p.a.caches["sessions"].status[0] = infinispan.PushError
		p.after(occasion{site: siteA, method: "TakeOffline", cache: "sessions"}, happens(func() {
			p.link, lost = linkSilent, p.now
			p.away[siteB] = p.now.Add(time.Hour)
		}))
	}))
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	if lost.IsZero() {
		t.Fatal("no push failed, so this tells nothing")
	}
	if failing := depends.Sub(lost); failing > mostFailing {
		t.Errorf("the primary's writes failed for %s", failing)
	}
	p.wantPrimaryAlone(t)
	p.wantNoProbe(t)
}

// A lost route takes calls to the secondary's cluster with it, which hang for half a minute.
func TestACallThatHangsIsBrokenOffWhenThePrimarysWritesFail(t *testing.T) {
	for name, how := range brokenLinks() {
		for when, o := range map[string]occasion{
			"during the push":       {site: siteA, method: "StartPush", nth: 2},
			"while Keycloak starts": {site: siteB, method: "ScaleKeycloak", nth: 2},
		} {
			t.Run(when+", "+name, func(t *testing.T) {
				p := smallPair(t)
				p.b.keycloaks[0].broken = when != "during the push"
				depends := p.dependsUntil()
				var lost time.Time
				p.after(o, happens(func() {
					p.link, lost = how, p.now
					p.hangs[siteB] = p.now.Add(time.Hour)
				}))
				_, err := p.recover(t)
				p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
				if failing := depends.Sub(lost); failing > mostFailing {
					t.Errorf("the primary's writes failed for %s", failing)
				}
				p.wantPrimaryAlone(t)
				p.wantNoProbe(t)
			})
		}
	}
}

// A server that takes its time is waited for.
func TestACallThatHangsOverALinkThatLivesIsMadeAgain(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() { p.hangs[siteB] = p.now.Add(40 * time.Second) }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	p.wantNoProbe(t)
}

// Whoever does not wait for Keycloak leaves a primary whose writes work.
func TestARunThatIsInterruptedOverALinkCutInSilenceLetsGoWithTheSecondarysClusterAway(t *testing.T) {
	p := smallPair(t)
	p.b.keycloaks[0].broken = true
	ctx, interrupt := context.WithCancelCause(t.Context())
	p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() {
		p.link = linkSilent
		p.away[siteB] = p.now.Add(time.Hour)
		interrupt(errStop)
	}))
	options, _ := p.seats()
	options.Confirm = func(context.Context, xsite.Plan) error { return nil }
	_, err := xsite.Recover(ctx, options)
	p.wantOutcome(t, err, xsite.Interrupted)
	p.wantPrimaryAlone(t)
	p.wantNoProbe(t)
}

// The primary's writes depend on the secondary from its push on, and nothing is asked of the link while queues run empty.
func TestALinkThatFailsWhileQueuesAreWaitedForFailsWritesOnlyBriefly(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.async()
			depends := p.dependsUntil()
			var lost time.Time
			p.after(occasion{site: siteA, method: "PushStatus", cache: "work"}, happens(func() {
				began := p.now
				p.before(occasion{always: true}, happens(func() {
					if lost.IsZero() && p.now.Sub(began) > 20*time.Second {
						p.link, lost = how, p.now
					}
				}))
			}))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
			if failing := depends.Sub(lost); lost.IsZero() || failing > triedEvery+mostFailing {
				t.Errorf("the primary's writes failed for %s", failing)
			}
			p.wantPrimaryAlone(t)
			p.wantNoProbe(t)
		})
	}
}

// Another server takes the place of a relay node that died.
func TestALinkOutOfSightForAMomentWhileQueuesAreWaitedForIsForgiven(t *testing.T) {
	p := smallPair(t)
	p.async()
	lost := false
	p.after(occasion{site: siteA, method: "PushStatus", cache: "work"}, happens(func() {
		began := p.now
		p.before(occasion{always: true}, happens(func() {
			if !lost && p.now.Sub(began) > 20*time.Second {
				lost = true
				p.link, p.mends = linkDown, p.now.Add(3*time.Second)
			}
		}))
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

// The view shows a link that was cut in silence up to 48 s later (V24).
func TestASecondaryDoesNotSpeakAgainOverALinkCutInSilence(t *testing.T) {
	undisturbed := smallPair(t)
	if _, err := undisturbed.recover(t); err != nil {
		t.Fatal(err)
	}
	speaks := slices.IndexFunc(undisturbed.calls, func(c call) bool { return c.site == siteB && c.method == "BringOnline" })
	compared := speaks
	for undisturbed.calls[compared].method != "Keys" {
		compared--
	}
	p := smallPair(t)
	p.at(compared+1, happens(func() { p.link = linkSilent }))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardLinked, xsite.Failed)
	if p.count(siteB, "BringOnline", "") > 0 {
		t.Error("the secondary was brought to speak to the primary, which it cannot reach")
	}
	p.wantPrimaryAlone(t)
}

// The server that is asked is another one by now, or one that takes its time to start; then the other server is the relay node. One
// that says nothing keeps nobody from letting go on the others, for every cache.
func TestASecondaryLostAltogetherWithAServerOfThePrimaryFailsWritesOnlyBriefly(t *testing.T) {
	for how, lose := range map[string]func(p *pair){
		"its relay node, whose successor answers": func(p *pair) { p.a.restart(0, false) },
		"its relay node, whose successor starts": func(p *pair) {
			p.a.restart(0, false)
			p.a.servers[0].silent, p.a.servers[0].starting = true, true
		},
		"another one, which says nothing": func(p *pair) { p.a.servers[1].silent = true },
	} {
		for name, lost := range lostAltogether() {
			t.Run(how+", "+name, func(t *testing.T) {
				p := smallPair(t)
				p.b.keycloaks[0].broken = true
				depends := p.dependsUntil()
				var since time.Time
				p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() {
					since = p.now
					lose(p)
					lost(p)
				}))
				_, err := p.recover(t)
				p.wantOutcome(t, err, xsite.Failed)
				if failing := depends.Sub(since); since.IsZero() || failing > askedEvery+mostFailing {
					t.Errorf("the primary's writes failed for %s", failing)
				}
				p.wantPrimaryAlone(t)
				all := strings.HasSuffix(how, "answers")
				if unproved := strings.Contains(err.Error(), "which is not proved"); unproved == all {
					t.Errorf("says that a server was not asked: %t: %v", unproved, err)
				}
			})
		}
	}
}

// Once the primary has let go nothing is in a hurry any more.
func TestAnAbortOverALostLinkWaitsForASecondaryThatIsAwayForAMoment(t *testing.T) {
	p := smallPair(t)
	wanted := p.b.keycloaks[0].instances
	p.diedAfterThe(t, "ScaleKeycloak")
	p.link = linkDown
	p.after(occasion{site: siteA, method: "TakeOffline", cache: "work"}, happens(func() { p.away[siteB] = p.now.Add(20 * time.Second) }))
	_, err := p.abort(t, false)
	if now := p.b.keycloaks[0].instances; now != wanted {
		t.Errorf("Keycloak has %d instances, want %d: %v", now, wanted, err)
	}
	p.wantPrimaryAlone(t)
}
