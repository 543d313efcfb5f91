package xsite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// unchangedBoth is the state after a run that changed nothing.
const unchangedBoth = "nothing was changed on either site"

// failed puts both sites into a safe state after a failure and describes it. What can be put back is put back; past the
// first clear it cannot, and then the primary is made independent of the secondary and Keycloak there stays down.
func (r *run) failed(ctx context.Context, cause error) *RunError {
	e := &RunError{Outcome: outcomeOf(ctx, cause), Phase: r.phase, Err: cause}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	switch r.reached {
	case nothingChanged:
		e.Outcome = refusedUnlessInterrupted(e.Outcome)
		e.Undone, e.State = true, []string{unchangedBoth} // the failure itself says what to do
		r.tendUnfinished(ctx, e)
	case undoable:
		r.undo(ctx, e)
	case clearing:
		r.holdSafe(ctx, e)
	case verified:
		r.leaveVerified(ctx, e)
	}
	return e
}

// tendUnfinished answers for an earlier run that did not finish, when this one was refused. That run may have left the
// secondary online on the primary; with the sites out of each other's sight the primary's writes fail then (guard
// reachable).
func (r *run) tendUnfinished(ctx context.Context, e *RunError) {
	if r.journal == nil || !r.journal.found {
		return
	}
	rec := r.journal.record
	e.State = append(e.State, fmt.Sprintf("run %s, begun %s by %s, is unfinished still (phase %s)", rec.RunID, rec.Started.Format(time.RFC3339), rec.Who, rec.Phase))
	if guard, _ := StoppedBy(e.Err); guard != GuardReachable || !rec.Cleared || r.opts.DryRun {
		return
	}
	var caches []CachePlan
	for name := range rec.Caches {
		caches = append(caches, CachePlan{Name: name})
	}
	if err := r.silencePrimary(ctx, caches); err != nil {
		e.State = append(e.State, oneLine(err))
		return
	}
	e.Outcome, e.Undone = Failed, false
	e.State[0] = fmt.Sprintf("site %s was taken offline on the primary %s, so that its writes do not fail; nothing else was changed", r.secondary.name, r.primary.name)
}

// outcomeOf tells an interruption from a failure.
func outcomeOf(ctx context.Context, cause error) Outcome {
	var notReady *notReadyError
	switch {
	case errors.As(cause, &notReady):
		return NotReady
	case ctx.Err() != nil:
		return Interrupted
	default:
		return Failed
	}
}

// refusedUnlessInterrupted is the outcome of a run that changed nothing.
func refusedUnlessInterrupted(o Outcome) Outcome {
	if o == Interrupted {
		return o
	}
	return Refused
}

// undo puts back what was changed before the first clear: flags, modes, Keycloak's count; then the run is closed. The
// secondary comes first, since a primary that does not answer may use up the time.
func (r *run) undo(ctx context.Context, e *RunError) {
	var problems []string
	note := func(err error) bool {
		if err != nil {
			problems = append(problems, oneLine(err))
		}
		return err == nil
	}
	note(r.secondary.survey(ctx))
	note(r.restoreFlags(ctx, r.secondary))
	for ref, count := range r.plan.Secondary.StartCounts {
		if note(r.secondary.cluster.ScaleKeycloak(ctx, ref, originalInstances(r.plan, ref, count))) {
			e.State = append(e.State, fmt.Sprintf("secondary %s: %s is set to %d instances again", r.secondary.name, ref, originalInstances(r.plan, ref, count)))
		}
	}
	if guardReachable(ctx, r.primary, r.secondary) == nil {
		note(r.restoreFlags(ctx, r.primary))
	} else if note(r.silencePrimary(ctx, r.plan.Caches)) {
		e.State = append(e.State, fmt.Sprintf("primary %s holds site %s offline, because the two do not see each other: its writes work", r.primary.name, r.secondary.name))
	}
	note(r.setModes(ctx, originalMode)) // after the flags: AUTO with the peer offline is what pushes by itself (V7)
	e.DataAtRisk = "none: nothing was cleared on either site"
	if len(problems) == 0 {
		note(r.forget(ctx, closedUndone))
	}
	if len(problems) > 0 {
		e.State = append(e.State, "not everything could be put back: "+strings.Join(problems, "; "))
		e.Next = "run the same command again: it knows the original state and goes on from it"
		return
	}
	e.Undone = true
	e.State = append(e.State, "everything that was changed has been put back; the secondary is as stale as before")
	e.Next = "mend the cause, then run the same command again"
}

