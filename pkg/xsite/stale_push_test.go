package xsite_test

import (
	"context"
	"errors"
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
