package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Settle times. A queued clear or remove is sent when the secondary's sender runs next; it is dropped only when the
// primary is offline at that moment (F1). Until 14 the sender's back-off lasts up to five minutes.
const (
	settleLeast   = 60 * time.Second
	settleFactor  = 3
	settleBackoff = 300 * time.Second
	// queuesEvery is the pause between two looks at the send queues, which are long texts.
	queuesEvery = 5 * time.Second
)

// settleTime is how long the secondary must stay silent after the clear: 0 when every backup is SYNC (F3), else at least
// a minute and three backup timeouts, and on 14 the whole back-off.
func settleTime(caches []CachePlan, version string) time.Duration {
	var settle time.Duration
	for _, c := range caches {
		if c.Strategy != infinispan.StrategyAsync {
			continue
		}
		settle = max(settle, settleLeast, settleFactor*c.Timeout)
		if strings.HasPrefix(version, "14.") {
			settle = max(settle, settleBackoff+c.Timeout)
		}
	}
	return settle
}

// guardSettle: the secondary may speak to the primary again only when what it had queued to say has been dropped. It
// waits for the rest of the settle time, counted from the last clear (V3, V64), or from now when another process of the
// tool did the clear. Then the send queues must be empty, where they can be read (V81): a request that hangs holds them up
// for longer. A clear that waits is not among what they count, so they do not replace the time.
func (r *run) guardSettle(ctx context.Context) error {
	if r.plan.Settle == 0 {
		return nil
	}
	since := r.clearedAt
	if since.IsZero() {
		since = r.opts.Clock.Now()
	}
	err := r.await(ctx, Secondary, "changes queued on the secondary to be dropped", r.plan.Settle+r.opts.StepTimeout, func(context.Context) (bool, string, error) {
		left := r.plan.Settle - r.opts.Clock.Now().Sub(since)
		return left <= 0, left.Round(time.Second).String() + " left", nil
	})
	if err != nil {
		return err
	}
	return r.guardQueues(ctx)
}

// sendQueue is the queue of one cache on one server.
type sendQueue struct{ pod, cache string }

// guardQueues waits until each send queue was seen empty once since the settle time was over. Once is enough: what comes in
// later is about entries that expire, and is dropped, since the primary is offline.
func (r *run) guardQueues(ctx context.Context) error {
	open := map[sendQueue]bool{}
	for _, m := range r.secondary.lastSurveyed() {
		for _, c := range r.plan.Caches {
			if r.sendsToPrimaryAlone(c) {
				open[sendQueue{m.pod.Name, c.RemoteName}] = true
			}
		}
	}
	var looked time.Time
	var state string
	err := r.await(ctx, Secondary, "the send queues of the secondary to be empty", r.opts.StepTimeout, func(ctx context.Context) (bool, string, error) {
		if now := r.opts.Clock.Now(); looked.IsZero() || now.Sub(looked) >= queuesEvery {
			looked = now
			state = r.lookAtQueues(ctx, open)
		}
		return len(open) == 0, state, ctx.Err()
	})
	if _, late := errors.AsType[*WaitTimeoutError](err); !late {
		return err
	}
	return &Stop{
		Guard: GuardSettle, Found: "changes of before the clear are still queued on the secondary: " + state, Where: r.secondary.String(),
		Because: "they are sent as soon as the primary is online there: its keys would be removed (V64)",
		Next: "run the same command again; if they do not go away, restart the Infinispan pods of the secondary, which have them in memory only, " +
			"and run the same command again",
	}
}

// sendsToPrimaryAlone tells whether a cache of the secondary queues changes, and for the primary only: what waits for a third
// site is counted in the same queue.
func (r *run) sendsToPrimaryAlone(c CachePlan) bool {
	return c.Strategy == infinispan.StrategyAsync && len(r.configs[Secondary][c.RemoteName].Backups) == 1
}

// lookAtQueues takes off the list what is seen empty or cannot be read, which is said. It tells what is left.
func (r *run) lookAtQueues(ctx context.Context, open map[sendQueue]bool) string {
	left := map[string]bool{}
	unread := map[string]bool{}
	for _, m := range r.secondary.lastSurveyed() {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(open)), func(q sendQueue) bool { return q.pod == m.pod.Name }) {
			continue
		}
		sizes, err := m.node.SendQueues(ctx)
		if ctx.Err() != nil {
			return ""
		}
		for q := range open {
			if q.pod != m.pod.Name {
				continue
			}
			size, told := sizes[q.cache]
			switch {
			case err != nil:
				unread[fmt.Sprintf("pod %s: %s", q.pod, brief(err))] = true
			case !told:
				unread[fmt.Sprintf("pod %s tells none of cache %s", q.pod, q.cache)] = true
			case size > 0:
				left[fmt.Sprintf("pod %s has %d changes of cache %s", q.pod, size, q.cache)] = true
				continue
			}
			delete(open, q)
		}
	}
	if len(unread) > 0 {
		r.noted(Secondary, "send queues could not be read, so the settle time stands alone: %s", joined(slices.Sorted(maps.Keys(unread))))
	}
	return joined(slices.Sorted(maps.Keys(left)))
}
