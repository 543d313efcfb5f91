package xsite

import (
	"context"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// fence stands before every changing call: none is made without the leases (guard single-run).
type fence struct {
	run  *run
	role Role
}

// pass makes a change that is bounded by the longest that a lease allows for.
func (f fence) pass(ctx context.Context, change func(ctx context.Context) error) error {
	return f.passWhen(ctx, f.run.keeper.allow, change)
}

// letGo is pass for what makes a site depend on the other one less.
func (f fence) letGo(ctx context.Context, change func(ctx context.Context) error) error {
	if f.role == Primary {
		return f.passWhen(ctx, f.run.keeper.allowLetGo, change)
	}
	return f.pass(ctx, change)
}

// probe is letGo for what is done to a probe cache: whether a site must let go is asked with one.
func (f fence) probe(ctx context.Context, cache string, change func(ctx context.Context) error) error {
	if strings.HasPrefix(cache, probePrefix) {
		return f.letGo(ctx, change)
	}
	return f.pass(ctx, change)
}

// passWhen makes a change that the leases allow.
func (f fence) passWhen(ctx context.Context, allow func() error, change func(ctx context.Context) error) error {
	//mutate:single-run
	if err := allow(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	return change(ctx)
}

// fencedCluster is a Cluster whose changing calls need the leases.
type fencedCluster struct {
	Cluster

	fence fence
}

// Node implements Cluster.
func (c fencedCluster) Node(ctx context.Context, pod Pod) (Node, error) {
	node, err := c.Cluster.Node(ctx, pod)
	if err != nil {
		return nil, err
	}
	return fencedNode{node, c.fence}, nil
}

// ScaleKeycloak implements Cluster.
func (c fencedCluster) ScaleKeycloak(ctx context.Context, ref string, instances int) error {
	return c.fence.pass(ctx, func(ctx context.Context) error { return c.Cluster.ScaleKeycloak(ctx, ref, instances) })
}

// RecordInstances implements Cluster.
func (c fencedCluster) RecordInstances(ctx context.Context, ref string, instances int) error {
	return c.fence.pass(ctx, func(ctx context.Context) error { return c.Cluster.RecordInstances(ctx, ref, instances) })
}

// ForgetInstances implements Cluster.
func (c fencedCluster) ForgetInstances(ctx context.Context, ref string) error {
	return c.fence.pass(ctx, func(ctx context.Context) error { return c.Cluster.ForgetInstances(ctx, ref) })
}

// PutJournal implements Cluster.
func (c fencedCluster) PutJournal(ctx context.Context, id, version string, record []byte) (next string, err error) {
	err = c.fence.pass(ctx, func(ctx context.Context) error {
		next, err = c.Cluster.PutJournal(ctx, id, version, record)
		return err
	})
	return next, err
}

// DeleteJournal implements Cluster.
func (c fencedCluster) DeleteJournal(ctx context.Context, id string) error {
	return c.fence.pass(ctx, func(ctx context.Context) error { return c.Cluster.DeleteJournal(ctx, id) })
}

// ForgetCaches implements Cluster.
func (c fencedCluster) ForgetCaches(ctx context.Context, prefix string) (removed []string, err error) {
	err = c.fence.probe(ctx, prefix, func(ctx context.Context) error {
		removed, err = c.Cluster.ForgetCaches(ctx, prefix)
		return err
	})
	return removed, err
}

// fencedNode is a Node whose changing calls need the leases.
type fencedNode struct {
	Node

	fence fence
}

// TakeOffline implements Node.
func (n fencedNode) TakeOffline(ctx context.Context, cache, site string) error {
	return n.fence.letGo(ctx, func(ctx context.Context) error { return n.Node.TakeOffline(ctx, cache, site) })
}

// BringOnline implements Node.
func (n fencedNode) BringOnline(ctx context.Context, cache, site string) error {
	return n.fence.pass(ctx, func(ctx context.Context) error { return n.Node.BringOnline(ctx, cache, site) })
}

// SetStateTransferMode implements Node.
func (n fencedNode) SetStateTransferMode(ctx context.Context, cache, site string, mode infinispan.Mode) error {
	return n.fence.pass(ctx, func(ctx context.Context) error { return n.Node.SetStateTransferMode(ctx, cache, site, mode) })
}

// StartPush implements Node.
func (n fencedNode) StartPush(ctx context.Context, cache, site string) error {
	return n.fence.pass(ctx, func(ctx context.Context) error { return n.Node.StartPush(ctx, cache, site) })
}

// CancelPush implements Node.
func (n fencedNode) CancelPush(ctx context.Context, cache, site string) error {
	return n.fence.letGo(ctx, func(ctx context.Context) error { return n.Node.CancelPush(ctx, cache, site) })
}

// CancelReceive implements Node.
func (n fencedNode) CancelReceive(ctx context.Context, cache, site string) error {
	return n.fence.pass(ctx, func(ctx context.Context) error { return n.Node.CancelReceive(ctx, cache, site) })
}

// ClearPushStatus implements Node.
func (n fencedNode) ClearPushStatus(ctx context.Context, cache string) error {
	return n.fence.pass(ctx, func(ctx context.Context) error { return n.Node.ClearPushStatus(ctx, cache) })
}

// Clear implements Node.
func (n fencedNode) Clear(ctx context.Context, cache string) error {
	return n.fence.pass(ctx, func(ctx context.Context) error { return n.Node.Clear(ctx, cache) })
}

// CreateCache implements Node.
func (n fencedNode) CreateCache(ctx context.Context, cache string, config []byte) error {
	return n.fence.probe(ctx, cache, func(ctx context.Context) error { return n.Node.CreateCache(ctx, cache, config) })
}

// DeleteCache implements Node.
func (n fencedNode) DeleteCache(ctx context.Context, cache string) error {
	return n.fence.probe(ctx, cache, func(ctx context.Context) error { return n.Node.DeleteCache(ctx, cache) })
}

// Put implements Node.
func (n fencedNode) Put(ctx context.Context, cache, key, value string) error {
	return n.fence.probe(ctx, cache, func(ctx context.Context) error { return n.Node.Put(ctx, cache, key, value) })
}
