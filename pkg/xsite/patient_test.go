package xsite_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// callsAfterTheFirstChange tells at which calls of an undisturbed run a cluster may go away, and of which site each is.
func callsAfterTheFirstChange(t *testing.T) []call {
	t.Helper()
	p := smallPair(t)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	first := slices.IndexFunc(p.calls, func(c call) bool { return c.method == "ScaleKeycloak" })
	calls := slices.Clone(p.calls)
	for i := range calls[:first+1] {
		calls[i].site = "" // before it there is nothing to lose by giving up
	}
	return calls
}

// at lets something happen right before the call of a number, counted from 0.
func (p *pair) at(number int, act func() error) {
	p.hooks = append(p.hooks, &hook{occasion: occasion{always: true}, before: func() error {
		if len(p.calls) == number+1 {
			return act()
		}
		return nil
	}})
}

func TestASiteThatIsAwayForMinutesDelaysTheRunAndNoMore(t *testing.T) {
	t.Parallel()
	for number, c := range callsAfterTheFirstChange(t) {
		if c.site == "" {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", number, c), func(t *testing.T) {
			t.Parallel()
			p := smallPair(t)
			p.at(number, func() error {
				p.away[c.site] = p.now.Add(4 * time.Minute)
				return errAway
			})
			if _, err := p.recover(t); err != nil {
				t.Fatalf("the run gave up: %v", err)
			}
			p.wantRecovered(t)
		})
	}
}

func TestAnAnswerThatIsLostOnTheWayDoesNotEndTheRun(t *testing.T) {
	t.Parallel()
	for number, c := range callsAfterTheFirstChange(t) {
		if c.site == "" {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", number, c), func(t *testing.T) {
			t.Parallel()
			p := smallPair(t)
			lost := false
			p.hooks = append(p.hooks, &hook{occasion: occasion{always: true}, after: func() error {
				if lost || len(p.calls) != number+1 {
					return nil
				}
				lost = true
				return errAway
			}})
			if _, err := p.recover(t); err != nil {
				t.Fatalf("the run gave up: %v", err)
			}
			p.wantRecovered(t)
		})
	}
}

func TestASiteThatStaysAwayEndsTheRunSafelyAndTheSameCommandFinishes(t *testing.T) {
	t.Parallel()
	const housekeeping = 4 + leasesGivenBack // calls at the end, once the run is closed
	calls := callsAfterTheFirstChange(t)
	for number, c := range calls {
		if c.site == "" {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", number, c), func(t *testing.T) {
			t.Parallel()
			p := smallPair(t)
			p.at(number, func() error {
				p.away[c.site] = p.now.Add(time.Hour)
				return errAway
			})
			if _, err := p.recover(t); err == nil && number < len(calls)-housekeeping {
				t.Error("the run says that it succeeded, with a site away that it still needed")
			}
			p.wantPrimaryWhole(t)
			clear(p.away)
			p.hooks = nil
			if _, err := p.recover(t); err != nil {
				t.Fatalf("the same command did not finish: %v", err)
			}
			p.wantRecovered(t)
		})
	}
}

