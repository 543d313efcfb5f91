package plugin

import (
	"context"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// nextOf gives the phase that comes after one that was done.
func nextOf(phase xsite.Phase) xsite.Phase {
	return map[xsite.Phase]xsite.Phase{
		xsite.PhasePreflight: xsite.PhaseStop, xsite.PhaseProbe: xsite.PhaseStop, xsite.PhaseStop: xsite.PhaseOffline,
		xsite.PhaseOffline: xsite.PhaseClear, xsite.PhaseClear: xsite.PhasePush, xsite.PhasePush: xsite.PhaseOnline, xsite.PhaseOnline: xsite.PhaseStart,
	}[phase]
}

// confirmedPhase is an engine that asks and then has done the phase.
func confirmedPhase(ctx context.Context, phase xsite.Phase, options xsite.Options) (xsite.StepResult, error) {
	step := xsite.StepResult{
		Result: xsite.Result{Plan: samplePlan(), DryRun: options.DryRun}, Phase: phase, Next: nextOf(phase), Open: nextOf(phase) != "",
		Cleared: phase == xsite.PhaseClear || phase == xsite.PhasePush, Verified: phase == xsite.PhasePush || phase == xsite.PhaseOnline,
	}
	if options.DryRun || phase == xsite.PhasePreflight {
		step.Open, step.Plan.RunID = false, ""
		if options.DryRun {
			step.Next = phase
		}
		return step, nil
	}
	if err := options.Confirm(ctx, samplePlan()); err != nil {
		return xsite.StepResult{}, &xsite.RunError{Outcome: xsite.NotConfirmed, Phase: xsite.PhasePreflight, Err: err}
	}
	for _, done := range phase.With() {
		step.Phases = append(step.Phases, xsite.PhaseTime{Phase: done, Took: 1200e6})
		if done == xsite.PhaseVerify {
			step.Caches = sampleResult().Caches
			step.Remarks = sampleResult().Remarks
		}
	}
	return step, nil
}

func TestEachPhaseSaysHowBothSitesStandAndHowTheRunGoesOn(t *testing.T) {
	for _, phase := range []string{"preflight", "clear", "push", "start"} {
		t.Run(phase, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(pair("phase", phase, "--confirm", "site-b", "--max-pushes", "2")...); code != ExitDone {
				t.Fatalf("exit code %d: %s", code, r.err)
			}
			golden(t, "phase_"+phase, r.out.String())
		})
	}
}

func TestTheCommandsThatGoOnHaveTheFlagsThatTheyTake(t *testing.T) {
	r := newRig(t)
	args := pair("phase", "clear", "--confirm", "site-b", "--max-pushes", "2", "--transport", "exec", "--report", t.TempDir()+"/x.json", "-o", "json")
	if code := r.run(args...); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	p, ok := apitest.Valid(t, api.KindPhaseResult, r.out.String()).(*api.PhaseResult)
	if !ok {
		t.Fatal("no PhaseResult")
	}
	for command, want := range map[string]string{
		p.NextCommand:  "kubectl ispn-resync phase push --",
		p.RestCommand:  "kubectl ispn-resync --",
		p.AbortCommand: "kubectl ispn-resync abort --",
	} {
		if !strings.HasPrefix(command, want) || !strings.Contains(command, "--transport exec") || strings.Contains(command, "--report") {
			t.Errorf("%q should begin with %q and have the flags that count", command, want)
		}
	}
	if strings.Contains(p.AbortCommand, "--max-pushes") || !strings.HasSuffix(p.AbortCommand, " --discard-sessions") {
		t.Errorf("abort does not take this: %s", p.AbortCommand)
	}
	for _, command := range []string{p.NextCommand, p.RestCommand, p.AbortCommand} {
		again := newRig(t)
		if code := again.run(strings.Fields(strings.TrimPrefix(command, "kubectl ispn-resync"))...); code != ExitDone {
			t.Errorf("%s: exit code %d: %s", command, code, again.err)
		}
	}
}

func TestAPhaseOutOfOrderIsRefusedWithTheCodeOfARefusal(t *testing.T) {
	r := newRig(t)
	r.phase = func(context.Context, xsite.Phase, xsite.Options) (xsite.StepResult, error) {
		return xsite.StepResult{}, &xsite.RunError{
			Outcome: xsite.Refused, Phase: xsite.PhasePreflight, Undone: true, State: []string{nothingChanged},
			Err: &xsite.OrderError{Asked: xsite.PhasePush, Next: xsite.PhaseClear, RunID: "7f3a"},
		}
	}
	if code := r.run(pair("phase", "push")...); code != ExitRefused {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"phase push is not the next one: clear is (run 7f3a)", "next: kubectl ispn-resync phase clear", nothingChanged} {
		if !strings.Contains(r.err.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, r.err)
		}
	}
}

func TestAPhaseAsksAndSaysThatItDoesNoMore(t *testing.T) {
	r := newRig(t)
	if code := r.run(pair("phase", "push")...); code != ExitNotConfirmed {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	for _, want := range []string{"This command does only this of it: probe, push, verify.", "kubectl ispn-resync phase push --primary-context site-a"} {
		if !strings.Contains(strings.ReplaceAll(r.err.String(), "\n", " "), want) {
			t.Errorf("it does not say %q:\n%s", want, r.err)
		}
	}
}

func TestAPhaseThatWasDoneOrIsOnlyCheckedSaysSo(t *testing.T) {
	r := newRig(t)
	r.phase = func(_ context.Context, phase xsite.Phase, _ xsite.Options) (xsite.StepResult, error) {
		return xsite.StepResult{Result: xsite.Result{Plan: samplePlan()}, Phase: phase, Already: true, Open: true, Next: xsite.PhaseClear}, nil
	}
	if code := r.run(pair("phase", "stop")...); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	golden(t, "phase_already", r.out.String())
	r = newRig(t)
	if code := r.run(pair("phase", "stop", "--dry-run")...); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	if !strings.Contains(strings.ReplaceAll(r.out.String(), "\n", " "), "phase stop is in order. This was a dry run: "+nothingChanged) {
		t.Errorf("not said:\n%s", r.out)
	}
}

func TestAWrongPhaseIsWrongUse(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"none":     {nil, "name the phase"},
		"two":      {[]string{"stop", "clear"}, "one is done at a time"},
		"misspelt": {[]string{"cleer"}, "did you mean kubectl ispn-resync phase clear?"},
		"unknown":  {[]string{"wipe-everything"}, "there are: preflight, probe, stop"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(pair(append([]string{"phase"}, c.args...)...)...); code != ExitUsage || !strings.Contains(r.err.String(), c.want) {
				t.Errorf("exit code %d: %s", code, r.err)
			}
			if len(r.connected) > 0 {
				t.Error("a site was contacted")
			}
		})
	}
}

func TestAPhaseFlagsReachTheEngine(t *testing.T) {
	r := newRig(t)
	var got xsite.Options
	r.phase = func(ctx context.Context, phase xsite.Phase, options xsite.Options) (xsite.StepResult, error) {
		got = options
		return confirmedPhase(ctx, phase, options)
	}
	r.run(pair("phase", "stop", "--confirm", "site-b", "--cache", "sessions", "--accept", "primary-smaller", "--verify", "entries", "--reason", "outage")...)
	if len(got.Caches) != 1 || len(got.Accept) != 1 || got.Verify != xsite.VerifyEntries || got.Reason != "outage" || got.Who != "sam@desk" ||
		got.PrimaryCluster.Place().Context != "site-a" || got.SecondaryCluster.Place().Context != "site-b" {
		t.Errorf("%+v", got)
	}
}
