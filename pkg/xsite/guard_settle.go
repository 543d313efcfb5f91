package xsite

import (
	"context"
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
// tool did the clear.
func (r *run) guardSettle(ctx context.Context) error {
	if r.plan.Settle == 0 {
		return nil
	}
	since := r.clearedAt
	if since.IsZero() {
		since = r.opts.Clock.Now()
	}
	return r.await(ctx, Secondary, "changes queued on the secondary to be dropped", r.plan.Settle+r.opts.StepTimeout, func(context.Context) (bool, string, error) {
		left := r.plan.Settle - r.opts.Clock.Now().Sub(since)
		return left <= 0, left.Round(time.Second).String() + " left", nil
	})
}
