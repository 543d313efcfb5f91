package xsite_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// fencedBehindAKill lets a recovery be killed at the first call of the method on the site; then the link is lost, the primary is
// fenced, and the link is whole again.
func fencedBehindAKill(t *testing.T, at occasion, end how) *pair {
	t.Helper()
	p := smallPair(t)
	for name, entries := range p.truth { // entries of Keycloak can expire
		for key := range entries {
			e := entry{value: "fresh", lifespan: 10 * time.Hour, expires: p.now.Add(10 * time.Hour)}
			p.a.caches[name].entries[key], p.truth[name][key] = e, e
		}
	}
	p.deadline = &ending{at: p.changes + p.changeNumber(t, at.site, at.method), how: end}
	if _, err := p.recover(t); err == nil {
		t.Fatal("the command did not die")
	}
	p.deadline = nil
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	p.link = linkUp
	return p
}

// logsOut removes an entry on the primary, as a client does.
func (p *pair) logsOut(t *testing.T, name, key string) {
	t.Helper()
	if err := p.update(p.a, 0, name, remove(key)); err != nil {
		t.Fatal(err)
	}
	delete(p.truth[name], key)
}

// wantOnThePrimary demands that the secondary is as the flag says on every server of the primary, for every cache.
func (p *pair) wantOnThePrimary(t *testing.T, want infinispan.Flag) {
	t.Helper()
	for name := range p.truth {
		for i, flag := range p.a.caches[name].flags {
			if flag != want {
				t.Errorf("cache %s is %s on server %d, want %s", name, flag, i, want)
			}
		}
	}
}

// A session that ended behind the fence would be taken for one that expired (V61), and live on where it was proved to be in place.
func TestAFenceIsNotLiftedUnderARunWhoseProofItMadeVoid(t *testing.T) {
	p := fencedBehindAKill(t, occasion{site: siteB, method: "BringOnline"}, diedBefore)
	p.logsOut(t, "sessions", "sessions-01")
	made := len(p.changed())
	_, err := p.fence(t, true)
	p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Refused)
	if after := p.changed()[made:]; len(after) > 0 {
		t.Errorf("changed %v", after)
	}
	for range 2 { // the first finds that the proof is void
		if _, err = p.recover(t); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, stale := p.b.caches["sessions"].entries["sessions-01"]; stale {
		t.Error("a session that ended is on the secondary still, and the run calls that a success")
	}
	p.wantRecovered(t)
	if records := p.records(t, p.a); len(records) != 1 {
		t.Errorf("the record of the fence is left: %+v", records)
	}
}

// One that cleared nothing begins with all of it; of one that did, the primary may not know yet that the contents were proved.
func TestAFenceIsLiftedUnderAnUnfinishedRunOnlyIfThatClearedNothing(t *testing.T) {
	t.Run("nothing cleared", func(t *testing.T) {
		p := fencedBehindAKill(t, occasion{site: siteB, method: "ScaleKeycloak"}, diedBefore)
		if _, err := p.fence(t, true); err != nil {
			t.Fatal(err)
		}
		p.wantOnThePrimary(t, infinispan.FlagOnline)
		p.continues(t)
	})
	t.Run("cleared", func(t *testing.T) {
		p := fencedBehindAKill(t, occasion{site: siteA, method: "StartPush"}, diedAfter)
		_, err := p.fence(t, true)
		p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Refused)
		if !strings.Contains(err.Error(), "--discard-sessions") {
			t.Errorf("does not tell that one can go back: %v", err)
		}
		p.continues(t)
	})
}

// What is offline behind an abort is so by the hand of somebody who knows why: a fence that is over must not undo that.
func TestAnAbortEndsTheFencesOfWhatItBroughtOnline(t *testing.T) {
	for name, at := range map[string]occasion{"before the first clear": {site: siteB, method: "ScaleKeycloak"}, "after it": {site: siteA, method: "StartPush"}} {
		t.Run(name, func(t *testing.T) {
			p := fencedBehindAKill(t, at, diedAfter)
			if _, err := p.abort(t, true); err != nil {
				t.Fatal(err)
			}
			p.wantOnThePrimary(t, infinispan.FlagOnline)
			for cache := range p.truth {
				p.a.caches[cache].setFlag(infinispan.FlagOffline) // by hand
			}
			_, err := p.fence(t, true)
			p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
			p.wantOnThePrimary(t, infinispan.FlagOffline)
		})
	}
}

// Lifting it is the only way back there.
func TestAnAbortThatLeavesASiteOfflineKeepsTheFence(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	p.link = linkUp
	p.diedAfterThe(t, "ScaleKeycloak") // the run found the site offline
	if _, err := p.abort(t, true); err != nil {
		t.Fatal(err)
	}
	p.wantOnThePrimary(t, infinispan.FlagOffline)
	if _, err := p.fence(t, true); err != nil {
		t.Fatal(err)
	}
	p.wantOnThePrimary(t, infinispan.FlagOnline)
}

// It is younger than what the run found, and nothing of it was undone.
func TestARunThatIsRefusedForAFenceThatIsSetMeanwhileLeavesIt(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteB, method: "PutJournal"}, happens(func() {
		p.elsewhere(t, p.a, p.b, func(ctx context.Context, options xsite.Options) {
			options.SecondaryCluster, options.NoPrimaryLease = nil, true
			agree := func(context.Context, xsite.Undertaking) error { return nil }
			if _, err := xsite.Fence(ctx, xsite.FenceOptions{Options: options, Agree: agree, EvenIfLinked: true}); err != nil {
				t.Errorf("no fence was set, so this tells nothing: %v", err)
			}
		})
	}))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Held)
	p.wantOnThePrimary(t, infinispan.FlagOffline)
	if _, err := p.fence(t, true); err != nil {
		t.Fatalf("the fence cannot be lifted any more: %v", err)
	}
	p.wantOnThePrimary(t, infinispan.FlagOnline)
}

// A run that is over may have left its copy on the primary open; the record on the secondary tells that it is over.
func TestALiftThatACopyLeftOpenStandsInTheWayOfNamesHistoryPrune(t *testing.T) {
	p := smallPair(t)
	p.before(occasion{site: siteA, method: "PutJournal", always: true}, func() error {
		if strings.Contains(string(p.b.journals[0].record), `"closed":"succeeded"`) {
			return errFake
		}
		return nil
	})
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.hooks = nil
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	p.link = linkUp
	_, err := p.fence(t, true)
	p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Refused)
	if !strings.Contains(err.Error(), "history prune removes it") {
		t.Errorf("does not say how to go on: %v", err)
	}
	options, agree := p.seats()
	if _, err := xsite.Prune(t.Context(), xsite.PruneOptions{Options: options, Agree: agree}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.fence(t, true); err != nil {
		t.Error(err)
	}
}
