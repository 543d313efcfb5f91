package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// Bounds of what a teller does beside the run, which it must neither delay nor fail.
const (
	// tellQueue is how many happenings may wait; what comes when it is full is not told.
	tellQueue = 64
	// tellLimit bounds what is told of one happening, tellFlush what is left to tell when the run is over.
	tellLimit = 10 * time.Second
	tellFlush = 5 * time.Second
)

// resources are the Infinispan and the Keycloaks of a site, which Events can be left on.
type resources interface {
	Tell(ctx context.Context, h kube.Happening) error
}

// teller leaves the story of a run as Kubernetes Events on the resources of both sites. It is an observer of the run and
// works beside it, as well as it can.
type teller struct {
	who, reason string
	now         func() time.Time
	queue       chan kube.Happening
	stop        context.CancelFunc
	// done is closed when all was told that will be. What went wrong first stands in problem then.
	done    chan struct{}
	problem error

	plan xsite.Plan
	// step is the phase that is done by a command of its own; empty for a whole run.
	step xsite.Phase
	// begun is true once something may have been changed; before that there is nothing to tell. Nor is there without a plan,
	// as when abort removes nothing but a record.
	begun bool
	// aborted is true once the run is undone, which is told already.
	aborted bool
	dropped int
}

// newTeller begins to tell on the resources of the given sites.
func newTeller(ctx context.Context, who, reason string, now func() time.Time, sites ...resources) *teller {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &teller{who: who, reason: reason, now: now, queue: make(chan kube.Happening, tellQueue), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		for h := range t.queue {
			sites = t.tellAll(ctx, h, sites)
		}
	}()
	return t
}

// tellAll tells one happening on all sites and gives those that go on being told: one where the right lacks does not.
func (t *teller) tellAll(ctx context.Context, h kube.Happening, sites []resources) []resources {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	var left []resources
	for _, site := range sites {
		err := site.Tell(ctx, h)
		if _, forbidden := errors.AsType[*kube.ForbiddenError](err); forbidden {
			continue // a check has said so
		}
		if t.problem == nil {
			t.problem = err
		}
		left = append(left, site)
	}
	return left
}

// Observe implements xsite.Observer.
func (t *teller) Observe(e xsite.Event) {
	switch e.Kind {
	case xsite.Planned:
		t.plan = *e.Plan
	case xsite.PhaseStarted:
		t.phaseStarted(e)
	case xsite.PhaseEnded:
		t.phaseEnded(e)
	default:
	}
}

// phaseStarted tells that the run begins, and that the push does.
func (t *teller) phaseStarted(e xsite.Event) {
	if e.Phase == xsite.PhasePreflight || t.plan.RunID == "" {
		return
	}
	if !t.begun && e.Phase != xsite.PhaseAbort {
		text := fmt.Sprintf("%s is recovered from %s: its data is discarded and replaced", t.plan.Secondary.Name, t.plan.Primary.Name)
		if t.reason != "" {
			text += "; reason: " + t.reason
		}
		reason := "ResyncStarted"
		if t.step != "" {
			reason, text = "ResyncPhaseStarted", "phase "+string(t.step)+" begins: "+text
		}
		t.tell(e.Time, false, reason, text)
	}
	t.begun = true
	if e.Phase == xsite.PhasePush {
		t.tell(e.Time, false, "StateTransferStarted", fmt.Sprintf("%s sends %s in %s to %s", t.plan.Primary.Name,
			plural(t.plan.Primary.Entries, "entry"), plural(len(t.plan.Caches), "cache"), t.plan.Secondary.Name))
	}
}

