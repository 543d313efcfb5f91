package xsite

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// run is one execution of the procedure. Its phases share it; what a phase leaves for the next is plain data in it.
type run struct {
	opts      Options
	id        string
	primary   *site
	secondary *site
	plan      Plan
	result    Result

	journal *journal
	// keeper holds the leases of both sites, from before the first change on.
	keeper *keeper
	// seenLeases and seenJournals are what preflight saw, by role; the latter as id to version.
	seenLeases   map[Role]LeaseRecord
	seenJournals map[Role]map[string]string
	watch        *keycloakWatch
	// contenders are what else acts on the sites, by role; autoscaled are the Keycloaks that an autoscaler scales, by ref.
	contenders map[Role]Contenders
	autoscaled map[string]Autoscaler
	// configs are the configurations of all caches when the plan was made, by role and name.
	configs map[Role]map[string]infinispan.CacheConfig
	// proved is the census of the secondary at the moment its silence towards the primary was proved.
	proved identity
	// planned is the census of the primary when the plan was made, counted that when its entries were last counted; lost says
	// what it had lost by then.
	planned, counted identity
	lost             []string
	// clearedAt is when the last cache was cleared, for the settle guard.
	clearedAt time.Time
	// transfer is the work of the push phase, which verify goes on with.
	transfer *transfer
	// reached tells how far the changes went, which decides what a failure leaves behind.
	reached progress
	// emitting lets events out one at a time.
	emitting sync.Mutex
	// lastAlone is what the link was found to be from the primary alone.
	lastAlone lastAlone
	// ended counts pushes of others that were ended, or were to be.
	ended int
	// alone is true for work on the primary only: the secondary has a name and nothing else.
	alone bool
	// closing is how the run is closed when everything was put back.
	closing string
	// report is what a command beside the recovery did.
	report Report
	// letGo is true while the primary holds the secondary offline for every cache: what is waited for then does no harm.
	letGo lettingGo
	// closed is true once the run is over by its record: what it does behind that is housekeeping.
	closed bool
	// ending is true once the run failed: what is done then is done at once or not at all.
	ending bool
	phase  Phase
	// only is the phase that was asked for; empty for the whole run. next is the one that is next, already says that only was
	// done before.
	only, next Phase
	already    bool
	// unwatched says that nobody watched the secondary since its contents were proved.
	unwatched bool
	// checking is the check of preflight that is being made; empty in between.
	checking CheckID
	// probesLeft says which probe caches could not be deleted.
	probesLeft []string
	// unproved says of which servers of the primary it is not known that they let go of the secondary.
	unproved string
	// absent are the sites that a look could not connect to.
	absent map[Role]AbsentSite
}

// progress orders the points of a run that decide how a failure is handled.
type progress int

const (
	// nothingChanged: neither site was touched, or everything was put back.
	nothingChanged progress = iota
	// undoable: Keycloak, flags or modes were changed; all of it can be put back.
	undoable
	// clearing: a clear was sent; the stale data is gone or going, and only going on helps.
	clearing
	// verified: the contents of both sites were proved equal.
	verified
)

// stage couples a phase with what it does.
type stage struct {
	phase Phase
	do    func(*run, context.Context) error
}

// stages returns the phases that change something, in order; preflight comes before them and the confirmation between.
func stages() []stage {
	return []stage{
		{PhaseProbe, (*run).probe},
		{PhaseStop, (*run).stop},
		{PhaseOffline, (*run).offline},
		{PhaseClear, (*run).clear},
		{PhasePush, (*run).push},
		{PhaseVerify, (*run).verify},
		{PhaseOnline, (*run).online},
		{PhaseStart, (*run).start},
	}
}

// ahead returns the stages of this run. One that continues a run whose contents were proved clears and pushes nothing:
// it compares again and does what is left.
func (r *run) ahead() []stage {
	if !r.journal.record.Verified {
		return stages()
	}
	r.reached = verified
	left := []stage{{PhaseOnline, (*run).online}, {PhaseStart, (*run).start}}
	if r.onlyStarts() {
		return []stage{{PhaseVerify, (*run).verifyServing}, left[1]}
	}
	return append([]stage{{PhaseVerify, (*run).verifyAgain}}, left...)
}

// onlyStarts reports whether this run continues one that had proved the contents and begun to start Keycloak: it may be up,
// and may stay up.
func (r *run) onlyStarts() bool {
	return r.journal != nil && r.journal.found && r.journal.record.Verified && r.journal.record.Phase == PhaseStart
}

