package xsite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// lettingGo is whether the primary holds the secondary offline for every cache of the plan, so that nothing that is waited for
// makes its writes fail, and why where it was not meant to.
type lettingGo struct {
	mu      sync.Mutex
	gone    bool
	because error
}

// is tells whether it does.
func (l *lettingGo) is() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

// set notes that it does, or that it does not any more.
func (l *lettingGo) set(gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone, l.because = gone, nil
}

// resume notes that the primary is about to speak to the secondary again. Why it had to let go before that still counts.
func (l *lettingGo) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = false
}

// reason is why the primary had to let go beside a call. With that, nothing may count as done.
func (l *lettingGo) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.because
}

// letGoBeside takes the secondary offline on the primary beside a call to the secondary that hangs: one that changes something
// ends by itself, which may take half a minute (V66). Whoever puts things back proves it, does again what failed, and tells of it.
func (r *run) letGoBeside(ctx context.Context, because error) {
	r.lastAlone.mu.Lock() // two flags must not change at a time (V66), and who asks the link changes one
	defer r.lastAlone.mu.Unlock()
	r.letGo.mu.Lock()
	defer r.letGo.mu.Unlock()
	if r.letGo.gone || r.letGo.because != nil && ctx.Err() != nil {
		return
	}
	r.letGo.because = because
	r.letGo.gone = r.safely(ctx, r.sendOffline) == nil
}

// sendOffline takes the secondary offline on the primary for the caches of the plan, one after the other (V66), by whatever server takes
// it, which passes it on to the others (F12). No server is waited for; one that fails is left to the end from then on.
func (r *run) sendOffline(ctx context.Context) error {
	first := r.primary.relay()
	willing := []member{first}
	for _, m := range r.primary.lastSurveyed() {
		if m.pod.UID != first.pod.UID {
			willing = append(willing, m)
		}
	}
	var problems []error
	for _, c := range r.plan.Caches {
		var failed []error
		for range willing {
			m := willing[0]
			err := impatient(m.node).TakeOffline(ctx, c.Name, r.secondary.name)
			if err == nil {
				failed = nil
				break
			}
			failed = append(failed, fmt.Errorf("set site %s offline for cache %s on pod %s of the %s: %w",
				r.secondary.name, c.Name, m.pod.Name, r.primary, err))
			willing = append(willing[1:], m)
		}
		problems = append(problems, failed...)
	}
	return errors.Join(problems...)
}

// letGoIfUnseen takes the secondary offline on the primary when the two do not see each other, and tells whether they do not.
func (r *run) letGoIfUnseen(ctx context.Context, e *RunError) (unseen bool, err error) {
	if !r.unseen(ctx) {
		return false, nil
	}
	return true, r.letGoNow(ctx, e)
}

// letGoNow takes the secondary offline on the primary, and says so.
func (r *run) letGoNow(ctx context.Context, e *RunError) error {
	if err := r.silencePrimary(ctx, r.plan.Caches); err != nil {
		return err
	}
	r.letGo.set(true)
	e.State = append(e.State, fmt.Sprintf("primary %s holds site %s offline, because it is not shown that what it writes arrives there: its writes work",
		r.primary.name, r.secondary.name))
	if r.unproved != "" {
		return errors.New(r.unproved)
	}
	return nil
}

// silencePrimary takes the secondary offline on the primary for the given caches, then ends what is pushed there. The
// primary's writes then neither wait nor fail, whatever the secondary does (guard reachable). It runs on a context of its
// own. The error is that of the flags; a push that could not be ended is said.
func (r *run) silencePrimary(ctx context.Context, caches []CachePlan) error {
	r.unproved = ""
	err := r.safely(ctx, func(ctx context.Context) error { return r.setOffline(ctx, caches) })
	if err != nil && r.othersAnswer(ctx) {
		err = r.safely(ctx, func(ctx context.Context) error { return r.setOffline(ctx, caches) })
	}
	if err != nil {
		return fmt.Errorf("take site %s offline on the %s: %w", r.secondary.name, r.primary, err)
	}
	r.changed(Primary, "site %s holds site %s offline again: its writes depend on nobody", r.primary.name, r.secondary.name)
	if r.unproved != "" {
		r.noted(Primary, "%s", r.unproved)
	}
	err = r.safely(ctx, func(ctx context.Context) error {
		return eachCache(ctx, caches, func(ctx context.Context, c CachePlan) error {
			return r.primary.each(ctx, func(ctx context.Context, m member) error { return m.node.CancelPush(ctx, c.Name, r.secondary.name) })
		})
	})
	if err != nil {
		r.noted(Primary, "a push could not be ended there: %s", oneLine(err))
	}
	return nil
}

// setOffline takes the secondary offline on the primary for the given caches, one after the other (V66), and proves it; every one,
// whatever became of the one before, unless a server says nothing at all.
func (r *run) setOffline(ctx context.Context, caches []CachePlan) error {
	var problems []error
	for _, c := range caches {
		err := r.setFlag(ctx, r.primary, r.secondary.name, c, infinispan.FlagOffline)
		problems = append(problems, err)
		if err != nil && noAnswer(err) {
			break
		}
	}
	return errors.Join(problems...)
}

// othersAnswer looks which servers of the primary answer now, for its writes cannot wait for those that do not: a pod may take
// minutes to start.
func (r *run) othersAnswer(ctx context.Context) bool {
	_ = r.opts.Clock.Wait(context.WithoutCancel(ctx), afterUnknown) // what had no answer may change a flag yet (V66)
	var silent []error
	err := r.safely(ctx, func(ctx context.Context) (err error) {
		silent, err = r.primary.surveyAnswering(ctx)
		return err
	})
	if len(silent) > 0 {
		r.unproved = fmt.Sprintf("primary %s: a server that did not answer should hold site %s offline as the others told it, which is not proved, "+
			"and one that starts anew may not (V6a): %s", r.primary.name, r.secondary.name, oneLine(errors.Join(silent...)))
	}
	return err == nil
}
