package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// sees asks a node whether it sees a site.
func (w *world) sees(c *infinispan.Client, site string) bool {
	w.t.Helper()
	info, err := c.Info(w.ctx())
	w.must(err)
	return info.SeesSite(site)
}

func TestViewIsLate(t *testing.T) { // V24
	simulate(t, pair(), func(w *world) {
		w.b.Freeze()
		w.Pass(47 * time.Second)
		if !w.sees(w.a0, "site-b") {
			t.Error("the frozen site left the view too early")
		}
		w.Pass(2 * time.Second)
		if w.sees(w.a0, "site-b") {
			t.Error("the frozen site is in the view still")
		}
		w.b.Thaw()
		w.Pass(46 * time.Second)
		if w.sees(w.a0, "site-b") {
			t.Error("the site is back too early")
		}
		w.Pass(2 * time.Second)
		if !w.sees(w.a0, "site-b") {
			t.Error("the site is not back")
		}
	})
}

func TestOnlyTheRelayNodeSeesTheOtherSite(t *testing.T) { // V50
	for relays, want := range map[int]bool{1: false, 128: true} {
		o := pair()
		o.RelayNodes = relays
		simulate(t, o, func(w *world) {
			if !w.sees(w.a0, "site-b") || w.sees(w.a1, "site-b") != want {
				t.Errorf("%d relay nodes: the second node sees the other site: %v", relays, !want)
			}
			info, err := w.a1.Info(w.ctx())
			w.must(err)
			if !slices.Contains(info.RelayNodes, w.a.Node(0).Name()) {
				t.Errorf("relay nodes %q", info.RelayNodes)
			}
		})
	}
}

func TestWritesOverASilentCut(t *testing.T) { // V51, V45
	simulate(t, pair(), func(w *world) {
		w.Cut()
		began := time.Now()
		err := w.a.Put(w.ctx(), "sessions", "key", "value", 0)
		if took := time.Since(began); err == nil || took < 4*time.Second {
			t.Errorf("while the view is late: %v after %s", err, took)
		}
		w.Pass(time.Minute)
		began = time.Now()
		if err := w.a.Put(w.ctx(), "sessions", "key", "value", 0); err == nil || time.Since(began) > time.Second {
			t.Errorf("after the view was lost: %v after %s", err, time.Since(began))
		}
		if w.a.Node(0).Offline("sessions") {
			t.Error("the flag changed by itself")
		}
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.a.Put(w.ctx(), "sessions", "key", "value", 0))
	})
}

func TestFlagOfThePrimaryDoesNotStopTheSecondary(t *testing.T) { // V46
	simulate(t, pair(), func(w *world) {
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.b.Put(w.ctx(), "sessions", "key", "stale", 0))
		w.want(w.a, "sessions", 1)
	})
}

func TestResetIsNoticedAtOnce(t *testing.T) {
	simulate(t, pair(), func(w *world) {
		w.Reset()
		w.Pass(2 * time.Second)
		if w.sees(w.a0, "site-b") || w.sees(w.b0, "site-a") {
			t.Error("the sites see each other")
		}
		w.Heal()
		w.Pass(time.Minute)
		if !w.sees(w.a0, "site-b") || !w.sees(w.b0, "site-a") {
			t.Error("the sites do not see each other again")
		}
	})
}

// probeCache is what the engine makes for its probe.
func probeCache(peer string) []byte {
	return []byte(`{"replicated-cache":{"mode":"SYNC","encoding":{"media-type":"text/plain"},"backups":{"` + peer +
		`":{"backup":{"strategy":"SYNC","timeout":4500,"failure-policy":"WARN"}}}}}`)
}

