package xsite_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// simulatedSeat is a site whose servers are simulated ones, behind HTTP; its Kubernetes is the pair's.
type simulatedSeat struct {
	seat

	servers *sim.Site
}

func (s simulatedSeat) Node(_ context.Context, pod xsite.Pod) (xsite.Node, error) {
	for i, v := range s.site.servers {
		if v.pod == pod.Name {
			return s.servers.Node(i).Client()
		}
	}
	return nil, xsite.ErrPodGone
}

// simulatedTime is the bubble's; the pair's Kubernetes goes on with it.
type simulatedTime struct {
	xsite.WallClock

	proc *process
}

func (c simulatedTime) Wait(ctx context.Context, d time.Duration) error {
	if err := c.WallClock.Wait(ctx, d); err != nil {
		return err
	}
	return c.proc.Wait(ctx, d)
}

func TestStaleSecondaryIsRecoveredOnServersOfEveryVersion(t *testing.T) {
	for _, version := range sim.Versions() {
		t.Run(version, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { recoverSimulated(t, version) }) })
	}
}

// recoverSimulated runs the whole procedure through the real client.
func recoverSimulated(t *testing.T, version string) {
	t.Helper()
	caches := []string{"sessions", "clientSessions", "work"}
	world, err := sim.New(sim.Options{Version: version, Caches: sim.Caches(caches...)})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	a, b := world.Site(siteA), world.Site(siteB)
	truth := map[string]string{"kept": "fresh", "changed": "fresh", "missing": "fresh"}
	for _, cache := range caches {
		a.Load(cache, truth)
		b.Load(cache, map[string]string{"kept": "fresh", "changed": "stale", "removed": "stale"})
	}
	p := newPair(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	proc := &process{pair: p, interrupt: cancel}
	_, err = xsite.Recover(ctx, xsite.Options{
		PrimaryCluster: simulatedSeat{seat{p.a, proc}, a}, SecondaryCluster: simulatedSeat{seat{p.b, proc}, b},
		Confirm: func(context.Context, xsite.Plan) error { return nil },
		Clock:   simulatedTime{proc: proc},
		Who:     "operator@laptop", Tool: "kubectl-ispn-resync test",
	})
	if err != nil {
		t.Error(err)
	}
	for _, s := range world.Sites() {
		if names := s.CacheNames(); len(names) != len(caches) {
			t.Errorf("%s has the caches %q", s.Name(), names)
		}
		for _, cache := range caches {
			if diff := cmp.Diff(truth, s.Entries(cache)); diff != "" {
				t.Errorf("cache %s of %s: %s", cache, s.Name(), diff)
			}
			for _, n := range s.Nodes() {
				if n.Offline(cache) || n.PushStatus(cache) != "IDLE" {
					t.Errorf("cache %s on node %d of %s: offline %v, push %s", cache, n.Index(), s.Name(), n.Offline(cache), n.PushStatus(cache))
				}
			}
		}
	}
	if unknown := world.Unknown(); len(unknown) > 0 {
		t.Errorf("the simulator does not know %q", unknown)
	}
}
