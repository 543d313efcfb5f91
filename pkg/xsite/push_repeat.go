package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// renew prepares one cache whose push failed for the next one, by the recipe that works (V13, V14): end what runs on
// every server of both sites, reset the status, cut the primary off again, and clear the secondary's partial contents
// under the same guards as the first time.
func (t *transfer) renew(ctx context.Context, c CachePlan, because error) error {
	r := t.run
	if t.attempts[c.Name] >= maxPushes {
		return fmt.Errorf("cache %s failed in each of %d pushes: %w", c.Name, t.attempts[c.Name], because)
	}
	r.noted("", "repeating cache %s: %s", c.Name, brief(because))
	r.cacheState(CacheState{Cache: c.Name, State: "repeating", Attempt: t.attempts[c.Name]})
	if err := t.awaitWhole(ctx); err != nil {
		return err
	}
	if err := r.endPush(ctx, c); err != nil {
		return err
	}
	if err := r.setFlag(ctx, r.primary, r.secondary.name, c, infinispan.FlagOffline); err != nil {
		return err
	}
	// A server that restarted has forgotten flags and modes of every cache (V6a).
	if err := r.setModes(ctx, manualMode); err != nil {
		return err
	}
	if err := r.setFlags(ctx, r.secondary, r.plan.Caches, infinispan.FlagOffline); err != nil {
		return err
	}
	r.proved = r.secondary.identity()
	if err := r.guardManual(ctx); err != nil {
		return err
	}
	if err := r.clearCache(ctx, c, nil); err != nil {
		return err
	}
	return r.guardReachable(ctx)
}

// lost tells that a server could not be asked: its pod is gone, or it no longer answers.
func lost(err error) bool {
	return errors.Is(err, ErrPodGone) || errors.Is(err, infinispan.ErrUnreachable)
}

// unseenLimit is how long the two sites may be without sight of each other while servers are waited for. With the failure
// detection that the operator sets up, a site is missed after 48 s and seen again 47 s after it is back (V24): a secondary of
// one server that restarts is out of sight for long.
const unseenLimit = 2 * time.Minute

// awaitWhole waits until both sites have all their servers back and see each other, and surveys them. What is online on the
// primary while the secondary is out of its sight makes its writes fail at once (V51), so that is taken offline first, for
// every cache of the plan, and the wait goes on.
func (t *transfer) awaitWhole(ctx context.Context) error {
	r := t.run
	seen := r.opts.Clock.Now()
	return r.await(ctx, "", "both sites to be whole", r.opts.StepTimeout, func(ctx context.Context) (bool, string, error) {
		err := r.both(ctx, func(ctx context.Context, s *site) error { return s.survey(ctx) })
		if err == nil {
			err = r.guardWhole(ctx)
		}
		if err == nil {
			err = r.guardView()
		}
		if err == nil || ctx.Err() != nil {
			return true, "", err
		}
		guard, _ := StoppedBy(err)
		relay, unseen := r.unheard(ctx, false)
		switch now := r.opts.Clock.Now(); {
		case !unseen && guard != GuardReachable:
			seen = now
		case now.Sub(seen) >= unseenLimit:
			return false, "", errors.Join(r.unreachableBy(relay), err)
		}
		if letGo := r.letGo.is(); letGo && !t.unseen || !letGo && unseen {
			t.unseen = true
			if err := r.silencePrimary(ctx, r.plan.Caches); err != nil {
				r.noted(Primary, "%s", oneLine(err))
			} else {
				r.letGo.set(true)
			}
		}
		return false, brief(err), nil // servers and API servers come back
	})
}

