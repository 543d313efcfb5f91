package xsite_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// seats gives a new process's access to both sites, site-a as the primary, with everything agreed to.
func (p *pair) seats() (xsite.Options, xsite.Agree) {
	proc := &process{pair: p, interrupt: func(error) {}}
	return xsite.Options{
			PrimaryCluster: seat{p.a, proc}, SecondaryCluster: seat{p.b, proc}, Clock: proc, Who: "operator@laptop", Tool: "test",
		},
		func(context.Context, xsite.Undertaking) error { return nil }
}

// abort runs the command abort once.
func (p *pair) abort(t *testing.T, discard bool) (xsite.Report, error) {
	t.Helper()
	options, agree := p.seats()
	return xsite.Abort(t.Context(), xsite.AbortOptions{Options: options, Agree: agree, DiscardSessions: discard})
}

// diedAfterThe lets the command die after the first call of a method that is not about a probe.
func (p *pair) diedAfterThe(t *testing.T, method string) {
	t.Helper()
	at := 0
	undisturbed := smallPair(t)
	undisturbed.after(occasion{method: method, always: true}, happens(func() {
		if at == 0 && !isProbe(undisturbed.calls[len(undisturbed.calls)-1].cache) {
			at = undisturbed.changes
		}
	}))
	if _, err := undisturbed.recover(t); err != nil {
		t.Fatal(err)
	}
	p.deadline = &ending{at: p.changes + at, how: diedAfter}
	if _, err := p.recover(t); err == nil {
		t.Fatal("the command did not die")
	}
	p.deadline = nil
}

// wantBefore demands that the secondary is as it was before any run, but for what clears took.
func (p *pair) wantBefore(t *testing.T) {
	t.Helper()
	p.pass(time.Minute)
	for _, s := range []*site{p.a, p.b} {
		for name, c := range s.caches {
			for i, flag := range c.flags {
				if len(c.config.Backups) > 0 && flag != infinispan.FlagOnline {
					t.Errorf("%s still holds its peer %s for cache %s on server %d", s.name, flag, name, i)
				}
			}
		}
	}
	p.wantKeycloakServing(t)
	p.wantNoneOpen(t)
	p.wantPrimaryWhole(t)
}

func TestAnAbortBeforeTheFirstClearPutsEverythingBack(t *testing.T) {
	for _, method := range []string{"RecordInstances", "ScaleKeycloak", "TakeOffline"} {
		t.Run(method, func(t *testing.T) {
			p := smallPair(t)
			stale := len(p.b.caches["sessions"].entries)
			p.diedAfterThe(t, method)
			if _, err := p.abort(t, false); err != nil {
				t.Fatal(err)
			}
			p.wantBefore(t)
			if now := len(p.b.caches["sessions"].entries); now != stale {
				t.Errorf("the secondary had %d sessions and has %d", stale, now)
			}
		})
	}
}

func TestAnAbortAfterTheClearDoesNotStartKeycloakOnPartialDataUnlessTold(t *testing.T) {
	for _, method := range []string{"Clear", "StartPush"} {
		t.Run(method, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, method)
			_, err := p.abort(t, false)
			p.wantStoppedBy(t, err, xsite.GuardRestart, xsite.Refused)
			if p.b.keycloaks[0].instances != 0 {
				t.Error("Keycloak serves partial data")
			}
			if _, err := p.abort(t, true); err != nil {
				t.Fatal(err)
			}
			for name := range p.cleared {
				delete(p.cleared, name) // it was asked for
			}
			p.violations = nil
			p.wantBefore(t)
			if err := p.clientWrites("sessions", "after", entry{value: "fresh"}); err != nil {
				t.Errorf("the primary's writes fail: %v", err)
			}
			if _, err := p.recover(t); err != nil {
				t.Errorf("a recovery afterwards: %v", err)
			}
			p.wantRecovered(t)
		})
	}
}

func TestContentsThatWereProvedAreNotGoneBackFrom(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "BringOnline")
	_, err := p.abort(t, true)
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestWithoutAnUnfinishedRunThereIsNothingToAbort(t *testing.T) {
	p := smallPair(t)
	_, err := p.abort(t, true)
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
	if !strings.Contains(err.Error(), "no unfinished run") {
		t.Errorf("does not say that there is nothing to do: %v", err)
	}
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed %v", made)
	}
}

// Keycloak is not started on a site that is pushing its contents to the primary.
func TestAnAbortStopsAtAPushThatBeganWhileItWaitedForTheQueues(t *testing.T) {
	p := smallPair(t)
	p.async()
	p.diedAfterThe(t, "Clear")
	p.after(occasion{site: siteB, method: "SendQueues"}, func() error { return p.startPush(p.b, 0, "work") })
	_, err := p.abort(t, true)
	p.wantStoppedBy(t, err, xsite.GuardOneSender, xsite.Failed)
	if p.b.keycloaks[0].instances != 0 {
		t.Error("Keycloak was started")
	}
}

// Without the secondary's record nobody knows which flags there were; setting them to anything would be a guess.
func TestAnAbortFromThePrimarysCopyAloneSetsNothing(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "TakeOffline")
	p.b.journals = nil
	made := len(p.changed())
	_, err := p.abort(t, false)
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
	if !strings.Contains(err.Error(), "only the primary's copy is left") {
		t.Errorf("does not say why: %v", err)
	}
	if after := p.changed()[made:]; len(after) > 0 {
		t.Errorf("set what it does not know: %v", after)
	}
}

