package report

import (
	"errors"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// End completes the Report. What comes after it is not taken in.
func (r *Recorder) End(end End) api.Report {
	r.mu.Lock()
	now := r.now()
	r.endWait(now)
	r.endBetween(now)
	r.report.Outcome, r.report.ExitCode = end.Outcome, &end.ExitCode
	r.report.TookSeconds = api.SecondsOf(now.Sub(r.report.Started))
	r.ended(end, now)
	r.mu.Unlock()
	return r.Snapshot()
}

// ended takes in how the run ended.
func (r *Recorder) ended(end End, now time.Time) {
	report := &r.report
	if end.Result.Plan.Primary.Name != "" && report.Primary.Name == "" { // preflight did not come to its end
		r.fromPlan(end.Result.Plan)
	}
	if end.Err != nil {
		r.explain(end)
	}
	report.Remarks = append(report.Remarks, end.Result.Remarks...)
	for i := range end.Result.Caches {
		result := &end.Result.Caches[i]
		for j := range report.Caches {
			if c := &report.Caches[j]; c.Name == result.Name {
				c.Compared, c.Missing, c.Extra = string(result.Compared), result.Missing, result.Extra
				c.Pushes = max(c.Pushes, result.Pushes)
			}
		}
	}
	for i := range report.Phases {
		phase := &report.Phases[i]
		if phase.Status == api.ReportFailed && end.Outcome == string(xsite.Interrupted) {
			phase.Status = api.ReportCanceled
			phase.Steps[len(phase.Steps)-1].Status = api.ReportCanceled
		}
	}
	for _, name := range r.ahead {
		if !slices.ContainsFunc(report.Phases, func(p api.ReportPhase) bool { return p.Name == string(name) }) {
			report.Phases = append(report.Phases, api.ReportPhase{Name: string(name), Status: api.ReportSkipped, Steps: []api.ReportStep{}})
		}
	}
	r.last = now
}

// explain takes in why a run did not succeed, and how it left both sites.
func (r *Recorder) explain(end End) {
	r.report.Error, r.report.Stop, r.report.Next = end.Err.Error(), stopOf(end.Err), end.Next
	run, ok := errors.AsType[*xsite.RunError](end.Err)
	if !ok {
		return
	}
	if run.Err != nil {
		r.report.Error = run.Err.Error()
	}
	r.report.State = append(r.report.State, run.State...)
	r.report.DataAtRisk = run.DataAtRisk
	if run.Next != "" {
		r.report.Next = run.Next
	}
}

// stopOf gives what the guard said that ended a run, nil when none did.
func stopOf(err error) *api.Stop {
	stop, ok := errors.AsType[*xsite.Stop](err)
	if !ok {
		return nil
	}
	return &api.Stop{Guard: string(stop.Guard), Found: stop.Found, Where: stop.Where, Why: stop.Because, Next: stop.Next}
}
