package xsite

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pauses between two attempts at a call whose cluster is away.
const (
	patienceLeast = 250 * time.Millisecond
	patienceMost  = 2 * time.Second
)

// patience repeats calls that a cluster could not take for now: its API server is away, a port-forward dropped, credentials
// have expired. A site that is away for a while is no reason to give up half-way, but none to wait when it does harm either.
type patience struct {
	run  *run
	role Role
}

// try makes a call that is watched while it lasts, and again as repeat does.
func (p patience) try(ctx context.Context, what string, call func(ctx context.Context) error) error {
	return p.repeat(ctx, what, p.watched(call))
}

// repeat makes a call, and again as long as it fails with ErrUnavailable, at most for the step timeout. Before the first change
// it is made once: there is nothing to lose by giving up. Each repetition is safe: reads, and changes that lead to the same
// state however often they are made; what is neither (a clear, the start of a push) does not come here.
func (p patience) repeat(ctx context.Context, what string, call func(ctx context.Context) error) error {
	err := call(ctx)
	if err == nil || !away(err) || p.run.reached == nothingChanged || p.run.ending {
		return err
	}
	began, pause := p.run.opts.Clock.Now(), patienceLeast
	limit := p.run.opts.StepTimeout
	told := time.Time{}
	for {
		now := p.run.opts.Clock.Now()
		if waited := now.Sub(began); waited >= limit {
			return fmt.Errorf("%s: no use after %s: %w", what, waited.Round(time.Second), err)
		}
		if now.Sub(told) >= waitingEvery {
			p.run.emit(Event{Kind: Waiting, Role: p.role, Message: fmt.Sprintf("the %s to be back (%s): %s", p.role, what, brief(err))})
			told = now
		}
		if p.run.opts.Clock.Wait(ctx, pause) != nil {
			return err // of the call: that the wait was broken off says less
		}
		pause = min(2*pause, patienceMost)
		if harm := p.harm(ctx, false); harm != nil {
			return errors.Join(harm, err)
		}
		if err = call(ctx); err == nil || !away(err) {
			return err
		}
	}
}

// hangsFor is how long a call to the secondary may take before the link is asked; one that is lost on the way without a word
// hangs for half a minute.
const hangsFor = 3 * time.Second

// watched makes a call to the secondary break off when the primary's writes would fail meanwhile, and lets go of the secondary
// first. What the call returns must not need its context.
func (p patience) watched(call func(ctx context.Context) error) func(ctx context.Context) error {
	return p.watchedBy(p.harmInAHurry, call)
}

// watchedBy is watched with another way to ask.
func (p patience) watchedBy(harm, call func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		ctx, breakOff := context.WithCancelCause(ctx)
		defer breakOff(nil)
		return p.watch(ctx, breakOff, harm, call)
	}
}

// watch makes a call, and when harm tells that the primary's writes would fail meanwhile it lets go of the secondary and breaks off
// the context of the call. A call that succeeded all the same counts for nothing then.
func (p patience) watch(ctx context.Context, breakOff context.CancelCauseFunc, harm, call func(ctx context.Context) error) error {
	if !p.mayHarm() {
		return call(ctx)
	}
	stop := p.run.opts.Clock.Every(ctx, hangsFor, func(ctx context.Context) {
		if found := harm(ctx); found != nil {
			p.run.letGoBeside(ctx, found)
			breakOff(found)
		}
	})
	err := call(ctx)
	stop()
	cause := context.Cause(ctx)
	if _, harmed := StoppedBy(cause); harmed && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// mayHarm tells whether the primary's writes may fail for as long as the secondary is waited for.
func (p patience) mayHarm() bool {
	r := p.run
	return p.role == Secondary && !r.closed && r.reached != nothingChanged && !r.letGo.is() && len(r.plan.Caches) > 0 && len(r.primary.lastSurveyed()) > 0
}

// harm ends the patience with a secondary that the primary does not see or hear while it may be online there: the primary's
// writes would fail as long (guard reachable).
func (p patience) harm(ctx context.Context, hurry bool) error {
	if !p.mayHarm() {
		return nil
	}
	//mutate:reachable
	if err := p.run.guardInTouch(ctx, hurry); err != nil {
		return err
	}
	return nil
}

// harmInAHurry is harm for who looks beside a call that hangs.
func (p patience) harmInAHurry(ctx context.Context) error { return p.harm(ctx, true) }

// away tells that a cluster could not take a call for now, and may be waited for. A pod that is gone does not come back under its
// UID.
func away(err error) bool {
	_, harmed := StoppedBy(err)
	return !harmed && errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrPodGone)
}

// readWhole repeats a reading that is made of listings from its beginning: what was read of a listing that broke proves
// nothing (V42). It may take minutes over a link that lives, so that is asked as during a wait.
func (r *run) readWhole(ctx context.Context, of Role, read func(ctx context.Context) error) error {
	p := patience{r, of}
	return p.repeat(ctx, "read contents", func(ctx context.Context) error {
		touch := &touch{run: r, asked: r.opts.Clock.Now()}
		return p.watchedBy(touch.guardKept, read)(ctx)
	})
}
