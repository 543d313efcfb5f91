package xsite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Settle times. A queued clear or remove is sent when the secondary's sender runs next; it is dropped only when the
// primary is offline at that moment (F1). After a failure the sender pauses for up to five minutes. On 14 that holds a
// clear up too; from 15 on it holds up keys alone, which are counted.
const (
	settleLeast   = 60 * time.Second
	settleFactor  = 3
	settleBackoff = 300 * time.Second
	// queuesEvery is the pause between two looks at the send queues, which are long texts.
	queuesEvery = 5 * time.Second
)

// settleTime is how long the secondary must stay silent after the clear: 0 when every backup is SYNC (F3), else at least
// a minute and three backup timeouts, and on 14 the whole pause of a sender.
func settleTime(caches []CachePlan, version string) time.Duration {
	settle := time.Duration(0)
	for _, c := range caches {
		if c.Strategy == infinispan.StrategyAsync {
			settle = max(settle, settleLeast, settleFactor*c.Timeout)
		}
	}
	if strings.HasPrefix(version, "14.") {
		settle = max(settle, longestPause(caches))
	}
	return settle
}

// longestPause is the time after which a server has sent or dropped whatever was queued before: its last request has timed
// out and the pause that follows is over. 0 when every backup is SYNC.
func longestPause(caches []CachePlan) time.Duration {
	pause := time.Duration(0)
	for _, c := range caches {
		if c.Strategy == infinispan.StrategyAsync {
			pause = max(pause, settleBackoff+c.Timeout)
		}
	}
	return pause
}

// guardSettle: the secondary may speak to the primary again only when what it had queued to say has been dropped. It
// waits for the rest of the settle time, counted from the last clear (V3, V64), or from now when another process of the
// tool did the clear, and then until each send queue was seen harmless: empty (V81), or on a server that remembers no removal,
// which sends nothing for a key that is not there (V82). Those that are not, or cannot be read, are waited for as long as a
// sender may pause: what is in them then is never sent. A clear that waits is not counted, so the queues do not replace the
// settle time. The link is tried meanwhile, where the primary's writes depend on it again.
func (r *run) guardSettle(ctx context.Context) error {
	if r.plan.Settle == 0 {
		return nil
	}
	since := r.clearedAt
	if since.IsZero() {
		since = r.opts.Clock.Now()
	}
	most := max(r.plan.Settle, longestPause(r.plan.Caches))
	queues := &sendQueues{run: r, harmless: map[sendQueue]bool{}, touch: touch{run: r, asked: r.opts.Clock.Now()}}
	err := r.await(ctx, Secondary, "changes queued on the secondary to be dropped", most, func(ctx context.Context) (bool, string, error) {
		//mutate:reachable
		if err := queues.touch.guardKept(ctx); err != nil {
			return false, "", err
		}
		passed := r.opts.Clock.Now().Sub(since)
		if left := r.plan.Settle - passed; left > 0 {
			return false, left.Round(time.Second).String() + " left", nil
		}
		if passed >= most {
			return true, "", nil
		}
		state, err := queues.look(ctx)
		return state == "", fmt.Sprintf("%s; at most %s left", state, (most - passed).Round(time.Second)), err
	})
	if err == nil && queues.left != "" {
		r.noted(Secondary, "the secondary was silent for %s, longer than a sender pauses; what its send queues may still hold is never sent (V82): %s",
			most.Round(time.Second), queues.left)
	}
	return err
}

// sendQueue is the queue of one cache on one server.
type sendQueue struct{ pod, cache string }

// sendQueues are those of the secondary, each looked at until it was seen harmless once. Once is enough: what comes in later
// is about entries that expire, and is dropped, since the primary is offline; removals that are remembered later are the
// primary's own.
type sendQueues struct {
	run      *run
	harmless map[sendQueue]bool
	looked   time.Time
	// touch is that of the sites while the queues are waited for.
	touch touch
	// left tells what was not harmless, or not readable, when it was looked at last.
	left string
}

// look tells what is left, which is nothing in the end. It reads the queues only so often, and else tells what it told.
func (s *sendQueues) look(ctx context.Context) (string, error) {
	now := s.run.opts.Clock.Now()
	if !s.looked.IsZero() && now.Sub(s.looked) < queuesEvery {
		return s.left, nil
	}
	s.looked = now
	var left []string
	for _, m := range s.run.secondary.lastSurveyed() {
		its, err := s.lookAt(ctx, m)
		if err != nil {
			return "", err
		}
		left = append(left, its...)
	}
	s.left = joined(left)
	return s.left, ctx.Err()
}

// lookAt tells what is left at one server. The error is that it may not be waited for.
func (s *sendQueues) lookAt(ctx context.Context, m member) (left []string, err error) {
	open := slices.DeleteFunc(slices.Clone(s.run.plan.Caches), func(c CachePlan) bool {
		return c.Strategy != infinispan.StrategyAsync || s.harmless[sendQueue{m.pod.Name, c.RemoteName}]
	})
	if len(open) == 0 {
		return nil, nil
	}
	queues, err := m.node.SendQueues(ctx)
	if _, harmed := StoppedBy(err); harmed {
		return nil, err
	}
	if err != nil {
		return []string{fmt.Sprintf("send queues of pod %s cannot be read: %s", m.pod.Name, brief(err))}, nil
	}
	var full, unknown []string
	for _, c := range open {
		switch queue, told := queues[c.RemoteName]; {
		case !told:
			unknown = append(unknown, c.RemoteName)
		case queue.Keys > 0 && queue.Tombstones != 0:
			full = append(full, fmt.Sprintf("%d of cache %s", queue.Keys, c.RemoteName))
		default:
			s.harmless[sendQueue{m.pod.Name, c.RemoteName}] = true
		}
	}
	if len(full) > 0 {
		left = append(left, fmt.Sprintf("pod %s has queued changes: %s", m.pod.Name, joined(full)))
	}
	if len(unknown) > 0 {
		left = append(left, fmt.Sprintf("pod %s tells no send queue of cache %s", m.pod.Name, joined(unknown)))
	}
	return left, nil
}
