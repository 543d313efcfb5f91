package xsite_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// slowly is how long each call on flags takes on slow servers, and a change of Keycloak.
const slowly = 5 * time.Second

// slowCluster is a site whose calls take long once slow is true.
type slowCluster struct {
	xsite.Cluster

	slow *atomic.Bool
}

// slowNode is a server of it.
type slowNode struct {
	xsite.Node

	slow *atomic.Bool
}

// take lets the time of a slow call pass; a call that is given up fails as it does over HTTP.
func take(ctx context.Context, slow *atomic.Bool) error {
	if !slow.Load() {
		return nil
	}
	return xsite.WallClock{}.Wait(ctx, slowly)
}

func (s slowCluster) Node(ctx context.Context, pod xsite.Pod) (xsite.Node, error) {
	n, err := s.Cluster.Node(ctx, pod)
	return slowNode{n, s.slow}, err
}

func (s slowCluster) ScaleKeycloak(ctx context.Context, ref string, instances int) error {
	if err := take(ctx, s.slow); err != nil {
		return err
	}
	return s.Cluster.ScaleKeycloak(ctx, ref, instances)
}

func (n slowNode) Info(ctx context.Context) (infinispan.NodeInfo, error) {
	if err := take(ctx, n.slow); err != nil {
		return infinispan.NodeInfo{}, err
	}
	return n.Node.Info(ctx)
}

func (n slowNode) NodeFlags(ctx context.Context, cache, site string) (map[string]infinispan.Flag, error) {
	if err := take(ctx, n.slow); err != nil {
		return nil, err
	}
	return n.Node.NodeFlags(ctx, cache, site)
}

func (n slowNode) TakeOffline(ctx context.Context, cache, site string) error {
	if err := take(ctx, n.slow); err != nil {
		return err
	}
	return n.Node.TakeOffline(ctx, cache, site)
}

func (n slowNode) BringOnline(ctx context.Context, cache, site string) error {
	if err := take(ctx, n.slow); err != nil {
		return err
	}
	return n.Node.BringOnline(ctx, cache, site)
}

// onSlow makes both sites of a run slow, from the moment that the value says so.
func onSlow(slow *atomic.Bool) func(*xsite.Options) {
	return func(o *xsite.Options) {
		o.AllCaches = true
		o.PrimaryCluster = slowCluster{o.PrimaryCluster, slow}
		o.SecondaryCluster = slowCluster{o.SecondaryCluster, slow}
	}
}

// The deadlines are those of contexts, so the time of the bubble is what passes in slow calls.
func TestSlowServersDoNotKeepWhatWasChangedFromBeingPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		for _, name := range []string{"c1", "c2", "c3", "c4", "c5"} {
			p.addCache(name, 3)
		}
		before := p.contents()
		var slow atomic.Bool
		p.before(occasion{site: siteA, method: "EntriesWithMetadata"}, func() error { slow.Store(true); return errFake })
		_, err := p.recover(t, onSlow(&slow))
		p.wantOutcome(t, err, xsite.Failed)
		if !asRunError(t, err).Undone {
			t.Error(err)
		}
		p.wantUndone(t, before)
	})
}

func TestSlowServersDoNotKeepThePrimaryFromBeingMadeIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		for _, name := range []string{"c1", "c2", "c3", "c4", "c5"} {
			p.addCache(name, 3)
		}
		var slow atomic.Bool
		p.before(occasion{site: siteA, method: "PushStatus", cache: "sessions", nth: 5}, func() error { slow.Store(true); return errFake })
		_, err := p.recover(t, onSlow(&slow))
		p.wantOutcome(t, err, xsite.Failed)
		p.wantHeldSafe(t)
	})
}
