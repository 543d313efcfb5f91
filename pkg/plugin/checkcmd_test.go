package plugin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// sampleChecks is a report with everything that one can have, and what a terminal would obey.
func sampleChecks() xsite.CheckReport {
	report := xsite.CheckReport{
		Primary:   xsite.CheckedSite{Place: samplePlan().Primary.Place, Name: "site-a", Version: "15.0.21.Final"},
		Secondary: xsite.CheckedSite{Place: xsite.Place{Context: "site-b"}},
		Status:    xsite.CheckFail, Took: 1400 * time.Millisecond,
	}
	for _, info := range xsite.Checks() {
		c := xsite.CheckResult{CheckInfo: info, Status: xsite.CheckPass, Took: 120 * time.Millisecond}
		switch info.ID {
		case xsite.CheckSameVersion:
			c.Status, c.Warnings = xsite.CheckWarn, []string{"the sites run different versions of Infinispan: 15.0.21.Final and \x1b[31m16"}
		case xsite.CheckSitesView:
			c.Notes = []string{"sites site-a and site-b see each other"}
		case xsite.CheckCaches:
			c.Status = xsite.CheckFail
			c.Findings = []xsite.CheckFinding{
				{Guard: xsite.GuardChecksFirst, Found: "cache work of site site-a does not exist on site site-b", Where: "cache work of the secondary", Because: "a push reports OK with nothing sent (V57)", Next: "create the cache alike on both sites"},
				{Guard: xsite.GuardQuiet, Found: "caches that Keycloak does not know: orders", Next: "add --all-caches"},
			}
		case xsite.CheckKeycloak:
			c.Status, c.TimedOut, c.Took = xsite.CheckFail, true, time.Minute
			c.Findings = []xsite.CheckFinding{{Found: "the check did not end within 1m0s"}, {Found: "read Keycloak of the primary: no answer in time"}}
		default:
			for _, before := range report.Checks {
				switch {
				case !slices.Contains(info.Needs, before.ID):
				case before.Status == xsite.CheckFail:
					c.Failed = append(c.Failed, before.ID)
				default:
					c.Failed = append(c.Failed, before.Failed...)
				}
			}
			if len(c.Failed) > 0 {
				slices.Sort(c.Failed)
				c.Status, c.Took, c.Skipped, c.Failed = xsite.CheckSkip, 0, xsite.SkippedForFailure, slices.Compact(c.Failed)
			}
		}
		report.Checks = append(report.Checks, c)
	}
	return report
}

// checks makes the rig's checks end in a report.
func (r *rig) checks(report xsite.CheckReport) *rig {
	r.check = func(context.Context, xsite.CheckOptions) xsite.CheckReport { return report }
	return r
}

// allPassed is a report without a finding.
func allPassed() xsite.CheckReport {
	report := sampleChecks()
	report.Status, report.Secondary = xsite.CheckPass, report.Primary
	for i := range report.Checks {
		report.Checks[i] = xsite.CheckResult{CheckInfo: report.Checks[i].CheckInfo, Status: xsite.CheckPass, Took: time.Second}
	}
	return report
}

func TestTheChecksAreListed(t *testing.T) {
	report := checkReportObject(sampleChecks(), "site-a.site-b", false)
	for name, c := range map[string]struct {
		object *api.CheckReport
		view   view
	}{
		"check":       {report, view{columns: 80}},
		"check_wide":  {report, view{columns: 120, wide: true}},
		"check_utf8":  {report, view{columns: 80, terminal: true, colour: true, utf8: true}},
		"check_short": {checkReportObject(sampleChecks(), "site-a.site-b", true), view{columns: 60}},
	} {
		golden(t, name, checkReportText(c.object, c.view))
	}
}

func TestEveryEndOfTheChecksHasItsExitCode(t *testing.T) {
	warned, broken := allPassed(), allPassed()
	warned.Status, warned.Checks[0].Status = xsite.CheckWarn, xsite.CheckWarn
	broken.Interrupted = errors.New("stopped by signal: interrupt")
	for name, c := range map[string]struct {
		report xsite.CheckReport
		args   []string
		want   ExitCode
		status string
	}{
		"all passed":                     {allPassed(), nil, ExitDone, "passed"},
		"all passed, warnings count":     {allPassed(), []string{"--fail-on=warning"}, ExitDone, "passed"},
		"a warning":                      {warned, nil, ExitDone, "warning"},
		"a warning that counts":          {warned, []string{"--fail-on=warning"}, ExitWarned, "warning"},
		"a failure":                      {sampleChecks(), nil, ExitRefused, "failed"},
		"a failure where warnings count": {sampleChecks(), []string{"--fail-on=warning"}, ExitRefused, "failed"},
		"interrupted":                    {broken, nil, ExitInterrupted, "interrupted"},
		"no threshold that is known":     {allPassed(), []string{"--fail-on=skipped"}, ExitUsage, ""},
		"no time":                        {allPassed(), []string{"--check-timeout=0s"}, ExitUsage, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).checks(c.report)
			if code := r.run(append(append([]string{"check", "-o", "json"}, pair()...), c.args...)...); code != c.want {
				t.Fatalf("exit code %d, want %d\n%s%s", code, c.want, r.out, r.err)
			}
			if c.want == ExitUsage {
				return
			}
			report, ok := apitest.Valid(t, api.KindCheckReport, r.out.String()).(*api.CheckReport)
			if !ok || report.Status != c.status || r.err.String() != "" {
				t.Errorf("status %q, and on the error stream %q", report.Status, r.err)
			}
		})
	}
}