// An abort that could not put everything back must not look like one that did: Keycloak may be down for good.
func TestAnAbortThatCouldNotPutEverythingBackSaysSoAndCanBeRepeated(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "TakeOffline")
	p.before(occasion{site: siteB, method: "ScaleKeycloak", always: true}, func() error { return errFake })
	if _, err := p.abort(t, false); err == nil {
		t.Errorf("says that it is done; Keycloak of the secondary wants %d instances", p.b.keycloaks[0].instances)
	}
	p.hooks = nil
	if _, err := p.abort(t, false); err != nil {
		t.Fatal(err)
	}
	p.wantBefore(t)
}

func TestAnAbortWithMirroredRolesIsRefused(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "Clear")
	options, agree := p.seats()
	options.PrimaryCluster, options.SecondaryCluster = options.SecondaryCluster, options.PrimaryCluster
	_, err := xsite.Abort(t.Context(), xsite.AbortOptions{Options: options, Agree: agree, DiscardSessions: true})
	p.wantStoppedBy(t, err, xsite.GuardDirection, xsite.Refused)
	if p.b.keycloaks[0].instances != 0 {
		t.Error("Keycloak serves partial data")
	}
}

// The link is down: what was online on the primary before comes back only when the peer answers, and until then the run is
// not forgotten.
func TestWhatWasOnlineBeforeComesBackWhenThePeerAnswers(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteA, method: "TakeOffline"}, func() error { p.link = linkDown; return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	if err := p.clientWrites("sessions", "live", entry{value: "fresh"}); err != nil {
		t.Errorf("the primary's writes fail while the link is down: %v", err)
	}
	p.hooks = nil
	p.link = linkUp
	if _, err := p.abort(t, false); err != nil {
		t.Fatal(err)
	}
	p.wantBefore(t)
}

// What is told to be typed next is the command for the same two sites.
func TestARefusalToGoBackNamesTheCommandThatListsTheRuns(t *testing.T) {
	for name, refused := range map[string]func(options xsite.Options, agree func(context.Context, xsite.Undertaking) error) error{
		"nothing to go back from": func(options xsite.Options, agree func(context.Context, xsite.Undertaking) error) error {
			_, err := xsite.Abort(t.Context(), xsite.AbortOptions{Options: options, Agree: agree})
			return err
		},
		"no such record": func(options xsite.Options, agree func(context.Context, xsite.Undertaking) error) error {
			_, err := xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, Agree: agree, RunID: "other"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			options, agree := smallPair(t).seats()
			options.Command = func(words string) string { return "tool " + words + " --here a" }
			if err := refused(options, agree); err == nil || !strings.Contains(err.Error(), "`tool history --here a`") {
				t.Errorf("does not name the command: %v", err)
			}
		})
	}
}

func TestARecordThatCannotBeReadIsRemovedOnlyWhenNamed(t *testing.T) {
	p := smallPair(t)
	p.b.journals = append(p.b.journals, &stored{id: "broken", version: 1, record: []byte("{")})
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
	if err == nil || !strings.Contains(err.Error(), "--discard-journal broken") {
		t.Errorf("does not say how to go on: %v", err)
	}
	options, agree := p.seats()
	if _, err := xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, Agree: agree, RunID: "other"}); err == nil {
		t.Error("removed a record that is not there")
	}
	var found []string
	options, _ = p.seats()
	_, err = xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, RunID: "broken", Agree: func(_ context.Context, what xsite.Undertaking) error {
		found = what.Found
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(found, "\n"); strings.Count(all, "keycloak/keycloak wants 2 instances") != 2 || strings.Count(all, "site-a is online") != 1 {
		t.Errorf("the live state was not shown: %v", found)
	}
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestARecordThatCanBeReadIsNotDiscarded(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "Clear")
	options, agree := p.seats()
	_, err := xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, Agree: agree, RunID: p.records(t, p.b)[0].RunID})
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
	p.continues(t)
}

func TestACanaryThatNobodyLookedAfterIsLookedAfterByTheNextRun(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "Clear")
	canary := p.records(t, p.b)[0].Canary
	if canary == nil {
		t.Fatal("the record names no canary, so this tells nothing")
	}
	clear(p.a.caches[canary.Cache].entries) // it leaked
	clears := p.count(siteB, "Clear", "")
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardCanary, xsite.Failed)
	if p.count(siteB, "Clear", "") != clears {
		t.Error("another cache was cleared on servers that leak: the primary lost it too")
	}
}

// A run that is continued in the morning finds fewer sessions than at night; taken for a leak, it could never end.
func TestSessionsThatEndedByThemselvesAreNotTakenForALeak(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "Clear")
	canary := p.records(t, p.b)[0].Canary.Cache
	keys := p.a.caches[canary].keys(p.now)
	for _, key := range keys[:len(keys)*2/3] {
		delete(p.a.caches[canary].entries, key)
		delete(p.truth[canary], key)
	}
	p.pass(time.Hour)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestTheRecordTellsWhichPhaseEndedLast(t *testing.T) {
	for method, want := range map[string]xsite.Phase{"ScaleKeycloak": xsite.PhaseProbe, "Clear": xsite.PhaseOffline, "StartPush": xsite.PhaseClear} {
		t.Run(method, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, method)
			for _, s := range []*site{p.a, p.b} {
				if ended := p.records(t, s)[0].Ended; ended != want && (ended != "" || want != xsite.PhaseProbe) {
					t.Errorf("%s: %q ended last, want %q", s.name, ended, want)
				}
			}
			p.continues(t)
		})
	}
}
