package xsite_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// fence runs the command fence once, or its way back.
func (p *pair) fence(t *testing.T, lift bool, changes ...func(*xsite.FenceOptions)) (xsite.Report, error) {
	t.Helper()
	options, agree := p.seats()
	options.SecondaryCluster = nil
	o := xsite.FenceOptions{Options: options, Agree: agree}
	for _, change := range changes {
		change(&o)
	}
	if lift {
		return xsite.Lift(t.Context(), o)
	}
	return xsite.Fence(t.Context(), o)
}

// writes tells whether a client's write to the primary succeeds.
func (p *pair) writes(key string) error {
	return p.clientWrites("sessions", key, entry{value: "fresh"})
}

func TestAFenceMakesThePrimarysWritesWorkWhileTheLinkIsDown(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	if p.writes("before") == nil {
		t.Fatal("writes work without a fence, so this tells nothing")
	}
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	if err := p.writes("during"); err != nil {
		t.Errorf("the primary's writes fail behind the fence: %v", err)
	}
	if p.count(siteB, "", "") > 0 {
		t.Error("the site that is out of reach was asked something")
	}
	p.wantPrimaryWhole(t)
}

// One server that starts again must not leave the writes of all other caches failing.
func TestAFenceThatFailsForOneCacheIsSetForTheOthers(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.before(occasion{site: siteA, method: "TakeOffline", cache: "sessions", always: true}, func() error { return errFake })
	_, err := p.fence(t, false)
	p.wantOutcome(t, err, xsite.Failed)
	if err := p.clientWrites("work", "during", entry{value: "fresh"}); err != nil {
		t.Errorf("writes of the other cache fail still: %v", err)
	}
	p.hooks = nil
	if _, err := p.fence(t, false); err != nil {
		t.Fatalf("the same command did not finish: %v", err)
	}
	if err := p.writes("during"); err != nil {
		t.Errorf("the primary's writes fail behind the fence: %v", err)
	}
}

// Who may not hold leases is told of the flag, and in an outage has no time to ask for rights.
func TestAFenceNeedsNoLeaseWhereThatIsWanted(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	if _, err := p.fence(t, false, func(o *xsite.FenceOptions) { o.NoPrimaryLease = true }); err != nil {
		t.Fatal(err)
	}
	if p.count(siteA, "PutLease", "") > 0 {
		t.Error("a lease was taken")
	}
	if err := p.writes("during"); err != nil {
		t.Errorf("the primary's writes fail behind the fence: %v", err)
	}
}

func TestARecoveryEndsTheFence(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	p.link = linkUp
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	if records := p.records(t, p.a); len(records) != 1 {
		t.Errorf("the record of the fence is left: %+v", records)
	}
}

func TestTheWayBackBringsOnlineJustWhatTheFenceTookOffline(t *testing.T) {
	p := smallPair(t)
	p.a.caches["work"].setFlag(infinispan.FlagOffline) // before the fence
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	_, err := p.fence(t, true)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Refused)
	if err := p.writes("still fenced"); err != nil {
		t.Errorf("the primary's writes fail: %v", err)
	}
	p.link = linkUp
	if _, err := p.fence(t, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]infinispan.Flag{"sessions": infinispan.FlagOnline, "work": infinispan.FlagOffline} {
		for _, flag := range p.a.caches[name].flags {
			if flag != want {
				t.Errorf("cache %s is %s, was %s before the fence", name, flag, want)
			}
		}
	}
	_, err = p.fence(t, true)
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
}

func TestAFenceBetweenSitesThatSeeEachOtherMustBeMeant(t *testing.T) {
	p := smallPair(t)
	_, err := p.fence(t, false)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Refused)
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed %v", made)
	}
	if _, err := p.fence(t, false, func(o *xsite.FenceOptions) { o.EvenIfLinked = true }); err != nil {
		t.Error(err)
	}
}

// With three sites a guess would take the wrong one offline.
func TestWhichOfTwoPeersIsFencedMustBeSaid(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	for _, c := range p.a.caches {
		if b, backsUp := c.config.Backups[siteB]; backsUp {
			c.config.Backups["site-c"] = b
		}
	}
	_, err := p.fence(t, false)
	p.wantStoppedBy(t, err, xsite.GuardIdentity, xsite.Refused)
	if _, err := p.fence(t, false, func(o *xsite.FenceOptions) { o.Site = siteB }); err != nil {
		t.Fatal(err)
	}
	if err := p.writes("during"); err != nil {
		t.Errorf("the primary's writes fail behind the fence: %v", err)
	}
}

// The secondary of an unfinished run is empty or half filled: making it independent would make it look like a site to keep.
func TestTheSecondaryOfAnUnfinishedRunIsNotFenced(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "Clear")
	p.link = linkDown
	options, agree := p.seats()
	options.PrimaryCluster, options.SecondaryCluster = options.SecondaryCluster, nil
	_, err := xsite.Fence(t.Context(), xsite.FenceOptions{Options: options, Agree: agree})
	p.wantStoppedBy(t, err, xsite.GuardDirection, xsite.Refused)
}

// The primary's servers do not answer, or refuse: its logins fail until somebody takes the other site offline there.
func TestAFailureThatLeavesThePrimaryExposedOffersTheFenceFirst(t *testing.T) {
	for when, at := range map[string]occasion{
		"before the clear": {site: siteB, method: "TakeOffline", cache: "work"},
		"during the push":  {site: siteA, method: "PushStatus", cache: "work", nth: 4},
	} {
		t.Run(when, func(t *testing.T) {
			p := newPair(t)
			p.after(at, func() error {
				p.link = linkDown
				p.before(occasion{site: siteA, method: "TakeOffline", always: true}, func() error { return errFake })
				return errFake
			})
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			failed, _ := errors.AsType[*xsite.RunError](err)
			if want := "if writes of site " + siteA + " fail: kubectl ispn-resync fence"; failed == nil || !strings.HasPrefix(failed.Next, want) {
				t.Errorf("does not offer it first: %v", err)
			}
		})
	}
}

func TestARefusalForAnUnreachablePeerOffersTheFence(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	_, err := p.recover(t)
	var stop *xsite.Stop
	if !errors.As(err, &stop) || !strings.Contains(stop.Next, "kubectl ispn-resync fence") {
		t.Errorf("does not offer it: %v", err)
	}
	p.pass(time.Second)
}
