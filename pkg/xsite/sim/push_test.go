package sim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// pair is one SYNC cache "sessions".
func pair() sim.Options { return sim.Options{Caches: sim.Caches("sessions")} }

// wantRefused demands a 500 that mentions a text.
func (w *world) wantRefused(err error, text string) {
	w.t.Helper()
	var call *infinispan.CallError
	if !errors.As(err, &call) || call.Status != 500 || !call.Mentions(text) {
		w.t.Errorf("want status 500 with %q: %v", text, err)
	}
}

func TestFailedPushLeavesThePeerOnlineAndTheWritesFailing(t *testing.T) { // V10 to V14
	each(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 100)
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.a.Put(w.ctx(), "sessions", "before", "value", 0))
		w.b.Freeze()
		began := time.Now()
		w.wantRefused(w.a0.StartPush(w.ctx(), "sessions", "site-b"), "ISPN012047")
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("the start took %s", took)
		}
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushSending)
		if w.a.Node(0).Offline("sessions") {
			t.Error("the peer is offline still")
		}
		if err := w.a.Put(w.ctx(), "sessions", "failed", "value", 0); err == nil {
			t.Error("the write succeeded")
		}
		if _, found := w.a.Get("sessions", "failed"); found {
			t.Error("a write that failed is there")
		}
		w.b.Thaw()
		w.Pass(time.Second)
		w.must(w.a0.ClearPushStatus(w.ctx(), "sessions"))
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushSending)
		w.wantRefused(w.a0.StartPush(w.ctx(), "sessions", "site-b"), "ISPN012047")
		for _, c := range []*infinispan.Client{w.a0, w.a1} {
			w.must(c.CancelPush(w.ctx(), "sessions", "site-b"))
		}
		w.must(w.b0.CancelReceive(w.ctx(), "sessions", "site-a"))
		w.must(w.a0.ClearPushStatus(w.ctx(), "sessions"))
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushIdle)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		w.want(w.a, "sessions", 101)
		w.want(w.b, "sessions", 102) // the write that failed arrived
	})
}

func TestSecondStartIsRefusedAndSticksOnAnotherNode(t *testing.T) { // V15
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.wantRefused(w.a0.StartPush(w.ctx(), "sessions", "site-b"), "")
		w.wantRefused(w.a1.StartPush(w.ctx(), "sessions", "site-b"), "")
		w.Pass(time.Minute)
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushOK) // which hides the other one (F6)
		w.want(w.b, "sessions", 1000)
		w.must(w.a0.ClearPushStatus(w.ctx(), "sessions"))
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushSending)
		w.must(w.a1.CancelPush(w.ctx(), "sessions", "site-b"))
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushCanceled)
	})
}

func TestClearAtTheReceiverMakesOKALie(t *testing.T) { // V16
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(100 * time.Millisecond)
		if n := len(w.b.Keys("sessions")); n == 0 || n == 1000 {
			t.Fatalf("the push is not in its middle: %d entries", n)
		}
		w.must(w.b0.Clear(w.ctx(), "sessions"))
		w.Pass(time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		w.want(w.b, "sessions", 0)
	})
}

func TestPeerTakenOfflineInTheMiddleOfAPush(t *testing.T) { // V17
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.Pass(time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		w.want(w.b, "sessions", 1000)
		if !w.a.Node(0).Offline("sessions") {
			t.Error("the peer is online")
		}
	})
}

func TestNodeThatDiesInTheMiddleOfAPush(t *testing.T) { // V18, V19, V20
	for name, kill := range map[string]struct {
		who    func(w *world) *sim.Node
		status infinispan.PushStatus
		whole  bool
	}{
		"the receiving one":       {func(w *world) *sim.Node { return w.b.Node(0) }, infinispan.PushSending, false},
		"another of the receiver": {func(w *world) *sim.Node { return w.b.Node(1) }, infinispan.PushOK, true},
		"another of the sender":   {func(w *world) *sim.Node { return w.a.Node(1) }, infinispan.PushOK, true},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, pair(), func(w *world) {
				fill(w.a, "sessions", "fresh", 1000)
				w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
				w.Pass(100 * time.Millisecond)
				kill.who(w).Kill()
				w.Pass(10 * time.Minute)
				w.wantStatus(w.a0, "sessions", "site-b", kill.status)
				if n := len(w.b.Keys("sessions")); (n == 1000) != kill.whole {
					t.Errorf("%d of 1000 entries arrived", n)
				}
			})
		})
	}
}

func TestNodeThatJoinsTheReceiverDropsWhatItIsSent(t *testing.T) { // V18: once it was OK with half of it there
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(100 * time.Millisecond)
		w.b.Node(1).Restart()
		w.Pass(time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		if n := len(w.b.Keys("sessions")); n < 300 || n > 800 {
			t.Errorf("%d of 1000 entries arrived", n)
		}
	})
}

