package xsite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// before returns the phase that is done before one, empty for the first.
func before(phase xsite.Phase) xsite.Phase {
	last := xsite.Phase("")
	for _, p := range steps() {
		if p == phase {
			return last
		}
		last = p
	}
	return ""
}

// mirrored runs the command with the two sites in each other's role.
func mirrored(o *xsite.Options) {
	o.PrimaryCluster, o.SecondaryCluster = o.SecondaryCluster, o.PrimaryCluster
}

func TestNoPhaseIsDoneWithSwappedRoles(t *testing.T) {
	for _, phase := range steps()[1:] {
		p := smallPair(t)
		p.stepsUntil(t, before(phase))
		image := p.image()
		p.calls = nil
		_, err := p.runPhase(t, phase, mirrored)
		p.wantRefused(t, err, xsite.GuardDirection, image)
	}
}

func TestNoPhaseIsDoneWithOtherCachesThanTheRunWorksOn(t *testing.T) {
	for _, phase := range steps()[1:] {
		p := smallPair(t)
		p.stepsUntil(t, before(phase))
		image := p.image()
		p.calls = nil
		_, err := p.runPhase(t, phase, func(o *xsite.Options) { o.Caches = []string{"work"} })
		p.wantRefused(t, err, xsite.GuardRecorded, image)
	}
}

func TestNoPhaseIsDoneWithoutConfirmationOrInADryRun(t *testing.T) {
	for _, phase := range append([]xsite.Phase{xsite.PhaseProbe}, steps()...) {
		p := smallPair(t)
		p.stepsUntil(t, before(phase))
		image := p.image()
		p.calls = nil
		_, err := p.runPhase(t, phase, func(o *xsite.Options) { o.Confirm = nil })
		p.wantOutcome(t, err, xsite.NotConfirmed)
		result, err := p.runPhase(t, phase, func(o *xsite.Options) { o.DryRun = true })
		if err != nil || !result.DryRun {
			t.Errorf("phase %s: %+v: %v", phase, result, err)
		}
		if made := p.changed(); len(made) > 0 || p.image() != image {
			t.Errorf("phase %s changed something: %v", phase, made)
		}
	}
}

func TestNoPhaseIsDoneWhileAnotherCommandIsAtWork(t *testing.T) {
	p := smallPair(t)
	p.stepsUntil(t, xsite.PhaseStop)
	var second error
	p.after(occasion{method: "TakeOffline"}, happens(func() {
		p.keepsRenewing()
		p.mu.Unlock() // the call under way holds it
		defer p.mu.Lock()
		_, second = p.runPhase(t, xsite.PhaseOffline, func(o *xsite.Options) { o.Who = "colleague@desk" })
		p.hooks = nil
	}))
	_, _ = p.runPhase(t, xsite.PhaseOffline) // its own lease was renewed by the test in its place, so it ends itself
	p.wantStoppedBy(t, second, xsite.GuardSingleRun, xsite.Held)
	p.wantPrimaryWhole(t)
}

// What a phase proves before it changes anything may fail: the run stays where it was.
func TestAProbeThatFailsLeavesTheRunWhereItWas(t *testing.T) {
	p := smallPair(t)
	p.stepsUntil(t, xsite.PhaseOffline)
	p.link = linkSilent
	_, err := p.runPhase(t, xsite.PhaseClear)
	p.wantStoppedBy(t, err, xsite.GuardLinked, xsite.Refused)
	p.link = linkUp
	if result, err := p.runPhase(t, xsite.PhaseClear); err != nil || result.Already {
		t.Fatalf("clear should be next still: already %t: %v", result.Already, err)
	}
}

// A command that dies behind what it only proved again has not set the run back.
func TestWhatIsOnlyProvedAgainDoesNotSetTheRunBack(t *testing.T) {
	for _, c := range []struct {
		asked xsite.Phase
		// proved is the last call of what is proved again, and within how many changes after it the command dies.
		proved occasion
		within int
	}{
		{xsite.PhaseClear, occasion{site: siteB, method: "DeleteCache"}, 3},
		{xsite.PhaseStart, occasion{site: siteB, method: "Entries", cache: "sessions"}, 3},
	} {
		t.Run(string(c.asked), func(t *testing.T) {
			p := smallPair(t)
			p.stepsUntil(t, before(c.asked))
			p.after(c.proved, happens(func() { p.deadline = &ending{at: p.changes + c.within, how: diedBefore} }))
			if _, err := p.runPhase(t, c.asked); err == nil {
				t.Fatal("the command did not die")
			}
			p.hooks, p.deadline = nil, nil
			if result, err := p.runPhase(t, c.asked); err != nil || result.Already {
				t.Errorf("%s should be next still: already %t: %v", c.asked, result.Already, err)
			}
		})
	}
}

func TestThePushOfAnotherCommandsClearWaitsTheSettleTimeOnce(t *testing.T) {
	p := smallPair(t)
	p.async()
	p.stepsUntil(t, xsite.PhaseClear)
	p.pass(time.Hour) // whatever was seen before: nobody watched
	result, err := p.runPhase(t, xsite.PhasePush)
	if err != nil {
		t.Fatal(err)
	}
	if settle := result.Plan.Settle; result.Took < settle || result.Took > settle*3/2 {
		t.Errorf("took %s with a settle time of %s", result.Took, settle)
	}
}

