package xsite_test

import (
	"context"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// delayed is a cluster whose servers are held up in some calls: delay is asked before a call that lists keys, reads flags or clears,
// and told to put something.
type delayed struct {
	xsite.Cluster

	delay func(ctx context.Context, method, cache string) error
}

// delayedNode is a server of it.
type delayedNode struct {
	xsite.Node

	delay func(ctx context.Context, method, cache string) error
}

func (d delayed) Node(ctx context.Context, pod xsite.Pod) (xsite.Node, error) {
	n, err := d.Cluster.Node(ctx, pod)
	return delayedNode{n, d.delay}, err
}

func (n delayedNode) Keys(ctx context.Context, cache string, visit func(key []byte) error) error {
	if err := n.delay(ctx, "Keys", cache); err != nil {
		return err
	}
	return n.Node.Keys(ctx, cache, visit)
}

func (n delayedNode) NodeFlags(ctx context.Context, cache, site string) (map[string]infinispan.Flag, error) {
	if err := n.delay(ctx, "NodeFlags", cache); err != nil {
		return nil, err
	}
	return n.Node.NodeFlags(ctx, cache, site)
}

func (n delayedNode) Clear(ctx context.Context, cache string) error {
	if err := n.delay(ctx, "Clear", cache); err != nil {
		return err
	}
	return n.Node.Clear(ctx, cache)
}

func (n delayedNode) TakeOffline(ctx context.Context, cache, site string) error {
	if err := n.delay(ctx, "TakeOffline", cache); err != nil {
		return err
	}
	return n.Node.TakeOffline(ctx, cache, site)
}

func (n delayedNode) Put(ctx context.Context, cache, key, value string) error {
	if err := n.delay(ctx, "Put", cache); err != nil {
		return err
	}
	return n.Node.Put(ctx, cache, key, value)
}

func (n delayedNode) Info(ctx context.Context) (infinispan.NodeInfo, error) {
	if err := n.delay(ctx, "Info", ""); err != nil {
		return infinispan.NodeInfo{}, err
	}
	return n.Node.Info(ctx)
}

// once makes a delay of a number of seconds, of the first call of a method, in which second is called for each.
func once(clock xsite.Clock, method string, seconds int, second func(i int)) func(context.Context, string, string) error {
	begun := false
	return func(ctx context.Context, called, _ string) error {
		if begun || called != method {
			return nil
		}
		begun = true
		for i := range seconds {
			second(i)
			if err := clock.Wait(ctx, time.Second); err != nil {
				return err
			}
		}
		return nil
	}
}

// bubbleClock is the clock of a bubble, whose time is that of the pair too.
type bubbleClock struct {
	xsite.WallClock

	pair *pair
}

func (c bubbleClock) Wait(ctx context.Context, d time.Duration) error {
	if err := c.WallClock.Wait(ctx, d); err != nil {
		return err
	}
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	c.pair.step(d)
	return nil
}
