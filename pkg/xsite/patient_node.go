package xsite

import (
	"context"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// patientNode is a Node whose calls are repeated while the way to it is away. A clear and the start of a push are not: their
// guards stand immediately before them each time, so who makes them repeats both. Listings are not either: what was read of
// one that broke is with the caller. Nor are send queues, which who waits for them reads anew.
type patientNode struct {
	Node

	pod      Pod
	patience patience
}

// impatient gives the node itself.
func impatient(n Node) Node {
	if p, ok := n.(patientNode); ok {
		return p.Node
	}
	return n
}

// ask repeats a call that has an answer.
func ask[T any](ctx context.Context, n patientNode, call func(ctx context.Context) (T, error)) (answer T, err error) {
	err = n.patience.try(ctx, "reach pod "+n.pod.Name, func(ctx context.Context) error {
		answer, err = call(ctx)
		return err
	})
	return answer, err
}

// tell repeats a call that has none.
func (n patientNode) tell(ctx context.Context, call func(ctx context.Context) error) error {
	return n.patience.try(ctx, "reach pod "+n.pod.Name, call)
}

// Info implements Node.
func (n patientNode) Info(ctx context.Context) (infinispan.NodeInfo, error) {
	return ask(ctx, n, n.Node.Info)
}

// Health implements Node.
func (n patientNode) Health(ctx context.Context) (infinispan.Health, error) {
	return ask(ctx, n, n.Node.Health)
}

// CacheNames implements Node.
func (n patientNode) CacheNames(ctx context.Context) ([]string, error) {
	return ask(ctx, n, n.Node.CacheNames)
}

// CacheConfig implements Node.
func (n patientNode) CacheConfig(ctx context.Context, cache string) (infinispan.CacheConfig, error) {
	return ask(ctx, n, func(ctx context.Context) (infinispan.CacheConfig, error) { return n.Node.CacheConfig(ctx, cache) })
}

// BackupSites implements Node.
func (n patientNode) BackupSites(ctx context.Context, cache string) (map[string]infinispan.SiteStatus, error) {
	return ask(ctx, n, func(ctx context.Context) (map[string]infinispan.SiteStatus, error) {
		return n.Node.BackupSites(ctx, cache)
	})
}

// NodeFlags implements Node.
func (n patientNode) NodeFlags(ctx context.Context, cache, site string) (map[string]infinispan.Flag, error) {
	return ask(ctx, n, func(ctx context.Context) (map[string]infinispan.Flag, error) {
		return n.Node.NodeFlags(ctx, cache, site)
	})
}

// TakeOffline implements Node.
func (n patientNode) TakeOffline(ctx context.Context, cache, site string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.TakeOffline(ctx, cache, site) })
}

// BringOnline implements Node.
func (n patientNode) BringOnline(ctx context.Context, cache, site string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.BringOnline(ctx, cache, site) })
}

// StateTransferMode implements Node.
func (n patientNode) StateTransferMode(ctx context.Context, cache, site string) (infinispan.Mode, error) {
	return ask(ctx, n, func(ctx context.Context) (infinispan.Mode, error) { return n.Node.StateTransferMode(ctx, cache, site) })
}

// SetStateTransferMode implements Node.
func (n patientNode) SetStateTransferMode(ctx context.Context, cache, site string, mode infinispan.Mode) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.SetStateTransferMode(ctx, cache, site, mode) })
}

// Clear implements Node.
func (n patientNode) Clear(ctx context.Context, cache string) error {
	return n.patience.watched(func(ctx context.Context) error { return n.Node.Clear(ctx, cache) })(ctx)
}

// SendQueues implements Node.
func (n patientNode) SendQueues(ctx context.Context) (queues map[string]infinispan.SendQueue, err error) {
	err = n.patience.watched(func(ctx context.Context) error {
		queues, err = n.Node.SendQueues(ctx)
		return err
	})(ctx)
	return queues, err
}

// CancelPush implements Node.
func (n patientNode) CancelPush(ctx context.Context, cache, site string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.CancelPush(ctx, cache, site) })
}

// CancelReceive implements Node.
func (n patientNode) CancelReceive(ctx context.Context, cache, site string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.CancelReceive(ctx, cache, site) })
}

// PushStatus implements Node.
func (n patientNode) PushStatus(ctx context.Context, cache string) (map[string]infinispan.PushStatus, error) {
	return ask(ctx, n, func(ctx context.Context) (map[string]infinispan.PushStatus, error) {
		return n.Node.PushStatus(ctx, cache)
	})
}

// ClearPushStatus implements Node.
func (n patientNode) ClearPushStatus(ctx context.Context, cache string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.ClearPushStatus(ctx, cache) })
}

// Size implements Node.
func (n patientNode) Size(ctx context.Context, cache string) (int64, error) {
	return ask(ctx, n, func(ctx context.Context) (int64, error) { return n.Node.Size(ctx, cache) })
}

// Stats implements Node.
func (n patientNode) Stats(ctx context.Context, cache string) (infinispan.CacheStats, error) {
	return ask(ctx, n, func(ctx context.Context) (infinispan.CacheStats, error) { return n.Node.Stats(ctx, cache) })
}

// Connections implements Node.
func (n patientNode) Connections(ctx context.Context) ([]infinispan.Connection, error) {
	return ask(ctx, n, n.Node.Connections)
}

// CreateCache implements Node. One whose answer was lost may have been made; the names of probe caches are never given twice.
func (n patientNode) CreateCache(ctx context.Context, cache string, config []byte) error {
	again := false
	return n.tell(ctx, func(ctx context.Context) error {
		if again {
			if exists, err := n.Node.CacheExists(ctx, cache); err != nil || exists {
				return err
			}
		}
		again = true
		return n.Node.CreateCache(ctx, cache, config)
	})
}

// DeleteCache implements Node.
func (n patientNode) DeleteCache(ctx context.Context, cache string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.DeleteCache(ctx, cache) })
}

// CacheExists implements Node.
func (n patientNode) CacheExists(ctx context.Context, cache string) (bool, error) {
	return ask(ctx, n, func(ctx context.Context) (bool, error) { return n.Node.CacheExists(ctx, cache) })
}

// Put implements Node.
func (n patientNode) Put(ctx context.Context, cache, key, value string) error {
	return n.tell(ctx, func(ctx context.Context) error { return n.Node.Put(ctx, cache, key, value) })
}

// Get implements Node.
func (n patientNode) Get(ctx context.Context, cache, key string) (value []byte, found bool, err error) {
	err = n.tell(ctx, func(ctx context.Context) error {
		value, found, err = n.Node.Get(ctx, cache, key)
		return err
	})
	return value, found, err
}
