package xsite

import (
	"context"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// offline cuts both directions for every cache of the plan: first the secondary takes the primary offline (the guide's
// step), then the primary the secondary, so that its writes neither reach the secondary nor wait for it (V60). Before
// that, what would bring a site online by itself is set to MANUAL. All of it is proved on every server.
func (r *run) offline(ctx context.Context) error {
	if err := r.both(ctx, func(ctx context.Context, s *site) error { return s.survey(ctx) }); err != nil {
		return err
	}
	if err := r.setModes(ctx, manualMode); err != nil {
		return err
	}
	if err := r.guardManual(ctx); err != nil {
		return err
	}
	if err := r.setFlags(ctx, r.secondary, r.plan.Caches, infinispan.FlagOffline); err != nil {
		return err
	}
	r.changed(Secondary, "site %s holds site %s offline for %d caches, on every server (%s)",
		r.secondary.name, r.primary.name, len(r.plan.Caches), r.secondary.podNames())
	if err := r.setFlags(ctx, r.primary, r.plan.Caches, infinispan.FlagOffline); err != nil {
		return err
	}
	r.changed(Primary, "site %s holds site %s offline for %d caches, on every server (%s)",
		r.primary.name, r.secondary.name, len(r.plan.Caches), r.primary.podNames())
	if err := r.secondary.survey(ctx); err != nil {
		return err
	}
	r.proved = r.secondary.identity()
	return nil
}

// setFlags sets and proves the flag of the peer for the given caches of a site, one after the other: two flags that change
// at the same time in one server can lock each other for ever, and with them the server (V66).
func (r *run) setFlags(ctx context.Context, s *site, caches []CachePlan, want infinispan.Flag) error {
	for _, c := range caches {
		if err := r.setFlag(ctx, s, r.peerOf(s).name, c, want); err != nil {
			return err
		}
	}
	return nil
}
