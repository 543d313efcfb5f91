package plugin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/report"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// readReport reads a report in JSON, which must be valid by its schema.
func readReport(t *testing.T, path string) *api.Report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return apitest.Valid(t, api.KindReport, string(text)).(*api.Report)
}

func TestAReportIsWrittenHoweverTheRunEnds(t *testing.T) {
	failed := func(outcome xsite.Outcome) Engine {
		return func(_ context.Context, o xsite.Options) (xsite.Result, error) {
			o.Observer.Observe(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhasePreflight, Time: time.Now()})
			err := &xsite.Stop{Guard: xsite.GuardReachable, Found: "no view"}
			o.Observer.Observe(xsite.Event{Kind: xsite.PhaseEnded, Phase: xsite.PhasePreflight, Time: time.Now(), Err: err})
			return xsite.Result{Plan: samplePlan()}, &xsite.RunError{Outcome: outcome, Phase: xsite.PhasePreflight, Err: err, State: []string{"as it was"}}
		}
	}
	for name, c := range map[string]struct {
		args    []string
		engine  Engine
		refuse  error
		outcome string
		code    ExitCode
	}{
		"success":     {args: []string{"--confirm", "site-b"}, outcome: report.OutcomeSucceeded},
		"dry run":     {args: []string{"--dry-run"}, outcome: report.OutcomeChecked},
		"phase":       {args: []string{"phase", "clear", "--confirm", "site-b"}, outcome: report.OutcomePhaseDone},
		"last phase":  {args: []string{"phase", "start", "--confirm", "site-b"}, outcome: report.OutcomeSucceeded},
		"checks only": {args: []string{"phase", "preflight"}, outcome: report.OutcomeChecked},
		"refused":     {engine: failed(xsite.Refused), outcome: "refused", code: ExitRefused},
		"failed":      {engine: failed(xsite.Failed), outcome: "failed", code: ExitFailed},
		"interrupted": {engine: failed(xsite.Interrupted), outcome: "interrupted", code: ExitInterrupted},
		"unconfirmed": {args: []string{"--confirm", "site-a"}, outcome: "not-confirmed", code: ExitNotConfirmed},
		"unreachable": {refuse: errors.New("no route"), outcome: "refused", code: ExitRefused},
		"unexpected": {engine: func(context.Context, xsite.Options) (xsite.Result, error) {
			return xsite.Result{}, errors.New("strange")
		}, outcome: report.OutcomeUnexpected, code: ExitUnexpected},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir := newRig(t), t.TempDir()
			if c.engine != nil {
				r.engine = c.engine
			}
			if c.refuse != nil {
				r.refuse["site-a"] = c.refuse
			}
			var files []string
			args := append(pair(), c.args...)
			for _, ending := range report.Endings() {
				files = append(files, filepath.Join(dir, "x."+ending))
				args = append(args, "--report", files[len(files)-1])
			}
			if code := r.run(append(args, "--reason", "outage", "--primary-token", "c4n4ry")...); code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, r.err)
			}
			got := readReport(t, filepath.Join(dir, "x.json"))
			if got.Outcome != c.outcome || got.ExitCode == nil || *got.ExitCode != int(c.code) {
				t.Errorf("outcome %q with exit code %v, want %q with %d", got.Outcome, got.ExitCode, c.outcome, c.code)
			}
			if got.Who != "sam@desk" || got.Reason != "outage" || !strings.Contains(got.Command, "--primary-context site-a") || got.Primary.Context != "site-a" {
				t.Errorf("who, why and how: %+v", got)
			}
			if c.code != 0 && got.Error == "" {
				t.Error("it does not say why")
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), "c4n4ry") {
					t.Errorf("%s holds a token", file)
				}
				if !strings.Contains(r.err.String(), "report: "+file) {
					t.Errorf("not told of %s:\n%s", file, r.err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestTheReportOfARunThatCouldNotConnectNamesThePairAndSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		refuse        error
		silent        []string
		outcome, next string
	}{
		"no way there": {refuse: errors.New("no route"), outcome: "refused", next: "check that kubectl can reach the secondary"},
		"out of time":  {silent: []string{"site-b"}, outcome: "interrupted", next: "run the same command again"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, dir := newRig(t), t.TempDir()
				r.silent = c.silent
				if c.refuse != nil {
					r.refuse["site-b"] = c.refuse
				}
				r.run(pair("--timeout", "5s", "--report", filepath.Join(dir, "x.json"), "--report", filepath.Join(dir, "x.md"))...)
				if got := readReport(t, filepath.Join(dir, "x.json")); got.Metadata.Name != "site-a.site-b" || got.Outcome != c.outcome || !strings.Contains(got.Next, c.next) {
					t.Errorf("name %q, outcome %q, next %q", got.Metadata.Name, got.Outcome, got.Next)
				}
				text, err := os.ReadFile(filepath.Join(dir, "x.md"))
				if err != nil || strings.Contains(string(text), "| site-a.site-b |") {
					t.Errorf("the pair is told as a run, or %v:\n%s", err, text)
				}
			})
		})
	}
}

