package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// brokenOffChecks is a report of checks that ended after the third, for a reason.
func brokenOffChecks(reason xsite.SkipReason, cause error) xsite.CheckReport {
	report := allPassed()
	report.Interrupted = cause
	for i := range report.Checks[3:] {
		c := &report.Checks[3+i]
		c.Status, c.Took, c.Skipped = xsite.CheckSkip, 0, reason
	}
	return report
}

// awayChecks is a report of a pair whose secondary could not be connected to.
func awayChecks() xsite.CheckReport {
	report := allPassed()
	report.Status = xsite.CheckFail
	report.Checks[0].Status, report.Checks[0].Findings = xsite.CheckFail, []xsite.CheckFinding{{Found: "no answer"}}
	for i := range report.Checks[1:] {
		c := &report.Checks[1+i]
		c.Status, c.Took, c.Skipped, c.Failed = xsite.CheckSkip, 0, xsite.SkippedForFailure, []xsite.CheckID{xsite.CheckSitesFound}
	}
	return report
}

// checkedText is the text of a report at 80 columns.
func checkedText(report xsite.CheckReport, short, wide bool) string {
	return checkReportText(checkReportObject(report, "site-a.site-b", short), view{columns: 80, wide: wide})
}

func TestShortFoldsWhatWasSkippedIntoALineForEachReason(t *testing.T) {
	text := checkedText(awayChecks(), true, false)
	if !strings.Contains(text, "\nskipped\nskip 27 checks, because sites-found failed\n") || strings.Count(text, "skip ") != 1 || strings.Count(text, "\n") > 20 {
		t.Errorf("a site that is away:\n%s", text)
	}
	text = checkedText(sampleChecks(), true, false)
	for _, want := range []string{"skip 5 checks, because caches failed\n", "skip 2 checks, because keycloak failed\n", "skip 2 checks, because caches and keycloak failed\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("does not say %q:\n%s", want, text)
		}
	}
	if strings.Count(text, "skip ") != 3 {
		t.Errorf("lists what was skipped:\n%s", text)
	}
	if text := checkedText(awayChecks(), true, true); !strings.Contains(strings.Join(strings.Fields(text), " "), "failed permissions, servers-answer, site-names, ") {
		t.Errorf("the ids are not to be had:\n%s", text)
	}
}

func TestWithoutShortEveryCheckThatWasSkippedIsListed(t *testing.T) {
	if text := checkedText(awayChecks(), false, false); strings.Count(text, "\nskip [") != len(xsite.Checks())-1 {
		t.Errorf("folded:\n%s", text)
	}
}

func TestASkippedCheckTellsWhetherTimeRanOutOrSomebodyInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		report             xsite.CheckReport
		because, do, other string
	}{
		"time":         {brokenOffChecks(xsite.SkippedForTime, errors.New("the run took longer than --timeout 5s")), "the time of --timeout ran out", "check again, with a longer --timeout or without one.", "interrupted\n"},
		"an interrupt": {brokenOffChecks(xsite.SkippedForInterrupt, errors.New("stopped by signal: interrupt")), "the checks were interrupted", "check again.", "--timeout"},
		"a failure":    {awayChecks(), "sites-found failed", "see first to what failed; this is checked once that passes.", "--timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			skipped := 0
			for _, check := range checkReportObject(c.report, "site-a.site-b", false).Checks {
				if check.Status != string(xsite.CheckSkip) {
					continue
				}
				skipped++
				if check.TimedOut || (check.Skipped == string(xsite.SkippedForFailure)) != (len(check.SkippedFor) > 0) {
					t.Errorf("%s: %+v", check.ID, check)
				}
			}
			for _, short := range []bool{false, true} {
				text := checkedText(c.report, short, false)
				want := skipped
				if short {
					want = 1
				}
				if strings.Count(text, "because "+c.because+"\n") != want || strings.Count(text, "\nWhat was skipped: "+c.do+"\n") != 1 {
					t.Errorf("does not say %q of %d and %q once:\n%s", c.because, skipped, c.do, text)
				}
				if told, _, _ := strings.Cut(text, "\nNot all checks"); strings.Contains(told, "because "+c.other) {
					t.Errorf("says %q:\n%s", c.other, text)
				}
			}
		})
	}
}

func TestWhateverDidNotPassSaysWhatToDoAndWhereToReadOfIt(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile(`(?m)^(WARN|FAIL|skip) \[([a-z-]+)\] `)
	for _, status := range []xsite.CheckStatus{xsite.CheckWarn, xsite.CheckFail, xsite.CheckSkip} {
		report := allPassed()
		for i := range report.Checks {
			c := &report.Checks[i]
			c.Status = status
			switch status {
			case xsite.CheckWarn:
				c.Warnings = []string{"something"}
			case xsite.CheckFail:
				c.Findings = []xsite.CheckFinding{{Found: "something"}}
			case xsite.CheckSkip:
				c.Skipped = xsite.SkippedForTime
			case xsite.CheckPass:
			}
		}
		object := checkReportObject(report, "site-a.site-b", false)
		for _, check := range object.Checks {
			if check.Hint == "" || strings.ContainsAny(check.Hint, "\n.") {
				t.Errorf("%s: the hint of a check that ended as %s is %q", check.ID, status, check.Hint)
			}
		}
		text := checkReportText(object, view{columns: 80})
		var ids []string
		for _, found := range marked.FindAllStringSubmatch(text, -1) {
			ids = append(ids, found[2])
			if !strings.Contains(string(page), "\n## "+found[2]+"\n") {
				t.Errorf("docs/checks.md has no section %s", found[2])
			}
		}
		if len(ids) != len(xsite.Checks()) {
			t.Errorf("%s: the ids are %v in\n%s", status, ids, text)
		}
		if hints := strings.Count(text, "     hint: "); status != xsite.CheckSkip && hints != len(ids) {
			t.Errorf("%s: %d hints in\n%s", status, hints, text)
		}
		wantNarrow(t, text)
	}
}

// wantNarrow fails when a line but an address is wider than a terminal of 80 columns.
func wantNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if width(strings.TrimSuffix(line, "\n")) > 80 && !strings.HasPrefix(strings.TrimSpace(line), "see https://") {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

func TestAWarningIsNotToldWhatToDoAboutAFailure(t *testing.T) {
	report := allPassed()
	i := slices.IndexFunc(report.Checks, func(c xsite.CheckResult) bool { return c.ID == xsite.CheckUnfinishedRun })
	report.Checks[i].Status, report.Checks[i].Warnings = xsite.CheckWarn, []string{"continuing run 7f3a"}
	var warned api.CheckContent
	for _, check := range checkReportObject(report, "site-a.site-b", true).Checks {
		warned = check
	}
	if warned.Hint == report.Checks[i].Hint || !strings.HasPrefix(warned.Hint, "nothing: a recovery with these contexts continues that run") {
		t.Errorf("says %q", warned.Hint)
	}
}
