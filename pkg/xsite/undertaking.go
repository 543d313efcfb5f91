package xsite

import (
	"context"
	"fmt"
)

// Undertaking is what a command beside the recovery is going to do, for the one who has to confirm it.
type Undertaking struct {
	// Title says it in one line.
	Title string
	// Site is the site whose name confirms it.
	Site string
	// Does lists what is done, in order.
	Does []string
	// Found lists what was found and matters for the decision.
	Found []string
	// Loses says what is lost by it; empty when nothing is.
	Loses string
}

// Agree is asked once, before the first change. An error, best one that wraps ErrNotConfirmed, ends the command with nothing
// changed.
type Agree func(ctx context.Context, what Undertaking) error

// Report is what a command beside the recovery did.
type Report struct {
	// Did lists what was done and found, one statement a line.
	Did []string
}

// did notes a statement for the report and tells it at once.
func (r *run) did(role Role, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.report.Did = append(r.report.Did, text)
	r.changed(role, "%s", text)
}

// undertake checks, asks, takes the leases and does. What fails before the first change leaves nothing changed; what fails
// later is answered by after.
func (r *run) undertake(ctx context.Context, phase Phase, agree Agree, check func(context.Context) (Undertaking, error),
	do func(context.Context) error, after func(context.Context, *RunError),
) (Report, error) {
	defer r.giveBack(ctx)
	refused := func(outcome Outcome, err error) error {
		if guard, _ := StoppedBy(err); guard == GuardSingleRun {
			outcome = Held
		}
		e := &RunError{Outcome: outcome, Phase: r.phase, Err: err, Undone: true, State: []string{unchangedBoth}}
		if outcome == Refused {
			e.Next = r.nextAfterRefusal(err)
		}
		return e
	}
	var what Undertaking
	err := r.during(ctx, PhasePreflight, func(_ *run, ctx context.Context) (err error) {
		what, err = check(ctx)
		return err
	})
	if err != nil {
		return r.report, refused(refusedUnlessInterrupted(outcomeOf(ctx, err)), err)
	}
	if r.opts.DryRun {
		return Report{Did: what.Does}, nil
	}
	if agree == nil {
		return r.report, refused(NotConfirmed, ErrNotConfirmed)
	}
	if err := agree(ctx, what); err != nil {
		return r.report, refused(NotConfirmed, err)
	}
	if err := r.takeLeases(ctx); err != nil {
		return r.report, refused(refusedUnlessInterrupted(outcomeOf(ctx, err)), err)
	}
	r.reached = undoable // a call that is dropped on the way is made again from here on
	if err := r.during(ctx, phase, func(_ *run, ctx context.Context) error { return do(ctx) }); err != nil {
		e := &RunError{Outcome: outcomeOf(ctx, err), Phase: r.phase, Err: err}
		r.ending = true
		if lost := r.keeper.lostErr(); lost != nil {
			r.stepAside(e, lost)
			return r.report, e
		}
		after(context.WithoutCancel(ctx), e)
		return r.report, e
	}
	return r.report, nil
}
