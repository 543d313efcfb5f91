package xsite_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// wantAllWrites demands that writes of every cache succeed at the primary.
func (p *pair) wantAllWrites(t *testing.T) {
	t.Helper()
	for name := range p.truth {
		if err := p.clientWrites(name, "during", entry{value: "fresh"}); err != nil {
			t.Errorf("the primary's writes fail: %v", err)
		}
	}
}

// Every cache is taken offline before the first is proved: a proof may take long, and writes of the others fail meanwhile.
func TestAFenceIsSetForEveryCacheBeforeTheFirstIsProved(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	began := time.Time{}
	p.after(occasion{site: siteA, method: "TakeOffline"}, happens(func() {
		p.a.servers[1].silent, began = true, p.now
	}))
	_, err := p.fence(t, false)
	p.wantOutcome(t, err, xsite.Failed)
	if took := p.now.Sub(began); took > 15*time.Second {
		t.Errorf("the fence waited %s for a server that does not answer", took)
	}
	p.wantAllWrites(t)
	open := false
	for _, c := range p.calls {
		open = open || c.method == "TakeOffline"
		if open && c.method == "NodeFlags" && p.count(siteA, "TakeOffline", "work") == 0 {
			t.Fatal("proved before every cache was taken offline")
		}
	}
}

func TestAFenceGoesOnWithTheServersThatAnswerAndNamesTheOther(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.a.servers[1].silent = true
	for range 2 { // once more is no success either, while it is silent
		_, err := p.fence(t, false)
		p.wantOutcome(t, err, xsite.Failed)
		if err == nil || !strings.Contains(err.Error(), "infinispan-1") || !strings.Contains(err.Error(), "the same command") {
			t.Errorf("does not tell what is not proved, and how to go on: %v", err)
		}
		p.wantAllWrites(t)
	}
	p.a.servers[1].silent = false
	if _, err := p.fence(t, false); err != nil {
		t.Fatalf("the same command did not finish: %v", err)
	}
	p.link = linkUp
	if _, err := p.fence(t, true); err != nil {
		t.Fatal(err)
	}
	for name, c := range p.a.caches {
		if len(c.config.Backups) > 0 && (c.flags[0] != infinispan.FlagOnline || c.flags[1] != infinispan.FlagOnline) {
			t.Errorf("behind the fence cache %s is %v", name, c.flags)
		}
	}
}

// The relay node alone knows whether the other site is seen (V50). What is not known is no reason to make that site stale.
func TestAFenceWithoutAnAnswerOfTheRelayNodeMustBeMeant(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.a.servers[0].silent = true
	_, err := p.fence(t, false)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Refused)
	var stop *xsite.Stop
	if !errors.As(err, &stop) || !strings.Contains(stop.Next, "--even-if-linked") || !strings.Contains(stop.Found, "infinispan-0") {
		t.Errorf("does not say which server is silent and how to go on: %v", err)
	}
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed %v", made)
	}
	_, err = p.fence(t, false, func(o *xsite.FenceOptions) { o.EvenIfLinked = true })
	p.wantOutcome(t, err, xsite.Failed)
	p.wantAllWrites(t)
}

func TestAServerThatRestartsMeanwhileHasTheFenceTooBeforeItEnds(t *testing.T) {
	for i, name := range []string{"the relay node", "another one"} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.link = linkDown
			p.after(occasion{site: siteA, method: "TakeOffline"}, happens(func() { p.a.restart(i, false) }))
			p.before(occasion{site: siteA, method: "Pods", nth: 2}, happens(func() { // the proof
				if p.a.caches["work"].flags[1] != infinispan.FlagOffline {
					t.Error("the other cache waits for the proof of the first")
				}
			}))
			if _, err := p.fence(t, false); err != nil {
				t.Fatal(err)
			}
			p.wantAllWrites(t)
			for name := range p.truth {
				for i, flag := range p.a.caches[name].flags {
					if flag != infinispan.FlagOffline {
						t.Errorf("cache %s is %s on server %d", name, flag, i)
					}
				}
			}
		})
	}
}

func TestAPrimaryOfWhichNoServerAnswersIsNotFenced(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.a.servers[0].silent, p.a.servers[1].silent = true, true
	_, err := p.fence(t, false, func(o *xsite.FenceOptions) { o.EvenIfLinked = true })
	p.wantOutcome(t, err, xsite.Refused)
	if err == nil || !strings.Contains(err.Error(), "infinispan-0") || !strings.Contains(err.Error(), "infinispan-1") {
		t.Errorf("does not name its servers: %v", err)
	}
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed %v", made)
	}
}

// What no server is left to tell is not proved.
func TestAPrimaryWhosePodsAreGoneBeforeTheProofIsNoFencedOne(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.after(occasion{site: siteA, method: "TakeOffline", nth: 2}, happens(func() { p.a.podless = 1 }))
	_, err := p.fence(t, false)
	p.wantOutcome(t, err, xsite.Failed)
}

// A server that lost its flags (V6a) and answers only later is asked for every cache, those too that the others have offline.
func TestAServerThatAnswersLateIsFencedForEveryCache(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.a.caches["work"].setFlag(infinispan.FlagOffline)
	p.a.restart(1, false)
	p.a.servers[1].silent = true
	p.after(occasion{site: siteA, method: "TakeOffline"}, happens(func() { p.a.servers[1].silent = false }))
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	p.wantAllWrites(t)
}

// A server that says offline and is not, or keeps its own mind, is no proof (V6a).
func TestAServerThatDoesNotFollowIsNamedAndTheOtherCachesAreFenced(t *testing.T) {
	p := smallPair(t)
	p.link = linkDown
	p.a.servers[0].deaf = true
	_, err := p.fence(t, false)
	p.wantStoppedBy(t, err, xsite.GuardOffline, xsite.Failed)
	if err == nil || !strings.Contains(err.Error(), "infinispan-0") {
		t.Errorf("does not name it: %v", err)
	}
	p.wantAllWrites(t) // they go through the other server
}
