package plugin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// hearer is a site's resources: it hears what is told.
type hearer struct {
	mu    sync.Mutex
	heard []kube.Happening
	// answer is what it answers, after hang.
	answer error
	hang   time.Duration
}

func (h *hearer) Tell(ctx context.Context, what kube.Happening) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, what)
	if h.hang > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(h.hang):
		}
	}
	return h.answer
}

// reasons are those of what was heard, with a mark at the warnings.
func (h *hearer) reasons() []string {
	var all []string
	for _, what := range h.heard {
		reason := what.Reason
		if what.Warning {
			reason += "!"
		}
		all = append(all, reason)
	}
	return all
}

// go through phases, the last of which fails with err.
func through(o xsite.Observer, err error, phases ...xsite.Phase) {
	plan := samplePlan()
	for i, phase := range phases {
		o.Observe(xsite.Event{Time: time.Now(), Kind: xsite.PhaseStarted, Phase: phase})
		if phase == xsite.PhasePreflight {
			o.Observe(xsite.Event{Time: time.Now(), Kind: xsite.Planned, Phase: phase, Plan: &plan})
		}
		end := xsite.Event{Time: time.Now(), Kind: xsite.PhaseEnded, Phase: phase}
		if i == len(phases)-1 {
			end.Err = err
		}
		o.Observe(end)
	}
}

func TestTheStoryIsToldOnTheResourcesOfBothSites(t *testing.T) {
	all, failed := xsite.Phases(), errors.New("the link broke")
	for name, c := range map[string]struct {
		phases []xsite.Phase
		err    error
		want   []string
		step   xsite.Phase
	}{
		"success": {phases: all, want: []string{
			"ResyncStarted", "KeycloakScaledDown", "SiteTakenOffline", "CachesCleared", "StateTransferStarted", "StateTransferCompleted",
			"ContentsVerified", "SiteBroughtOnline", "KeycloakStarted", "ResyncCompleted",
		}},
		"failure": {phases: all[:6], err: &xsite.RunError{Outcome: xsite.Failed, Phase: xsite.PhasePush, Err: failed}, want: []string{
			"ResyncStarted", "KeycloakScaledDown", "SiteTakenOffline", "CachesCleared", "StateTransferStarted", "StateTransferFailed!", "ResyncFailed!",
		}},
		"interruption": {phases: all[:3], err: &xsite.RunError{Outcome: xsite.Interrupted, Phase: xsite.PhaseStop, Undone: true, Err: failed}, want: []string{
			"ResyncStarted", "ResyncInterrupted!",
		}},
		"a phase": {step: xsite.PhaseClear, phases: xsite.PhaseClear.With(), want: []string{"ResyncPhaseStarted", "CachesCleared", "ResyncPhaseCompleted"}},
		"the last phase": {step: xsite.PhaseStart, phases: xsite.PhaseStart.With(), want: []string{
			"ResyncPhaseStarted", "ContentsVerified", "KeycloakStarted", "ResyncCompleted",
		}},
		"a phase that fails": {
			step: xsite.PhaseStop, phases: xsite.PhaseStop.With(), err: &xsite.RunError{Outcome: xsite.Failed, Phase: xsite.PhaseStop, Err: failed},
			want: []string{"ResyncPhaseStarted", "ResyncFailed!"},
		},
		"a phase that was done already": {step: xsite.PhaseStop, phases: all[:1]},
		"abort":                         {phases: []xsite.Phase{xsite.PhasePreflight, xsite.PhaseAbort}, want: []string{"ResyncAborted"}},
		"removal of a record":           {phases: []xsite.Phase{xsite.PhaseAbort}},
		"refusal":                       {phases: all[:1], err: &xsite.RunError{Outcome: xsite.Refused, Phase: xsite.PhasePreflight, Err: failed}},
		"dry run":                       {phases: all[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			var a, b hearer
			teller := newTeller(t.Context(), "sam@desk", "outage", time.Now, &a, &b)
			teller.step = c.step
			through(teller, c.err, c.phases...)
			if err := teller.end(c.err); err != nil {
				t.Error(err)
			}
			for _, site := range []*hearer{&a, &b} {
				if got := site.reasons(); !slices.Equal(got, c.want) {
					t.Errorf("heard %q, want %q", got, c.want)
				}
				for _, what := range site.heard {
					if !strings.Contains(what.Message, "(run 7f3a by sam@desk)") || what.Time.IsZero() {
						t.Errorf("%+v does not say who", what)
					}
				}
			}
		})
	}
}

func TestASiteThatDoesNotHearNeitherDelaysNorFailsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf, well := &hearer{hang: time.Hour}, &hearer{}
		teller := newTeller(t.Context(), "sam@desk", "", time.Now, well, deaf)
		began := time.Now()
		for range 10 {
			through(teller, nil, xsite.Phases()...)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the run was delayed by %s", took)
		}
		if err := teller.end(nil); err == nil {
			t.Error("nothing is said of what could not be told")
		}
		if took := time.Since(began); took > tellFlush {
			t.Errorf("the end came after %s", took)
		}
		if len(well.heard) == 0 {
			t.Error("the other site heard nothing")
		}
	})
}

func TestASiteWithoutTheRightIsAskedOnceAndNotMentioned(t *testing.T) {
	mute, well := &hearer{answer: &kube.ForbiddenError{Verb: "create", Resource: "events"}}, &hearer{}
	teller := newTeller(t.Context(), "sam@desk", "", time.Now, mute, well)
	through(teller, nil, xsite.Phases()...)
	if err := teller.end(nil); err != nil {
		t.Errorf("said again what a check has said: %v", err)
	}
	if len(mute.heard) != 1 || len(well.heard) != 10 {
		t.Errorf("told %d times without the right, %d times with it", len(mute.heard), len(well.heard))
	}
}