// phaseEnded tells what a phase has come to.
func (t *teller) phaseEnded(e xsite.Event) {
	if !t.begun {
		return
	}
	p, s, caches := t.plan.Primary.Name, t.plan.Secondary.Name, plural(len(t.plan.Caches), "cache")
	if e.Err != nil {
		if e.Phase == xsite.PhasePush {
			t.tell(e.Time, true, "StateTransferFailed", fmt.Sprintf("%s could not send all of %s to %s", p, caches, s))
		}
		return
	}
	switch e.Phase {
	case xsite.PhaseStop:
		t.tell(e.Time, false, "KeycloakScaledDown", "Keycloak of "+s+" is stopped; no pod of it is left")
	case xsite.PhaseOffline:
		t.tell(e.Time, false, "SiteTakenOffline", fmt.Sprintf("%s and %s have taken each other offline for %s", p, s, caches))
	case xsite.PhaseClear:
		t.tell(e.Time, false, "CachesCleared", fmt.Sprintf("%s of %s cleared, %s discarded", caches, s, plural(t.plan.Secondary.Entries, "entry")))
	case xsite.PhasePush:
		t.tell(e.Time, false, "StateTransferCompleted", fmt.Sprintf("%s sent %s to %s, which is online there again", p, caches, s))
	case xsite.PhaseVerify:
		t.tell(e.Time, false, "ContentsVerified", fmt.Sprintf("the contents of %s were compared: %s holds what %s holds", caches, s, p))
	case xsite.PhaseOnline:
		t.tell(e.Time, false, "SiteBroughtOnline", fmt.Sprintf("%s has %s online again", s, p))
	case xsite.PhaseStart:
		t.tell(e.Time, false, "KeycloakStarted", "Keycloak of "+s+" is ready")
	case xsite.PhaseAbort:
		t.aborted = true
		t.tell(e.Time, false, "ResyncAborted", "what the recovery of "+s+" had changed is put back")
	default:
	}
}

// tell puts a happening into the queue, and does not wait.
func (t *teller) tell(at time.Time, warning bool, reason, text string) {
	h := kube.Happening{
		Reason: reason, Warning: warning, Time: at, Message: printable(fmt.Sprintf("%s (run %s by %s)", text, t.plan.RunID, t.who)),
	}
	select {
	case t.queue <- h:
	default:
		t.dropped++
	}
}

// endTelling ends a teller and says what could not be told; that much is worth a word, no more.
func (o *resyncOptions) endTelling(t *teller, err error) {
	if problem := t.end(err); problem != nil {
		o.warn("not all Kubernetes Events could be left on the resources: " + problem.Error())
	}
}

// end tells how the run ended, and waits for what is left to tell, but not for long. It returns what could not be told.
func (t *teller) end(err error) error {
	if t.begun && !t.aborted {
		t.tellEnd(err)
	}
	close(t.queue)
	late := time.AfterFunc(tellFlush, t.stop)
	<-t.done
	late.Stop()
	t.stop()
	if t.dropped > 0 && t.problem == nil {
		return fmt.Errorf("%d of them came too fast", t.dropped)
	}
	return t.problem
}

// tellEnd tells how a run ended that had begun.
func (t *teller) tellEnd(err error) {
	s := t.plan.Secondary.Name
	run, failed := errors.AsType[*xsite.RunError](err)
	switch {
	case err == nil && t.step != "" && t.step != xsite.PhaseStart:
		t.tell(t.now(), false, "ResyncPhaseCompleted", fmt.Sprintf("phase %s of the recovery of %s is done; the next is done by another command", t.step, s))
	case err == nil:
		t.tell(t.now(), false, "ResyncCompleted", fmt.Sprintf("%s holds the data of %s", s, t.plan.Primary.Name))
	case failed && run.Outcome == xsite.Interrupted:
		t.tell(t.now(), true, "ResyncInterrupted", "stopped in phase "+string(run.Phase)+": "+leftAs(run))
	case failed:
		t.tell(t.now(), true, "ResyncFailed", "failed in phase "+string(run.Phase)+": "+leftAs(run))
	default:
	}
}

// leftAs says in a word how a run that did not succeed left the sites.
func leftAs(run *xsite.RunError) string {
	switch {
	case run.Undone:
		return "everything that was changed is put back"
	case len(run.State) > 0:
		return run.State[0]
	default:
		return "the same command goes on"
	}
}
