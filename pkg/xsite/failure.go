package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	ctx = context.WithoutCancel(ctx) // each step below has a deadline of its own
	r.ending = true
	if lost := r.keeper.lostErr(); lost != nil {
		r.stepAside(e, lost)
		return e
	}
	switch r.reached {
	case nothingChanged:
		e.Outcome = refusedUnlessInterrupted(e.Outcome)
		if guard, _ := StoppedBy(cause); guard == GuardSingleRun {
			e.Outcome = Held
		}
		e.Undone, e.State = true, []string{unchangedBoth}
		e.Next = r.nextAfterRefusal(cause)
		if r.ended > 0 {
			e.Outcome, e.State = Failed, []string{fmt.Sprintf("%d pushes of others were ended, or may be; nothing else was changed on either site", r.ended)}
		}
		if len(r.probesLeft) > 0 && e.State[0] == unchangedBoth {
			e.Outcome, e.Undone, e.State = Failed, false, []string{"nothing but a probe cache was changed on either site"}
			e.DataAtRisk = "none: the probe cache is the tool's own"
		}
		r.tendUnfinished(ctx, e)
	case undoable:
		r.undo(ctx, e)
		r.catchUp(ctx, e)
	case clearing:
		r.holdSafe(ctx, e)
		r.catchUp(ctx, e)
	case verified:
		r.leaveVerified(ctx, e)
		r.catchUp(ctx, e)
	}
	e.State = append(e.State, r.probesLeft...)
	return e
}

// nextAfterRefusal says what to do after a failure that changed nothing. A guard, or the order of the phases, says so itself.
func (r *run) nextAfterRefusal(cause error) string {
	_, stopped := StoppedBy(cause)
	if _, disorder := errors.AsType[*OrderError](cause); stopped || disorder {
		return ""
	}
	return "see to the cause, then run the same command again; this shows all that stands in the way: " + r.opts.Command("check")
}

// stepAside describes a run that lost its leases. Somebody else may be at work: nothing is changed any more, not even to put
// something back.
func (r *run) stepAside(e *RunError, lost error) {
	e.Err, e.Outcome = lost, Interrupted
	e.State = []string{
		fmt.Sprintf("run %s lost its leases in phase %s and changed nothing after that; how both sites stand now is not known here", r.id, e.Phase),
	}
	if r.reached >= clearing {
		e.State = append(e.State, fmt.Sprintf("secondary %s: its caches may be empty or incomplete; do not start Keycloak there by hand", r.secondary.name))
	}
	e.DataAtRisk = "none by what this run did: the primary was not cleared"
	e.Next = "the same command with --dry-run tells who is at work; when nobody is, the same command continues the run"
}

// safely calls do with a deadline of its own, which grows with the number of caches it works on: they go one by one, and a
// server that is slow for one is slow for all.
func (r *run) safely(ctx context.Context, do func(ctx context.Context) error) error {
	const perCache = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit+time.Duration(len(r.plan.Caches))*perCache)
	defer cancel()
	return do(ctx)
}

// tendUnfinished answers for an earlier run that did not finish, when this one was refused. That run may have left the
// secondary online on the primary; with the sites out of each other's sight the primary's writes fail then (guard
// reachable).
func (r *run) tendUnfinished(ctx context.Context, e *RunError) {
	if r.journal == nil || !r.journal.found {
		r.tellExposed(ctx, e)
		return
	}
	rec := r.journal.record
	e.State = append(e.State, fmt.Sprintf("run %s, begun %s by %s, is unfinished still (phase %s)",
		rec.RunID, rec.Started.Format(time.RFC3339), rec.Who, rec.Phase))
	if !rec.Cleared || r.opts.DryRun {
		return
	}
	if guard, _ := StoppedBy(e.Err); guard != GuardReachable { // the link may be down besides
		r.tellDepends(ctx, e)
		return
	}
	if r.keeper == nil {
		if err := r.safely(ctx, r.takeLeases); err != nil {
			e.State = append(e.State, oneLine(err))
			return
		}
	}
	var caches []CachePlan
	for name := range rec.Caches {
		caches = append(caches, CachePlan{Name: name})
	}
	if len(caches) == 0 {
		return // only the primary's copy is left, which does not name them
	}
	if err := r.silencePrimary(ctx, caches); err != nil {
		e.State = append(e.State, oneLine(err))
		return
	}
	e.Outcome, e.Undone = Failed, false
	e.State[0] = fmt.Sprintf("site %s was taken offline on the primary %s, so that its writes do not fail; nothing else was changed",
		r.secondary.name, r.primary.name)
	if r.unproved != "" {
		e.State = append(e.State, r.unproved)
	}
}

