package sim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

func TestFlagIsLostWhenTheWholeSiteRestarts(t *testing.T) { // V6
	each(t, sim.Options{Caches: sim.Caches("sessions")}, func(w *world) {
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		if !w.b.Node(1).Offline("sessions") {
			t.Error("the other node did not hear of it")
		}
		w.b.Restart()
		for _, n := range w.b.Nodes() {
			if n.Offline("sessions") {
				t.Errorf("node %d still says offline", n.Index())
			}
		}
	})
}

func TestFlagOfOneRestartedNodeIsLostOn14Only(t *testing.T) { // V6a
	each(t, sim.Options{Caches: sim.Caches("sessions")}, func(w *world) {
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.b.Node(1).Restart()
		sites, err := w.b0.BackupSites(w.ctx(), "sessions")
		w.must(err)
		if lost := w.version == "14.0.28"; lost != (sites["site-a"] == infinispan.SiteMixed) || lost == w.b.Node(1).Offline("sessions") {
			t.Errorf("the site says %v, the restarted node offline: %v", sites, w.b.Node(1).Offline("sessions"))
		}
		fill(w.a, "sessions", "fresh", 10)
		w.must(w.b1.Clear(w.ctx(), "sessions"))
		w.want(w.a, "sessions", 10)
		w.must(w.b.Clear(w.ctx(), "sessions", false)) // through the youngest node, which is the restarted one
		if left := len(w.a.Keys("sessions")); (left == 0) != (w.version == "14.0.28") {
			t.Errorf("the primary has %d of 10 entries", left)
		}
	})
}

func TestNewerNodesAnswerForTheirNeighboursWithTheirOwnFlag(t *testing.T) { // F12, V80
	each(t, sim.Options{Caches: sim.Caches("sessions")}, func(w *world) {
		w.b.Node(1).Freeze()
		err := w.b0.TakeOffline(w.ctx(), "sessions", "site-a")
		asks := w.version < "15.1"
		if asks != (err != nil) {
			t.Errorf("take offline: %v", err)
		}
		flags, err := w.b0.NodeFlags(w.ctx(), "sessions", "site-a")
		if asks != (err != nil) {
			t.Errorf("flags: %v", err)
		}
		if told := flags[w.b.Node(1).Name()]; !asks && told != infinispan.FlagOffline {
			t.Errorf("of its frozen neighbour the node says %s", told)
		}
		if w.b.Node(1).Offline("sessions") {
			t.Error("the frozen node heard of it")
		}
	})
}

func TestAutoPushesStaleEntriesWhenThePeerReturns(t *testing.T) { // V7
	each(t, async(infinispan.ModeAuto), func(w *world) {
		fill(w.a, "sessions", "fresh", 50)
		fill(w.b, "sessions", "stale", 30)
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.a.Node(1).Restart()
		w.Pass(2 * time.Minute)
		w.want(w.a, "sessions", 50)
		w.a.Freeze()
		w.Pass(time.Minute)
		w.a.Thaw()
		w.Pass(2 * time.Minute)
		w.want(w.a, "sessions", 80)
		if w.b.Node(0).Offline("sessions") {
			t.Error("the peer is offline still")
		}
	})
}

// From a secondary that held the same until the link was lost, what was logged out meanwhile comes back, and new values stay.
func TestAutoBringsBackWhatWasRemovedWhileThePeerWasAway(t *testing.T) { // V85
	simulate(t, async(infinispan.ModeAuto), func(w *world) {
		fill(w.a, "sessions", "both", 20)
		fill(w.b, "sessions", "both", 20)
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.must(w.a.Remove(w.ctx(), "sessions", "both-0001"))
		w.must(w.a.Put(w.ctx(), "sessions", "both-0002", "newer", 0))
		w.Cut()
		w.Pass(time.Minute)
		w.Heal()
		w.Pass(2 * time.Minute)
		w.want(w.a, "sessions", 20)
		if value, _ := w.a.Get("sessions", "both-0002"); value != "newer" {
			t.Errorf("the value that was written meanwhile is %q", value)
		}
	})
}

func TestAutoPushesOfTwoCachesLockNothing(t *testing.T) { // V7, V66
	caches := []sim.CacheSpec{
		{Name: "sessions", Strategy: infinispan.StrategyAsync, Mode: infinispan.ModeAuto},
		{Name: "work", Strategy: infinispan.StrategyAsync, Mode: infinispan.ModeAuto},
	}
	each(t, sim.Options{Caches: caches}, func(w *world) {
		for _, cache := range []string{"sessions", "work"} {
			fill(w.a, cache, "kept", 30)
			w.must(w.a0.TakeOffline(w.ctx(), cache, "site-b"))
		}
		w.Cut() // both sites see each other anew in the same moment
		w.Pass(time.Minute)
		w.Heal()
		w.Pass(2 * time.Minute)
		for _, cache := range []string{"sessions", "work"} {
			w.want(w.b, cache, 30)
		}
	})
}