// With the link down and the secondary's cluster away the run must not wait for the latter: the primary's writes fail as long, and
// behind a link that was cut in silence the primary still sees the secondary.
func TestPatienceWithTheSecondaryEndsWhenThePrimarysWritesFail(t *testing.T) {
	for name, how := range brokenLinks() {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			depends := p.dependsUntil()
			var lost time.Time
			p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() {
				p.link, lost = how, p.now
				p.away[siteB] = p.now.Add(5 * time.Minute)
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

// A secondary that answers the primary is waited for, whatever became of the way that this machine has to it.
func TestPatienceWithASecondaryThatThePrimaryHearsAsksTheLinkNowAndThenAndLeavesNothing(t *testing.T) {
	p := smallPair(t)
	probes := 0
	p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() {
		p.away[siteB] = p.now.Add(time.Minute)
		p.before(occasion{site: siteA, method: "CreateCache", always: true}, happens(func() { probes++ }))
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if probes < 4 || probes > 8 {
		t.Errorf("the link was asked %d times in a minute", probes)
	}
	p.wantRecovered(t)
	p.wantNoProbe(t)
}

// Relay nodes change hands, and servers pause.
func TestPatienceWithTheSecondaryOutlivesALinkThatIsSilentForAMoment(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() {
		p.away[siteB] = p.now.Add(20 * time.Second)
		p.before(occasion{site: siteA, method: "CreateCache"}, happens(func() {
			p.link, p.mends = linkSilent, p.now.Add(2500*time.Millisecond)
		}))
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	p.wantNoProbe(t)
}

// A server that made the probe cache, and whose answer was lost, keeps none.
func TestAProbeOfTheLinkWhoseAnswerWasLostLeavesNothing(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() {
		p.away[siteB] = p.now.Add(5 * time.Second)
		p.after(occasion{site: siteA, method: "CreateCache"}, func() error { return errAway })
	}))
	p.before(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() { p.wantNoProbe(t) }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestBeforeTheFirstChangeNothingIsWaitedFor(t *testing.T) {
	p := smallPair(t)
	p.away[siteB] = p.now.Add(time.Minute)
	began := p.now
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Refused)
	if waited := p.now.Sub(began); waited > 0 {
		t.Errorf("waited %s with nothing to lose by giving up", waited)
	}
}

// lostAltogether is how a secondary may be lost with the link to it.
func lostAltogether() map[string]func(p *pair) {
	return map[string]func(p *pair){
		"its cluster refuses, not in the views": func(p *pair) { p.link, p.away[siteB] = linkDown, p.now.Add(time.Hour) },
		"its cluster hangs, still in the views": func(p *pair) { p.link, p.hangs[siteB] = linkSilent, p.now.Add(time.Hour) },
	}
}

// Whatever a run asks the secondary, from its first change until its last word: nothing is waited for that keeps the primary's
// writes failing.
func TestASecondaryLostAltogetherAtAnyCallOfARunFailsWritesOnlyBriefly(t *testing.T) {
	t.Parallel()
	calls := callsAfterTheFirstChange(t)
	lastWord := len(calls) - 5 - leasesGivenBack // the run is over when it is written
	for name, lost := range lostAltogether() {
		for number, c := range calls[:lastWord] {
			if c.site == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d %s", name, number, c), func(t *testing.T) {
				t.Parallel()
				p := smallPair(t)
				p.wantFailsBriefly(t, number, lost, func() error { _, err := p.recover(t); return err })
			})
		}
	}
}

// An abort of a run that was killed in the middle of its pushes.
func TestASecondaryLostAltogetherAtAnyCallOfAnAbortFailsWritesOnlyBriefly(t *testing.T) {
	t.Parallel()
	killed := func(t *testing.T) *pair {
		t.Helper()
		p := smallPair(t)
		p.diedAfterThe(t, "StartPush")
		return p
	}
	undisturbed := killed(t)
	begun := len(undisturbed.calls)
	if _, err := undisturbed.abort(t, true); err != nil {
		t.Fatal(err)
	}
	calls := undisturbed.calls
	leased := begun + slices.IndexFunc(calls[begun:], func(c call) bool { return c.method == "PutLease" })
	lastWord := len(calls) - 5 - leasesGivenBack
	for name, lost := range lostAltogether() {
		for number := leased + 2; number < lastWord; number++ {
			t.Run(fmt.Sprintf("%s, %d %s", name, number, calls[number]), func(t *testing.T) {
				t.Parallel()
				p := killed(t)
				p.wantFailsBriefly(t, number, lost, func() error { _, err := p.abort(t, true); return err })
			})
		}
	}
}

// wantFailsBriefly demands that what is done fails when the secondary is lost at a call, and the primary's writes only briefly.
func (p *pair) wantFailsBriefly(t *testing.T, number int, lost func(p *pair), do func() error) {
	t.Helper()
	depends := p.dependsUntil()
	var since time.Time
	p.at(number, happens(func() {
		since = p.now
		lost(p)
	}))
	if err := do(); err == nil {
		t.Error("says that it succeeded over a link that is down")
	}
	if failing := depends.Sub(since); since.IsZero() || failing > askedEvery+mostFailing {
		t.Errorf("the primary's writes failed for %s", failing)
	}
	p.wantPrimaryAlone(t)
}
