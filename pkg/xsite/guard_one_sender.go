package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// StalePush is a push that is not this tool's: another operator's, the Infinispan operator's own (ISPN000643), or one that
// was left stuck (V11).
type StalePush struct {
	// From is the role of the site that sends, Cache its name of the cache, To the site it sends to.
	From  Role   `json:"from"`
	Cache string `json:"cache"`
	To    string `json:"to"`
}

// guardOneSender: no push runs in either direction on either site but ours. Whoever starts one from the secondary puts
// its stale entries on the primary, even while it holds the primary offline (V63); one from the primary makes ours fail
// (V15). Any server answers with the merged status of its site (V22), which shows the result of an earlier push rather than that
// another server sends (F6): results are reset first.
func (r *run) guardOneSender(ctx context.Context, s *site, caches []CachePlan) error {
	if err := r.forgetResults(ctx, s, caches); err != nil {
		return err
	}
	found, err := r.sending(ctx, s, caches)
	if err != nil || len(found) == 0 {
		return err
	}
	return r.foreignPush(found[0], "wait until it ends; one that is stuck is ended by running this again with --cancel-stale-push")
}

// forgetResults resets what earlier pushes to the peer left at a site. What runs or is stuck stays as it is (V11).
func (r *run) forgetResults(ctx context.Context, s *site, caches []CachePlan) error {
	peer := r.peerOf(s).name
	return eachCache(ctx, caches, func(ctx context.Context, c CachePlan) error {
		statuses, err := s.relay().node.PushStatus(ctx, c.localName(s.role))
		if err != nil {
			return fmt.Errorf("read the push status on the %s: %w", s, err)
		}
		results := []infinispan.PushStatus{infinispan.PushOK, infinispan.PushError, infinispan.PushCanceled}
		if !slices.Contains(results, statuses[peer]) {
			return nil
		}
		if err := s.relay().node.ClearPushStatus(ctx, c.localName(s.role)); err != nil {
			return fmt.Errorf("reset the push status on the %s: %w", s, err)
		}
		return nil
	})
}

// foreignPush is the refusal for a push that is not ours.
func (r *run) foreignPush(push StalePush, next string) error {
	s := r.siteOf(push.From)
	return &Stop{
		Guard: GuardOneSender, Found: fmt.Sprintf("a push of cache %s to site %s is running or stuck, and it is not ours", push.Cache, push.To),
		Where: s.String(), Because: senderConsequence(push.From, push.To == r.peerOf(s).name), Next: next,
	}
}

// sending lists the pushes that run or are stuck at a site, sorted by cache.
func (r *run) sending(ctx context.Context, s *site, caches []CachePlan) ([]StalePush, error) {
	var mu sync.Mutex
	var found []StalePush
	err := eachCache(ctx, caches, func(ctx context.Context, c CachePlan) error {
		statuses, err := s.relay().node.PushStatus(ctx, c.localName(s.role))
		if err != nil {
			return fmt.Errorf("read the push status on the %s: %w", s, err)
		}
		for _, to := range slices.Sorted(maps.Keys(statuses)) {
			if statuses[to] == infinispan.PushSending {
				mu.Lock()
				found = append(found, StalePush{From: s.role, Cache: c.localName(s.role), To: to})
				mu.Unlock()
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b StalePush) int { return slices.Compare([]string{a.Cache, a.To}, []string{b.Cache, b.To}) })
	return found, err
}

// siteOf returns the site of a role.
func (r *run) siteOf(role Role) *site {
	if role == Primary {
		return r.primary
	}
	return r.secondary
}

// senderConsequence says what a foreign push does.
func senderConsequence(from Role, toPeer bool) string {
	if from == Secondary && toPeer {
		return "it puts the stale entries of the secondary on the primary (V63)"
	}
	return "two pushes of one cache leave each other stuck (V15)"
}

// checkOneSender holds the guard for both sites. A push from the primary that an unfinished run of the same plan started
// is ours: it is ended before the next one starts. Others are part of the plan when the user wants them ended.
func (r *run) checkOneSender(ctx context.Context) error {
	r.plan.StalePushes = nil
	var foreign []error
	for _, s := range []*site{r.primary, r.secondary} {
		if s.role == Primary && r.journal.found {
			continue
		}
		found, err := r.sending(ctx, s, r.plan.Caches)
		if err != nil {
			return err
		}
		for _, push := range found {
			switch {
			case push.To != r.peerOf(s).name:
				foreign = append(foreign, r.foreignPush(push, "wait until it ends; site "+push.To+" is none of this pair, so it is not ended here"))
			case !r.opts.CancelStalePush:
				foreign = append(foreign, r.foreignPush(push,
					"wait until it ends; if it is stuck, or nobody wants it, add --cancel-stale-push to end it once the plan is confirmed"))
			default:
				r.plan.StalePushes = append(r.plan.StalePushes, push)
			}
		}
	}
	if err := errors.Join(foreign...); err != nil {
		return err
	}
	for _, push := range r.plan.StalePushes {
		r.warned(GuardOneSender, "a push of cache %s from the %s to site %s runs or is stuck; it will be ended: %s",
			push.Cache, push.From, push.To, senderConsequence(push.From, true))
	}
	if len(r.plan.StalePushes) == 0 {
		r.passed(GuardOneSender, "no push is running on either site")
	}
	return nil
}

// endStalePushes ends the pushes that the confirmed plan names, by the recipe that works (V13).
func (r *run) endStalePushes(ctx context.Context) error {
	for _, push := range r.plan.StalePushes {
		for _, c := range r.plan.Caches {
			if s := r.siteOf(push.From); c.localName(push.From) == push.Cache {
				r.ended++
				if err := r.endPushFrom(ctx, s, c); err != nil {
					return err
				}
				r.changed(push.From, "the push of cache %s to site %s is ended, its status is IDLE", push.Cache, push.To)
			}
		}
	}
	return nil
}
