package xsite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// loseAll replaces every server of the secondary, and with them all that its volatile caches held.
func (p *pair) loseAll() {
	for i := range p.b.servers {
		p.b.restart(i, true)
	}
	for name := range p.truth {
		wipe(p.b.caches[name])
	}
}

func TestAComparisonDoesNotOutliveTheServersItWasMadeOn(t *testing.T) {
	for _, at := range []string{"sessions", "work"} {
		t.Run("lost while comparing "+at, func(t *testing.T) {
			p := newPair(t)
			p.before(occasion{site: siteB, method: "Keys", cache: at}, func() error { p.loseAll(); return infinispan.ErrUnreachable })
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

// notReady ends a run in its last phase: contents proved, Keycloak wanted but not ready.
func notReady(t *testing.T) *pair {
	t.Helper()
	p := newPair(t)
	p.b.keycloaks[0].broken = true
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.NotReady)
	p.b.keycloaks[0].broken = false
	return p
}

func TestKeycloakDoesNotStayUpOnContentsThatWereLostAfterTheProof(t *testing.T) {
	p := notReady(t)
	for name := range p.truth {
		wipe(p.b.caches[name])
	}
	p.pass(time.Minute) // Keycloak becomes ready on them
	clears := p.count(siteB, "Clear", "")
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Failed)
	if p.count(siteB, "Clear", "") != clears {
		t.Error("cleared without the phases before")
	}
	p.wantHeldSafe(t)
	p.continues(t)
}

func TestARunThatOnlyWaitedForKeycloakTouchesNothingElse(t *testing.T) {
	p := notReady(t)
	made := len(p.changed())
	p.continues(t)
	for _, call := range p.changed()[made:] {
		switch strings.Fields(call)[1] {
		case "PutJournal", "ScaleKeycloak", "ForgetInstances":
		default:
			t.Errorf("did more than wait: %s", call)
		}
	}
}

// wantProofKept demands that nothing of a run with proved contents was taken back, and that the same command finishes
// without clearing anything.
func (p *pair) wantProofKept(t *testing.T) {
	t.Helper()
	if records := p.records(t, p.b); len(records) != 1 || !records[0].Verified || records[0].Closed != "" {
		t.Errorf("the proof was not kept: %+v", records)
	}
	if n := p.b.keycloaks[0].instances; n != 2 {
		t.Errorf("Keycloak was set to %d", n)
	}
	for name := range p.truth {
		if flag := p.a.caches[name].flags[0]; flag != infinispan.FlagOnline {
			t.Errorf("the primary holds the secondary %s for cache %s", flag, name)
		}
	}
	clears, pushes := p.count(siteB, "Clear", ""), p.count(siteA, "StartPush", "")
	p.continues(t)
	if p.count(siteB, "Clear", "") != clears || p.count(siteA, "StartPush", "") != pushes {
		t.Error("running it again did more than what was left")
	}
}

func TestHousekeepingThatFailsAtTheEndIsDoneByTheSameCommand(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteB, method: "ForgetInstances"}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantProofKept(t)
}

func TestAnAPIServerThatDoesNotAnswerIsNotTakenForALostLink(t *testing.T) {
	t.Run("behind the proof", func(t *testing.T) {
		p := newPair(t)
		p.silentAPI(siteA, occasion{site: siteB, method: "ForgetInstances"})
		_, err := p.recover(t)
		p.wantOutcome(t, err, xsite.Failed)
		p.wantProofKept(t)
	})
	t.Run("before the clear", func(t *testing.T) {
		p := newPair(t)
		before := p.contents()
		p.silentAPI(siteA, occasion{site: siteA, method: "EntriesWithMetadata"})
		_, err := p.recover(t)
		p.wantOutcome(t, err, xsite.Failed)
		p.wantUndone(t, before)
		p.continues(t)
	})
}

// silentAPI lets a call fail, and from then on every listing of the pods of a site.
func (p *pair) silentAPI(name string, from occasion) {
	silent := false
	p.before(from, func() error { silent = true; return errFake })
	p.before(occasion{site: name, method: "Pods", always: true}, func() error {
		if silent {
			return errNobody
		}
		return nil
	})
}

func TestContentsThatCouldNotBeLookedAtAreNotTakenForLost(t *testing.T) {
	t.Run("a server that answers with an error", func(t *testing.T) {
		p := notReady(t)
		p.before(occasion{site: siteB, method: "Entries", cache: "work"}, func() error { return errFake })
		_, err := p.recover(t)
		p.wantOutcome(t, err, xsite.Failed)
		p.wantProofKept(t)
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		p := notReady(t)
		_, err := p.recover(t, func(o *xsite.Options) {
			own, _ := o.Clock.(*process)
			p.before(occasion{site: siteB, method: "Entries", cache: "work"}, func() error { own.interrupt(errStop); return errStop })
		})
		p.wantOutcome(t, err, xsite.Interrupted)
		p.wantProofKept(t)
	})
}

func TestALeftoverAnnotationDoesNotWinOverTheCountThatKeycloakWants(t *testing.T) {
	p := newPair(t)
	one := 1
	p.b.keycloaks[0].recorded = &one
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if n := result.Plan.Secondary.StartCounts[keycloakRef]; n != 2 {
		t.Errorf("planned with %d instances, want 2", n)
	}
	p.wantRecovered(t)
}

func TestKeysMissingFromABoundedCacheAreARemark(t *testing.T) {
	p := newPair(t)
	c := p.b.caches["sessions"]
	c.config.MaxCount = 20
	p.before(occasion{site: siteB, method: "Keys", cache: "sessions", always: true}, happens(func() {
		for _, key := range c.keys(p.now)[:max(0, len(c.entries)-20)] {
			delete(c.entries, key)
		}
	}))
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Remarks) != 1 || !strings.Contains(result.Remarks[0], "bounded: 4 of 24") {
		t.Errorf("remarks: %q", result.Remarks)
	}
	if n := p.count(siteA, "StartPush", "sessions"); n != 1 {
		t.Errorf("pushed %d times, want 1", n)
	}
	p.wantKeycloakServing(t)
	p.wantClosed(t, "succeeded")
}
