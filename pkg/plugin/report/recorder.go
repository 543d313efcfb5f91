package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// Begin is what is known before a run begins.
type Begin struct {
	// Title, Command, Who, Reason, Tool and Platform are those of the Report.
	Title, Command, Who, Reason, Tool, Platform string
	// PrimaryContext and SecondaryContext are the kubeconfig contexts, which is all that is known of the sites at first.
	PrimaryContext, SecondaryContext string
	// Phases are those that a recovery goes through when nothing stops it; none for what is no recovery.
	Phases []xsite.Phase
}

// End is how a run ended.
type End struct {
	Outcome  string
	ExitCode int
	// Result is what the engine gave; the zero Result where it gave none.
	Result xsite.Result
	// Err is the error of the run, nil after success.
	Err error
	// Next is what to do now where the error does not say it.
	Next string
}

// Names of what happens outside of the engine's phases.
const (
	phaseQuestion = "confirmation"
	phaseAfter    = "after the failure"
	phaseBetween  = "between phases"
)

// betweenPhases says whether the name is none of the engine's.
func betweenPhases(name string) bool {
	return name == phaseQuestion || name == phaseAfter || name == phaseBetween
}

// Recorder makes a Report from the events of a run. It is safe for concurrent use.
type Recorder struct {
	now func() time.Time

	mu     sync.Mutex
	report api.Report
	ahead  []xsite.Phase
	// inPhase is true while an engine's phase goes on; last is the time of the last event.
	inPhase bool
	last    time.Time
	// question is when the question began to stand.
	question time.Time
}

// NewRecorder begins a Report at the time that now gives.
func NewRecorder(now func() time.Time, begin Begin) *Recorder {
	started := now()
	return &Recorder{now: now, ahead: begin.Phases, last: started, report: api.Report{
		Header: api.NewHeader(api.KindReport, pairOf(begin.PrimaryContext, begin.SecondaryContext)), Outcome: OutcomeUnfinished, Started: started.UTC(),
		Title: begin.Title, Command: begin.Command, Who: begin.Who, Reason: begin.Reason, Tool: begin.Tool, Platform: begin.Platform,
		State: []string{}, Warnings: []string{}, Remarks: []string{}, Caches: []api.ReportCache{}, Phases: []api.ReportPhase{},
		Primary:   api.ReportSite{Context: begin.PrimaryContext, Pods: []string{}, Keycloaks: []api.ReportKeycloak{}},
		Secondary: api.ReportSite{Context: begin.SecondaryContext, Pods: []string{}, Keycloaks: []api.ReportKeycloak{}},
	}}
}

// pairOf names a pair by its contexts, as what tells of no run is named.
func pairOf(primary, secondary string) string { return primary + "." + secondary }

// Observe implements xsite.Observer.
func (r *Recorder) Observe(e xsite.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := e.Kind == xsite.PhaseEnded && e.Err != nil // what was waited for did not come
	if e.Kind != xsite.Waiting && e.Kind != xsite.CacheProgress && !failed {
		r.endWait(e.Time)
	}
	switch e.Kind {
	case xsite.PhaseStarted:
		r.beginPhase(string(e.Phase), e.Time)
		r.inPhase = true
	case xsite.PhaseEnded:
		r.endPhase(e)
	case xsite.Planned:
		r.planned(*e.Plan)
	case xsite.CacheProgress:
		r.cache(e)
	case xsite.Waiting:
		r.waiting(e)
	case xsite.CheckPassed:
		r.step(e, KindCheck)
	case xsite.CheckWarned:
		r.step(e, KindCheck).Warning = true
		r.report.Warnings = append(r.report.Warnings, e.Message)
	case xsite.Changed:
		r.step(e, KindChange)
	default:
		r.step(e, KindNote)
	}
	r.last = e.Time
}

// Asked notes that the question stands, Answered that it does no more; err is nil when the plan was confirmed.
func (r *Recorder) Asked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.question = r.now()
	r.last = r.question
}

// Answered ends what Asked began.
func (r *Recorder) Answered(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = r.question
	step := r.step(xsite.Event{Time: r.now(), Message: "the plan was confirmed"}, KindCheck)
	if err != nil {
		step.Status, step.Text = api.ReportFailed, err.Error()
		r.present().Status = api.ReportFailed
	}
	r.last = r.now()
}

// Snapshot gives the Report as far as the run has come.
func (r *Recorder) Snapshot() api.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	var copied api.Report
	data, err := json.Marshal(r.report)
	if err == nil {
		err = json.Unmarshal(data, &copied)
	}
	if err != nil {
		panic(fmt.Sprintf("copy a report: %v", err)) // plain data has a JSON
	}
	copied.Written = r.now().UTC()
	if copied.Outcome == OutcomeUnfinished {
		copied.TookSeconds = api.SecondsOf(r.now().Sub(r.report.Started))
	}
	return copied
}

