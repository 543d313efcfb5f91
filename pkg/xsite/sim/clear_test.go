package sim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// async is one ASYNC cache "sessions".
func async(mode infinispan.Mode) sim.Options {
	return sim.Options{Caches: []sim.CacheSpec{{Name: "sessions", Strategy: infinispan.StrategyAsync, Mode: mode}}}
}

func TestClearWithoutTheHeaderEmptiesAnOnlinePeer(t *testing.T) { // V1, V2
	each(t, sim.Options{Caches: sim.Caches("sessions")}, func(w *world) {
		fill(w.a, "sessions", "fresh", 100)
		w.must(w.b0.Clear(w.ctx(), "sessions"))
		w.want(w.a, "sessions", 100)
		w.must(w.b.Clear(w.ctx(), "sessions", false))
		w.want(w.a, "sessions", 0)
	})
}

// guide is the guide's own order on b, while a is frozen.
func guide(w *world, atHome bool, hold time.Duration) {
	w.a.Freeze()
	for _, key := range []string{"stale-1", "stale-2", "stale-3"} {
		w.must(w.b.Put(w.ctx(), "sessions", key, "stale", 0))
		w.Pass(10 * time.Millisecond)
	}
	w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
	w.must(w.b.Clear(w.ctx(), "sessions", atHome))
	w.Pass(hold)
	w.must(w.b0.BringOnline(w.ctx(), "sessions", "site-a"))
	w.Pass(time.Second)
	w.a.Thaw()
	w.Pass(10 * time.Minute)
}

func TestAsyncClearThatIsQueuedWipesASlowPrimary(t *testing.T) { // V3, V4, V5
	for name, want := range map[string]struct {
		atHome bool
		hold   time.Duration
		wiped  bool
	}{
		"without the header":               {false, 0, true},
		"with the header":                  {true, 0, false},
		"without the header, held offline": {false, 8 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, async(""), func(w *world) {
				fill(w.a, "sessions", "fresh", 50)
				guide(w, want.atHome, want.hold)
				lost := 0
				for _, key := range w.a.Keys("sessions") {
					if strings.HasPrefix(key, "fresh") {
						lost++
					}
				}
				if wiped := lost == 0; wiped != want.wiped {
					t.Errorf("the primary has %d of its 50 entries", lost)
				}
			})
		})
	}
}

func TestRemovesThatAreQueuedReachThePrimaryInSpiteOfTheHeader(t *testing.T) { // V64
	for name, hold := range map[string]time.Duration{"online at once": 0, "held offline": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			simulate(t, async(""), func(w *world) {
				w.Load("sessions", numbered("fresh", 20))
				w.a.Freeze()
				for _, key := range w.b.Keys("sessions")[:10] {
					w.must(w.b.Remove(w.ctx(), "sessions", key))
					w.Pass(10 * time.Millisecond)
				}
				w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
				w.must(w.b0.Clear(w.ctx(), "sessions"))
				if hold > 0 {
					w.a.Thaw()
					w.Pass(hold)
					w.must(w.b0.BringOnline(w.ctx(), "sessions", "site-a"))
				} else {
					w.must(w.b0.BringOnline(w.ctx(), "sessions", "site-a"))
					w.a.Thaw()
				}
				w.Pass(10 * time.Minute)
				left := len(w.a.Keys("sessions"))
				if (hold == 0 && left != 10) || (hold > 0 && left != 19) {
					t.Errorf("the primary has %d of 20 entries", left)
				}
			})
		})
	}
}

// What waits is told by the metrics of each owner, a clear is not, and it is gone once the sender runs while offline.
func TestTheMetricsTellWhatIsQueued(t *testing.T) { // V81
	simulate(t, async(""), func(w *world) {
		queued := func(when string, want int64) {
			t.Helper()
			if got, err := w.b0.SendQueues(w.ctx()); err != nil || got["sessions"].Keys != want {
				t.Errorf("%s: %d changes are queued, want %d: %v", when, got["sessions"].Keys, want, err)
			}
		}
		w.Load("sessions", numbered("fresh", 20))
		queued("idle", 0)
		w.a.Freeze()
		for _, key := range w.b.Keys("sessions")[:10] {
			w.must(w.b.Remove(w.ctx(), "sessions", key))
		}
		w.Pass(100 * time.Millisecond)
		queued("the primary is frozen", 10)
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.must(w.b0.Clear(w.ctx(), "sessions"))
		queued("offline and cleared", 10)
		w.a.Thaw()
		w.Pass(time.Minute)
		queued("thawed", 0)
	})
}

