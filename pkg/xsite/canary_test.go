package xsite_test

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// shrink leaves only a few entries in a cache of the primary.
func (p *pair) shrink(name string, left int) {
	for i, key := range p.a.caches[name].keys(p.now) {
		if i >= left {
			delete(p.a.caches[name].entries, key)
			delete(p.truth[name], key)
		}
	}
}

// firstCleared tells which cache of the secondary was cleared first.
func (p *pair) firstCleared(t *testing.T) string {
	t.Helper()
	i, err := p.index(siteB, "Clear")
	if err != nil {
		t.Fatal(err)
	}
	return p.calls[i].cache
}

func TestALeakIsNamedAndNobodyIsToldToRunAgain(t *testing.T) {
	p := newPair(t)
	p.b.leaksThroughFlags = true
	_, err := p.recover(t)
	failed := asRunError(t, err)
	if !strings.Contains(failed.DataAtRisk, "10 of 10 lasting entries of cache work") {
		t.Errorf("does not name the loss: %q", failed.DataAtRisk)
	}
	if strings.Contains(failed.Error(), "same command") || !strings.Contains(failed.Next, "do not run this again") {
		t.Errorf("advises to clear more: %v", failed)
	}
	for _, s := range []*site{p.a, p.b} {
		if records := p.records(t, s); len(records) != 1 || !strings.Contains(records[0].Leaked, "cache work") {
			t.Errorf("the journal of %s does not know of the leak: %+v", s.name, records)
		}
	}
	clear(p.truth["work"]) // that much is lost
	before, made := p.image(), len(p.changed())
	_, err = p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardCanary, xsite.Refused)
	if again := p.changed()[made:]; len(again) > 0 || p.image() != before {
		t.Errorf("the next command changed something: %v", again)
	}
	if next := asRunError(t, err); strings.Contains(next.Error(), "same command") {
		t.Errorf("the next command advises to run again: %v", next)
	}
	p.wantPrimaryWhole(t)
}

func TestACacheWithFewLastingEntriesIsNoCanary(t *testing.T) {
	p := newPair(t)
	p.b.leaksThroughFlags = true
	p.shrink("work", 4)
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardCanary, xsite.Failed)
	if first := p.firstCleared(t); first != "clientSessions" {
		t.Errorf("cache %s was cleared first, want the smallest with enough entries, clientSessions", first)
	}
	clear(p.truth["clientSessions"]) // that much is lost
	p.wantHeldSafe(t)
}

func TestWithoutAnyCanaryTheRunSaysSoAndGoesOn(t *testing.T) {
	p := newPair(t)
	for name := range p.truth {
		p.shrink(name, 4)
	}
	var said bool
	_, err := p.recover(t, func(o *xsite.Options) {
		o.Observer = xsite.ObserverFunc(func(e xsite.Event) {
			said = said || (e.Kind == xsite.Noted && strings.Contains(e.Message, "no cache has enough lasting entries"))
		})
	})
	if err != nil || !said {
		t.Fatalf("said %v: %v", said, err)
	}
	p.wantRecovered(t)
}

func TestALogoutDuringTheFirstClearIsNotTakenForALeak(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Clear", cache: "work"}, happens(func() {
		delete(p.a.caches["work"].entries, "work-01")
		delete(p.truth["work"], "work-01")
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if first := p.firstCleared(t); first != "work" {
		t.Fatalf("cache %s was the canary, so this tells nothing", first)
	}
	p.wantRecovered(t)
}