// withUnseen adds the caches that were pushed before the secondary was out of the primary's sight, and so was taken offline
// there, and prepares them for another push: they miss what was written since.
func (t *transfer) withUnseen(ctx context.Context, caches []CachePlan) ([]CachePlan, error) {
	if !t.unseen {
		return caches, nil
	}
	t.unseen, t.resent = false, true
	for _, c := range t.run.plan.Caches {
		among := slices.ContainsFunc(caches, func(o CachePlan) bool { return o.Name == c.Name })
		if among || t.attempts[c.Name] == 0 {
			continue
		}
		if err := t.renew(ctx, c, errUnseen); err != nil {
			return nil, err
		}
		caches = append(slices.Clip(caches), c)
	}
	t.unseen = false // all that it made miss something is among them
	return caches, nil
}

// errUnseen is why a cache whose push had succeeded is pushed again.
var errUnseen = errors.New("the secondary was out of the primary's sight, and was taken offline there")

// outOfSight asks the relay node of the primary whether it does not see the secondary, and tells who that is. The error is that it
// could not be asked, which is not a no.
func (r *run) outOfSight(ctx context.Context) (relay member, unseen bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, aloneWhole)
	defer cancel()
	relay = r.primary.relay()
	relay.node = impatient(relay.node)
	info, err := relay.node.Info(ctx)
	switch {
	case err == nil:
		relay.info = info
	case lost(err): // another server has its place
		if now, found := r.primary.relayOfNow(ctx); found {
			relay, err = now, nil
		}
	}
	return relay, err == nil && relay.info.RelayNode && !slices.Contains(relay.info.SitesView, r.secondary.name), err
}

// silence takes the secondary offline on the primary for caches whose push failed, before anything is waited for: the
// primary's writes must not wait too. What cannot be set now is set when the cache is renewed.
func (t *transfer) silence(ctx context.Context, failed []pushFailure) {
	r := t.run
	for _, f := range failed {
		if err := r.setFlag(ctx, r.primary, r.secondary.name, f.cache, infinispan.FlagOffline); err != nil {
			r.noted(Primary, "%s", brief(err))
		}
	}
}

// endPush ends a push of one cache, whether it runs, failed or is stuck: cancelled on every server of the primary, its
// reception cancelled on every server of the secondary, and its status reset (V13).
func (r *run) endPush(ctx context.Context, c CachePlan) error {
	return r.endPushFrom(ctx, r.primary, c)
}

// endPushFrom is endPush for a push from either site.
func (r *run) endPushFrom(ctx context.Context, from *site, c CachePlan) error {
	to := r.peerOf(from)
	here, there := c.localName(from.role), c.localName(to.role)
	err := from.each(ctx, func(ctx context.Context, m member) error { return m.node.CancelPush(ctx, here, to.name) })
	if err != nil {
		return fmt.Errorf("cancel the push of cache %s: %w", here, err)
	}
	err = to.each(ctx, func(ctx context.Context, m member) error { return m.node.CancelReceive(ctx, there, from.name) })
	if err != nil {
		return fmt.Errorf("cancel the reception of cache %s: %w", there, err)
	}
	return r.clearStatus(ctx, from, c)
}

// clearStatus resets the push status of a cache and waits until every server says IDLE. SENDING cannot be reset; it
// must end first (V11).
func (r *run) clearStatus(ctx context.Context, s *site, c CachePlan) error {
	peer, cache := r.peerOf(s).name, c.localName(s.role)
	return r.await(ctx, s.role, "the push status of cache "+cache+" to be IDLE", r.opts.StepTimeout, func(ctx context.Context) (bool, string, error) {
		if err := s.relay().node.ClearPushStatus(ctx, cache); err != nil {
			return false, "", fmt.Errorf("reset the push status of cache %s on the %s: %w", cache, s, err)
		}
		statuses, err := s.relay().node.PushStatus(ctx, cache)
		if err != nil {
			return false, "", fmt.Errorf("read the push status of cache %s on the %s: %w", cache, s, err)
		}
		status, told := statuses[peer]
		if !told {
			return false, "", fmt.Errorf("the %s tells no push status of cache %s towards site %s", s, cache, peer)
		}
		return status == infinispan.PushIdle, string(status), nil
	})
}
