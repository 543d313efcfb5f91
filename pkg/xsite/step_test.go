package xsite_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// steps are the phases that are asked for one by one, in order.
func steps() []xsite.Phase {
	return []xsite.Phase{xsite.PhaseStop, xsite.PhaseOffline, xsite.PhaseClear, xsite.PhasePush, xsite.PhaseOnline, xsite.PhaseStart}
}

// stepsUntil does the phases up to one, each in a process of its own.
func (p *pair) stepsUntil(t *testing.T, last xsite.Phase) {
	t.Helper()
	for _, phase := range steps() {
		if last == "" {
			return
		}
		if _, err := p.runPhase(t, phase); err != nil {
			t.Fatalf("phase %s: %v", phase, err)
		}
		if phase == last {
			return
		}
	}
}

// follows asks for the phases that are named as the next, from one on, until the run is over.
func (p *pair) follows(t *testing.T, phase xsite.Phase) {
	t.Helper()
	const most = 20
	for range most {
		result, err := p.runPhase(t, phase)
		refused, disorder := errors.AsType[*xsite.OrderError](err)
		switch {
		case disorder:
			phase = refused.Next
		case err != nil:
			t.Fatalf("phase %s: %v", phase, err)
		case result.Next == "":
			return
		default:
			phase = result.Next
		}
	}
	t.Fatalf("after %d phases phase %s is next", most, phase)
}

// wantNext demands that a phase is refused with the name of the next one, and nothing changed.
func (p *pair) wantNext(t *testing.T, asked, next xsite.Phase) {
	t.Helper()
	if refused := p.refusedFor(t, asked, next); refused.Asked != asked {
		t.Errorf("phase %s was asked for: %v", asked, refused)
	}
}

// refusedFor is wantNext that gives the refusal.
func (p *pair) refusedFor(t *testing.T, asked, next xsite.Phase) *xsite.OrderError {
	t.Helper()
	p.calls = nil
	before := p.image()
	_, err := p.runPhase(t, asked)
	refused, ok := errors.AsType[*xsite.OrderError](err)
	if !ok || refused.Next != next {
		t.Fatalf("phase %s should be refused, and %s named: %v", asked, next, err)
	}
	p.wantOutcome(t, err, xsite.Refused)
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed although it refused: %v", made)
	}
	if after := p.image(); after != before {
		t.Errorf("the sites differ from before:\n%s\n%s", before, after)
	}
	return refused
}

func TestARunDonePhaseByPhaseEndsAsAWholeOne(t *testing.T) {
	for name, prepare := range map[string]func(*pair){
		"usual":                      usual,
		"unusual":                    unusual,
		"clients write all the time": func(p *pair) { p.busy = true },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			prepare(p)
			next := []xsite.Phase{xsite.PhaseOffline, xsite.PhaseClear, xsite.PhasePush, xsite.PhaseOnline, xsite.PhaseStart, ""}
			for i, phase := range steps() {
				// They record nothing.
				for _, first := range []xsite.Phase{xsite.PhasePreflight, xsite.PhaseProbe} {
					if result, err := p.runPhase(t, first); err != nil || result.Next != phase {
						t.Fatalf("phase %s before %s: next is %q: %v", first, phase, result.Next, err)
					}
				}
				result, err := p.runPhase(t, phase)
				if err != nil {
					t.Fatalf("phase %s: %v", phase, err)
				}
				if result.Next != next[i] || result.Already || result.Open != (next[i] != "") {
					t.Errorf("phase %s: next %q, already %t, open %t", phase, result.Next, result.Already, result.Open)
				}
				p.pass(time.Hour) // the operator looks around
				p.calls = slices.DeleteFunc(p.calls, func(c call) bool { return isProbe(c.cache) })
			}
			for name := range p.truth {
				if clears, pushes := p.count(siteB, "Clear", name), p.count(siteA, "StartPush", name); clears != 1 || pushes != 1 {
					t.Errorf("cache %s was cleared %d times and pushed %d times", name, clears, pushes)
				}
			}
			p.wantRecovered(t)
			if len(p.failed) > 0 {
				t.Errorf("%d writes of the primary's clients failed: %v", len(p.failed), p.failed[0])
			}
		})
	}
}

