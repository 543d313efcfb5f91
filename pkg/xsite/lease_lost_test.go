package xsite_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// wallOnly moves the wall clock of a time and leaves its monotonic reading, which no function of package time does; it is
// what a laptop finds that wakes up, since its monotonic clock stood still.
func wallOnly(t *testing.T, now time.Time, d time.Duration) time.Time {
	t.Helper()
	const nanosecondBits = 30
	moved := now
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(d/time.Second) << nanosecondBits
	if moved.Sub(now) != 0 || moved.Round(0).Sub(now.Round(0)) != d {
		t.Fatal("package time keeps its times in another way by now")
	}
	return moved
}

// The monotonic clock of Linux stands still while a laptop sleeps. Judged by it alone, the lease would look fresh.
func TestARunThatSleptWithItsMonotonicClockChangesNothingWhenItWakes(t *testing.T) {
	p := smallPair(t)
	p.now = time.Now()
	var second error
	var made int
	p.after(occasion{method: "Clear", cache: "sessions"}, happens(func() {
		asleep := p.now
		p.now = p.now.Add(time.Hour)
		second = p.meanwhile(t, p.a, p.b)
		p.hooks = nil
		p.now = wallOnly(t, asleep, p.now.Sub(asleep).Truncate(time.Second))
		made = len(p.changed())
	}))
	_, err := p.recover(t)
	if second != nil {
		t.Fatalf("the colleague could not take over: %v", second)
	}
	p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Interrupted)
	if after := p.changed()[made:]; len(after) > 0 {
		t.Errorf("changed after it woke up what the colleague had finished: %v", after)
	}
	p.wantPrimaryWhole(t)
	p.wantRecovered(t)
}

// A machine is cut off from an API server, but not from the Infinispan servers.
func TestARunThatCannotRenewChangesNothingWithoutTimeLeft(t *testing.T) {
	for _, cutOff := range []string{siteA, siteB} {
		t.Run(cutOff, func(t *testing.T) {
			p := smallPair(t)
			made := -1
			p.after(occasion{site: siteB, method: "Clear", cache: "sessions"}, happens(func() {
				p.now = p.now.Add(20 * time.Second) // of 45, when a change may take 31
				made = len(p.changed())
				p.before(occasion{site: cutOff, method: "PutLease", always: true}, func() error { return errAway })
			}))
			_, err := p.recover(t)
			if err == nil || made < 0 {
				t.Errorf("went on without its lease: %v", err)
			}
			after := slices.DeleteFunc(p.changed()[made:], func(made string) bool { return cutOff == siteB && letsGo(made) })
			if len(after) > 0 {
				t.Errorf("changed with a lease that others may soon take: %v", after)
			}
			p.wantPrimaryWhole(t)
			p.hooks = nil
			if _, err := p.recover(t); err != nil {
				t.Fatalf("the same command did not finish: %v", err)
			}
			p.wantRecovered(t)
		})
	}
}

// letsGo tells whether the primary lets go of the secondary, which needs no lease of the latter.
func letsGo(made string) bool {
	return strings.HasPrefix(made, siteA+" TakeOffline ") || strings.HasPrefix(made, siteA+" CancelPush ")
}

// The whole secondary goes: its API server first, so that its lease runs out, and the link later, or seen late (V24). The primary's
// writes fail by then, and nobody else will see to them.
func TestALeaseThatRanOutWithItsSiteLeavesNoWriteOfThePrimaryFailing(t *testing.T) {
	for name, options := range map[string]func(*xsite.Options){
		"with both leases":            func(*xsite.Options) {},
		"without that of the primary": func(o *xsite.Options) { o.NoPrimaryLease = true },
	} {
		for how, lost := range brokenLinks() {
			t.Run(name+", "+how, func(t *testing.T) {
				p := smallPair(t)
				depends := p.dependsUntil()
				var away, gone time.Time
				p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() {
					away = p.now
					p.away[siteB] = p.now.Add(5 * time.Minute)
				}))
				p.before(occasion{site: siteA, method: "Info", always: true}, happens(func() {
					if gone.IsZero() && !away.IsZero() && p.now.Sub(away) > time.Minute {
						p.link, gone = lost, p.now
					}
				}))
				_, err := p.recover(t, options)
				p.wantOutcome(t, err, xsite.Failed)
				if gone.IsZero() {
					t.Fatal("the run ended before its lease had run out, so this tells nothing")
				}
				if failing := depends.Sub(gone); failing > askedEvery+mostFailing {
					t.Errorf("the primary's writes failed for %s", failing)
				}
				p.wantPrimaryAlone(t)
			})
		}
	}
}

// The API server of one site was away for this machine alone, and a colleague took over what had run out. This process was
// awake all the while, so only the name on the lease tells.
func TestARunWhoseLeaseAnotherTookOverLeavesItToThem(t *testing.T) {
	for _, where := range []string{siteA, siteB} {
		t.Run(where, func(t *testing.T) {
			p := smallPair(t)
			s := map[string]*site{siteA: p.a, siteB: p.b}[where]
			made := 0
			p.after(occasion{site: siteA, method: "PushStatus", nth: 8}, happens(func() { // the pushes run, and are waited for
				s.lease.Holder, s.lease.Run, s.lease.Who, s.lease.Version = "another process", "beefcafe", "colleague@desk", "theirs"
				p.now = p.now.Add(6 * time.Second) // the next renewal is due
				made = len(p.changed())
			}))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Interrupted)
			if s.lease.Who != "colleague@desk" {
				t.Errorf("two runs are at work at once: the lease that the colleague holds was taken back by %q", s.lease.Who)
			}
			if after := p.changed()[made:]; made == 0 || len(after) > 0 {
				t.Errorf("two runs are at work at once: %v", after)
			}
			if err != nil && !strings.Contains(err.Error(), "colleague@desk") {
				t.Errorf("does not say who took over: %v", err)
			}
			p.wantPrimaryWhole(t)
		})
	}
}
