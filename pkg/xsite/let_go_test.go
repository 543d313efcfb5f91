package xsite_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Relay nodes change hands, and a listing takes minutes.
func TestALinkOutOfSightForAMomentInALongListingIsForgiven(t *testing.T) {
	p := smallPair(t)
	seen := false
	p.after(occasion{site: siteA, method: "Info", always: true}, happens(func() { seen = seen || p.link == linkDown }))
	_, err := p.recover(t, func(o *xsite.Options) {
		o.SecondaryCluster = delayed{o.SecondaryCluster, once(o.Clock, "Keys", 30, func(i int) {
			if i == 14 {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.link, p.mends = linkDown, p.now.Add(3*time.Second)
			}
		})}
	})
	if err != nil || !seen {
		t.Fatalf("it was seen: %t; %v", seen, err)
	}
	p.wantRecovered(t)
}

// Each question leaves a flag on the primary (V47).
func TestALinkThatLivesIsAskedOnlyNowAndThenInALongListing(t *testing.T) {
	const minutes = 10
	p := smallPair(t)
	asked, before := 0, 0
	p.before(occasion{site: siteA, method: "CreateCache", always: true}, happens(func() { asked++ }))
	_, err := p.recover(t, func(o *xsite.Options) {
		o.SecondaryCluster = delayed{o.SecondaryCluster, once(o.Clock, "Keys", minutes*60, func(i int) {
			if i == 0 {
				before = asked
			}
		})}
	})
	if err != nil {
		t.Fatal(err)
	}
	if most := minutes*60/int(triedEvery.Seconds()) + 5; asked-before > most || asked-before < most/2 {
		t.Errorf("the link was asked %d times in %d minutes", asked-before, minutes)
	}
}

// The primary holds the secondary offline while an abort waits for queues, so there is no hurry.
func TestALinkThatIsLostWhileAnAbortWaitsForQueuesIsAwaited(t *testing.T) {
	p := smallPair(t)
	p.async()
	p.diedAfterThe(t, "Clear")
	began, down := p.now, false
	p.before(occasion{always: true}, happens(func() {
		if !down && p.now.Sub(began) > 60*time.Second && p.heldOff() {
			down = true
			p.link, p.mends = linkDown, p.now.Add(20*time.Second)
		}
	}))
	if _, err := p.abort(t, true); err != nil || !down {
		t.Errorf("the link was down: %t; %v", down, err)
	}
}

// What a failed run puts back takes many calls to the secondary.
func TestASecondaryLostAltogetherWhileAFailedRunIsUndoneFailsWritesOnlyBriefly(t *testing.T) {
	for name, lost := range lostAltogether() {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			depends := p.dependsUntil()
			var since time.Time
			p.before(occasion{site: siteB, method: "TakeOffline"}, func() error {
				p.before(occasion{site: siteB, method: "Pods"}, happens(func() { // behind the first look at the link
					since = p.now
					lost(p)
				}))
				return errFake
			})
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			if failing := depends.Sub(since); since.IsZero() || failing > mostFailing {
				t.Errorf("the primary's writes failed for %s", failing)
			}
			p.wantPrimaryAlone(t)
		})
	}
}

func TestASecondaryLostAltogetherWhenItsSendQueuesAreReadFailsWritesOnlyBriefly(t *testing.T) {
	for name, lost := range lostAltogether() {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.async()
			depends := p.dependsUntil()
			var since time.Time
			p.before(occasion{site: siteB, method: "SendQueues"}, happens(func() {
				since = p.now
				lost(p)
			}))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
			if failing := depends.Sub(since); since.IsZero() || failing > mostFailing {
				t.Errorf("the primary's writes failed for %s", failing)
			}
			p.wantPrimaryAlone(t)
		})
	}
}

// A call that changes something is not taken back (V66), and takes half a minute over a lost route: nothing waits for that.
func TestASecondaryLostAltogetherWhenACacheIsClearedAgainFailsWritesOnlyBriefly(t *testing.T) {
	p := smallPair(t)
	p.lossy = map[string]int{"work": 1}
	depends := p.dependsUntil()
	var since time.Time
	pushed := false
	p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() { pushed = true }))
	_, err := p.recover(t, func(o *xsite.Options) {
		o.SecondaryCluster = delayed{o.SecondaryCluster, func(_ context.Context, method, _ string) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			if pushed && method == "Clear" && since.IsZero() {
				since, p.link, p.hangs[siteB] = p.now, linkSilent, p.now.Add(time.Hour)
			}
			return nil
		}}
	})
	p.wantStoppedBy(t, err, xsite.GuardReachable, xsite.Failed)
	if failing := depends.Sub(since); since.IsZero() || failing > mostFailing {
		t.Errorf("the primary's writes failed for %s", failing)
	}
	p.wantPrimaryAlone(t)
}

// A call that took long returns while the link is asked beside it; the flag of the probe has just changed, and the next one is about
// to (V66).
func TestTwoFlagsOfThePrimaryNeverChangeAtATimeBehindACallThatTookLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPair(t)
		var put time.Time
		slow := false
		p.after(occasion{site: siteB, method: "TakeOffline", nth: 1}, happens(func() { slow, put = true, time.Time{} }))
		_, err := p.recover(t, func(o *xsite.Options) {
			o.Clock = bubbleClock{pair: p}
			o.PrimaryCluster = delayed{o.PrimaryCluster, func(_ context.Context, method, cache string) error {
				p.mu.Lock()
				defer p.mu.Unlock()
				if method == "Put" && strings.HasPrefix(cache, "ispn-resync-probe-") {
					put = time.Now()
				}
				if apart := time.Since(put); method == "TakeOffline" && apart < time.Second {
					t.Errorf("a flag changes %s after the probe's", apart)
				}
				return nil
			}}
			o.SecondaryCluster = delayed{o.SecondaryCluster, func(ctx context.Context, method, _ string) error {
				p.mu.Lock()
				held := slow && method == "NodeFlags"
				p.mu.Unlock()
				if !held {
					return nil
				}
				return xsite.WallClock{}.Wait(ctx, 3*time.Second+10*time.Millisecond)
			}}
		})
		if err != nil {
			t.Fatal(err)
		}
		if put.IsZero() {
			t.Fatal("the link was not asked, so this tells nothing")
		}
	})
}