func TestProbe(t *testing.T) { // V65
	each(t, sim.Options{}, func(w *world) {
		w.must(w.b0.CreateCache(w.ctx(), "probe", probeCache("site-a")))
		w.must(w.a0.CreateCache(w.ctx(), "probe", probeCache("site-b")))
		began := time.Now()
		w.must(w.a0.Put(w.ctx(), "probe", "key", "value"))
		if _, found, err := w.b1.Get(w.ctx(), "probe", "key"); err != nil || !found || time.Since(began) > time.Second {
			t.Errorf("the entry did not cross: %v %v after %s", found, err, time.Since(began))
		}
		w.must(w.b0.Clear(w.ctx(), "probe"))
		if _, found, err := w.a0.Get(w.ctx(), "probe", "key"); err != nil || !found {
			t.Errorf("the clear leaked: %v %v", found, err)
		}
		w.Cut()
		began = time.Now()
		w.must(w.a0.Put(w.ctx(), "probe", "another", "value"))
		if took := time.Since(began); took < 4*time.Second || !w.sees(w.a0, "site-b") {
			t.Errorf("over a cut link the put took %s", took)
		}
		if _, found := w.b.Get("probe", "another"); found {
			t.Error("the entry crossed a cut link")
		}
		for _, c := range []*infinispan.Client{w.a0, w.b0} {
			w.must(c.DeleteCache(w.ctx(), "probe"))
			w.must(c.DeleteCache(w.ctx(), "probe"))
		}
	})
}

func TestACacheOfOneSiteTellsWhetherTheOtherOneAnswers(t *testing.T) { // V86
	each(t, sim.Options{}, func(w *world) {
		w.must(w.a0.CreateCache(w.ctx(), "heard", probeCache("site-b")))
		w.must(w.a0.Put(w.ctx(), "heard", "key", "value"))
		if sites, err := w.a0.BackupSites(w.ctx(), "heard"); err != nil || sites["site-b"] == infinispan.SiteOnline {
			t.Errorf("a peer that answers is %q: %v", sites["site-b"], err)
		}
		w.Cut()
		w.must(w.a0.CreateCache(w.ctx(), "silence", probeCache("site-b")))
		w.must(w.a0.Put(w.ctx(), "silence", "key", "value"))
		if sites, err := w.a0.BackupSites(w.ctx(), "silence"); err != nil || sites["site-b"] != infinispan.SiteOnline || !w.sees(w.a0, "site-b") {
			t.Errorf("a peer that cannot be heard is %q: %v", sites["site-b"], err)
		}
	})
}

func TestStrangersSeeAPeerAndReachNobody(t *testing.T) {
	simulate(t, sim.Options{Strangers: true, Caches: sim.Caches("sessions")}, func(w *world) {
		w.must(w.a.Put(w.ctx(), "sessions", "key", "value", 0))
		w.want(w.b, "sessions", 0)
		if !w.sees(w.a0, "site-b") {
			t.Error("no peer")
		}
	})
}

func TestVolatileCachesDieWithTheirSite(t *testing.T) {
	simulate(t, pair(), func(w *world) {
		w.must(w.a0.CreateCache(w.ctx(), "probe", probeCache("site-b")))
		fill(w.a, "sessions", "fresh", 10)
		w.a.Node(0).Restart()
		w.a.Node(1).Restart()
		w.want(w.a, "sessions", 10)
		w.a.Restart()
		if names := w.a.CacheNames(); !slices.Equal(names, []string{"sessions"}) {
			t.Errorf("caches %q", names)
		}
		w.want(w.a, "sessions", 0)
	})
}

func TestEntriesExpireByIdleTime(t *testing.T) { // V48: what lives shortly is never equal
	simulate(t, pair(), func(w *world) {
		w.must(w.a.PutIdle(w.ctx(), "sessions", "idle", "value", time.Minute))
		w.Pass(50 * time.Second)
		if _, found, err := w.a0.Get(w.ctx(), "sessions", "idle"); err != nil || !found {
			t.Errorf("%v %v", found, err)
		}
		w.Pass(50 * time.Second)
		w.want(w.a, "sessions", 1)
		w.Pass(11 * time.Second)
		w.want(w.a, "sessions", 0)
	})
}

func TestConnectionsEndWithTheirNode(t *testing.T) { // V55
	simulate(t, pair(), func(w *world) {
		generation := w.a.Node(0).Generation()
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.a.Node(0).Kill()
		if _, err := w.a0.Info(w.ctx()); err == nil {
			t.Error("a dead node answered")
		}
		w.a.Node(0).Start()
		if w.a.Node(0).Generation() == generation {
			t.Error("the successor is not another one")
		}
	})
}