// catchUp writes what the journal does not have yet, once both sites are safe. Of a leak it is said when that fails.
func (r *run) catchUp(ctx context.Context, e *RunError) {
	err := r.safely(ctx, r.journal.catchUp)
	if err != nil && r.journal.record.Leaked != "" {
		e.State = append(e.State, "that data was lost could not be recorded in both clusters ("+oneLine(err)+"); the next command may have to find it out itself")
	}
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
// secondary comes first, since a primary that does not answer may use up the time; but not while the primary's writes fail.
func (r *run) undo(ctx context.Context, e *RunError) {
	var problems []string
	note := func(err error) bool {
		if err != nil {
			problems = append(problems, oneLine(err))
		}
		return err == nil
	}
	unseen, err := r.letGoIfUnseen(ctx, e)
	served := note(err)
	speaks := note(r.safely(ctx, func(ctx context.Context) error {
		return errors.Join(r.secondary.survey(ctx), r.restoreFlags(ctx, r.secondary))
	}))
	note(r.restoreInstances(ctx, e))
	if !unseen {
		unseen, err = r.undoPrimary(ctx, e)
		served = note(err)
	}
	// After the flags, and not without them: a secondary that holds the primary offline in mode AUTO pushes its stale entries by
	// itself (guard manual, V7).
	held := unseen && r.wouldPush()
	if held {
		e.State = append(e.State, fmt.Sprintf("secondary %s: its state-transfer modes stay MANUAL and run %s stays open: it held the primary offline in mode AUTO, "+
			"and would push its stale entries over the primary's as soon as the two see each other", r.secondary.name, r.id))
	}
	for _, site := range []*site{r.primary, r.secondary} {
		if site == r.primary || speaks && !held {
			note(r.safely(ctx, func(ctx context.Context) error { return r.setModesOf(ctx, site, originalMode) }))
		}
	}
	e.DataAtRisk = "none: nothing was cleared on either site"
	if waiting := r.waitingForPeer(); unseen && (len(waiting) > 0 || held) && len(problems) == 0 {
		if len(waiting) > 0 {
			e.State = append(e.State, fmt.Sprintf("run %s stays open: on the primary site %s was online for %s, and is to be again once the two see each other",
				r.id, r.secondary.name, joined(waiting)))
		}
		e.Next = "when the link works, " + r.again(ctx) + "; or go back for good: " + r.opts.Command("abort")
		return
	}
	if len(problems) == 0 {
		note(r.safely(ctx, func(ctx context.Context) error { return r.forget(ctx, r.closing) }))
	}
	if r.letGo.reason() != nil { // beside what was put back
		unseen, served = true, note(r.letGoNow(ctx, e))
	}
	if len(problems) > 0 {
		e.State = append(e.State, "not everything could be put back: "+strings.Join(problems, "; "))
		e.Next = r.fenceFirst(unseen && !served, r.again(ctx)+": the original state is known, and the run goes on from it")
		return
	}
	e.Undone = true
	e.State = append(e.State, "everything that was changed has been put back; the secondary is as stale as before")
	e.Next = e.mended(r.again(ctx))
}

// undoPrimary puts the flags of the primary back, unless the secondary is unseen by then.
func (r *run) undoPrimary(ctx context.Context, e *RunError) (unseen bool, err error) {
	if unseen, err = r.letGoIfUnseen(ctx, e); unseen {
		return unseen, err
	}
	r.letGo.set(false)
	return false, r.safely(ctx, func(ctx context.Context) error { return r.restoreFlags(ctx, r.primary) })
}

// wouldPush tells whether the secondary, as it was before the run, pushes by itself when it sees the primary anew (V7).
func (r *run) wouldPush() bool {
	return slices.ContainsFunc(r.plan.Caches, func(c CachePlan) bool {
		return c.Original.SecondaryHoldsPrimary == infinispan.FlagOffline && c.Original.SecondaryMode == infinispan.ModeAuto
	})
}

// waitingForPeer lists the caches for which the secondary was online on the primary before the run.
func (r *run) waitingForPeer() []string {
	var names []string
	for _, c := range r.plan.Caches {
		if c.Original.PrimaryHoldsSecondary == infinispan.FlagOnline {
			names = append(names, c.Name)
		}
	}
	return names
}

// oneLine gives an error, or several joined ones, without line breaks.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// firstLine gives the first line of an error, and how many more there are: a server that is down has an error for each cache.
func firstLine(err error) string {
	first, rest, more := strings.Cut(err.Error(), "\n")
	if !more {
		return first
	}
	return fmt.Sprintf("%s; and %d more like it", first, strings.Count(rest, "\n")+1)
}

// restoreInstances sets each Keycloak of the secondary to the count that it wanted before the run, and says so.
func (r *run) restoreInstances(ctx context.Context, e *RunError) error {
	var problems []error
	for ref, count := range r.plan.Secondary.StartCounts {
		count = r.originalInstances(ref, count)
		err := r.safely(ctx, func(ctx context.Context) error { return r.secondary.cluster.ScaleKeycloak(ctx, ref, count) })
		if err == nil {
			e.State = append(e.State, fmt.Sprintf("secondary %s: %s is set to %d instances again", r.secondary.name, ref, count))
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// originalInstances is the count that a Keycloak wanted before the run. It differs from the count it is to be started
// with when it was stopped by hand before; what an unfinished run recorded is the original of both.
func (r *run) originalInstances(ref string, startCount int) int {
	if before, known := r.journal.record.KeycloakBefore[ref]; known {
		return before
	}
	for _, k := range r.plan.Secondary.Keycloaks {
		if k.Ref == ref && !r.journal.found {
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

// holdSafe makes the primary independent of a secondary that is empty or half filled, and keeps Keycloak there down (guards
// reachable and restart). It says what it finds, not what should be.
func (r *run) holdSafe(ctx context.Context, e *RunError) {
	// The primary first: its writes may fail this very moment, and the secondary may not answer for long.
	err := r.silencePrimary(ctx, r.plan.Caches)
	r.letGo.set(err == nil)
	silent := "it does not speak to the primary"
	if err := r.safely(ctx, r.silenceSecondary); err != nil {
		silent = fmt.Sprintf("whether it speaks to the primary is not known (%s)", firstLine(err))
	}
	caches := "its caches are empty or incomplete"
	if r.reached == verified {
		caches = "its caches are as they were when they were compared, and grow old"
	}
	e.State = append(e.State, fmt.Sprintf("secondary %s: %s; %s; %s", r.secondary.name, r.keepDown(ctx), caches, silent))
	if err != nil {
		e.State = slices.Insert(e.State, 0, fmt.Sprintf("primary %s: the secondary could not be taken offline there (%s); "+
			"if its writes fail, take site %s offline on it", r.primary.name, firstLine(err), r.secondary.name))
	} else {
		e.State = append(e.State, fmt.Sprintf("primary %s serves; it holds site %s offline, so its writes depend on nobody", r.primary.name, r.secondary.name))
	}
	if r.unproved != "" {
		e.State = append(e.State, r.unproved)
	}
	if found := r.journal.record.Leaked; found != "" {
		e.DataAtRisk = "DATA OF THE PRIMARY WAS LOST: " + found + "; its other caches are as they were"
		e.Next = r.leaked(r.id, found).Next
		return
	}
	if len(r.lost) > 0 {
		e.DataAtRisk = "the primary lost data during the run, by no clear of it: " + strings.Join(r.lost, "; ") +
			"; what is left of it on the secondary may be the last copy"
		return // the guard says what is next
	}
	e.DataAtRisk = "none: the primary has everything; the stale data of the secondary is gone, as planned"
	e.Next = e.mended(fmt.Sprintf("%s: run %s is continued; do not start Keycloak of site %s by hand", r.again(ctx), r.id, r.secondary.name))
	e.Next = r.fenceFirst(err != nil || r.unproved != "", e.Next)
}

// keepDown looks at Keycloak of the secondary, stops what came up on contents that are not proved, and says how it stands.
func (r *run) keepDown(ctx context.Context) string {
	if len(r.plan.Secondary.Keycloaks) == 0 {
		return "it has no Keycloak that this tool knows of"
	}
	left, err := runningKeycloak(ctx, r.secondary)
	if err == nil && len(left) == 0 {
		return "Keycloak stays down on purpose"
	}
	for _, k := range r.plan.Secondary.Keycloaks {
		err = errors.Join(err, r.safely(ctx, func(ctx context.Context) error { return r.secondary.cluster.ScaleKeycloak(ctx, k.Ref, 0) }))
	}
	if err != nil {
		return fmt.Sprintf("KEYCLOAK MAY BE RUNNING THERE (%s): stop it", oneLine(err))
	}
	return "Keycloak had come up (" + joined(left) + ") and is set to 0 instances again, on purpose"
}

// leaveVerified describes a run that failed after the contents were proved. Nothing is taken back: what is done is right.
func (r *run) leaveVerified(ctx context.Context, e *RunError) {
	if severed(e.Err) || r.letGo.reason() != nil || r.unseen(ctx) {
		// What the primary writes from now on does not arrive, so the proof does not last, and its writes must not fail.
		r.holdSafe(ctx, e)
		if e.Outcome == NotReady {
			e.Outcome = Failed // that Keycloak is not ready is no longer all that is missing
		}
		if err := r.safely(ctx, func(ctx context.Context) error { return r.journal.verifiedNow(ctx, false) }); err != nil {
			e.State = append(e.State, oneLine(err))
		}
		return
	}
	e.State = append(e.State,
		fmt.Sprintf("both sites held the same data when they were compared: every key of site %s was on site %s", r.primary.name, r.secondary.name),
		fmt.Sprintf("secondary %s: Keycloak is not known to be ready; whether it speaks to the primary for every cache is not known", r.secondary.name))
	e.DataAtRisk = "none"
	_ = r.safely(ctx, r.journal.catchUp) // what is still not written is seen below, and told
	if r.journal.behind[Secondary] {
		e.Next = r.again(ctx) + ": that the contents were proved could not be recorded, so it may clear and push everything anew"
		return
	}
	e.Next = fmt.Sprintf("%s: run %s is continued, which only does what is left, without clearing anything", r.again(ctx), r.id)
}
