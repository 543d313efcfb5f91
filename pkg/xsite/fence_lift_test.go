package xsite_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// fenced makes a small pair whose link was down, and is up again behind a fence.
func fenced(t *testing.T) *pair {
	t.Helper()
	p := smallPair(t)
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	p.link = linkUp
	return p
}

// cutInSilence cuts the link so that the views show it after 48 s only (V24).
func (p *pair) cutInSilence() {
	p.link = linkSilent
	cut := p.now
	p.before(occasion{site: siteA, method: "Info", always: true}, happens(func() {
		if p.now.Sub(cut) >= 48*time.Second && p.link == linkSilent {
			p.link = linkDown
		}
	}))
}

// wantFencedStill demands that the primary's writes depend on nobody, and that the way back is known.
func (p *pair) wantFencedStill(t *testing.T, err error, said string) {
	t.Helper()
	p.wantAllWrites(t)
	if records := p.records(t, p.a); len(records) != 1 {
		t.Errorf("the record of the fence is not there any more: %+v", records)
	}
	if err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("does not say %q: %v", said, err)
	}
}

// The view would tell it 48 s later.
func TestAFenceIsNotLiftedOverALinkThatWasCutInSilence(t *testing.T) {
	p := fenced(t)
	p.cutInSilence()
	p.busy = true
	p.before(occasion{site: siteA, method: "BringOnline", always: true}, happens(func() { t.Error("brought online") }))
	_, err := p.fence(t, true)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	p.wantFencedStill(t, err, "does not answer")
	p.wantNoProbe(t)
}

// Two flags that change at the same time lock up a server (V66), and the answer to the question changes one.
func TestAFenceIsLiftedOnlyOnceTheQuestionToTheLinkHasSettled(t *testing.T) {
	p := fenced(t)
	var asked time.Time
	p.after(occasion{site: siteA, method: "Put"}, happens(func() { asked = p.now }))
	p.before(occasion{site: siteA, method: "BringOnline"}, happens(func() {
		if settled := p.now.Sub(asked); asked.IsZero() || settled < time.Second {
			t.Errorf("a flag is changed %s after another one: the primary's server may lock up", settled)
		}
	}))
	if _, err := p.fence(t, true); err != nil {
		t.Fatal(err)
	}
}

func TestAFenceLiftedRightBeforeTheLinkIsCutInSilenceIsSetAgain(t *testing.T) {
	p := fenced(t)
	depends := p.dependsUntil()
	var cut time.Time
	p.after(occasion{site: siteA, method: "BringOnline", nth: 2}, happens(func() {
		p.cutInSilence()
		cut = p.now
	}))
	_, err := p.fence(t, true)
	if failing := depends.Sub(cut); failing > askedEvery+mostFailing {
		t.Errorf("the primary's writes failed for %s", failing)
	}
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	p.wantFencedStill(t, err, "offline again")
	p.hooks, p.link = nil, linkUp
	if _, err := p.fence(t, true); err != nil {
		t.Fatal(err)
	}
	if records := p.records(t, p.a); len(records) > 0 {
		t.Errorf("the record of the fence is left: %+v", records)
	}
}

// Whoever does not wait for the end does not know how it ends: it stays as it was.
func TestALiftThatIsInterruptedWhileTheLinkIsWatchedSetsTheFenceAgain(t *testing.T) {
	p := fenced(t)
	ctx, interrupt := context.WithCancelCause(t.Context())
	p.after(occasion{site: siteA, method: "BringOnline", nth: 2}, happens(func() { interrupt(errStop) }))
	options, agree := p.seats()
	options.SecondaryCluster = nil
	_, err := xsite.Lift(ctx, xsite.FenceOptions{Options: options, Agree: agree})
	p.wantOutcome(t, err, xsite.Interrupted)
	p.wantFencedStill(t, err, "offline again")
}

// A primary that tells nothing any more may have lost the link too.
func TestALiftWhosePrimaryFallsSilentDoesNotEndTheFence(t *testing.T) {
	p := fenced(t)
	lifted, fell := time.Time{}, time.Time{}
	p.after(occasion{site: siteA, method: "BringOnline", nth: 2}, happens(func() { lifted = p.now }))
	p.before(occasion{site: siteA, method: "Pods", always: true}, happens(func() {
		if !lifted.IsZero() && fell.IsZero() && p.now.Sub(lifted) > 3*time.Second {
			p.a.servers[0].silent, fell = true, p.now
		}
	}))
	_, err := p.fence(t, true)
	if took := p.now.Sub(fell); took > 15*time.Second {
		t.Errorf("the fence was set again after %s", took)
	}
	p.wantOutcome(t, err, xsite.Failed)
	p.wantFencedStill(t, err, "proved on: infinispan-1")
}

func TestALiftThatFailsHalfWaySetsTheFenceAgain(t *testing.T) {
	p := fenced(t)
	p.before(occasion{site: siteA, method: "BringOnline", nth: 2}, func() error { return errFake })
	_, err := p.fence(t, true)
	p.wantOutcome(t, err, xsite.Failed)
	p.link = linkDown
	p.wantFencedStill(t, err, "offline again")
}

// A server of the primary that is away for a moment is no loss of the link. Of the others than the relay node nothing is needed.
func TestALiftOutlivesAServerOfThePrimaryThatIsAwayForAWhile(t *testing.T) {
	for name, c := range map[string]struct {
		server int
		away   time.Duration
	}{"the relay node": {0, 5 * time.Second}, "another one": {1, 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			p := fenced(t)
			lifted := time.Time{}
			p.after(occasion{site: siteA, method: "BringOnline", nth: 2}, happens(func() { lifted = p.now }))
			p.before(occasion{site: siteA, method: "Pods", always: true}, happens(func() {
				since := p.now.Sub(lifted)
				p.a.servers[c.server].silent = !lifted.IsZero() && since > 3*time.Second && since < 3*time.Second+c.away
			}))
			if _, err := p.fence(t, true); err != nil {
				t.Fatal(err)
			}
			if watched := p.now.Sub(lifted); watched < 48*time.Second {
				t.Errorf("the link was watched for %s", watched)
			}
			for name := range p.truth {
				for i, flag := range p.a.caches[name].flags {
					if flag != infinispan.FlagOnline {
						t.Errorf("cache %s is %s on server %d", name, flag, i)
					}
				}
			}
		})
	}
}
