package xsite_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// frozenCall is how long the client waits for the answer of a server that is frozen.
const frozenCall = 30 * time.Second

// frozenCluster is a site whose servers take calls and say nothing once frozen is true. Its API server answers.
type frozenCluster struct {
	xsite.Cluster

	frozen *atomic.Bool
}

// frozenNode is a server of it.
type frozenNode struct {
	xsite.Node

	frozen *atomic.Bool
}

func (c frozenCluster) Node(ctx context.Context, pod xsite.Pod) (xsite.Node, error) {
	n, err := c.Cluster.Node(ctx, pod)
	return frozenNode{n, c.frozen}, err
}

// hang waits as the client does, and fails as it does. A call that changes something is not taken back.
func (n frozenNode) hang(ctx context.Context, method string) error {
	if !n.frozen.Load() {
		return nil
	}
	if changes(method) {
		ctx = context.WithoutCancel(ctx)
	}
	if err := (xsite.WallClock{}).Wait(ctx, frozenCall); err != nil {
		return fmt.Errorf("%w: %w", infinispan.ErrTimeout, err)
	}
	return infinispan.ErrTimeout
}

func (n frozenNode) Info(ctx context.Context) (infinispan.NodeInfo, error) {
	if err := n.hang(ctx, "Info"); err != nil {
		return infinispan.NodeInfo{}, err
	}
	return n.Node.Info(ctx)
}

func (n frozenNode) NodeFlags(ctx context.Context, cache, site string) (map[string]infinispan.Flag, error) {
	if err := n.hang(ctx, "NodeFlags"); err != nil {
		return nil, err
	}
	return n.Node.NodeFlags(ctx, cache, site)
}

func (n frozenNode) TakeOffline(ctx context.Context, cache, site string) error {
	if err := n.hang(ctx, "TakeOffline"); err != nil {
		return err
	}
	return n.Node.TakeOffline(ctx, cache, site)
}

func (n frozenNode) BringOnline(ctx context.Context, cache, site string) error {
	if err := n.hang(ctx, "BringOnline"); err != nil {
		return err
	}
	return n.Node.BringOnline(ctx, cache, site)
}

func (n frozenNode) CreateCache(ctx context.Context, cache string, config []byte) error {
	if err := n.hang(ctx, "CreateCache"); err != nil {
		return err
	}
	return n.Node.CreateCache(ctx, cache, config)
}

func (n frozenNode) DeleteCache(ctx context.Context, cache string) error {
	if err := n.hang(ctx, "DeleteCache"); err != nil {
		return err
	}
	return n.Node.DeleteCache(ctx, cache)
}

// Each question to a server that is frozen takes half a minute, and who waits for the end of a run may be waiting to thaw it.
func TestAPrimaryThatIsFrozenDoesNotKeepARunFromEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		var frozen atomic.Bool
		var since time.Time
		p.after(occasion{site: siteB, method: "TakeOffline"}, happens(func() {
			frozen.Store(true)
			since = time.Now()
		}))
		_, err := p.recover(t, func(o *xsite.Options) { o.PrimaryCluster = frozenCluster{o.PrimaryCluster, &frozen} })
		p.wantOutcome(t, err, xsite.Failed)
		if took := time.Since(since); took > 90*time.Second {
			t.Errorf("the run ended %s after the primary froze", took)
		}
		p.wantPrimaryWhole(t)
		p.continues(t)
	})
}
