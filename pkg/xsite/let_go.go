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
// ends by itself, which may take half a minute (V66). What fails here is done again, and told, by whoever puts things back.
func (r *run) letGoBeside(ctx context.Context, because error) {
	r.letGo.mu.Lock() // two flags must not change at a time (V66)
	defer r.letGo.mu.Unlock()
	if r.letGo.gone {
		return
	}
	r.letGo.because = because
	r.letGo.gone = r.safely(ctx, func(ctx context.Context) error { return r.setOffline(ctx, r.plan.Caches) }) == nil
}

// silencePrimary takes the secondary offline on the primary for the given caches, then ends what is pushed there. The
// primary's writes then neither wait nor fail, whatever the secondary does (guard reachable). It runs on a context of its
// own. The error is that of the flags; a push that could not be ended is said.
func (r *run) silencePrimary(ctx context.Context, caches []CachePlan) error {
	err := r.safely(ctx, func(ctx context.Context) error { return r.setOffline(ctx, caches) })
	if err != nil && r.othersAnswer(ctx) {
		err = r.safely(ctx, func(ctx context.Context) error { return r.setOffline(ctx, caches) })
	}
	if err != nil {
		return fmt.Errorf("take site %s offline on the %s: %w", r.secondary.name, r.primary, err)
	}
	r.changed(Primary, "site %s holds site %s offline again: its writes depend on nobody", r.primary.name, r.secondary.name)
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

// setOffline takes the secondary offline on the primary for the given caches, one after the other (V66), and every one, whatever
// became of the one before; but a server that says nothing at all is asked no more.
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
// minutes to start. What that leaves unproved is told at the end.
func (r *run) othersAnswer(ctx context.Context) bool {
	var silent []error
	err := r.safely(ctx, func(ctx context.Context) (err error) {
		silent, err = r.primary.surveyAnswering(ctx)
		return err
	})
	r.unproved = ""
	if len(silent) > 0 {
		r.unproved = fmt.Sprintf("primary %s: a server that did not answer should hold site %s offline as the others told it, which is not proved: %s",
			r.primary.name, r.secondary.name, oneLine(errors.Join(silent...)))
	}
	return err == nil
}