// oneLine gives an error, or several joined ones, without line breaks.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// originalInstances is the count that a Keycloak wanted before the run. It differs from the count it is to be started
// with when it was stopped by hand before.
func originalInstances(p Plan, ref string, startCount int) int {
	for _, k := range p.Secondary.Keycloaks {
		if k.Ref == ref && k.Recorded == nil {
			return k.Instances
		}
	}
	return startCount
}

// restoreFlags puts the flags of a site back to what they were.
func (r *run) restoreFlags(ctx context.Context, s *site) error {
	for _, c := range r.plan.Caches { // one after the other (V66)
		if err := r.setFlag(ctx, s, r.peerOf(s).name, c, originalFlag(s, c.Original)); err != nil {
			return err
		}
	}
	return nil
}

// originalFlag picks the flag that a site had of its peer before the run.
func originalFlag(s *site, o CacheOriginal) infinispan.Flag {
	if s.role == Primary {
		return o.PrimaryHoldsSecondary
	}
	return o.SecondaryHoldsPrimary
}

// holdSafe makes the primary independent of a secondary that is empty or half filled (guards reachable and restart).
func (r *run) holdSafe(ctx context.Context, e *RunError) {
	// The primary first: its writes may fail this very moment, and the secondary may not answer for long.
	err := r.silencePrimary(ctx, r.plan.Caches)
	if err != nil { // its servers may be others by now
		if err = r.primary.survey(ctx); err == nil {
			err = r.silencePrimary(ctx, r.plan.Caches)
		}
	}
	silent := "it does not speak to the primary"
	if err := errors.Join(r.secondary.survey(ctx), r.setFlags(ctx, r.secondary, r.plan.Caches, infinispan.FlagOffline)); err != nil {
		silent = fmt.Sprintf("whether it speaks to the primary is not known (%s)", oneLine(err))
	}
	e.State = append(e.State, fmt.Sprintf("secondary %s: Keycloak stays down on purpose; its caches are empty or incomplete; %s", r.secondary.name, silent))
	if err != nil {
		e.State = append([]string{fmt.Sprintf("primary %s: the secondary could not be taken offline there (%s); if its writes fail, take site %s offline on it", r.primary.name, oneLine(err), r.secondary.name)}, e.State...)
	} else {
		e.State = append(e.State, fmt.Sprintf("primary %s keeps all its data and serves; it holds site %s offline, so its writes depend on nobody", r.primary.name, r.secondary.name))
	}
	e.DataAtRisk = "none: the primary has everything; the stale data of the secondary is gone, as planned"
	e.Next = fmt.Sprintf("mend the cause, then run the same command again: it continues run %s; do not start Keycloak of site %s by hand", r.id, r.secondary.name)
}

// leaveVerified describes a run that failed after the contents were proved. Nothing is taken back: what is done is right.
func (r *run) leaveVerified(ctx context.Context, e *RunError) {
	if guardReachable(ctx, r.primary, r.secondary) != nil {
		// What the primary writes from now on does not arrive, so the proof does not last, and its writes must not fail.
		r.holdSafe(ctx, e)
		if err := r.journal.verifiedNow(ctx, false); err != nil {
			e.State = append(e.State, oneLine(err))
		}
		return
	}
	e.State = append(e.State,
		fmt.Sprintf("both sites hold the same data: every key of site %s is on site %s", r.primary.name, r.secondary.name),
		fmt.Sprintf("secondary %s: Keycloak is not known to be ready", r.secondary.name))
	e.DataAtRisk = "none"
	e.Next = fmt.Sprintf("run the same command again: it continues run %s and only does what is left, without clearing anything", r.id)
}
