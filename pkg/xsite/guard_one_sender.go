package xsite

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// guardOneSender: no push runs in either direction on either site but ours. Whoever starts one from the secondary puts
// its stale entries on the primary, even while it holds the primary offline (V63); one from the primary makes ours fail
// (V15). Any server answers with the merged status of its site (V22).
func (r *run) guardOneSender(ctx context.Context, s *site, caches []CachePlan) error {
	peer := r.peerOf(s)
	return eachCache(ctx, caches, func(ctx context.Context, c CachePlan) error {
		statuses, err := s.relay().node.PushStatus(ctx, c.localName(s.role))
		if err != nil {
			return fmt.Errorf("read the push status on the %s: %w", s, err)
		}
		for _, to := range slices.Sorted(maps.Keys(statuses)) {
			if statuses[to] != infinispan.PushSending {
				continue
			}
			return &Stop{
				Guard: GuardOneSender, Found: fmt.Sprintf("a push of cache %s to site %s is running or stuck, and it is not ours", c.localName(s.role), to),
				Where:   s.String(),
				Because: senderConsequence(s.role, to == peer.name),
				Next: "wait until it ends; a stuck one is ended by cancel-push-state on every pod here, " +
					"cancel-receive-state on every pod of the other site, then clear-push-state-status",
			}
		}
		return nil
	})
}

// senderConsequence says what a foreign push does.
func senderConsequence(from Role, toPeer bool) string {
	if from == Secondary && toPeer {
		return "it puts the stale entries of the secondary on the primary (V63)"
	}
	return "two pushes of one cache leave each other stuck (V15)"
}

// checkOneSender holds the guard for both sites. A push from the primary that an unfinished run of the same plan started
// is ours: it is ended before the next one starts.
func (r *run) checkOneSender(ctx context.Context) error {
	err := r.both(ctx, func(ctx context.Context, s *site) error {
		if s.role == Primary && r.journal.found {
			return nil
		}
		return r.guardOneSender(ctx, s, r.plan.Caches)
	})
	if err == nil {
		r.passed(GuardOneSender, "no push is running on either site")
	}
	return err
}
