package xsite

import (
	"context"
	"errors"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// aliveLimit is how long an entry may take to cross when the link is asked in a hurry; over a living one it takes 30 to 70 ms
// (V65).
const aliveLimit = 2 * time.Second

// guardAlive (of guard reachable) stands before a secondary is brought online on the primary, or left so. The view shows a link
// that was cut silently for up to 48 s more (V24, V65), and every write of the primary fails meanwhile (V10): so an entry of a
// probe cache has to cross within a time. Who vouches for the link has it judged by the view alone.
func (r *run) guardAlive(ctx context.Context, limit time.Duration) error {
	if err := r.guardReachable(ctx); err != nil || r.opts.Linked != "" {
		return err
	}
	return r.withProbeCache(ctx, func(ctx context.Context, cache string) error { return r.guardLinked(ctx, cache, limit) })
}

// endLimit is how long the sites may be out of each other's sight behind a push: another server takes the place of a relay
// node that died meanwhile. It is short, for the primary's writes fail until then.
const endLimit = 6 * time.Second

// guardStillAlive is guardAlive behind a push: a run is no success on a link that was lost since then. Every write of the primary
// would fail behind it, and nobody would be told.
func (r *run) guardStillAlive(ctx context.Context) error {
	var found error
	err := r.await(ctx, Secondary, "an entry to cross from site to site", endLimit, func(ctx context.Context) (bool, string, error) {
		found = r.guardAlive(ctx, aliveLimit)
		if because := r.letGo.reason(); because != nil {
			return false, "", because
		}
		if severed(found) || lost(found) {
			return false, oneLine(found), nil
		}
		return found == nil, "", found
	})
	if _, late := errors.AsType[*WaitTimeoutError](err); !late {
		return err
	}
	stop, stopped := errors.AsType[*Stop](found)
	if !stopped {
		return found
	}
	return &Stop{
		Guard: stop.Guard, Found: stop.Found, Where: stop.Where, Err: stop.Err,
		Because: "what the primary writes does not arrive on the secondary, and its writes fail (V10)",
		Next:    "mend the link between the sites, then run the same command again",
	}
}

// severed tells whether guardAlive found a link that carries nothing. A site that does not let a probe be made shows nothing.
func severed(err error) bool {
	guard, stopped := StoppedBy(err)
	return stopped && !errors.Is(err, infinispan.ErrForbidden) && (guard == GuardReachable || guard == GuardLinked)
}

// unseen tells, in a hurry, whether the primary's writes would fail with the secondary online on it. The primary is asked first,
// alone: calls to the secondary may hang meanwhile. That a site does not answer, or does not let a probe be made, is no reason; a
// primary that does not answer is asked nothing more, for each question to one that is frozen takes its whole time.
func (r *run) unseen(ctx context.Context) bool {
	relay, unseen, err := r.outOfSight(ctx)
	if err != nil && noAnswer(err) || unseen {
		return unseen
	}
	if r.deaf(ctx, relay.node) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aloneWhole)
	defer cancel()
	return severed(r.guardAlive(ctx, aliveLimit))
}