// Keys that are dropped at once stay in the queue of another owner, up to 15. A removal is remembered beside it for a while.
func TestSomeKeysStayQueuedWhereNobodySendsThem(t *testing.T) { // V82
	each(t, async(""), func(w *world) {
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		for key := range numbered("stale", 20) {
			w.must(w.b.Put(w.ctx(), "sessions", key, "stale", 0))
		}
		w.must(w.b.Remove(w.ctx(), "sessions", "stale-0001"))
		w.Pass(time.Second)
		queues, err := w.b0.SendQueues(w.ctx())
		w.must(err)
		if old := strings.HasPrefix(w.version, "14.") || strings.HasPrefix(w.version, "15."); (queues["sessions"].Keys > 0) != old || queues["sessions"].Tombstones != 1 {
			t.Errorf("the queue is %+v", queues["sessions"])
		}
		w.Pass(time.Minute)
		w.must(w.b0.Clear(w.ctx(), "sessions"))
		after, err := w.b0.SendQueues(w.ctx())
		w.must(err)
		if after["sessions"].Keys != queues["sessions"].Keys || after["sessions"].Tombstones != 0 {
			t.Errorf("the queue is %+v, was %+v", after["sessions"], queues["sessions"])
		}
	})
}

// On 14 a clear waits as long as the queue backs off, up to five minutes; later it is dropped with the first look (F1).
func TestQueuedClearOn14OutlivesALongHold(t *testing.T) {
	each(t, async(""), func(w *world) {
		w.Load("sessions", numbered("fresh", 20))
		w.a.Freeze()
		w.must(w.b.Put(w.ctx(), "sessions", "stale", "stale", 0))
		w.Pass(10 * time.Minute) // the back-off is at its most by now
		w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
		w.must(w.b.Clear(w.ctx(), "sessions", false))
		w.Pass(time.Minute)
		w.must(w.b0.BringOnline(w.ctx(), "sessions", "site-a"))
		w.a.Thaw()
		w.Pass(20 * time.Minute)
		if left := len(w.a.Keys("sessions")); (left == 0) != (w.version == "14.0.28") {
			t.Errorf("the primary has %d entries", left)
		}
	})
}

// From 15 on a key that waits out a back-off is not dropped when the flag says offline: it is sent once it says online
// again. A clear without the header drops what is queued; one with it does not (F1).
func TestBackOffKeepsRemovesUntilThePeerIsOnlineAgain(t *testing.T) { // V83
	for name, atHome := range map[string]bool{"with the header": true, "without the header": false} {
		t.Run(name, func(t *testing.T) {
			simulate(t, async(""), func(w *world) {
				w.Load("sessions", numbered("fresh", 20))
				w.a.Freeze()
				for _, key := range w.b.Keys("sessions")[:10] {
					w.must(w.b.Remove(w.ctx(), "sessions", key))
					w.Pass(10 * time.Millisecond)
				}
				w.Pass(40 * time.Second) // the back-off is long by now
				w.must(w.b0.TakeOffline(w.ctx(), "sessions", "site-a"))
				queued, _ := w.b.Queued("sessions")
				w.must(w.b.Clear(w.ctx(), "sessions", atHome))
				w.Pass(5 * time.Second) // until the request that is under way has timed out
				if left, clearing := w.b.Queued("sessions"); clearing || (left > 0) != atHome || queued == 0 {
					t.Errorf("%d keys were queued, %d are left, a clear: %v", queued, left, clearing)
				}
				w.must(w.b0.BringOnline(w.ctx(), "sessions", "site-a"))
			})
		})
	}
}

func TestFlagOfARequestIsCaseSensitive(t *testing.T) { // V2
	simulate(t, sim.Options{Caches: sim.Caches("sessions"), Endpoint: sim.OpenEndpoint}, func(w *world) {
		client := &http.Client{Transport: &http.Transport{DialContext: w.b.Node(0).DialContext}}
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(w.ctx(), http.MethodPost, "http://b/rest/v2/caches/sessions?action=clear", http.NoBody)
		w.must(err)
		req.Header.Set("Flags", "skip_xsite_backup")
		res, err := client.Do(req)
		w.must(err)
		w.must(res.Body.Close())
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}
