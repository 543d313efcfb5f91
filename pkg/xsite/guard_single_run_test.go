package xsite_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// meanwhile runs a second command, from another machine, in the middle of a call of the first. Time passes for both.
func (p *pair) meanwhile(t *testing.T, primary, secondary *site, changes ...func(*xsite.Options)) (err error) {
	t.Helper()
	p.elsewhere(t, primary, secondary, func(ctx context.Context, options xsite.Options) {
		for _, change := range changes {
			change(&options)
		}
		_, err = xsite.Recover(ctx, options)
	})
	return err
}

// elsewhere is a process on another machine, in the middle of a call of the first.
func (p *pair) elsewhere(t *testing.T, primary, secondary *site, do func(context.Context, xsite.Options)) {
	t.Helper()
	p.mu.Unlock() // the call under way holds it
	defer p.mu.Lock()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	proc := &process{pair: p, interrupt: cancel}
	do(ctx, xsite.Options{
		PrimaryCluster: seat{primary, proc}, SecondaryCluster: seat{secondary, proc},
		Confirm: func(context.Context, xsite.Plan) error { return nil },
		Clock:   proc, Who: "colleague@desk", Tool: "kubectl-ispn-resync test",
		Accept: xsite.Signs(),
	})
}

// keepsRenewing makes the lease holder's renewals go on while another command waits: its time passes too.
func (p *pair) keepsRenewing() {
	p.before(occasion{method: "Lease", always: true}, happens(func() {
		for _, s := range []*site{p.a, p.b} {
			if strings.HasPrefix(s.lease.Who, "operator") {
				s.leases++
				s.lease.Version, s.lease.Renewed = "by the holder "+time.Duration(s.leases).String(), p.now
			}
		}
	}))
}

func TestTwoRunsAtOnceTheSecondIsRefusedAndNothingIsLost(t *testing.T) {
	for name, roles := range map[string]func(p *pair) (primary, secondary *site){
		"same roles":     func(p *pair) (*site, *site) { return p.a, p.b },
		"mirrored roles": func(p *pair) (*site, *site) { return p.b, p.a },
	} {
		for _, method := range []string{"ScaleKeycloak", "TakeOffline", "Clear", "StartPush", "BringOnline"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				p := smallPair(t)
				var second error
				p.after(occasion{method: method}, happens(func() {
					p.keepsRenewing()
					primary, secondary := roles(p)
					second = p.meanwhile(t, primary, secondary)
					p.hooks = nil
				}))
				_, _ = p.recover(t) // its own lease was renewed by the test in its place, so it ends itself
				p.wantOutcome(t, second, xsite.Held)
				if second != nil && !strings.Contains(second.Error(), "operator@laptop") {
					t.Errorf("does not say who is at work: %v", second)
				}
				p.wantPrimaryWhole(t)
			})
		}
	}
}

// Between the plan and the leases nothing is held: a colleague may have discarded the site that this run is to keep.
func TestWhatAColleagueDidBetweenThePlanAndTheLeasesIsNotBuiltOn(t *testing.T) {
	p := smallPair(t)
	p.before(occasion{method: "PutLease"}, happens(func() {
		p.before(occasion{site: siteB, method: "StartPush", always: true}, func() error { return errFake })
		if second := p.meanwhile(t, p.b, p.a); second == nil || p.a.lease.Holder+p.b.lease.Holder != "" {
			t.Fatalf("the colleague did not stop half-way with the leases given back, so this tells nothing: %v", second)
		}
		p.hooks, p.calls = nil, nil
	}))
	before := maps.Clone(p.b.caches["sessions"].entries)
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Held)
	if made := p.changed(); len(made) > 0 {
		t.Errorf("built on a plan from before the colleague's changes: %v", made)
	}
	if len(p.a.caches["sessions"].entries) > 0 {
		t.Fatal("the colleague did not clear what this run keeps, so this tells nothing")
	}
	if !maps.Equal(p.b.caches["sessions"].entries, before) {
		t.Errorf("cleared the only site that still had the data: %d of %d entries are left", len(p.b.caches["sessions"].entries), len(before))
	}
}