func TestPushDoesNotReplaceWhatIsWrittenMeanwhile(t *testing.T) {
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.must(w.b.Put(w.ctx(), "sessions", "fresh-0999", "newer", 0))
		w.Pass(time.Minute)
		if value, _ := w.b.Get("sessions", "fresh-0999"); value != "newer" {
			t.Errorf("the value is %q", value)
		}
	})
}

func TestAsyncPushDoesNotReplaceWhatIsNewer(t *testing.T) {
	simulate(t, async(""), func(w *world) {
		w.Load("sessions", numbered("key", 2))
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.a.Put(w.ctx(), "sessions", "key-0000", "newer", 0))
		w.must(w.b0.StartPush(w.ctx(), "sessions", "site-a"))
		w.Pass(time.Minute)
		if value, _ := w.a.Get("sessions", "key-0000"); value != "newer" {
			t.Errorf("the value is %q", value)
		}
	})
}

func TestStatusOfAPushIsIdleWhileItsCoordinatorIsDead(t *testing.T) { // V19
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(100 * time.Millisecond)
		w.a.Node(0).Kill()
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushIdle)
		before := len(w.b.Keys("sessions"))
		w.Pass(time.Minute)
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushIdle)
		w.a.Node(0).Start()
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushSending)
		w.Pass(time.Minute)
		if after := len(w.b.Keys("sessions")); after <= before {
			t.Errorf("%d entries, then %d: nothing more arrived", before, after)
		}
	})
}

func TestCancelledPushCanBeStartedAgain(t *testing.T) { // V21
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.must(w.a0.CancelPush(w.ctx(), "sessions", "site-b"))
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushCanceled)
		if w.a.Node(0).Offline("sessions") {
			t.Error("the peer is offline")
		}
		w.Pass(time.Second)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		w.want(w.b, "sessions", 1000)
	})
}

func TestAsyncPushOfACacheThatThePeerLacksIsAFalseOK(t *testing.T) { // V57
	o := sim.Options{Caches: []sim.CacheSpec{{Name: "sessions", Only: "site-a", Strategy: infinispan.StrategyAsync}}}
	simulate(t, o, func(w *world) {
		w.must(w.a.Put(w.ctx(), "sessions", "key", "value", 0))
		w.Pass(time.Second)
		if !w.a.Node(0).Offline("sessions") {
			t.Error("the write did not take the peer offline")
		}
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		if !w.a.Node(0).Offline("sessions") {
			t.Error("the push left the peer online")
		}
	})
}

func TestAsyncPushOverACutLinkSendsUntilItHeals(t *testing.T) { // V58
	simulate(t, async(""), func(w *world) {
		fill(w.a, "sessions", "fresh", 100)
		w.Cut()
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(10 * time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushSending)
		w.want(w.b, "sessions", 0)
		w.Heal()
		w.Pass(10 * time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushOK)
		w.want(w.b, "sessions", 100)
	})
}

func TestSyncPushOverACutLinkEndsInErrorAndLeavesTheReceiverWaiting(t *testing.T) { // F10
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 1000)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(100 * time.Millisecond)
		w.Cut()
		w.Pass(5 * time.Minute)
		w.wantStatus(w.a0, "sessions", "site-b", infinispan.PushError)
		w.Heal()
		w.Pass(2 * time.Minute)
		w.wantRefused(w.a0.StartPush(w.ctx(), "sessions", "site-b"), "ISPN000217")
	})
}

func TestPushInTheWrongDirectionGoesThrough(t *testing.T) { // V63
	simulate(t, pair(), func(w *world) {
		fill(w.b, "sessions", "stale", 1)
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.must(w.b0.StartPush(w.ctx(), "sessions", "site-a"))
		w.Pass(2 * time.Second)
		w.want(w.a, "sessions", 1)
	})
}

func TestLifespansBeginAnewAtTheReceiver(t *testing.T) { // V61
	simulate(t, pair(), func(w *world) {
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.a.Put(w.ctx(), "sessions", "key", "value", time.Minute))
		w.Pass(20 * time.Second)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(45 * time.Second)
		w.want(w.a, "sessions", 0)
		w.want(w.b, "sessions", 1)
		w.Pass(20 * time.Second)
		w.want(w.b, "sessions", 0)
	})
}

func TestTheToolsOrderKeepsTheSecondarySilent(t *testing.T) { // V60
	simulate(t, pair(), func(w *world) {
		fill(w.a, "sessions", "fresh", 10)
		fill(w.b, "sessions", "stale", 10)
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.b0.Clear(w.ctx(), "sessions"))
		w.want(w.b, "sessions", 0)
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.Pass(time.Minute)
		w.must(w.a.Put(w.ctx(), "sessions", "of-a", "value", 0))
		w.must(w.b.Put(w.ctx(), "sessions", "of-b", "value", 0))
		w.want(w.a, "sessions", 11)
		w.want(w.b, "sessions", 12)
	})
}
