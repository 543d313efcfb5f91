package xsite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// heldOff tells whether every server of the primary holds the secondary offline, for the given caches or for all.
func (p *pair) heldOff(names ...string) bool {
	if len(names) == 0 {
		for name := range p.truth {
			names = append(names, name)
		}
	}
	for _, name := range names {
		for _, flag := range p.a.caches[name].flags {
			if flag != infinispan.FlagOffline {
				return false
			}
		}
	}
	return true
}

func TestAnAPIServerThatDoesNotAnswerForAMomentDoesNotCancelPushes(t *testing.T) {
	for _, at := range []string{siteA, siteB} {
		t.Run(at, func(t *testing.T) {
			p := newPair(t)
			pushing, blips := false, 0
			p.after(occasion{site: siteA, method: "StartPush"}, happens(func() { pushing = true }))
			p.before(occasion{site: at, method: "Pods", always: true}, func() error {
				if pushing && len(p.transfers) > 0 {
					blips++
					return errNobody
				}
				return nil
			})
			p.addCache("offlineSessions", 90) // so that pushes last for some looks at the servers
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			if blips < 2 {
				t.Fatalf("only %d listings failed, so this tells nothing", blips)
			}
			if n := p.count(siteA, "StartPush", ""); n != 4 {
				t.Errorf("%d pushes were started, want one for each of 4 caches", n)
			}
			p.wantRecovered(t)
		})
	}
}

func TestAnAPIServerThatDoesNotAnswerForAMomentIsWaitedFor(t *testing.T) {
	p := newPair(t)
	listed := -1
	p.after(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 3}, happens(func() { p.a.restart(0, false); listed = 0 }))
	p.before(occasion{site: siteA, method: "Pods", always: true}, func() error {
		if listed < 0 {
			return nil
		}
		listed++
		if listed > 1 && listed < 6 {
			return errNobody
		}
		return nil
	})
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestALinkThatIsSeenToBeDownIsAnsweredAtOnceForEveryCache(t *testing.T) {
	p := newPair(t)
	p.busy = true
	var down, free time.Time
	p.after(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 4}, happens(func() { p.link, down = linkDown, p.now }))
	p.after(occasion{site: siteA, method: "TakeOffline", always: true}, happens(func() {
		if !down.IsZero() && free.IsZero() && p.heldOff() {
			free = p.now
		}
	}))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	if took := free.Sub(down); free.IsZero() || took > 3*time.Second {
		t.Errorf("writes of the primary failed for %s (%d of them)", took, len(p.failed))
	}
	p.wantHeldSafe(t)
	p.link = linkUp
	p.continues(t)
}

// The listing of pods fails from the moment the push does: what takes the secondary offline must not need it.
func TestThePrimaryIsMadeIndependentBeforeItsServersAreWaitedFor(t *testing.T) {
	p := newPair(t)
	silent := 0
	p.before(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 3}, func() error { silent = 20; return infinispan.ErrUnreachable })
	p.before(occasion{site: siteA, method: "Pods", always: true}, func() error {
		if silent > 0 {
			silent--
			return errNobody
		}
		return nil
	})
	waited := false
	_, err := p.recover(t, func(o *xsite.Options) {
		o.Caches = []string{"sessions"}
		o.Observer = xsite.ObserverFunc(func(e xsite.Event) {
			if e.Kind != xsite.Waiting || !strings.Contains(e.Message, "both sites to be whole") {
				return
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			waited = true
			if !p.heldOff("sessions") {
				t.Errorf("the primary depends on the secondary while the run waits: %v", p.a.caches["sessions"].flags)
			}
		})
	})
	if err != nil || !waited {
		t.Fatalf("waited %v: %v", waited, err)
	}
	p.wantPrimaryWhole(t)
	if !p.hasAll("sessions") {
		t.Error("sessions differ")
	}
}

// Some caches are pushed by then, and online: waiting for the server would let the primary's writes fail as long.
func TestALostLinkIsAnsweredEvenWhileAServerOfThePrimaryIsGone(t *testing.T) {
	p := newPair(t)
	p.addCache("offlineSessions", 90)
	var down, free time.Time
	p.before(occasion{site: siteA, method: "PushStatus", cache: "offlineSessions", nth: 12}, happens(func() { p.link, down = linkDown, p.now }))
	p.before(occasion{site: siteA, method: "Node", cache: "infinispan-1", always: true}, func() error {
		if down.IsZero() {
			return nil
		}
		return infinispan.ErrUnreachable
	})
	p.after(occasion{site: siteA, method: "TakeOffline", always: true}, happens(func() {
		if !down.IsZero() && free.IsZero() && p.heldOff() {
			free = p.now
		}
	}))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	if took := free.Sub(down); free.IsZero() || took > 10*time.Second {
		t.Errorf("the primary depended on a secondary out of its sight for %s", took)
	}
	p.wantHeldSafe(t)
	p.link = linkUp
	p.continues(t)
}
