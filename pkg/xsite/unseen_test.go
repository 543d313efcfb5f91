package xsite_test

import (
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// outOfSight lets the servers of the secondary be gone for some seconds from the call on, and the secondary out of the
// primary's sight for longer, as with the operator's failure detection (V24). It tells when the primary depended on it no more.
func (p *pair) outOfSight(at occasion, lasts time.Duration) (free func() time.Duration) {
	var down, silent time.Time
	p.before(at, happens(func() {
		down, p.link = p.now, linkDown
		for i := range p.b.servers {
			p.b.restart(i, false)
		}
	}))
	gone := func(d time.Duration) bool { return !down.IsZero() && p.now.Sub(down) < d }
	p.before(occasion{site: siteB, method: "Node", always: true}, func() error {
		if gone(5 * time.Second) {
			return infinispan.ErrUnreachable
		}
		return nil
	})
	p.before(occasion{method: "Info", always: true}, happens(func() {
		if !down.IsZero() && !gone(lasts) {
			p.link = linkUp
		}
	}))
	p.after(occasion{site: siteA, method: "TakeOffline", always: true}, happens(func() {
		if !down.IsZero() && silent.IsZero() && p.heldOff() {
			silent = p.now
		}
	}))
	return func() time.Duration {
		if silent.IsZero() {
			return time.Hour
		}
		return silent.Sub(down)
	}
}

// What was compared before is compared anew: it was offline for a while, and was pushed again.
func TestWhatWasComparedBeforeTheSecondaryWasOutOfSightIsComparedAnew(t *testing.T) {
	p := newPair(t)
	p.addCache("offlineSessions", 90)
	p.before(occasion{site: siteB, method: "Keys", cache: "sessions"}, happens(func() { p.link = linkDown }))
	p.before(occasion{site: siteB, method: "Keys", cache: "sessions"}, func() error { return infinispan.ErrUnreachable })
	looks := 0
	p.before(occasion{method: "Info", always: true}, happens(func() {
		if p.link == linkDown {
			looks++
			if looks > 40 {
				p.link = linkUp
			}
		}
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if n := p.count(siteB, "Keys", "clientSessions"); n < 2 {
		t.Errorf("a cache that was pushed again is compared %d times in all", n)
	}
	p.wantRecovered(t)
}

// Some caches are pushed and online by then, and others not.
func TestASecondaryThatIsBackBeforeItIsSeenAgainIsWaitedFor(t *testing.T) {
	for name, at := range map[string]occasion{
		"while it is pushed to": {site: siteA, method: "PushStatus", cache: "offlineSessions", nth: 12},
		"while it is compared":  {site: siteB, method: "Keys", cache: "sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.addCache("offlineSessions", 90)
			p.busy = true
			free := p.outOfSight(at, 100*time.Second)
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			if took := free(); took > 10*time.Second {
				t.Errorf("the primary depended for %s on a secondary out of its sight", took)
			}
			p.wantRecovered(t)
		})
	}
}

func TestASecondaryThatStaysOutOfSightEndsTheRun(t *testing.T) {
	p := newPair(t)
	p.addCache("offlineSessions", 90)
	began := p.now
	free := p.outOfSight(occasion{site: siteA, method: "PushStatus", cache: "offlineSessions", nth: 12}, 2*time.Hour)
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	if took := free(); took > 10*time.Second || p.now.Sub(began) > 5*time.Minute {
		t.Errorf("the primary depended on it for %s, and the run took %s", took, p.now.Sub(began))
	}
	p.wantHeldSafe(t)
	p.link = linkUp
	p.continues(t)
}