func TestManualPushesNothingWhenThePeerReturns(t *testing.T) {
	simulate(t, async(""), func(w *world) {
		fill(w.b, "sessions", "stale", 30)
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.a.Freeze()
		w.Pass(time.Minute)
		w.a.Thaw()
		w.Pass(2 * time.Minute)
		w.want(w.a, "sessions", 0)
	})
}

func TestAutoPushesNothingToAPeerThatIsOnline(t *testing.T) { // V7
	simulate(t, async(infinispan.ModeAuto), func(w *world) {
		fill(w.b, "sessions", "stale", 30)
		w.a.Freeze()
		w.Pass(time.Minute)
		w.a.Thaw()
		w.Pass(2 * time.Minute)
		w.want(w.a, "sessions", 0)
	})
}

func TestSyncRefusesEveryMode(t *testing.T) { // V8, V74
	o := sim.Options{Caches: []sim.CacheSpec{{Name: "sync"}, {Name: "async", Strategy: infinispan.StrategyAsync}}}
	simulate(t, o, func(w *world) {
		for _, mode := range []infinispan.Mode{infinispan.ModeAuto, infinispan.ModeManual} {
			var call *infinispan.CallError
			err := w.a0.SetStateTransferMode(w.ctx(), "sync", "site-b", mode)
			if !errors.As(err, &call) || call.Status != 400 || !call.Mentions("ISPN000634") {
				t.Errorf("%s: %v", mode, err)
			}
			w.must(w.a0.SetStateTransferMode(w.ctx(), "async", "site-b", mode))
			w.must(w.a0.SetStateTransferMode(w.ctx(), "async", "site-b", mode))
			if got, err := w.a1.StateTransferMode(w.ctx(), "async", "site-b"); err != nil || got != mode {
				t.Errorf("%s %v", got, err)
			}
		}
	})
}

func TestFlagOutlivesItsCache(t *testing.T) { // V47
	simulate(t, sim.Options{}, func(w *world) {
		config := []byte(`{"replicated-cache":{"backups":{"site-b":{"backup":{"strategy":"SYNC"}}}}}`)
		w.must(w.a0.CreateCache(w.ctx(), "probe", config))
		w.must(w.a0.TakeOffline(w.ctx(), "probe", "site-b"))
		w.must(w.a0.DeleteCache(w.ctx(), "probe"))
		w.must(w.a0.CreateCache(w.ctx(), "probe", config))
		if !w.a.Node(0).Offline("probe") {
			t.Error("the flag is gone")
		}
	})
}

func TestTwoFlagsThatChangeAtTheSameTimeLockTheSiteOn15(t *testing.T) { // V66
	each(t, sim.Options{Caches: sim.Caches("sessions", "work")}, func(w *world) {
		done := make(chan error, 2)
		for _, cache := range []string{"sessions", "work"} {
			go func() { done <- w.a0.TakeOffline(w.ctx(), cache, "site-b") }()
		}
		locked := errors.Join(<-done, <-done) != nil
		if locked != (w.version == "15.0.21") {
			t.Errorf("locked: %v", locked)
		}
		if _, err := w.a0.Info(w.ctx()); (err != nil) != locked {
			t.Errorf("info: %v", err)
		}
		w.a.Restart()
		if _, err := w.a0.Info(w.ctx()); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	})
}

func TestAWorldWithALockedServerEnds(t *testing.T) { // V66; synctest tells of a server that goes on
	simulate(t, sim.Options{Version: "15.0.21", Caches: sim.Caches("sessions", "work")}, func(w *world) {
		done := make(chan error, 3)
		for _, cache := range []string{"sessions", "work"} {
			go func() { done <- w.a0.TakeOffline(w.ctx(), cache, "site-b") }()
		}
		if errors.Join(<-done, <-done) == nil {
			t.Fatal("not locked")
		}
		go func() {
			_, err := w.a0.Info(w.ctx())
			done <- err
		}()
		w.Pass(time.Second)
		w.Close()
		if <-done == nil {
			t.Error("a locked server answered")
		}
	})
}

func TestFlagsOneAfterTheOtherLockNothing(t *testing.T) { // V66, V33
	simulate(t, sim.Options{Caches: sim.Caches("sessions", "work")}, func(w *world) {
		for range 2 {
			for _, cache := range []string{"sessions", "work"} {
				w.must(w.a0.TakeOffline(w.ctx(), cache, "site-b"))
			}
		}
		for _, cache := range []string{"sessions", "work"} {
			w.must(w.a1.BringOnline(w.ctx(), cache, "site-b"))
		}
	})
}
