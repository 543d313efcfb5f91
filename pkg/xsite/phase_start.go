package xsite

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// notReadyError is the end of a run whose contents are proved but whose Keycloak did not become ready in time.
type notReadyError struct{ err error }

// Error says what was waited for.
func (e *notReadyError) Error() string { return "Keycloak is not ready yet: " + e.err.Error() }

// Unwrap returns the wait that ended.
func (e *notReadyError) Unwrap() error { return e.err }

// start sets Keycloak of the secondary to its recorded count and waits until it is ready (guard restart: only ever after
// proved contents). Then the run is closed and what it left in the clusters is removed.
func (r *run) start(ctx context.Context) error {
	r.watch.end()
	r.watch = nil
	//mutate:restart
	if err := r.guardRestart(); err != nil {
		return err
	}
	for ref, count := range r.plan.Secondary.StartCounts {
		if err := r.secondary.cluster.ScaleKeycloak(ctx, ref, count); err != nil {
			return fmt.Errorf("set %s of the %s to %d instances: %w", ref, r.secondary, count, err)
		}
	}
	err := r.awaitKeycloak(ctx)
	if _, late := errors.AsType[*WaitTimeoutError](err); late {
		return &notReadyError{err}
	}
	if err != nil {
		return err
	}
	//mutate:reachable
	if err := r.guardStillAlive(ctx); err != nil {
		return err // what becomes of the proof is decided by the state that is left
	}
	if err := guardSameNodes(ctx, r.secondary, r.proved); err != nil {
		return r.unlessVoid(ctx, err) // what was compared went with the servers that held it
	}
	//mutate:truthful-end
	if err := r.guardTogether(ctx); err != nil {
		return r.unlessVoid(ctx, err)
	}
	if err := r.forget(ctx, closedSucceeded); err != nil {
		return err
	}
	for ref, count := range r.plan.Secondary.StartCounts {
		r.changed(Secondary, "%s of site %s is ready with %d instances", ref, r.secondary.name, count)
	}
	return nil
}

// linkEvery is how often the link is tried while queues are waited for, and while Keycloak starts, which takes minutes on a busy
// cluster.
const linkEvery = 15 * time.Second

// awaitKeycloak waits until Keycloak of the secondary is ready. The link may be lost meanwhile: the primary's writes fail from
// then on, and would until Keycloak is ready or given up (guard reachable, V10).
func (r *run) awaitKeycloak(ctx context.Context) error {
	looked := r.opts.Clock.Now()
	return r.await(ctx, Secondary, "Keycloak to be ready", r.opts.StepTimeout, func(ctx context.Context) (bool, string, error) {
		ready, state, err := keycloakReady(ctx, r.secondary, r.plan.Secondary.StartCounts, r.autoscaled)
		if ready || err != nil || r.opts.Clock.Now().Sub(looked) < linkEvery {
			return ready, state, err
		}
		//mutate:reachable
		if err := r.guardStillAlive(ctx); err != nil {
			return false, state, err
		}
		looked = r.opts.Clock.Now()
		return false, state, nil
	})
}

// keycloakReady tells whether every Keycloak of the site is ready with its count. One that an autoscaler scales is scaled on
// as soon as it is started; then any count that the autoscaler keeps to is right.
func keycloakReady(ctx context.Context, s *site, counts map[string]int, autoscaled map[string]Autoscaler) (bool, string, error) {
	keycloaks, err := s.cluster.Keycloaks(ctx)
	if err != nil {
		return false, "", fmt.Errorf("read Keycloak of the %s: %w", s, err)
	}
	ready, state := true, []string{}
	for _, k := range keycloaks {
		want := counts[k.Ref]
		if a, ok := autoscaled[k.Ref]; ok && k.Instances >= max(a.Min, 1) && k.Instances <= a.Max {
			want = k.Instances
		}
		ready = ready && k.Instances == want && k.ReadyPods == want && k.Settled
		state = append(state, fmt.Sprintf("%s has %d of %d pods ready", k.Ref, k.ReadyPods, want))
	}
	return ready, joined(state), nil
}
