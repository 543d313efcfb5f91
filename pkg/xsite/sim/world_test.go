package sim_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// world is a simulation under test, with clients of all nodes: a0 is the first node of site-a.
type world struct {
	*sim.World

	t              *testing.T
	version        string
	a, b           *sim.Site
	a0, a1, b0, b1 *infinispan.Client
}

// simulate runs a test in a bubble, on a world whose requests are all known.
func simulate(t *testing.T, o sim.Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		made, err := sim.New(o)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{World: made, t: t, version: o.Version, a: made.Sites()[0], b: made.Sites()[1]}
		defer made.Close()
		nodes := append(w.a.Nodes(), w.b.Nodes()...)
		for i, c := range []**infinispan.Client{&w.a0, &w.a1, &w.b0, &w.b1} {
			if *c, err = nodes[i].Client(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup((*c).Close)
		}
		test(w)
		if unknown := w.Unknown(); len(unknown) > 0 {
			t.Errorf("unknown requests: %q", unknown)
		}
	})
}

// each runs a test for every version.
func each(t *testing.T, o sim.Options, test func(w *world)) {
	t.Helper()
	for _, version := range sim.Versions() {
		o.Version = version
		t.Run(version, func(t *testing.T) { simulate(t, o, test) })
	}
}

// must ends the test on an error.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ctx is the test's context.
func (w *world) ctx() context.Context { return w.t.Context() }

// fill gives a site entries of its own, without the other hearing of it.
func fill(s *sim.Site, cache, prefix string, n int) {
	s.Load(cache, numbered(prefix, n))
}

// numbered makes entries.
func numbered(prefix string, n int) map[string]string {
	entries := map[string]string{}
	for i := range n {
		entries[fmt.Sprintf("%s-%04d", prefix, i)] = "value of " + prefix
	}
	return entries
}

// want compares a number of entries.
func (w *world) want(s *sim.Site, cache string, n int) {
	w.t.Helper()
	if got := len(s.Keys(cache)); got != n {
		w.t.Errorf("%s has %d entries of %s, want %d", s.Name(), got, cache, n)
	}
}

// wantStatus compares the push status that a node tells.
func (w *world) wantStatus(c *infinispan.Client, cache, site string, status infinispan.PushStatus) {
	w.t.Helper()
	got, err := c.PushStatus(w.ctx(), cache)
	w.must(err)
	if got[site] != status {
		w.t.Errorf("push status of %s to %s is %v, want %s", cache, site, got, status)
	}
}

func TestAPushBringsEverythingToTheOtherSite(t *testing.T) { // V22
	each(t, sim.Options{Caches: sim.Caches("sessions")}, func(w *world) {
		fill(w.a, "sessions", "fresh", 100)
		w.must(w.a0.TakeOffline(w.ctx(), "sessions", "site-b"))
		w.must(w.a0.StartPush(w.ctx(), "sessions", "site-b"))
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushSending)
		w.Pass(time.Minute)
		w.wantStatus(w.a1, "sessions", "site-b", infinispan.PushOK)
		w.want(w.b, "sessions", 100)
		flags, err := w.a0.NodeFlags(w.ctx(), "sessions", "site-b")
		w.must(err)
		for node, flag := range flags {
			if flag != infinispan.FlagOnline {
				t.Errorf("%s says %s", node, flag)
			}
		}
	})
}
