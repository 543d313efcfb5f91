package xsite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// maxPushes is how often one cache is pushed before the run gives up on it.
const maxPushes = 3

// push transfers the state of every cache of the plan from the primary to the secondary. A push brings the secondary
// online on the primary by itself, so everything that could make it fail is checked immediately before (V10).
func (r *run) push(ctx context.Context) error {
	if err := r.guardBeforePush(ctx); err != nil {
		return err
	}
	r.transfer = newTransfer(r)
	if err := r.transfer.all(ctx, r.plan.Caches); err != nil {
		return err
	}
	r.changed(Primary, "site %s reports OK for %d caches", r.primary.name, len(r.plan.Caches))
	return nil
}

// guardBeforePush holds what must be true when a push starts: both sites see each other and a probe crosses, the
// secondary is silent, Keycloak is down, and nobody else pushes.
func (r *run) guardBeforePush(ctx context.Context) error {
	if err := r.guardAlive(ctx, probeLimit); err != nil {
		return err
	}
	if err := r.guardStopped(ctx); err != nil {
		return err
	}
	if err := r.guardQuiet(ctx); err != nil {
		return err
	}
	if err := r.guardManual(ctx); err != nil {
		return err
	}
	if err := r.guardSameCaches(ctx); err != nil {
		return err
	}
	return r.guardOneSender(ctx, r.secondary, r.plan.Caches)
}

// transfer is the work of pushing caches and repeating those that failed.
type transfer struct {
	run *run
	// attempts and took are per cache of the plan.
	attempts map[string]int
	took     map[string]time.Duration
	// censused is when the servers were last counted.
	censused time.Time
	// unseen is true once the secondary was out of the primary's sight and taken offline there for all caches; resent once
	// what had been pushed before that was pushed again.
	unseen, resent bool
}

// newTransfer makes the work of a run that has pushed nothing yet.
func newTransfer(r *run) *transfer {
	return &transfer{run: r, attempts: map[string]int{}, took: map[string]time.Duration{}}
}

