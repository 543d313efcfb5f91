package xsite

import (
	"context"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// online lets the secondary speak to the primary again (the guide's step, moved here: V60), now that its contents were
// proved and what it had queued is dropped (guard settle, before the comparison). Then it clears the push status and puts the
// state-transfer modes back.
func (r *run) online(ctx context.Context) error {
	//mutate:reachable
	if err := r.guardStillAlive(ctx); err != nil {
		return err
	}
	if err := guardSameNodes(ctx, r.secondary, r.proved); err != nil {
		return r.unlessVoid(ctx, err) // what was compared went with the servers that held it
	}
	if err := r.setFlags(ctx, r.secondary, r.plan.Caches, infinispan.FlagOnline); err != nil {
		return err
	}
	r.changed(Secondary, "site %s speaks to site %s again for %d caches, on every server", r.secondary.name, r.primary.name, len(r.plan.Caches))
	err := eachCache(ctx, r.plan.Caches, r.forgetPush)
	if err != nil {
		return err
	}
	return r.setModes(ctx, originalMode)
}

// forgetPush clears the status of the push that ended OK. A second one that somebody started meanwhile leaves its server at
// SENDING for ever, and the merged status may show that only once the OK is reset (V15): it is ended.
func (r *run) forgetPush(ctx context.Context, c CachePlan) error {
	if err := r.primary.relay().node.ClearPushStatus(ctx, c.Name); err != nil {
		return fmt.Errorf("reset the push status of cache %s on the %s: %w", c.Name, r.primary, err)
	}
	statuses, err := r.primary.relay().node.PushStatus(ctx, c.Name)
	if err != nil {
		return fmt.Errorf("read the push status of cache %s on the %s: %w", c.Name, r.primary, err)
	}
	switch statuses[r.secondary.name] {
	case infinispan.PushIdle:
		return nil
	case infinispan.PushSending:
		r.noted(Primary, "cache %s: somebody started a second push while ours was at work, and its server still says SENDING (V15); it is ended", c.Name)
		return r.endPush(ctx, c)
	default:
		return r.clearStatus(ctx, r.primary, c)
	}
}
