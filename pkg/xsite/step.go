package xsite

import (
	"context"
	"fmt"
	"slices"
)

// StepResult is what [RunPhase] did, and how the run stands after it.
type StepResult struct {
	// Result is that of the phases that were done. Without Already and DryRun its Phases begin with preflight.
	Result

	// Phase is the one that was asked for.
	Phase Phase `json:"phase"`
	// Already is true when it was done before and its outcome stands: nothing was changed.
	Already bool `json:"already,omitempty"`
	// Next is the phase to ask for next; empty when the run is over.
	Next Phase `json:"next,omitempty"`
	// Open is true when a run is open, Cleared once it cleared a cache, Verified once it proved the contents equal.
	Open     bool `json:"open,omitempty"`
	Cleared  bool `json:"cleared,omitempty"`
	Verified bool `json:"verified,omitempty"`
}

// OrderError refuses a phase that is not the next one of its run.
type OrderError struct {
	Asked, Next Phase
	// RunID is the open run; empty when there is none.
	RunID string
	// Because says what was found when an outcome of an earlier phase does not stand any more; empty when Next was not done yet.
	Because string
}

// Error names the phase that is next.
func (e *OrderError) Error() string {
	text := fmt.Sprintf("phase %s is not the next one: %s is", e.Asked, e.Next)
	switch {
	case e.RunID == "":
		text += "; no run is open"
	case e.Because != "":
		text += fmt.Sprintf(" again, because what it did does not stand any more: %s (run %s)", e.Because, e.RunID)
	default:
		text += fmt.Sprintf(" (run %s)", e.RunID)
	}
	if e.Asked == PhaseVerify && e.Next == PhasePush {
		text += "; verify is done with it, since contents that are not proved are not left alone"
	}
	return text + fmt.Sprintf("\n  next: kubectl ispn-resync phase %s, with the same flags", e.Next)
}

// With lists the phases that are done when one is asked for, in the order of [Phases], from preflight on. What is proved rather
// than done is proved in each command anew: the probe, and once they were proved the contents.
func (p Phase) With() []Phase {
	switch p {
	case PhasePreflight:
		return []Phase{PhasePreflight}
	case PhaseProbe:
		return []Phase{PhasePreflight, PhaseProbe}
	case PhasePush: // contents that are not proved are not left alone
		return []Phase{PhasePreflight, PhaseProbe, PhasePush, PhaseVerify}
	case PhaseVerify: // which is never the next
		return []Phase{PhasePreflight, PhaseVerify}
	case PhaseOnline, PhaseStart:
		return []Phase{PhasePreflight, PhaseVerify, p}
	default:
		return []Phase{PhasePreflight, PhaseProbe, p}
	}
}

// RunPhase does one phase of a run under all guards of [Recover], from preflight and confirmation on, and leaves the run open
// for the next command, which may be any. It opens a run with PhaseStop, and closes it with PhaseStart. PhasePush is done
// together with PhaseVerify. A phase that is not the next is an [OrderError] in a RunError of the outcome Refused; one that is
// done and stands changes nothing.
//
// The error is that of Recover: a phase that fails is answered as it is in a whole run.
func RunPhase(ctx context.Context, phase Phase, options Options) (StepResult, error) {
	if !slices.Contains(Phases(), phase) {
		return StepResult{}, fmt.Errorf("there is no phase %q", phase)
	}
	r := newRun(options)
	r.only = phase
	result, err := r.run(ctx)
	if err == nil && !r.opts.DryRun {
		r.next = r.after()
	}
	step := StepResult{Result: result, Phase: phase, Next: r.next, Already: r.already}
	if r.journal != nil {
		rec := r.journal.record
		step.Open, step.Cleared, step.Verified = r.isOpen(), rec.Cleared, rec.Verified
	}
	return step, err
}

// isOpen tells whether a run is open in both journals.
func (r *run) isOpen() bool {
	return (r.journal.found || r.journal.open) && r.journal.record.Closed == ""
}

// after is the phase that comes after what was just done.
func (r *run) after() Phase {
	switch {
	case r.already || r.only == PhasePreflight || r.only == PhaseProbe:
		return r.next
	case r.only == PhasePush:
		return PhaseOnline
	case r.only == PhaseStart:
		return ""
	default:
		return Phases()[slices.Index(Phases(), r.only)+1]
	}
}

// inOrder refuses a phase that is not the next one, and notes one that is done already. It reads only. A run that is not done
// phase by phase has its own order.
func (r *run) inOrder(ctx context.Context) error {
	if r.only == "" {
		return nil
	}
	next, because, err := r.nextPhase(ctx)
	if err != nil {
		return err
	}
	r.next = next
	at := func(p Phase) int { return slices.Index(Phases(), p) }
	switch {
	case r.only == next || r.only == PhasePreflight:
	case r.only == PhaseProbe && !r.isOpen():
	case at(r.only) < at(next):
		r.already = true
		r.noted("", "phase %s of run %s is done already, and what it did stands", r.only, r.id)
	default:
		refusal := &OrderError{Asked: r.only, Next: next, Because: because}
		if r.isOpen() {
			refusal.RunID = r.id
		}
		return refusal
	}
	return nil
}

// over tells whether the command ends after preflight.
func (r *run) over() bool { return r.opts.DryRun || r.already || r.only == PhasePreflight }

// due gives the stages of this command: those of the whole run, or of the phase that was asked for.
func (r *run) due() []stage {
	if r.only == "" {
		return r.ahead()
	}
	var picked []stage
	for _, s := range r.ahead() {
		if !slices.Contains(r.only.With(), s.phase) {
			continue
		}
		if s.phase == r.only && r.only != PhaseStop { // which notes by itself when there is something to undo
			do := s.do
			s.do = func(r *run, ctx context.Context) error {
				r.reached = max(r.reached, undoable) // by the commands before
				return do(r, ctx)
			}
		}
		picked = append(picked, s)
	}
	return picked
}

// standing proves anew, under the leases and before anything is done, what the phases before have proved in commands of their
// own: nobody has watched it since. What does not stand is an OrderError.
func (r *run) standing(ctx context.Context) error {
	switch r.only {
	case PhaseOffline, PhaseClear, PhasePush:
	case PhaseStart:
		if r.onlyStarts() {
			return nil
		}
	default:
		return nil
	}
	r.phase = r.only
	if r.only != PhaseStart && len(r.plan.Secondary.Keycloaks) > 0 {
		if err := r.watchKeycloak(ctx); err != nil {
			return err
		}
	}
	next, because, err := r.nextPhase(ctx)
	if err != nil {
		return err
	}
	if next != r.only {
		return &OrderError{Asked: r.only, Next: next, Because: because, RunID: r.id}
	}
	if r.only == PhaseClear || r.only == PhasePush {
		r.proved = r.secondary.identity()
	}
	if r.only == PhasePush {
		r.clearedAt = r.opts.Clock.Now() // another command cleared; the settle time is counted from what is seen here
	}
	return nil
}

// again says how to go on after a failure: for a run that is done phase by phase, with the phase that is next now.
func (r *run) again(ctx context.Context) string {
	const same = "run the same command again"
	if r.only == "" {
		return same
	}
	next := Phase("")
	err := r.safely(ctx, func(ctx context.Context) (err error) {
		next, _, err = r.nextPhase(ctx)
		return err
	})
	if err != nil {
		return same + ": it says which phase is next"
	}
	return fmt.Sprintf("go on with kubectl ispn-resync phase %s, or without \"phase %s\" for all that is left, with the same flags", next, r.only)
}