func TestAPhaseOutOfOrderIsRefusedWithTheNameOfTheNext(t *testing.T) {
	for _, c := range []struct{ done, asked, next xsite.Phase }{
		{"", xsite.PhaseOffline, xsite.PhaseStop},
		{"", xsite.PhaseClear, xsite.PhaseStop},
		{"", xsite.PhaseStart, xsite.PhaseStop},
		{xsite.PhaseStop, xsite.PhaseClear, xsite.PhaseOffline},
		{xsite.PhaseOffline, xsite.PhasePush, xsite.PhaseClear},
		{xsite.PhaseClear, xsite.PhaseVerify, xsite.PhasePush},
		{xsite.PhaseClear, xsite.PhaseOnline, xsite.PhasePush},
		{xsite.PhaseClear, xsite.PhaseStart, xsite.PhasePush},
		{xsite.PhasePush, xsite.PhaseStart, xsite.PhaseOnline},
	} {
		t.Run(string(c.asked)+" after "+string(c.done), func(t *testing.T) {
			p := smallPair(t)
			p.stepsUntil(t, c.done)
			p.wantNext(t, c.asked, c.next)
			p.follows(t, c.next)
			p.wantRecovered(t)
		})
	}
}

func TestAPhaseThatIsDoneAndStandsChangesNothing(t *testing.T) {
	for _, done := range steps()[:5] {
		p := smallPair(t)
		p.stepsUntil(t, done)
		for _, phase := range xsite.Phases() {
			if slices.Index(xsite.Phases(), phase) > slices.Index(xsite.Phases(), done) {
				continue
			}
			before := p.image()
			p.calls = nil
			asked := false
			result, err := p.runPhase(t, phase, func(o *xsite.Options) {
				o.Confirm = func(context.Context, xsite.Plan) error { asked = true; return nil }
			})
			if err != nil || result.Already != (phase != xsite.PhasePreflight) || asked {
				t.Errorf("%s after %s: already %t, asked %t: %v", phase, done, result.Already, asked, err)
			}
			if made := p.changed(); len(made) > 0 || p.image() != before {
				t.Errorf("%s after %s changed something: %v", phase, done, made)
			}
		}
	}
}

// Between two commands nobody watches: what stood then is proved anew, and what does not stand is done again.
func TestWhatDoesNotStandAnyMoreIsDoneAgain(t *testing.T) {
	for name, c := range map[string]struct {
		done, asked, next xsite.Phase
		happens           func(p *pair)
	}{
		"Keycloak is started after stop": {xsite.PhaseStop, xsite.PhaseOffline, xsite.PhaseStop, func(p *pair) {
			p.b.keycloaks[0].instances = 1
		}},
		"Keycloak is started after offline": {xsite.PhaseOffline, xsite.PhaseClear, xsite.PhaseStop, func(p *pair) {
			p.b.keycloaks[0].instances = 1
		}},
		"Keycloak is started after clear": {xsite.PhaseClear, xsite.PhasePush, xsite.PhaseStop, func(p *pair) {
			p.b.keycloaks[0].instances = 1
		}},
		"one server of the secondary is online again after offline": {xsite.PhaseOffline, xsite.PhaseClear, xsite.PhaseOffline, func(p *pair) {
			p.b.caches["work"].flags[1] = infinispan.FlagOnline
		}},
		"a server of the secondary restarts after offline": {xsite.PhaseOffline, xsite.PhaseClear, xsite.PhaseOffline, func(p *pair) {
			p.b.restart(1, true)
		}},
		"the primary has the secondary online again after offline": {xsite.PhaseOffline, xsite.PhaseClear, xsite.PhaseOffline, func(p *pair) {
			p.a.caches["work"].setFlag(infinispan.FlagOnline)
		}},
		"a mode is AUTO again after offline": {xsite.PhaseOffline, xsite.PhaseClear, xsite.PhaseOffline, func(p *pair) {
			p.b.caches["work"].modes[1] = infinispan.ModeAuto
		}},
		"one server of the secondary is online again after clear": {xsite.PhaseClear, xsite.PhasePush, xsite.PhaseOffline, func(p *pair) {
			p.b.caches["work"].flags[0] = infinispan.FlagOnline
		}},
		"somebody writes to the secondary after clear": {xsite.PhaseClear, xsite.PhasePush, xsite.PhaseClear, func(p *pair) {
			p.b.caches["work"].entries["stranger"] = entry{value: "stale"}
		}},
		"one server is offline again after online": {xsite.PhaseOnline, xsite.PhaseStart, xsite.PhaseOnline, func(p *pair) {
			p.b.caches["work"].flags[1] = infinispan.FlagOffline
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.backups(func(b *infinispan.BackupConfig) { b.Strategy, b.Mode = infinispan.StrategyAsync, infinispan.ModeAuto })
			p.stepsUntil(t, c.done)
			c.happens(p)
			p.pass(time.Minute)
			if refused := p.refusedFor(t, c.asked, c.next); refused.Because == "" || refused.RunID == "" {
				t.Errorf("it does not say why: %+v", refused)
			}
			p.follows(t, c.next)
			p.wantRecovered(t)
		})
	}
}

