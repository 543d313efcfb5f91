package xsite_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// stuck are pushes of others, in either direction.
func stuck() map[string]func(p *pair) {
	return map[string]func(p *pair){
		"from the primary": func(p *pair) {
			p.a.caches["work"].status[1] = infinispan.PushSending
			p.b.caches["work"].receiving = true
		},
		"from the secondary": func(p *pair) { p.b.caches["work"].status[0] = infinispan.PushSending },
	}
}

func TestAStuckPushIsEndedWhenThatIsWanted(t *testing.T) {
	for name, prepare := range stuck() {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			prepare(p)
			var plan xsite.Plan
			if _, err := p.recover(t, func(o *xsite.Options) {
				o.CancelStalePush = true
				o.Confirm = func(_ context.Context, shown xsite.Plan) error {
					plan = shown
					if n := p.count(siteA, "CancelPush", "") + p.count(siteB, "CancelPush", ""); n > 0 {
						t.Errorf("%d pushes were cancelled before the plan was confirmed", n)
					}
					return nil
				}
			}); err != nil {
				t.Fatal(err)
			}
			if len(plan.StalePushes) != 1 || plan.StalePushes[0].Cache != "work" {
				t.Errorf("the plan does not say what is ended: %+v", plan.StalePushes)
			}
			p.wantRecovered(t)
		})
	}
}

// The merged status may tell of a second push only once the OK of ours is reset (V15).
func TestASecondPushThatIsStuckBehindOursIsEnded(t *testing.T) {
	p := smallPair(t)
	p.before(occasion{site: siteB, method: "BringOnline"}, happens(func() { p.a.caches["work"].status[1] = infinispan.PushSending }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	for i, status := range p.a.caches["work"].status {
		if status != infinispan.PushIdle {
			t.Errorf("server %d of the primary says %s", i, status)
		}
	}
}

func TestThatAPushWasEndedIsNotCalledNothing(t *testing.T) {
	p := smallPair(t)
	stuck()["from the primary"](p)
	p.before(occasion{method: "CreateCache"}, func() error { return errFake })
	_, err := p.recover(t, func(o *xsite.Options) { o.CancelStalePush = true })
	var run *xsite.RunError
	if !errors.As(err, &run) || run.Outcome != xsite.Failed || run.State[0] == "nothing was changed on either site" {
		t.Errorf("says %v", err)
	}
	p.wantPrimaryWhole(t)
}

func TestAPushTowardsThePrimaryThatBeginsBehindOursIsNoProof(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteB, method: "Keys", cache: "sessions"}, happens(func() { p.b.caches["sessions"].status[0] = infinispan.PushSending }))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardOneSender, xsite.Failed)
	if n := p.count(siteB, "BringOnline", ""); n > 0 {
		t.Error("the secondary was let speak to the primary")
	}
	p.wantHeldSafe(t)
	p.hooks = nil
	if _, err := p.recover(t, func(o *xsite.Options) { o.CancelStalePush = true }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestAPushThatBeginsBehindTheProofIsEndedByTheRunThatContinues(t *testing.T) {
	for phase, at := range map[string]occasion{
		"online": {site: siteB, method: "BringOnline"}, "start": {site: siteB, method: "ScaleKeycloak", nth: 2},
	} {
		t.Run(phase, func(t *testing.T) {
			p := newPair(t)
			p.before(at, func() error {
				p.b.caches["sessions"].status[0] = infinispan.PushSending
				return errFake
			})
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			p.hooks = nil
			clears := p.count(siteB, "Clear", "sessions")
			if _, err := p.recover(t, func(o *xsite.Options) { o.CancelStalePush = true }); err != nil {
				t.Fatal(err)
			}
			if n := p.count(siteB, "Clear", "sessions"); n > clears {
				t.Error("cleared again")
			}
			p.wantRecovered(t)
		})
	}
}

// A site tells one status for its servers: the result of an earlier push comes before that another server sends (F6).
func TestAPushThatAnOldResultHidesIsFoundBeforeAnythingIsStopped(t *testing.T) {
	for _, result := range []infinispan.PushStatus{infinispan.PushOK, infinispan.PushError, infinispan.PushCanceled} {
		t.Run(string(result), func(t *testing.T) {
			p := smallPair(t)
			p.b.caches["work"].status[0], p.b.caches["work"].status[1] = result, infinispan.PushSending
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardOneSender, xsite.Refused)
			if made := p.changed(); !slices.Equal(made, []string{"site-b ClearPushStatus work"}) {
				t.Errorf("changed %v", made)
			}
			if _, err := p.recover(t, func(o *xsite.Options) { o.CancelStalePush = true }); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}