// newRun makes a run that has not begun.
func newRun(options Options) *run {
	options = options.withDefaults()
	r := &run{opts: options, id: newRunID(), closing: closedUndone}
	r.primary = newSite(Primary, patientCluster{fencedCluster{options.PrimaryCluster, fence{r, Primary}}, patience{r, Primary}})
	r.secondary = newSite(Secondary, patientCluster{fencedCluster{options.SecondaryCluster, fence{r, Secondary}}, patience{r, Secondary}})
	return r
}

// newRunID returns a name for a run, unlikely to be given twice.
func newRunID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(b[:])
}

// run goes through the phases and turns any failure into a RunError that says how both sites were left.
func (r *run) run(ctx context.Context) (Result, error) {
	began := r.opts.Clock.Now()
	defer r.giveBack(ctx)
	err := r.during(ctx, PhasePreflight, (*run).preflight)
	r.result.Plan = r.plan // as far as it was made
	if err != nil {
		return r.result, r.failed(ctx, err)
	}
	if r.over() {
		r.result.DryRun = r.opts.DryRun
		r.result.Took = r.opts.Clock.Now().Sub(began)
		return r.result, nil
	}
	asked := r.opts.Clock.Now()
	if err := r.opts.Confirm(ctx, r.plan); err != nil {
		return r.result, &RunError{Outcome: NotConfirmed, Phase: PhasePreflight, Err: err, Undone: true, State: []string{unchangedBoth}}
	}
	stood := r.opts.Clock.Now().Sub(asked)
	began = began.Add(stood)
	if stood > recheckAfter {
		if err := r.recheck(ctx); err != nil {
			return r.result, r.failed(ctx, err)
		}
	}

	if err := r.takeLeases(ctx); err != nil {
		return r.result, r.failed(ctx, err)
	}
	if r.journal.record.Cleared {
		r.reached = clearing // by the unfinished run that this one continues: there is nothing to go back to
	}
	defer func() { r.watch.end() }()
	stages := r.due()
	if err := r.standing(ctx); err != nil {
		return r.result, r.failed(ctx, err)
	}
	for _, stage := range stages {
		if err := r.during(ctx, stage.phase, stage.do); err != nil {
			return r.result, r.failed(ctx, err)
		}
	}
	r.result.Took = r.opts.Clock.Now().Sub(began)
	return r.result, nil
}

// giveBack releases the leases, whatever became of the run.
func (r *run) giveBack(ctx context.Context) {
	if err := r.safely(ctx, r.keeper.release); err != nil {
		r.noted("", "%s", oneLine(err))
	}
}

// during runs one phase between its events and notes how long it took.
func (r *run) during(ctx context.Context, phase Phase, do func(*run, context.Context) error) error {
	r.phase = phase
	began := r.opts.Clock.Now()
	r.emit(Event{Kind: PhaseStarted})
	err := ctx.Err()
	if err == nil {
		err = r.journal.entering(ctx, phase)
	}
	if err == nil {
		err = do(r, ctx)
	}
	if err == nil && phase != PhasePreflight { // which changes nothing, and holds no lease to write under
		err = r.journal.ended(ctx, phase)
	}
	took := r.opts.Clock.Now().Sub(began)
	r.result.Phases = append(r.result.Phases, PhaseTime{Phase: phase, Took: took})
	r.emit(Event{Kind: PhaseEnded, Elapsed: took, Err: err})
	return err
}

// emit completes an event and hands it to the observer.
func (r *run) emit(e Event) {
	r.emitting.Lock()
	defer r.emitting.Unlock()
	e.Time = r.opts.Clock.Now()
	e.Phase, e.Check = r.phase, r.checking
	r.opts.Observer.Observe(e)
}

// changed reports one change that was made and proved.
func (r *run) changed(role Role, format string, args ...any) {
	r.emit(Event{Kind: Changed, Role: role, Message: fmt.Sprintf(format, args...)})
}

// passed reports a check that passed.
func (r *run) passed(guard Guard, format string, args ...any) {
	r.emit(Event{Kind: CheckPassed, Guard: guard, Message: fmt.Sprintf(format, args...)})
}

// warned reports a finding that does not stop the run and keeps it for the plan.
func (r *run) warned(guard Guard, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	r.plan.Warnings = append(r.plan.Warnings, message)
	r.emit(Event{Kind: CheckWarned, Guard: guard, Message: message})
}

// noted reports a remark of importance.
func (r *run) noted(role Role, format string, args ...any) {
	r.emit(Event{Kind: Noted, Role: role, Message: fmt.Sprintf(format, args...)})
}

// cacheState reports the progress of one cache.
func (r *run) cacheState(state CacheState) {
	r.emit(Event{Kind: CacheProgress, Cache: state})
}