func TestShortLeavesOutWhatPassedAndStillCountsIt(t *testing.T) {
	r := newRig(t).checks(sampleChecks())
	r.run(append([]string{"check", "--short", "-o", "json"}, pair()...)...)
	report, ok := apitest.Valid(t, api.KindCheckReport, r.out.String()).(*api.CheckReport)
	if !ok || report.Counts.Passed == 0 || len(report.Checks) != report.Counts.Warning+report.Counts.Failed+report.Counts.Skipped {
		t.Errorf("%+v", report)
	}
	for _, c := range report.Checks {
		if c.Status == "passed" {
			t.Errorf("%s passed and is listed", c.ID)
		}
	}
}

func TestTheNamesOfChecksAreListed(t *testing.T) {
	r := newRig(t).checks(sampleChecks())
	r.run(append([]string{"check", "-o", "name"}, pair()...)...)
	if lines := strings.Split(strings.TrimSpace(r.out.String()), "\n"); len(lines) != len(xsite.Checks()) || lines[0] != "check.ispn-resync.io/sites-found" {
		t.Errorf("got %q", r.out)
	}
}

func TestWhatTheEngineIsAskedToCheckIsWhatARecoveryWouldDo(t *testing.T) {
	r := newRig(t)
	var asked xsite.CheckOptions
	r.check = func(_ context.Context, o xsite.CheckOptions) xsite.CheckReport { asked = o; return allPassed() }
	r.run(append([]string{
		"check", "--accept", "primary-smaller", "--cache", "sessions", "--all-caches", "--linked", "site-b", "--keycloak-instances", "2",
		"--secondary-keycloak", "none", "--cancel-stale-push", "--check-timeout", "7s", "--no-primary-lease",
	}, pair()...)...)
	if len(asked.Accept) != 1 || len(asked.Caches) != 1 || !asked.AllCaches || asked.Linked != "site-b" || *asked.KeycloakInstances != 2 ||
		!asked.NoKeycloak || !asked.CancelStalePush || asked.Each != 7*time.Second || !asked.NoPrimaryLease || asked.PrimaryCluster == nil || len(asked.Absent) > 0 {
		t.Errorf("asked for %+v", asked)
	}
}

func TestASiteThatCannotBeConnectedToIsAFindingOfTheChecks(t *testing.T) {
	for name, c := range map[string]struct {
		refuse map[string]error
		silent []string
		absent map[xsite.Role]string
	}{
		"a secondary that is silent": {nil, []string{"site-b"}, map[xsite.Role]string{xsite.Secondary: "no answer within 300ms"}},
		"the secondary":              {map[string]error{"site-b": errors.New("no route")}, nil, map[xsite.Role]string{xsite.Secondary: "no route"}},
		"both": {
			map[string]error{"site-a": errors.New("no login"), "site-b": errors.New("no route")},
			nil,
			map[xsite.Role]string{xsite.Primary: "no login", xsite.Secondary: "no route"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.refuse, r.silent = c.refuse, c.silent
			r.check = func(_ context.Context, o xsite.CheckOptions) xsite.CheckReport {
				if len(o.Absent) != len(c.absent) {
					t.Errorf("absent: %v", o.Absent)
				}
				for role, want := range c.absent {
					if got := o.Absent[role]; got.Err == nil || got.Err.Error() != want || got.Place.Context == "" {
						t.Errorf("the %s: %+v", role, got)
					}
				}
				return sampleChecks()
			}
			if code := r.run(append([]string{"check", "--check-timeout", "300ms"}, pair()...)...); code != ExitRefused || r.err.String() != "" {
				t.Errorf("exit code %d\n%s", code, r.err)
			}
			if len(r.closed) != 2-len(c.refuse)-len(c.silent) {
				t.Errorf("closed %v", r.closed)
			}
		})
	}
	r := newRig(t)
	r.refuse["site-b"] = &kube.RefError{Flag: "--infinispan", Value: "x/y", Problem: "unknown type"}
	if code := r.run(append([]string{"check"}, pair()...)...); code != ExitUsage {
		t.Errorf("a mistake on the command line: exit code %d\n%s", code, r.err)
	}
}

func TestMarksAreASCIIWhereTheLocaleSaysNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		env      map[string]string
		terminal bool
		want     bool
	}{
		"UTF-8":               {map[string]string{"LANG": "en_GB.UTF-8"}, true, true},
		"utf8":                {map[string]string{"LC_CTYPE": "C.utf8"}, true, true},
		"C over UTF-8":        {map[string]string{"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, true, false},
		"no locale":           {nil, true, false},
		"no terminal":         {map[string]string{"LANG": "en_GB.UTF-8"}, false, false},
		"a terminal too dumb": {map[string]string{"LANG": "en_GB.UTF-8", "TERM": "dumb"}, true, false},
	} {
		out := &buffer{}
		deps := Deps{LookupEnv: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }, Terminal: fakeTerminal{}}
		if c.terminal {
			deps.Terminal = fakeTerminal{streams: []any{out}, columns: 80}
		}
		if got := screenOf(deps, out).utf8; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
