package xsite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// overnight lets the sessions of the primary's cache end by themselves, all but one.
func (p *pair) overnight(name string) {
	p.pass(9 * time.Hour)
	p.shrink(name, 1)
}

// discardRecord removes the record of the only run.
func (p *pair) discardRecord(t *testing.T) error {
	t.Helper()
	options, agree := p.seats()
	_, err := xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, Agree: agree, RunID: p.records(t, p.a)[0].RunID})
	return err
}

// A run that ended before it looked after its canary is continued in the morning. Sessions that ended at night are no leak:
// taken for one, neither the run nor an abort would start Keycloak again.
func TestSessionsThatEndedOvernightAreNotRecordedAsALeak(t *testing.T) {
	for name, ended := range map[string]func(t *testing.T, p *pair){
		"the run was killed": func(t *testing.T, p *pair) {
			t.Helper()
			p.diedAfterThe(t, "Clear")
		},
		"the clear was not answered": func(t *testing.T, p *pair) {
			t.Helper()
			p.before(occasion{site: siteB, method: "Clear", cache: "work", always: true}, func() error { return errFake })
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			p.hooks = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			ended(t, p)
			mark := p.records(t, p.b)[0].Canary
			if mark == nil {
				t.Fatal("the record names no canary, so this tells nothing")
			}
			p.overnight(mark.Cache)
			result, err := p.recover(t)
			if err != nil {
				t.Fatal(err)
			}
			if told := strings.Join(result.Plan.Warnings, "\n"); !strings.Contains(told, "cannot be told any more whether a clear reached the primary") {
				t.Errorf("the plan does not tell what is not known: %s", told)
			}
			if leaked := p.records(t, p.b)[0].Leaked; leaked != "" {
				t.Errorf("recorded as a leak: %s", leaked)
			}
			p.wantRecovered(t)
		})
	}
}

// A guard that stands before the clear stops it; then there is no clear to look after.
func TestNoCanaryIsMarkedWhenAGuardStopsItsClear(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "StartPush")
	if mark := p.records(t, p.b)[0].Canary; mark != nil {
		t.Fatalf("the canary was not looked after, so this tells nothing: %+v", mark)
	}
	clears := p.count(siteB, "Clear", "work")
	p.after(occasion{site: siteA, method: "EntriesWithMetadata"}, happens(func() { p.b.flicker() }))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardStopped, xsite.Failed)
	if p.count(siteB, "Clear", "work") != clears {
		t.Error("the canary was cleared, so this tells nothing")
	}
	for _, s := range []*site{p.a, p.b} {
		if mark := p.records(t, s)[0].Canary; mark != nil {
			t.Errorf("the record of %s has a mark of a clear that was not sent: %+v", s.name, mark)
		}
	}
	p.wantHeldSafe(t)
	p.overnight("work")
	p.continues(t)
}

// The machine that continues a run may have another clock than the one that began it.
func TestAMarkIsALeakWhenItIsYoungByEitherClock(t *testing.T) {
	for name, c := range map[string]struct {
		later time.Duration
		leak  bool
	}{
		"a little later":                   {5 * time.Minute, true},
		"by a clock that is a little slow": {-5 * time.Minute, true},
		"by a clock that is very slow":     {-time.Hour, false},
		"hours later":                      {time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, "Clear")
			mark := p.records(t, p.b)[0].Canary.Cache
			p.shrink(mark, 0)
			clears := p.count(siteB, "Clear", "")
			p.now = p.now.Add(c.later)
			_, err := p.recover(t)
			if !c.leak {
				if err != nil {
					t.Fatal(err)
				}
				p.wantRecovered(t)
				return
			}
			p.wantStoppedBy(t, err, xsite.GuardCanary, xsite.Failed)
			if p.count(siteB, "Clear", "") != clears {
				t.Error("another cache was cleared on servers that leak: the primary lost it too")
			}
			p.wantHeldSafe(t)
		})
	}
}

// A leak, or what was taken for one, must not be a dead end: when its cause is known, one way on is named, and it works.
func TestALeakNamesAWayOnThatWorks(t *testing.T) {
	for name, unrecorded := range map[string]string{"known to both sites": "", "known to the primary only": siteB, "known to the secondary only": siteA} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.b.leaksThroughFlags = true
			p.before(occasion{site: unrecorded, method: "PutJournal", always: true}, func() error {
				if unrecorded != "" && p.count(siteB, "Clear", "") > 0 {
					return errFake
				}
				return nil
			})
			_, failed := p.recover(t)
			p.wantOutcome(t, failed, xsite.Failed)
			p.hooks = nil
			clear(p.truth["work"]) // that much is lost
			p.b.leaksThroughFlags = false
			_, refused := p.recover(t)
			p.wantStoppedBy(t, refused, xsite.GuardCanary, xsite.Refused)
			_, aborted := p.abort(t, true)
			p.wantStoppedBy(t, aborted, xsite.GuardCanary, xsite.Refused)
			for _, err := range []error{failed, refused, aborted} {
				if !strings.Contains(err.Error(), "kubectl ispn-resync abort --discard-journal "+p.records(t, p.a)[0].RunID) {
					t.Errorf("names no way on: %v", err)
				}
			}
			if err := p.discardRecord(t); err != nil {
				t.Fatal(err)
			}
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}
