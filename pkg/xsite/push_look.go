package xsite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// pushing is one push under way.
type pushing struct {
	cache   CachePlan
	attempt int
	started time.Time
	// count is the last reading of the secondary's counters, short how many entries it lacked at best once it was looked, and
	// moved when that was read first.
	count, short int64
	looked       bool
	moved        time.Time
}

// pushEndedError is a push that ended in another status than OK, or whose result does not hold; it can be repeated.
type pushEndedError struct {
	cache  string
	status infinispan.PushStatus
	detail string
}

// Error names the cache and how its push ended.
func (e *pushEndedError) Error() string {
	return fmt.Sprintf("the push of cache %s ended as %s%s", e.cache, e.status, e.detail)
}

// repeatable tells failures of a push that its repetition can mend.
func repeatable(err error) bool {
	var ended *pushEndedError
	if errors.As(err, &ended) || lost(err) {
		return true
	}
	guard, stopped := StoppedBy(err)
	return stopped && (guard == GuardMoving || guard == GuardTruthfulEnd)
}

// look reads the status of one push. It returns true when the push ended OK with the secondary online, which is
// necessary but not sufficient: the contents are compared afterwards (V16).
func (t *transfer) look(ctx context.Context, p *pushing) (bool, error) {
	r := t.run
	statuses, err := r.primary.relay().node.PushStatus(ctx, p.cache.Name)
	if err != nil {
		return false, fmt.Errorf("read the push status of cache %s on the %s: %w", p.cache.Name, r.primary, err)
	}
	switch status := statuses[r.secondary.name]; status {
	case infinispan.PushSending:
		return false, t.guardMoving(ctx, p)
	case infinispan.PushOK:
		return true, t.pushed(ctx, p)
	case infinispan.PushIdle: // the server that knew of the push is gone, and its status with it (V19)
		return false, &pushEndedError{cache: p.cache.Name, status: status, detail: ": the server that ran it has lost it"}
	default:
		return false, &pushEndedError{cache: p.cache.Name, status: status}
	}
}

// pushed checks the flag after an OK: a push whose destination went offline reports OK too, with nothing sent (V57).
func (t *transfer) pushed(ctx context.Context, p *pushing) error {
	differ, err := flagsEverywhere(ctx, t.run.primary, t.run.secondary.name, p.cache, infinispan.FlagOnline)
	if err != nil {
		return err
	}
	if len(differ) > 0 {
		return &pushEndedError{cache: p.cache.Name, status: infinispan.PushOK, detail: ", but the secondary is not online: " + joined(differ)}
	}
	p.count = p.cache.PrimaryEntries
	p.report(t.run, "pushed", nil)
	return nil
}

// report tells the progress of the push, with what was read for it.
func (p *pushing) report(r *run, state string, counted map[Role]int64) {
	r.cacheState(CacheState{
		Cache: p.cache.Name, State: state, Done: p.count, Total: p.cache.PrimaryEntries, Attempt: p.attempt, Counted: counted,
	})
}

// guardMoving: a push that makes no progress for the stall time has failed, whatever its status says (V18, V58). Progress is
// that the secondary lacks fewer entries than at any time before, by the counters of both sites, which cost nothing to read:
// traffic raises both alike, and would hide a push that stands still for ever.
func (t *transfer) guardMoving(ctx context.Context, p *pushing) error {
	r := t.run
	count, err := entriesOf(ctx, r.secondary, p.cache.RemoteName)
	if err != nil {
		return fmt.Errorf("read the counters of cache %s on the %s: %w", p.cache.RemoteName, r.secondary, err)
	}
	held, kept, err := countersOf(ctx, r.primary, p.cache.Name)
	if err != nil {
		return fmt.Errorf("read the counters of cache %s on the %s: %w", p.cache.Name, r.primary, err)
	}
	if !kept {
		held = p.cache.PrimaryEntries
	}
	now := r.opts.Clock.Now()
	if short := held - count; !p.looked || short < p.short {
		p.looked, p.short, p.moved = true, short, now
	}
	if count != p.count {
		p.count = count
		p.report(r, "pushing", map[Role]int64{Secondary: count})
	}
	limit := r.stallTime(p.cache)
	if still := now.Sub(p.moved); still >= limit {
		return &Stop{
			Guard: GuardMoving, Found: fmt.Sprintf("the push of cache %s has made no progress for %s, with %d of about %d entries there",
				p.cache.Name, still.Round(time.Second), count, p.cache.PrimaryEntries),
			Where:   r.primary.String(),
			Because: "its status would say SENDING for ever (V18)",
			Next:    "look at the servers' logs and the link, then run the same command again",
		}
	}
	return nil
}

// stallTime is how long a push of the cache may stand still.
func (r *run) stallTime(c CachePlan) time.Duration {
	switch {
	case r.opts.StallTimeout > 0:
		return r.opts.StallTimeout
	case c.Strategy == infinispan.StrategyAsync:
		return stallTimeoutAsync
	default:
		return stallTimeoutSync
	}
}

// entriesOf tells how many entries a cache of a site has: by the counters of its servers, or where it keeps no statistics by
// counting.
func entriesOf(ctx context.Context, s *site, cache string) (int64, error) {
	sum, kept, err := countersOf(ctx, s, cache)
	if err != nil || kept {
		return sum, err
	}
	return s.relay().node.Size(ctx, cache)
}

// countersOf sums the entry counters of a site's servers: the entries each owns first. They are not kept where a cache has no
// statistics.
func countersOf(ctx context.Context, s *site, cache string) (sum int64, kept bool, err error) {
	members := s.lastSurveyed()
	counts := make([]int64, len(members))
	group, asking := errgroup.WithContext(ctx)
	for i, m := range members {
		group.Go(func() error {
			stats, err := m.node.Stats(asking, cache)
			counts[i] = stats.ApproximateEntriesUnique
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, false, err
	}
	for _, n := range counts {
		if n < 0 {
			return 0, false, nil
		}
		sum += n
	}
	return sum, true, nil
}
