package xsite_test

import (
	"context"
	"slices"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// wantUntouched demands that no real cache, flag or Keycloak of either site was changed, and that the probe is gone.
func (p *pair) wantUntouched(t *testing.T, before string) {
	t.Helper()
	if after := p.image(); after != before {
		t.Errorf("the sites differ from before:\n%s\n%s", before, after)
	}
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed: %v", made)
	}
	p.wantPrimaryWhole(t)
}

func TestTwoPairsWithTheSameNamesAreToldApartByTheProbe(t *testing.T) {
	p := newPair(t)
	p.strangers = true
	before := p.image()
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardLinked, xsite.Refused)
	p.wantUntouched(t, before)
}

func TestALinkThatWasJustCutIsFoundByTheProbe(t *testing.T) {
	p := newPair(t)
	p.link = linkSilent
	before := p.image()
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardLinked, xsite.Refused)
	p.wantUntouched(t, before)
}

func TestAWordForAnotherSiteDoesNotReplaceTheProbe(t *testing.T) {
	p := newPair(t)
	before := p.image()
	_, err := p.recover(t, func(o *xsite.Options) { o.Linked = siteA })
	p.wantStoppedBy(t, err, xsite.GuardLinked, xsite.Refused)
	p.wantUntouched(t, before)
}

func TestAUserWhoMayNotMakeTheProbeIsToldWhy(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteA, method: "CreateCache"}, func() error { return infinispan.ErrForbidden })
	before := p.image()
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardLinked, xsite.Refused)
	p.wantUntouched(t, before)
}

func TestServersThatSendAClearOnAreFoundOnHarmlessData(t *testing.T) {
	p := newPair(t)
	p.b.leaky = true
	before := p.image()
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardNoLeak, xsite.Refused)
	p.wantUntouched(t, before)
}

func TestAClearThatDoesNotClearIsFoundOnHarmlessData(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Clear"}, happens(func() {
		for name, c := range p.b.caches {
			if isProbe(name) {
				c.entries["probe"] = entry{value: "still there"}
			}
		}
	}))
	before := p.image()
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardNoLeak, xsite.Refused)
	p.wantUntouched(t, before)
}

// The original state is in both clusters before anything of it changes: without a journal nothing is changed.
func TestWithoutAJournalInBothSitesNothingIsChanged(t *testing.T) {
	for _, at := range []string{siteA, siteB} {
		t.Run(at, func(t *testing.T) {
			p := newPair(t)
			p.before(occasion{site: at, method: "PutJournal"}, func() error { return xsite.ErrConflict })
			_, err := p.recover(t)
			if guard, _ := xsite.StoppedBy(err); guard != xsite.GuardRecorded {
				t.Errorf("stopped by %q: %v", guard, err)
			}
			made := slices.DeleteFunc(p.changed(), func(c string) bool {
				return slices.Contains([]string{"site-a PutJournal ", "site-b PutJournal ", "site-b DeleteJournal "}, c)
			})
			if len(made) > 0 {
				t.Errorf("changed without a record: %v", made)
			}
			p.wantPrimaryWhole(t)
			p.hooks = nil
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

func TestAJournalThatSomebodyElseWritesEndsTheRun(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "TakeOffline"}, happens(func() { p.b.journals[0].version += 7 }))
	_, err := p.recover(t)
	if guard, _ := xsite.StoppedBy(err); guard != xsite.GuardRecorded {
		t.Errorf("stopped by %q: %v", guard, err)
	}
	if n := p.count(siteB, "Clear", ""); n > 0 {
		t.Errorf("%d caches were cleared by a run that somebody else works on", n)
	}
	p.wantPrimaryWhole(t)
}

func TestTheOriginalCountIsOnKeycloakBeforeItIsStopped(t *testing.T) {
	p := newPair(t)
	recorded := -1
	p.before(occasion{site: siteB, method: "ScaleKeycloak"}, happens(func() {
		if r := p.b.keycloaks[0].recorded; r != nil {
			recorded = *r
		}
		if len(p.records(t, p.a)) != 1 || p.records(t, p.b)[0].KeycloakInstances[keycloakRef] != 2 {
			t.Error("the journal of a site does not know of the run")
		}
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if recorded != 2 {
		t.Errorf("recorded %d instances on Keycloak, want 2", recorded)
	}
	p.wantRecovered(t)
}

func TestAPushOnTheSecondaryThatBeginsBehindTheConfirmationIsFoundBeforeOurs(t *testing.T) {
	p := newPair(t)
	// The push itself was cut short; it is its status that is stuck (V63).
	p.after(occasion{site: siteB, method: "Clear", cache: "sessions"}, happens(func() { p.b.caches["sessions"].status[0] = infinispan.PushSending }))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardOneSender, xsite.Failed)
	if n := p.count(siteA, "StartPush", ""); n > 0 {
		t.Errorf("%d pushes were started against a running one", n)
	}
	p.wantHeldSafe(t)
	p.b.caches["sessions"].status[0] = infinispan.PushIdle
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestTheConfirmationSeesWhatIsDiscarded(t *testing.T) {
	p := newPair(t)
	var plan xsite.Plan
	if _, err := p.recover(t, func(o *xsite.Options) {
		o.Confirm = func(_ context.Context, shown xsite.Plan) error { plan = shown; return nil }
	}); err != nil {
		t.Fatal(err)
	}
	if plan.Primary.Name != siteA || plan.Secondary.Name != siteB || plan.Primary.Entries != 50 || plan.Secondary.Entries == 0 || plan.Secondary.StartCounts[keycloakRef] != 2 {
		t.Errorf("the plan shown: %+v", plan)
	}
}