// The guards stand within a phase as they do within a whole run, and a failure is answered in the same way: before the first
// clear everything is put back, after it the primary is made independent and Keycloak stays down.
func TestAGuardThatFailsWithinAPhaseStopsIt(t *testing.T) {
	undone := func(t *testing.T, p *pair, before string) { t.Helper(); p.wantUndone(t, before) }
	held := func(t *testing.T, p *pair, _ string) { t.Helper(); p.wantHeldSafe(t) }
	for name, c := range map[string]struct {
		phase xsite.Phase
		at    occasion
		what  func(p *pair)
		guard xsite.Guard
		left  func(t *testing.T, p *pair, before string)
	}{
		"Keycloak comes up while both are taken offline": {
			xsite.PhaseClear, occasion{site: siteA, method: "EntriesWithMetadata"}, func(p *pair) { p.b.flicker() }, xsite.GuardStopped, undone,
		},
		"a server is online before the first clear": {
			xsite.PhaseClear,
			occasion{site: siteA, method: "EntriesWithMetadata"},
			func(p *pair) { p.b.caches["work"].flags[1] = infinispan.FlagOnline }, xsite.GuardOffline, undone,
		},
		"a server restarts before the first clear": {
			xsite.PhaseClear, occasion{site: siteA, method: "EntriesWithMetadata"}, func(p *pair) { p.b.restart(1, true) }, xsite.GuardSameNodes, undone,
		},
		"a cache is configured anew": {
			xsite.PhaseClear,
			occasion{site: siteB, method: "Connections"},
			func(p *pair) { p.b.caches["work"].config.Owners = 1 },
			xsite.GuardChecksFirst, undone,
		},
		"Keycloak comes up between two clears": {
			xsite.PhaseClear, occasion{site: siteB, method: "Clear", cache: "work"}, func(p *pair) { p.b.flicker() }, xsite.GuardStopped, held,
		},
		"Keycloak comes up during the push": {
			xsite.PhasePush, occasion{site: siteA, method: "StartPush"}, func(p *pair) { p.b.flicker() }, xsite.GuardStopped, held,
		},
		"the link is lost right before the push": {
			xsite.PhasePush, occasion{site: siteB, method: "DeleteCache"}, func(p *pair) { p.link = linkDown }, xsite.GuardReachable, held,
		},
		"somebody pushes from the secondary": {
			xsite.PhasePush,
			occasion{site: siteB, method: "Connections"},
			func(p *pair) { p.b.caches["work"].status[1] = infinispan.PushSending }, xsite.GuardOneSender, held,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			contents := p.contents()
			p.stepsUntil(t, before(c.phase))
			owners := p.b.caches["work"].config.Owners
			p.after(c.at, happens(func() { c.what(p) }))
			_, err := p.runPhase(t, c.phase)
			p.wantStoppedBy(t, err, c.guard, xsite.Failed)
			p.link = linkUp
			p.b.caches["work"].config.Owners = owners
			p.b.caches["work"].status[1] = infinispan.PushIdle
			c.left(t, p, contents)
			p.hooks = nil
			p.follows(t, xsite.PhaseStop)
			p.wantRecovered(t)
		})
	}
}

// A phase is ended at each of its changing calls; the phases named as the next finish the work, and so does the whole command.
func TestAPhaseThatEndsAtAnyCallIsContinued(t *testing.T) {
	t.Parallel()
	for _, phase := range steps() {
		total := func() int {
			p := smallPair(t)
			p.stepsUntil(t, before(phase))
			p.changes = 0
			if _, err := p.runPhase(t, phase); err != nil {
				t.Fatal(err)
			}
			return p.changes
		}()
		for _, end := range []how{interruptedUnheard, diedAfter} {
			for at := 1; at <= total; at++ {
				for _, whole := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/%d/whole command %t", phase, end, at, whole), func(t *testing.T) {
						t.Parallel()
						p := smallPair(t)
						p.stepsUntil(t, before(phase))
						p.deadline = &ending{at: p.changes + at, how: end}
						_, _ = p.runPhase(t, phase) // it may be done before its end comes
						p.wantPrimaryWhole(t)
						p.deadline = nil
						if whole {
							if _, err := p.recover(t); err != nil {
								t.Fatalf("the whole command did not finish: %v", err)
							}
						} else if !p.over(t) {
							p.follows(t, phase)
						}
						p.wantRecovered(t)
					})
				}
			}
		}
	}
}

// over tells whether the last run has succeeded: a phase that is asked for then would begin a new one.
func (p *pair) over(t *testing.T) bool {
	t.Helper()
	records := p.records(t, p.b)
	return len(records) > 0 && records[0].Closed == "succeeded"
}

func TestAPhaseThatDoesNotExistIsNone(t *testing.T) {
	if _, err := xsite.RunPhase(t.Context(), "flush", xsite.Options{}); err == nil {
		t.Error("phase flush was done")
	}
}