// Run with the race detector.
func TestAPrimaryThatIsLookedAtBesideACallIsNotTakenForSurveyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPair(t)
		slow := false
		p.after(occasion{site: siteA, method: "StartPush", nth: 2}, happens(func() { slow = true }))
		_, err := p.recover(t, func(o *xsite.Options) {
			o.Clock = bubbleClock{pair: p}
			o.SecondaryCluster = delayed{o.SecondaryCluster, func(ctx context.Context, method, _ string) error {
				p.mu.Lock()
				held := slow && method == "Info"
				slow = slow && !held
				p.mu.Unlock()
				if !held {
					return nil
				}
				if err := (xsite.WallClock{}).Wait(ctx, 2900*time.Millisecond); err != nil {
					return err
				}
				p.mu.Lock()
				p.a.restart(0, false)
				p.mu.Unlock()
				return xsite.WallClock{}.Wait(ctx, 2*time.Second)
			}}
		})
		if err != nil {
			t.Fatal(err)
		}
		p.wantRecovered(t)
	})
}

// The primary may have let go meanwhile, and nothing but that tells of it.
func TestASecondaryLostForAWhileAtAnyCallOfARunIsNoSuccessUnlessItIsWhole(t *testing.T) {
	t.Parallel()
	calls := callsAfterTheFirstChange(t)
	for name, lost := range map[string]func(p *pair){
		"20 s in silence": func(p *pair) {
			p.link, p.mends, p.hangs[siteB] = linkSilent, p.now.Add(20*time.Second), p.now.Add(20*time.Second)
		},
		"9 s in silence": func(p *pair) { // back when it is asked what to do about it
			p.link, p.mends, p.hangs[siteB] = linkSilent, p.now.Add(9*time.Second), p.now.Add(9*time.Second)
		},
		"out of sight for 3 s, a push failed": func(p *pair) {
			p.link, p.mends, p.hangs[siteB] = linkDown, p.now.Add(3200*time.Millisecond), p.now.Add(3200*time.Millisecond)
		},
	} {
		for number, c := range calls {
			if c.site != siteB { // at a call to the primary it is the next one to the secondary that hangs
				continue
			}
			t.Run(fmt.Sprintf("%s, %d", name, number), func(t *testing.T) {
				t.Parallel()
				p := smallPair(t)
				if strings.HasSuffix(name, "failed") {
					p.lossy = map[string]int{"work": 1}
				}
				p.at(number, happens(func() { lost(p) }))
				p.after(occasion{site: siteB, method: "ScaleKeycloak", always: true}, happens(func() {
					if p.count(siteB, "Clear", "work") > 0 && p.b.keycloaks[0].instances > 0 && p.heldOff() {
						t.Error("Keycloak is started on a secondary that the primary tells nothing")
					}
				}))
				if _, err := p.recover(t); err != nil {
					if told := strings.Contains(err.Error(), "holds site site-b offline"); p.heldOff() && !told {
						t.Errorf("does not say that the primary holds the secondary offline: %v", err)
					}
					p.pass(time.Minute)
					p.continues(t)
					return
				}
				p.wantRecovered(t)
			})
		}
	}
}

// What is told of a run that put everything back holds at its end too.
func TestASecondaryLostForAWhileWhileAFailedRunIsUndoneIsToldOf(t *testing.T) {
	p := smallPair(t)
	p.before(occasion{site: siteB, method: "TakeOffline"}, func() error {
		p.before(occasion{site: siteB, method: "ForgetInstances"}, happens(func() { // behind the primary's flags
			p.link, p.mends, p.hangs[siteB] = linkSilent, p.now.Add(9*time.Second), p.now.Add(9*time.Second)
		}))
		return errFake
	})
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	if told := strings.Contains(err.Error(), "holds site site-b offline"); !told || !p.heldOff() {
		t.Errorf("the primary holds the secondary offline: %t; it says so: %t: %v", p.heldOff(), told, err)
	}
	p.pass(time.Minute)
	p.continues(t)
}

// What was pushed before that misses what was written since.
func TestACacheIsPushedAgainWhenThePrimaryLetGoOfItWhileServersWereWaitedFor(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteA, method: "StartPush", cache: "sessions"}, happens(func() {
		p.drop(func(push *transfer) bool { return push.cache == "sessions" })
		p.a.caches["sessions"].status[0] = infinispan.PushError
		p.after(occasion{site: siteA, method: "TakeOffline", cache: "sessions"}, happens(func() {
			p.link, p.hangs[siteB] = linkDown, p.now.Add(4*time.Second)
			p.after(occasion{site: siteA, method: "TakeOffline", cache: "work"}, happens(func() { p.link = linkUp }))
		}))
	}))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if n := p.count(siteA, "StartPush", "work"); n != 2 {
		t.Errorf("the cache was pushed %d times", n)
	}
	p.wantRecovered(t)
}
