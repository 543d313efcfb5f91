package plugin

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// What the engine tells, in the form in which it is published.

// planContent publishes a plan, whose contents will be compared in a way.
func planContent(plan xsite.Plan, verify xsite.Verification) api.PlanContent {
	content := api.PlanContent{
		RunID: plan.RunID, Primary: planSite(plan.Primary), Secondary: planSite(plan.Secondary),
		Caches: []api.PlanCache{}, LeftAlone: []api.LeftAlone{},
		Verify: string(verify), SettleSeconds: api.SecondsOf(plan.Settle), Warnings: list(plan.Warnings),
		Estimate: api.Estimate{DowntimeSeconds: api.SecondsOf(plan.Estimate.Downtime), PushSeconds: api.SecondsOf(plan.Estimate.Push)},
	}
	for _, c := range plan.Caches {
		content.Caches = append(content.Caches, api.PlanCache{
			Name: c.Name, SecondaryName: c.RemoteName, Strategy: string(c.Strategy), ChunkSize: c.ChunkSize, Bounded: c.Bounded,
			PrimaryEntries: c.PrimaryEntries, SecondaryEntries: c.SecondaryEntries,
		})
	}
	for _, push := range plan.StalePushes {
		content.StalePushes = append(content.StalePushes, api.StalePush{From: string(push.From), Cache: push.Cache, To: push.To})
	}
	for _, name := range slices.Sorted(maps.Keys(plan.LeftAlone)) {
		content.LeftAlone = append(content.LeftAlone, api.LeftAlone{Cache: name, Reason: plan.LeftAlone[name]})
	}
	return content
}

// planSite publishes one site of a plan.
func planSite(site xsite.SitePlan) api.PlanSite {
	s := api.PlanSite{
		Name: site.Name, Place: place(site.Place), Version: site.Version, Entries: site.Entries,
		Pods: []string{}, Keycloaks: []api.Keycloak{},
	}
	for _, pod := range site.Pods {
		s.Pods = append(s.Pods, pod.Name)
	}
	for _, k := range site.Keycloaks {
		one := keycloak(k)
		if start, ok := site.StartCounts[k.Ref]; ok {
			one.StartWith = &start
		}
		s.Keycloaks = append(s.Keycloaks, one)
	}
	return s
}

// place publishes where a site lives.
func place(p xsite.Place) api.Place {
	return api.Place{Context: p.Context, Server: p.Server, Namespace: p.Namespace, Infinispan: p.Infinispan}
}

// keycloak publishes a Keycloak.
func keycloak(k xsite.Keycloak) api.Keycloak {
	return api.Keycloak{Ref: k.Ref, Namespace: k.Namespace, Instances: k.Instances, ReadyPods: k.ReadyPods, Recorded: k.Recorded}
}

// planObject is what a dry run writes. Without an open run it is named after the pair.
func planObject(plan xsite.Plan, pair string, verify xsite.Verification) *api.Plan {
	return &api.Plan{Header: api.NewHeader(api.KindPlan, cmp.Or(plan.RunID, pair)), PlanContent: planContent(plan, verify)}
}

// resultObject is what a recovery writes.
func resultObject(result xsite.Result, verify xsite.Verification) *api.Result {
	r := &api.Result{
		Header: api.NewHeader(api.KindResult, result.Plan.RunID), Plan: planContent(result.Plan, verify),
		Phases: []api.PhaseTime{}, Caches: []api.CacheResult{},
		TookSeconds: api.SecondsOf(result.Took), Remarks: list(result.Remarks),
		LeftToDo: []string{
			"Aurora and Route 53: nothing, the procedure does not touch them.",
			"Load balancer: put " + result.Plan.Secondary.Name + " back if it was taken out.",
			"Lifespans: nothing, but those of the entries on " + result.Plan.Secondary.Name +
				" began anew with the push, so they expire there a little later than on " + result.Plan.Primary.Name + ".",
		},
	}
	for _, phase := range result.Phases {
		r.Phases = append(r.Phases, api.PhaseTime{Phase: string(phase.Phase), TookSeconds: api.SecondsOf(phase.Took)})
	}
	for _, c := range result.Caches {
		r.Caches = append(r.Caches, api.CacheResult{
			Name: c.Name, Discarded: c.Discarded, PrimaryEntries: c.PrimaryEntries, SecondaryEntries: c.SecondaryEntries,
			Compared: string(c.Compared), Extra: c.Extra, Pushes: c.Pushes, PushTookSeconds: api.SecondsOf(c.PushTook),
		})
	}
	return r
}

// failureObject publishes the error of a command.
func failureObject(err error) *api.Failure {
	code := CodeOf(err)
	f := &api.Failure{
		Header: api.NewHeader(api.KindFailure, "failure"), Outcome: outcomeOfCode(code), ExitCode: int(code), State: []string{}, Error: err.Error(),
		NothingChanged: slices.Contains([]ExitCode{ExitUsage, ExitRefused, ExitNotConfirmed, ExitHeld}, code),
	}
	if stop, ok := errors.AsType[*xsite.Stop](err); ok {
		f.Stop = &api.Stop{Guard: string(stop.Guard), Found: stop.Found, Where: stop.Where, Why: stop.Because, Next: stop.Next}
		if stop.Err != nil {
			f.Stop.Found += ": " + stop.Err.Error()
		}
	}
	if len(connectErrors(err)) > 0 && code != ExitUsage {
		f.Next, f.NothingChanged = nextAfterConnecting(err), true
	}
	run, ok := errors.AsType[*xsite.RunError](err)
	if !ok {
		f.Undone = f.NothingChanged
		return f
	}
	f.Outcome, f.Phase, f.State, f.DataAtRisk, f.Next, f.Error = string(run.Outcome), string(run.Phase), list(run.State), run.DataAtRisk, run.Next, ""
	if run.Err != nil {
		f.Error = run.Err.Error()
	}
	f.NothingChanged = f.NothingChanged || slices.Contains(run.State, nothingChanged)
	f.Undone = run.Undone || f.NothingChanged
	unchanged := run.Outcome == xsite.Refused || run.Outcome == xsite.Held || run.Outcome == xsite.NotConfirmed
	if again, ok := errors.AsType[*failure](err); ok && f.Next == "" && !unchanged {
		f.Next = "to go on: " + again.again
	}
	return f
}