// The last look before a phase is under its leases, after the question.
func TestWhatFallsWhileTheQuestionStandsIsNotBuiltOn(t *testing.T) {
	for name, c := range map[string]struct {
		done, asked, next xsite.Phase
		happens           func(p *pair)
		outcome           xsite.Outcome
	}{
		"Keycloak is started": {xsite.PhaseStop, xsite.PhaseOffline, xsite.PhaseStop, func(p *pair) {
			p.b.keycloaks[0].instances = 1
		}, xsite.Refused},
		"a flag is online": {xsite.PhaseOffline, xsite.PhaseClear, xsite.PhaseOffline, func(p *pair) {
			p.b.caches["work"].flags[1] = infinispan.FlagOnline
		}, xsite.Refused},
		"somebody writes": {xsite.PhaseClear, xsite.PhasePush, xsite.PhaseClear, func(p *pair) {
			p.b.caches["work"].entries["stranger"] = entry{value: "stale"}
		}, xsite.Failed},
		"a flag is offline": {xsite.PhaseOnline, xsite.PhaseStart, xsite.PhaseOnline, func(p *pair) {
			p.b.caches["work"].flags[1] = infinispan.FlagOffline
		}, xsite.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.stepsUntil(t, c.done)
			p.calls = nil
			_, err := p.runPhase(t, c.asked, func(o *xsite.Options) {
				o.Confirm = func(context.Context, xsite.Plan) error {
					p.mu.Lock()
					defer p.mu.Unlock()
					c.happens(p)
					return nil
				}
			})
			if refused, ok := errors.AsType[*xsite.OrderError](err); !ok || refused.Next != c.next {
				t.Fatalf("%s should be next: %v", c.next, err)
			}
			p.wantOutcome(t, err, c.outcome)
			for _, method := range []string{"Clear", "StartPush", "BringOnline"} {
				if n := p.count(siteA, method, "") + p.count(siteB, method, ""); n > 0 {
					t.Errorf("%s was called %d times", method, n)
				}
			}
			p.follows(t, c.next)
			p.wantRecovered(t)
		})
	}
}

func TestValuesThatChangedWhileNobodyWatchedVoidTheProof(t *testing.T) {
	for _, c := range []struct{ done, asked xsite.Phase }{{xsite.PhasePush, xsite.PhaseOnline}, {xsite.PhaseOnline, xsite.PhaseStart}} {
		t.Run(string(c.asked), func(t *testing.T) {
			p := smallPair(t)
			p.stepsUntil(t, c.done)
			p.b.caches["work"].entries["work-01"] = entry{value: "stale"} // the same key
			_, err := p.runPhase(t, c.asked)
			p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Failed)
			p.wantHeldSafe(t)
			p.wantNext(t, c.asked, xsite.PhaseClear)
			p.follows(t, xsite.PhaseClear)
			p.wantRecovered(t)
		})
	}
}

func TestAfterAnyPhaseTheWholeCommandFinishesTheRun(t *testing.T) {
	for _, done := range steps()[:5] {
		p := smallPair(t)
		unusual(p)
		p.stepsUntil(t, done)
		if _, err := p.recover(t); err != nil {
			t.Fatalf("after %s: %v", done, err)
		}
		p.wantRecovered(t)
	}
}

func TestARunDonePhaseByPhaseIsAbortedAsAWholeOne(t *testing.T) {
	for _, done := range steps()[:2] {
		p := smallPair(t)
		p.stepsUntil(t, done)
		if _, err := p.abort(t, false); err != nil {
			t.Fatalf("after %s: %v", done, err)
		}
		p.wantBefore(t)
		p.wantClosed(t, "aborted")
		p.wantNext(t, xsite.PhaseOffline, xsite.PhaseStop)
	}
	p := smallPair(t)
	p.stepsUntil(t, xsite.PhaseClear)
	_, err := p.abort(t, false)
	p.wantStoppedBy(t, err, xsite.GuardRestart, xsite.Refused) // the sessions are gone
}

// A name that was told for what leaves no record would be looked for in vain, e.g. in the history.
func TestARunThatIsOnlyLookedAtHasNoNameUntilOneIsOpen(t *testing.T) {
	p := newPair(t)
	dry := func(o *xsite.Options) { o.DryRun = true }
	named := func(want string) {
		t.Helper()
		planned, err := p.recover(t, dry)
		if err != nil || planned.Plan.RunID != want {
			t.Errorf("the dry run is of run %q, want %q (%v)", planned.Plan.RunID, want, err)
		}
		checked, err := p.runPhase(t, xsite.PhasePreflight)
		if err != nil || checked.Plan.RunID != want {
			t.Errorf("phase preflight is of run %q, want %q (%v)", checked.Plan.RunID, want, err)
		}
	}
	named("")
	p.stepsUntil(t, xsite.PhaseStop)
	named(p.records(t, p.b)[0].RunID)
}