// A laptop is closed in the middle of a run and opened again when a colleague has finished the work.
func TestARunThatSleptLongerThanItsLeaseChangesNothingWhenItWakes(t *testing.T) {
	for name, when := range map[string]occasion{
		"Keycloak is stopped":  {method: "ScaleKeycloak"},
		"flags are set":        {method: "NodeFlags", nth: 20},
		"one cache is cleared": {method: "Clear", cache: "sessions"},
		"pushes run":           {method: "Stats", nth: 2},
		"Keycloak is started":  {method: "ScaleKeycloak", nth: 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			var second error
			var made int
			p.after(when, happens(func() {
				p.now = p.now.Add(time.Hour)
				second = p.meanwhile(t, p.a, p.b)
				p.hooks = nil
				made = len(p.changed())
			}))
			_, err := p.recover(t)
			if second != nil {
				t.Fatalf("the colleague could not take over: %v", second)
			}
			p.wantOutcome(t, err, xsite.Interrupted)
			p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Interrupted)
			if after := p.changed()[made:]; len(after) > 0 {
				t.Errorf("changed after it woke up what the colleague had finished: %v", after)
			}
			p.wantPrimaryWhole(t)
			p.wantRecovered(t)
		})
	}
}

// Nobody took over: the same command simply goes on, once the lease it left has stood still for as long as it lasts.
func TestALeaseThatADeadRunLeftIsWaitedOutAndTakenOver(t *testing.T) {
	p := smallPair(t)
	p.deadline = &ending{at: 12, how: diedAfter}
	_, _ = p.recover(t)
	p.deadline = nil
	if p.a.lease.Holder == "" {
		t.Fatal("no lease was left, so this tells nothing")
	}
	began := p.now
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if waited := p.now.Sub(began); waited < p.a.lease.Duration || waited < 45*time.Second {
		t.Errorf("took it over after %s", waited)
	}
	p.wantRecovered(t)
}

func TestALeaseThatWasRemovedEndsTheRunWithoutAnotherChange(t *testing.T) {
	p := smallPair(t)
	var made int
	p.after(occasion{site: siteB, method: "Clear"}, happens(func() {
		p.b.lease = xsite.LeaseRecord{}
		p.now = p.now.Add(10 * time.Second)
		made = len(p.changed())
	}))
	p.before(occasion{site: siteA, method: "StartPush"}, happens(func() { t.Error("pushed without a lease") }))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Interrupted)
	if cleared := strings.Count(strings.Join(p.changed()[made:], "\n"), "BringOnline"); cleared > 0 {
		t.Error("brought sites online without a lease")
	}
	p.wantPrimaryWhole(t)
}

func TestLeasesAreGivenBackAtTheEndOfEveryRun(t *testing.T) {
	for name, prepare := range map[string]func(p *pair){
		"success": func(*pair) {},
		"failure": func(p *pair) {
			p.after(occasion{site: siteB, method: "Clear", always: true}, func() error { return errFake })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			prepare(p)
			_, _ = p.recover(t)
			for _, s := range []*site{p.a, p.b} {
				if s.lease.Holder != "" {
					t.Errorf("%s is still held by %s: the next command would wait for nothing", s.name, s.lease.Who)
				}
			}
		})
	}
}

func TestWithoutTheRightToThePrimarysLeaseTheSecondarysAloneIsHeld(t *testing.T) {
	p := smallPair(t)
	if _, err := p.recover(t, func(o *xsite.Options) { o.NoPrimaryLease = true }); err != nil {
		t.Fatal(err)
	}
	if p.count(siteA, "PutLease", "") != 0 || p.count(siteB, "PutLease", "") == 0 {
		t.Errorf("took %d leases on the primary and %d on the secondary", p.count(siteA, "PutLease", ""), p.count(siteB, "PutLease", ""))
	}
	p.wantRecovered(t)
}