// all pushes the given caches, at most Options.MaxPushes at a time, and repeats what fails.
func (t *transfer) all(ctx context.Context, caches []CachePlan) error {
	waiting := caches
	for len(waiting) > 0 {
		batch := waiting
		if limit := t.run.opts.MaxPushes; limit > 0 && len(batch) > limit {
			batch = batch[:limit]
		}
		waiting = waiting[len(batch):]
		if err := t.batch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// batch pushes some caches at the same time until each reports OK, repeating those that fail.
func (t *transfer) batch(ctx context.Context, caches []CachePlan) error {
	for len(caches) > 0 {
		var err error
		if caches, err = t.withUnseen(ctx, caches); err != nil {
			return err
		}
		failed, err := t.once(ctx, caches)
		if err != nil {
			return err
		}
		t.silence(ctx, failed)
		for _, f := range failed {
			if err := t.renew(ctx, f.cache, f.because); err != nil {
				return err
			}
		}
		caches = caches[:0:0]
		for _, f := range failed {
			caches = append(caches, f.cache)
		}
	}
	return nil
}

// pushFailure is a cache whose push ended in anything but OK.
type pushFailure struct {
	cache   CachePlan
	because error
}

// once starts one push per cache through the pinned server of the primary and watches them to their ends. It returns
// those that failed and can be repeated.
func (t *transfer) once(ctx context.Context, caches []CachePlan) ([]pushFailure, error) {
	r := t.run
	nodes := map[Role]identity{Primary: r.primary.identity(), Secondary: r.secondary.identity()}
	if err := t.forgetStatus(ctx, caches); err != nil {
		return nil, err
	}
	pushes, failed, err := t.start(ctx, caches)
	if err != nil {
		return nil, err
	}
	for len(pushes) > 0 {
		if err := r.opts.Clock.Wait(ctx, r.opts.PollInterval); err != nil {
			return nil, err
		}
		running := pushes[:0:0]
		for _, p := range pushes {
			done, err := t.look(ctx, p)
			switch {
			case err != nil && repeatable(err):
				failed = append(failed, pushFailure{p.cache, err})
			case err != nil:
				return nil, err
			case done:
				t.took[p.cache.Name] = r.opts.Clock.Now().Sub(p.started)
				if err := r.cacheReached(ctx, p.cache.Name, (*CacheReached).isPushed); err != nil {
					return nil, err
				}
			default:
				running = append(running, p)
			}
		}
		pushes = running
		err := t.census(ctx, nodes, len(running) == 0)
		if guard, _ := StoppedBy(err); guard == GuardReachable {
			return nil, err // what is online on the primary makes its writes fail now
		}
		if err != nil {
			for _, p := range pushes {
				failed = append(failed, pushFailure{p.cache, err})
			}
			return failed, nil
		}
	}
	return failed, nil
}

// start starts one push per cache. One that may have been started or not is taken for failed.
func (t *transfer) start(ctx context.Context, caches []CachePlan) (pushes []*pushing, failed []pushFailure, err error) {
	r := t.run
	node := r.primary.relay().node
	r.letGo.resume()
	for _, c := range caches {
		t.attempts[c.Name]++
		err := node.StartPush(ctx, c.Name, r.secondary.name)
		switch {
		case away(err):
			// It may run; it is ended and begun anew once the others have ended. The server may still be at it, and two
			// flags must not change at a time (V66).
			failed = append(failed, pushFailure{c, err})
			if err := r.opts.Clock.Wait(ctx, afterUnknown); err != nil {
				return nil, nil, err
			}
			continue
		case err != nil:
			return nil, nil, t.startFailed(ctx, c, err)
		}
		p := &pushing{cache: c, attempt: t.attempts[c.Name], started: r.opts.Clock.Now(), moved: r.opts.Clock.Now()}
		p.report(r, "pushing", nil)
		pushes = append(pushes, p)
	}
	return pushes, failed, nil
}

// afterUnknown is how long a call whose answer was lost is given to end in the server.
const afterUnknown = time.Second

// startFailed answers a push that could not be started. The secondary may be online on the primary now, and then the
// primary's writes fail (V10): it is taken offline before anything else.
func (t *transfer) startFailed(ctx context.Context, c CachePlan, cause error) error {
	err := fmt.Errorf("start the push of cache %s through pod %s of the %s: %w", c.Name, t.run.primary.relay().pod.Name, t.run.primary, cause)
	if lost(cause) || errors.Is(cause, infinispan.ErrTimeout) {
		// The server may be at it still, and two flags must not change at a time (V66).
		_ = t.run.opts.Clock.Wait(context.WithoutCancel(ctx), afterUnknown) // it can only end by itself
	}
	return errors.Join(err, t.run.silencePrimary(ctx, t.run.plan.Caches))
}

// forgetStatus ends whatever an earlier push left at either end and proves the status IDLE: an old OK hides a running
// push (F6), and a secondary that still waits for a dead push refuses the next one (V12).
func (t *transfer) forgetStatus(ctx context.Context, caches []CachePlan) error {
	return eachCache(ctx, caches, t.run.endPush)
}

// nodesEvery is the pause between two looks at who the servers are while pushes run.
const nodesEvery = 2 * time.Second

// census holds the guards same-nodes (V18, V19, V20) and reachable for both sites while pushes run, and once when all have
// ended. What cannot be counted is counted the next time.
func (t *transfer) census(ctx context.Context, nodes map[Role]identity, last bool) error {
	now := t.run.opts.Clock.Now()
	if now.Sub(t.censused) < nodesEvery && !last {
		return nil
	}
	t.censused = now
	err := t.run.both(ctx, func(ctx context.Context, s *site) error { return guardSameNodes(ctx, s, nodes[s.role]) })
	if err == nil {
		return t.run.guardView()
	}
	if _, changed := StoppedBy(err); changed || lost(err) || last {
		return err
	}
	t.run.noted("", "the servers could not be counted this time: %s", brief(err))
	return nil
}