// outcomeOfCode names the end of a command that was no run.
func outcomeOfCode(code ExitCode) string {
	switch code {
	case ExitUsage:
		return api.OutcomeUsage
	case ExitRefused:
		return api.OutcomeRefused
	case ExitNotConfirmed:
		return api.OutcomeNotConfirmed
	case ExitInterrupted:
		return string(xsite.Interrupted)
	default:
		return api.OutcomeUnexpected
	}
}

// historyObject publishes the runs of a pair.
func historyObject(runs []xsite.PastRun, name string) *api.History {
	h := &api.History{Header: api.NewHeader(api.KindHistory, name), Runs: []api.RunContent{}}
	for _, run := range runs {
		h.Runs = append(h.Runs, runContent(run))
	}
	return h
}

// runContent publishes one run.
func runContent(run xsite.PastRun) api.RunContent {
	end := run.Closed
	switch {
	case run.Unreadable != "" && run.Who == "":
		end = api.EndUnreadable
	case end == "":
		end = api.EndUnfinished
	}
	var caches []api.RunCache
	for _, c := range run.Caches {
		caches = append(caches, api.RunCache{
			Name: c.Name, Cleared: c.Cleared, Pushed: c.Pushed, Verified: c.Verified, Nodes: c.Nodes,
			PrimaryOriginal:   api.RunBackup{OtherSite: string(c.Original.PrimaryHoldsSecondary), Mode: string(c.Original.PrimaryMode)},
			SecondaryOriginal: api.RunBackup{OtherSite: string(c.Original.SecondaryHoldsPrimary), Mode: string(c.Original.SecondaryMode)},
		})
	}
	return api.RunContent{
		Caches: caches, Ended: string(run.Ended), Cleared: run.Cleared, Verified: run.Verified, Leaked: run.Leaked,
		KeycloakInstances: run.KeycloakInstances,
		RunID:             run.RunID, Started: run.Started, Updated: run.Updated, Who: run.Who, Reason: run.Reason, Tool: run.Tool,
		Kept: run.Kept, Discarded: run.Discarded, Phase: string(run.Phase), End: end, Unreadable: run.Unreadable, Contexts: list(run.Contexts),
	}
}

// list gives a list that is not nil, so that it is [] in JSON.
func list(items []string) []string { return append([]string{}, items...) }

// checkReportObject publishes what all checks found; short leaves out those that passed.
func checkReportObject(report xsite.CheckReport, name string, short bool) *api.CheckReport {
	o := &api.CheckReport{
		Header: api.NewHeader(api.KindCheckReport, name), Status: string(report.Status),
		Primary: checkSite(report.Primary), Secondary: checkSite(report.Secondary),
		Short: short, Checks: []api.CheckContent{}, TookSeconds: api.SecondsOf(report.Took),
	}
	if report.Interrupted != nil {
		o.Interrupted = report.Interrupted.Error()
		if report.Status != xsite.CheckFail {
			o.Status = api.StatusInterrupted
		}
	}
	for _, check := range report.Checks {
		switch check.Status {
		case xsite.CheckPass:
			o.Counts.Passed++
		case xsite.CheckWarn:
			o.Counts.Warning++
		case xsite.CheckFail:
			o.Counts.Failed++
		case xsite.CheckSkip:
			o.Counts.Skipped++
		}
		if !short || check.Status != xsite.CheckPass {
			o.Checks = append(o.Checks, checkContent(check))
		}
	}
	return o
}

// checkSite publishes a site as far as it was found.
func checkSite(site xsite.CheckedSite) api.CheckSite {
	return api.CheckSite{Name: site.Name, Version: site.Version, Place: place(site.Place)}
}

// checkContent publishes one check.
func checkContent(check xsite.CheckResult) api.CheckContent {
	c := api.CheckContent{
		ID: string(check.ID), Group: string(check.Group), Title: check.Title, Guard: string(check.Guard), Status: string(check.Status),
		TookSeconds: api.SecondsOf(check.Took), TimedOut: check.TimedOut, Notes: list(check.Notes), Warnings: list(check.Warnings),
		Findings: []api.CheckFinding{}, Skipped: string(check.Skipped), SkippedFor: []string{}, Hint: check.Advice(), Doc: version.Get().Page(check.Doc()),
	}
	for _, failed := range check.Failed {
		c.SkippedFor = append(c.SkippedFor, string(failed))
	}
	for _, f := range check.Findings {
		c.Findings = append(c.Findings, api.CheckFinding{Guard: string(f.Guard), Found: f.Found, Where: f.Where, Why: f.Because, Next: f.Next})
	}
	return c
}
