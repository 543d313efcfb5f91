package xsite

import (
	"context"
	"fmt"
)

// stop records the original state in both clusters, then sets Keycloak of the secondary to 0 instances and waits until
// no pod of it exists (the guide's step 2). A terminating pod still holds connections and still writes.
func (r *run) stop(ctx context.Context) error {
	if err := r.record(ctx); err != nil {
		return r.unrecord(ctx, err)
	}
	r.reached = max(r.reached, undoable) // an unfinished run may have cleared already
	for _, k := range r.plan.Secondary.Keycloaks {
		if err := r.secondary.cluster.ScaleKeycloak(ctx, k.Ref, 0); err != nil {
			return fmt.Errorf("set %s of the %s to 0 instances: %w", k.Ref, r.secondary, err)
		}
	}
	err := r.await(ctx, Secondary, "Keycloak's pods to be gone", r.opts.StepTimeout, func(ctx context.Context) (bool, string, error) {
		pods, err := runningKeycloak(ctx, r.secondary)
		return err == nil && len(pods) == 0, joined(pods), err
	})
	if err != nil {
		return err
	}
	if len(r.plan.Secondary.Keycloaks) == 0 {
		r.noted(Secondary, "site %s has no Keycloak to stop, as you said", r.secondary.name)
		return nil
	}
	r.changed(Secondary, "Keycloak of site %s is stopped: no pod of it exists", r.secondary.name)
	return r.watchKeycloak(ctx)
}

// runningKeycloak returns what is left of Keycloak at a site: its pods, and workloads whose controllers have not settled
// at 0, as "keycloak/keycloak wants 2 instances".
func runningKeycloak(ctx context.Context, s *site) ([]string, error) {
	keycloaks, err := s.cluster.Keycloaks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read Keycloak of the %s: %w", s, err)
	}
	var left []string
	for _, k := range keycloaks {
		left = append(left, k.Pods...)
		switch {
		case k.Instances != 0:
			left = append(left, fmt.Sprintf("%s wants %d instances", k.Ref, k.Instances))
		case !k.Settled && len(k.Pods) == 0:
			left = append(left, k.Ref+" has not settled at 0")
		}
	}
	return left, nil
}
