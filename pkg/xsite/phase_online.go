package xsite

import (
	"context"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// online lets the secondary speak to the primary again (the guide's step, moved here: V60), now that its contents were
// proved and what it had queued is dropped (guard settle, before the comparison). Then it clears the push status and puts the state-transfer modes back.
func (r *run) online(ctx context.Context) error {
	if err := guardReachable(ctx, r.primary, r.secondary); err != nil {
		return err
	}
	if err := guardSameNodes(ctx, r.secondary, r.proved); err != nil {
		return r.unlessVoid(ctx, err) // what was compared went with the servers that held it
	}
	if err := r.setFlags(ctx, r.secondary, r.plan.Caches, infinispan.FlagOnline); err != nil {
		return err
	}
	r.changed(Secondary, "site %s speaks to site %s again for %d caches, on every server", r.secondary.name, r.primary.name, len(r.plan.Caches))
	err := eachCache(ctx, r.plan.Caches, func(ctx context.Context, c CachePlan) error { return r.clearStatus(ctx, r.primary, c) })
	if err != nil {
		return err
	}
	return r.setModes(ctx, originalMode)
}
