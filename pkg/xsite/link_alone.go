package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Asking the link from the primary alone, for when no server of the secondary can be asked: its API server and the link between
// the sites are often lost together.
//
// An entry is put into a probe cache that only the primary has. A secondary that answers says that it has no such cache, and the
// primary's server takes it offline for that cache (V47, V79). Where nothing answers it stays online, and the write takes as long
// as a backup may (V86). The view tells the same up to 48 s later (V24).

const (
	// aloneEvery is how often the link is asked so while it answers; each answer leaves a flag on the primary (V47).
	aloneEvery = 10 * time.Second
	// aloneLimit is how long the secondary may take to answer, alonePause the wait before it is asked once more: a relay node
	// may be at a change of hands.
	aloneLimit, alonePause = 2 * time.Second, time.Second
	// aloneWhole bounds one asking, aloneSweep its cleaning up: the primary's writes may be failing meanwhile.
	aloneWhole, aloneSweep = 10 * time.Second, 3 * time.Second
)

// lastAlone is what the link was last found to be from the primary alone.
type lastAlone struct {
	mu    sync.Mutex
	asked time.Time
	deaf  bool
}

// unheard tells whether the primary's writes would fail with the secondary online on it, as the primary alone can tell, and the
// relay node that told. It asks the link no more often than aloneEvery. Who is in a hurry does not wait for somebody else who asks
// right now, and acts on the answer.
func (r *run) unheard(ctx context.Context, hurry bool) (member, bool) {
	relay, unseen, err := r.outOfSight(ctx)
	if unseen || err != nil && noAnswer(err) {
		return relay, unseen
	}
	if !hurry {
		r.lastAlone.mu.Lock()
	} else if !r.lastAlone.mu.TryLock() {
		return relay, false
	}
	defer r.lastAlone.mu.Unlock()
	if r.opts.Clock.Now().Sub(r.lastAlone.asked) < aloneEvery {
		return relay, r.lastAlone.deaf
	}
	deaf := r.deaf(ctx, relay.node)
	if ctx.Err() == nil { // else it says nothing
		r.lastAlone.asked, r.lastAlone.deaf = r.opts.Clock.Now(), deaf
	}
	return relay, deaf
}

// deaf tells whether the secondary does not answer the primary, asked twice by a server of it, which is not patient. What cannot be
// asked is not a yes: the view decides then.
func (r *run) deaf(ctx context.Context, node Node) bool {
	if r.opts.Linked != "" || len(r.primary.lastSurveyed()) == 0 {
		return false
	}
	cache := probePrefix + r.id + "-" + newRunID()
	config, err := probeConfig(r.secondary.name, aloneLimit)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, aloneWhole)
	defer cancel()
	err = node.CreateCache(ctx, cache, config)
	if errors.Is(err, infinispan.ErrForbidden) {
		return false
	}
	defer r.dropAlone(ctx, node, cache)
	if err != nil { // the server may be at it still, and what is deleted before it is made stays
		_ = r.opts.Clock.Wait(context.WithoutCancel(ctx), afterUnknown) // it can only end by itself
		return false
	}
	if !r.unanswered(ctx, node, cache) {
		return false
	}
	return r.opts.Clock.Wait(ctx, alonePause) == nil && r.unanswered(ctx, node, cache)
}

// dropAlone deletes the probe cache on the primary, without waiting for anything; what is left is told at the end.
func (r *run) dropAlone(ctx context.Context, node Node, cache string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aloneSweep)
	defer cancel()
	_ = r.dropProbeCacheAt(ctx, r.primary, node, impatientCluster(r.primary.cluster), cache)
}

// unanswered puts an entry into the probe cache that only the primary has, and tells whether the secondary left that without an
// answer. What cannot be known is not a yes.
func (r *run) unanswered(ctx context.Context, node Node, cache string) bool {
	err := node.Put(ctx, cache, probeKey, r.id)
	if err == nil {
		var flags map[string]infinispan.SiteStatus
		if flags, err = node.BackupSites(ctx, cache); err == nil && flags[r.secondary.name] == infinispan.SiteOnline {
			return true
		}
	}
	// Two flags that change at the same time lock up a server (V66), and whoever broke this off may be about to change one.
	_ = r.opts.Clock.Wait(context.WithoutCancel(ctx), afterUnknown) // it can only end by itself
	return false
}

// guardHeard (of guard reachable): the secondary answers the primary.
func (r *run) guardHeard(ctx context.Context) error {
	relay := r.primary.relay()
	if !r.deaf(ctx, impatient(relay.node)) {
		return nil
	}
	return r.unreachableBy(relay)
}

// guardInTouch (of guard reachable): the secondary is seen by the primary, and was heard a moment ago.
func (r *run) guardInTouch(ctx context.Context, hurry bool) error {
	relay, unheard := r.unheard(ctx, hurry)
	if !unheard {
		return nil
	}
	return r.unreachableBy(relay)
}

// touch is that of the primary with the secondary during a wait, or a call, that takes long over a link that lives.
type touch struct {
	run *run
	// asked is when the link was asked last, lost since when it was found lost.
	asked, lost time.Time
}

// aMoment is what a question takes that nobody answers.
const aMoment = 2*aloneLimit + alonePause

// guardKept is guardInTouch, now and then, that forgives a moment out of sight. It asks nothing once the primary has let go.
func (t *touch) guardKept(ctx context.Context) error {
	now := t.run.opts.Clock.Now()
	if t.run.letGo.is() || t.lost.IsZero() && now.Sub(t.asked) < linkEvery {
		return nil
	}
	err := t.run.guardInTouch(ctx, false)
	t.asked = now
	if err == nil {
		t.lost = time.Time{}
		return nil
	}
	if t.lost.IsZero() {
		t.lost = now
	}
	if t.run.opts.Clock.Now().Sub(t.lost) < aMoment {
		return nil
	}
	return err
}

// unreachableBy is the end of a run that the link would let the primary's writes fail in, as its relay node or an entry told.
func (r *run) unreachableBy(relay member) error {
	if !slices.Contains(relay.info.SitesView, r.secondary.name) {
		return r.unreachable(r.primary, r.secondary, relay)
	}
	return r.unlinked(r.primary, relay, fmt.Sprintf("site %s does not answer site %s, which still sees it", r.secondary.name, r.primary.name))
}