func TestAReportThatCannotBeWrittenIsWrongUse(t *testing.T) {
	for _, paths := range [][]string{{"x.txt"}, {"none/x.json"}, {"x.md", "x.md"}} {
		r := newRig(t)
		dir := t.TempDir()
		args := pair("--confirm", "site-b")
		for _, path := range paths {
			args = append(args, "--report", filepath.Join(dir, path))
		}
		if code := r.run(args...); code != ExitUsage || len(r.connected) > 0 {
			t.Errorf("%q: exit code %d, %d connections", paths, code, len(r.connected))
		}
	}
}

func TestARunWhoseReportIsMissingInTheEndIsNoSuccess(t *testing.T) {
	r, dir := newRig(t), filepath.Join(t.TempDir(), "sub")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	succeeds := r.engine
	r.engine = func(ctx context.Context, o xsite.Options) (xsite.Result, error) {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
		return succeeds(ctx, o)
	}
	code := r.run(pair("--confirm", "site-b", "--report", filepath.Join(dir, "x.md"))...)
	if code != ExitUnexpected || !strings.Contains(r.err.String(), "the run succeeded, but its report could not be written") {
		t.Errorf("exit code %d:\n%s", code, r.err)
	}
}

// TestAKilledRunLeavesAReport: what is in the file while the run goes on is what a kill leaves.
func TestAKilledRunLeavesAReport(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "x.json")
	r.engine = func(_ context.Context, o xsite.Options) (xsite.Result, error) {
		o.Observer.Observe(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhasePreflight, Time: time.Now()})
		for {
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), `"preflight"`) {
				break
			}
		}
		if now := readReport(t, path); now.Outcome != report.OutcomeUnfinished || now.Phases[0].Status != api.ReportRunning {
			t.Errorf("while it runs: %+v", now)
		}
		return sampleResult(), nil
	}
	if code := r.run(pair("--report", path)...); code != ExitDone {
		t.Errorf("exit code %d:\n%s", code, r.err)
	}
}

func TestASecondRunKeepsTheReportOfTheFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.md")
	for range 2 {
		r := newRig(t)
		if code := r.run(pair("--dry-run", "--report", path)...); code != ExitDone {
			t.Fatalf("exit code %d:\n%s", code, r.err)
		}
	}
	for _, want := range []string{"x.md", "x.1.md"} {
		if _, err := os.Stat(filepath.Join(dir, want)); err != nil {
			t.Error(err)
		}
	}
}

func TestAnAbortIsReportedToo(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "x.json")
	if code := r.run(append([]string{"abort"}, pair("--confirm", "site-b", "--report", path)...)...); code != ExitDone {
		t.Fatalf("exit code %d:\n%s", code, r.err)
	}
	if got := readReport(t, path); got.Outcome != report.OutcomeSucceeded || got.Title != "Going back from the recovery" || !strings.Contains(got.Command, " abort ") {
		t.Errorf("%+v", got)
	}
}