// present is the phase that steps belong to. Outside of the engine's phases it is what stands between them.
func (r *Recorder) present() *api.ReportPhase {
	phases := r.report.Phases
	name := phaseQuestion
	if len(phases) > 0 {
		last := &phases[len(phases)-1]
		switch {
		case r.inPhase || betweenPhases(last.Name):
			return last
		case last.Status == api.ReportFailed:
			name = phaseAfter
		case last.Name != string(xsite.PhasePreflight):
			name = phaseBetween
		}
	}
	return r.beginPhase(name, r.last)
}

// beginPhase appends a phase.
func (r *Recorder) beginPhase(name string, at time.Time) *api.ReportPhase {
	r.endBetween(at)
	at = at.UTC()
	status := api.ReportRunning
	if betweenPhases(name) {
		status = api.ReportPassed
	}
	r.report.Phases = append(r.report.Phases, api.ReportPhase{Name: name, Status: status, Started: &at, Steps: []api.ReportStep{}})
	return &r.report.Phases[len(r.report.Phases)-1]
}

// endBetween ends what stood between two phases of the engine.
func (r *Recorder) endBetween(at time.Time) {
	if n := len(r.report.Phases); n > 0 && !r.inPhase {
		if last := &r.report.Phases[n-1]; last.TookSeconds == 0 {
			last.TookSeconds = api.SecondsOf(at.Sub(*last.Started))
		}
	}
}

// endPhase ends the engine's phase with everything open in it.
func (r *Recorder) endPhase(e xsite.Event) {
	if !r.inPhase {
		return
	}
	phase := r.present()
	phase.Status = api.ReportPassed
	open := api.ReportPassed
	if e.Err != nil {
		phase.Status, open = api.ReportFailed, api.ReportCanceled
	}
	for i := range phase.Steps {
		if step := &phase.Steps[i]; step.Status == api.ReportRunning {
			step.Status = open
			step.TookSeconds = api.SecondsOf(e.Time.Sub(step.Started))
		}
	}
	if e.Err != nil {
		r.fail(e)
	}
	phase.TookSeconds = api.SecondsOf(e.Elapsed)
	r.inPhase = false
}

// fail adds the step that ended a phase.
func (r *Recorder) fail(e xsite.Event) {
	step := r.step(e, KindError)
	step.Status = api.ReportFailed
	step.Text = strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	if stop := stopOf(e.Err); stop != nil {
		step.Kind, step.Guard, step.Text = KindCheck, stop.Guard, stop.Found
	}
}

// step appends a step that is over: it took the time since the last event, since steps come one after the other.
func (r *Recorder) step(e xsite.Event, kind string) *api.ReportStep {
	phase := r.present()
	step := api.ReportStep{
		Kind: kind, Text: e.Message, Site: string(e.Role), Guard: string(e.Guard), Check: string(e.Check), Status: api.ReportPassed, Started: r.last.UTC(),
		TookSeconds: api.SecondsOf(e.Time.Sub(r.last)),
	}
	if kind == KindNote {
		step.Started, step.TookSeconds = e.Time.UTC(), 0
	}
	phase.Steps = append(phase.Steps, step)
	return &phase.Steps[len(phase.Steps)-1]
}

// waiting begins a wait, or goes on with one: the messages of one wait differ in the state that was last seen.
func (r *Recorder) waiting(e xsite.Event) {
	what, _, _ := strings.Cut(e.Message, ":")
	if open := r.openWait(); open != nil {
		if before, _, _ := strings.Cut(open.Text, ":"); before == what && open.Site == string(e.Role) {
			open.Text = e.Message
			open.TookSeconds = api.SecondsOf(e.Time.Sub(open.Started))
			return
		}
		r.endWait(e.Time)
	}
	step := r.step(e, KindWait)
	step.Status, step.Started, step.TookSeconds = api.ReportRunning, e.Time.UTC(), 0
}

// openWait is the wait that goes on, nil when there is none.
func (r *Recorder) openWait() *api.ReportStep {
	if len(r.report.Phases) == 0 {
		return nil
	}
	steps := r.report.Phases[len(r.report.Phases)-1].Steps
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].Kind == KindWait && steps[i].Status == api.ReportRunning {
			return &steps[i]
		}
	}
	return nil
}

// endWait ends the wait that goes on: something else happened.
func (r *Recorder) endWait(at time.Time) {
	if open := r.openWait(); open != nil {
		open.Status = api.ReportPassed
		open.TookSeconds = api.SecondsOf(at.Sub(open.Started))
		r.last = at
	}
}
