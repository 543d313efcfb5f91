package xsite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// AbortOptions is what an abort is made of.
type AbortOptions struct {
	// Options are those of the recovery; Confirm is not used.
	Options

	// Agree is asked before the first change.
	Agree Agree
	// DiscardSessions lets Keycloak of the secondary be started on caches that were cleared and not filled again.
	DiscardSessions bool
}

// Abort goes back from an unfinished run: flags, modes and Keycloak's count of before, then the run is closed. What was cleared
// does not come back: then it takes DiscardSessions.
//
// The error is a *RunError whenever the checks had begun.
func Abort(ctx context.Context, options AbortOptions) (Report, error) {
	r := newRun(options.Options)
	r.closing = closedAborted
	return r.undertake(ctx, PhaseAbort, options.Agree,
		func(ctx context.Context) (Undertaking, error) { return r.checkAbort(ctx, options.DiscardSessions) },
		r.abort, r.abortFailed)
}

// checkAbort finds the run to go back from, and what that takes. The link may be down: that is what one aborts for.
func (r *run) checkAbort(ctx context.Context, discard bool) (Undertaking, error) {
	if err := r.pass(ctx, CheckPermissions, CheckServersAnswer, CheckSiteNames, CheckSameVersion, CheckOtherRuns, CheckUnfinishedRun); err != nil {
		return Undertaking{}, err
	}
	if err := r.guardAbort(discard); err != nil {
		return Undertaking{}, err
	}
	rec := r.journal.record
	r.opts.Caches, r.opts.AllCaches = slices.Sorted(maps.Keys(rec.Caches)), true
	if err := r.pass(ctx, CheckCaches, CheckCacheFlags, CheckKeycloak); err != nil {
		return Undertaking{}, err
	}
	r.completePlan()
	what := Undertaking{
		Title: fmt.Sprintf("Go back from run %s, begun %s by %s, which came as far as %s", rec.RunID, rec.Started.Format(time.RFC3339), rec.Who, rec.Phase),
		Site:  r.secondary.name,
		Does: []string{
			fmt.Sprintf("end what is pushed from site %s to site %s", r.primary.name, r.secondary.name),
			fmt.Sprintf("set flags and state-transfer modes of %d caches to what they were before the run, on both sites", len(r.plan.Caches)),
		},
	}
	for _, ref := range slices.Sorted(maps.Keys(r.plan.Secondary.StartCounts)) {
		count := r.originalInstances(ref, r.plan.Secondary.StartCounts[ref])
		what.Does = append(what.Does, fmt.Sprintf("set %s of site %s to %d instances again", ref, r.secondary.name, count))
	}
	if far := rec.howFar(); far != "" {
		what.Found = append(what.Found, far)
	}
	if rec.Cleared {
		what.Loses = fmt.Sprintf("site %s was cleared: it serves without the sessions that it had, and without those of site %s that were not pushed; "+
			"its users log in again. Site %s keeps everything", r.secondary.name, r.primary.name, r.primary.name)
	}
	return what, nil
}

// guardAbort refuses what an abort cannot do or should not.
func (r *run) guardAbort(discard bool) error {
	rec := r.journal.record
	switch {
	case !r.journal.found:
		return &Stop{
			Guard: GuardRecorded, Found: "there is no unfinished run of this pair",
			Where:   fmt.Sprintf("%s and %s", r.primary.place, r.secondary.place),
			Because: "there is nothing to go back from", Next: "`" + r.opts.Command("history") + "` lists what there was",
		}
	case rec.Verified:
		return &Stop{
			Guard: GuardRecorded, Found: fmt.Sprintf("run %s has proved that both sites hold the same data", rec.RunID), Where: r.secondary.String(),
			Because: "there is nothing better to go back to: the stale data is gone, and only the last steps are left",
			Next:    "run the recovery again: it clears nothing and does what is left",
		}
	case rec.Cleared && !discard:
		return &Stop{
			Guard: GuardRestart, Where: r.secondary.String(),
			Found:   fmt.Sprintf("run %s has cleared site %s, whose caches are empty or incomplete", rec.RunID, r.secondary.name),
			Because: "Keycloak would serve partial data: users would be logged out, and the sites would drift apart again",
			Next:    "run the recovery again, which continues the run; or add --discard-sessions to start Keycloak as it is",
		}
	}
	return nil
}

// abort goes back. The primary comes first: it must not depend on a site that was left half-way.
func (r *run) abort(ctx context.Context) error {
	if !r.journal.record.Cleared {
		e := &RunError{}
		r.undo(ctx, e)
		for _, line := range e.State {
			r.did("", "%s", line)
		}
		if !e.Undone {
			return &Stop{Guard: GuardRecorded, Found: "not everything could be put back", Because: "run " + r.id + " stays open until it is", Next: e.Next}
		}
		return nil
	}
	if err := r.endPushes(ctx); err != nil {
		return err
	}
	if err := r.guardReachable(ctx); err != nil {
		return err
	}
	r.letGo.set(true)
	// What the secondary had queued must not follow it online (guard settle), and nothing may push by itself meanwhile.
	if err := r.setModes(ctx, manualMode); err != nil {
		return err
	}
	if err := r.guardOneSender(ctx, r.secondary, r.plan.Caches); err != nil {
		return err
	}
	if err := r.guardSettle(ctx); err != nil {
		return err
	}
	r.letGo.set(false)
	// The wait is long enough for a push to begin, and for the link to fail.
	//mutate:one-sender
	if err := r.guardOneSender(ctx, r.secondary, r.plan.Caches); err != nil {
		return err
	}
	//mutate:reachable
	if err := r.guardAlive(ctx, probeLimit); err != nil {
		return err
	}
	for _, s := range []*site{r.primary, r.secondary} {
		if err := r.restoreFlags(ctx, s); err != nil {
			return err
		}
	}
	r.did("", "flags of %d caches are as they were before run %s, on both sites", len(r.plan.Caches), r.id)
	if err := r.setModes(ctx, originalMode); err != nil {
		return err
	}
	for _, ref := range slices.Sorted(maps.Keys(r.plan.Secondary.StartCounts)) {
		count := r.originalInstances(ref, r.plan.Secondary.StartCounts[ref])
		if err := r.secondary.cluster.ScaleKeycloak(ctx, ref, count); err != nil {
			return fmt.Errorf("set %s of the %s to %d instances: %w", ref, r.secondary, count, err)
		}
		r.did(Secondary, "%s of site %s is set to %d instances; it starts without the sessions that were cleared", ref, r.secondary.name, count)
	}
	return r.forget(ctx, closedAborted)
}

// endPushes ends every push of the run and proves that none is left.
func (r *run) endPushes(ctx context.Context) error {
	if err := r.silenceSecondary(ctx); err != nil {
		return err
	}
	if err := r.setFlags(ctx, r.primary, r.plan.Caches, infinispan.FlagOffline); err != nil {
		return err
	}
	return eachCache(ctx, r.plan.Caches, r.endPush)
}

// abortFailed makes the primary independent of the other site when an abort ended half-way.
func (r *run) abortFailed(ctx context.Context, e *RunError) {
	if !r.journal.record.Cleared {
		e.State = append(e.State, r.report.Did...)
		e.DataAtRisk = "none: nothing was cleared on either site"
	} else {
		r.holdSafe(ctx, e)
	}
	e.Next = e.mended("run the same command again, or run the recovery again: run " + r.id + " is open still")
}
