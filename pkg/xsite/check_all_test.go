package xsite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// check looks at both sites once, as a process of its own.
func (p *pair) check(t *testing.T, changes ...func(*xsite.CheckOptions)) xsite.CheckReport {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	proc := &process{pair: p, interrupt: cancel}
	options := xsite.CheckOptions{Options: xsite.Options{PrimaryCluster: seat{p.a, proc}, SecondaryCluster: seat{p.b, proc}, Clock: proc}}
	for _, change := range changes {
		change(&options)
	}
	return xsite.Check(ctx, options)
}

// ended lists the checks that ended in a way.
func ended(report xsite.CheckReport, as xsite.CheckStatus) []xsite.CheckID {
	var ids []xsite.CheckID
	for _, c := range report.Checks {
		if c.Status == as {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// result gives the result of a check.
func result(t *testing.T, report xsite.CheckReport, id xsite.CheckID) xsite.CheckResult {
	t.Helper()
	i := slices.IndexFunc(report.Checks, func(c xsite.CheckResult) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no result of check %s", id)
	}
	return report.Checks[i]
}

// builtOn lists the checks that need one of these, directly or not.
func builtOn(failed ...xsite.CheckID) []xsite.CheckID {
	var skipped []xsite.CheckID
	for _, c := range xsite.Checks() {
		if slices.ContainsFunc(c.Needs, func(need xsite.CheckID) bool { return slices.Contains(failed, need) || slices.Contains(skipped, need) }) {
			skipped = append(skipped, c.ID)
		}
	}
	return skipped
}

func TestEveryCheckOfAHealthyPairPasses(t *testing.T) {
	p := newPair(t)
	before := p.image()
	report := p.check(t)
	if report.Status != xsite.CheckPass || len(ended(report, xsite.CheckPass)) != len(xsite.Checks()) {
		t.Errorf("%s: %+v", report.Status, report.Checks)
	}
	if report.Primary.Name != siteA || report.Secondary.Name != siteB || report.Secondary.Version == "" || report.Interrupted != nil {
		t.Errorf("does not know the sites: %+v", report)
	}
	if notes := result(t, report, xsite.CheckSitesView).Notes; len(notes) != 1 || !strings.Contains(notes[0], "see each other") {
		t.Errorf("says of the view: %v", notes)
	}
	p.wantUntouched(t, before)
}

// A check and a recovery make the same checks: what the one finds first ends the other.
func TestACheckFindsWhatARecoveryRefuses(t *testing.T) {
	for name, refused := range refusals() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			refused.prepare(p)
			before := p.image()
			report := p.check(t, func(o *xsite.CheckOptions) {
				if refused.options != nil {
					refused.options(&o.Options)
				}
			})
			failed := ended(report, xsite.CheckFail)
			if report.Status != xsite.CheckFail || len(failed) == 0 {
				t.Fatalf("%s: %+v", report.Status, report.Checks)
			}
			first := result(t, report, failed[0])
			if first.Findings[0].Guard != refused.guard || first.Findings[0].Next == "" || !strings.Contains(first.Findings[0].Found, refused.words) {
				t.Errorf("check %s found %+v, want guard %s", first.ID, first.Findings, refused.guard)
			}
			if skipped := ended(report, xsite.CheckSkip); !slices.Equal(skipped, builtOn(failed...)) {
				t.Errorf("%v failed, skipped %v, want %v", failed, skipped, builtOn(failed...))
			}
			p.wantUntouched(t, before)
		})
	}
}

// Whichever check fails, all that do not need it are made, and those that do name it.
func TestOnlyWhatNeedsAFailedCheckIsSkipped(t *testing.T) {
	const secret = "no answer for now"
	for id, fails := range map[xsite.CheckID]occasion{
		xsite.CheckPermissions:      {site: siteB, method: "Access"},
		xsite.CheckServersAnswer:    {site: siteA, method: "Info"},
		xsite.CheckOtherRuns:        {site: siteB, method: "Lease"},
		xsite.CheckUnfinishedRun:    {site: siteA, method: "Journals"},
		xsite.CheckInfinispanHealth: {site: siteB, method: "Health"},
		xsite.CheckCaches:           {site: siteB, method: "CacheConfig"},
		xsite.CheckCacheFlags:       {site: siteA, method: "NodeFlags"},
		xsite.CheckPushes:           {site: siteA, method: "PushStatus"},
		xsite.CheckEntries:          {site: siteB, method: "Size"},
		xsite.CheckKeycloak:         {site: siteA, method: "Keycloaks"},
	} {
		t.Run(string(id), func(t *testing.T) {
			p := newPair(t)
			p.before(fails, func() error { return errors.New(secret) })
			report := p.check(t)
			if failed := ended(report, xsite.CheckFail); !slices.Equal(failed, []xsite.CheckID{id}) {
				t.Errorf("failed: %v", failed)
			}
			if skipped := ended(report, xsite.CheckSkip); !slices.Equal(skipped, builtOn(id)) {
				t.Errorf("skipped: %v, want %v", skipped, builtOn(id))
			}
			for _, skipped := range builtOn(id) {
				if got := result(t, report, skipped); !slices.Equal(got.Failed, []xsite.CheckID{id}) || got.Skipped != xsite.SkippedForFailure {
					t.Errorf("%s was skipped for %v: %s", skipped, got.Failed, got.Skipped)
				}
			}
			if found := result(t, report, id).Findings; len(found) != 1 || found[0].Guard != "" || !strings.Contains(found[0].Found, secret) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

func TestWhatShouldBeKnownIsAWarning(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*pair)
		change  func(*xsite.CheckOptions)
		id      xsite.CheckID
		words   string
	}{
		"two versions":              {func(p *pair) { p.b.version = "15.2.6.Final" }, nil, xsite.CheckSameVersion, "different versions"},
		"a bounded cache":           {func(p *pair) { p.a.caches["work"].config.MaxCount = 1000 }, nil, xsite.CheckCaches, "bounded"},
		"a push to be ended":        {func(p *pair) { p.a.caches["work"].status[1] = infinispan.PushSending }, func(o *xsite.CheckOptions) { o.CancelStalePush = true }, xsite.CheckPushes, "will be ended"},
		"an accepted sign":          {func(p *pair) { p.a.keycloaks[0].instances, p.a.keycloaks[0].pods = 0, nil }, func(o *xsite.CheckOptions) { o.Accept = xsite.Signs() }, xsite.CheckRoles, "accepted"},
		"a right it can do without": {func(p *pair) { p.a.access = append(p.a.access, xsite.Access{Verb: "list", Resource: "caches"}) }, nil, xsite.CheckPermissions, "may not list caches"},
		"a lease that was left": {func(p *pair) {
			p.b.lease = xsite.LeaseRecord{Version: "1", Holder: "x", Run: "7f3a", Who: "kim@desk", Duration: 45 * time.Second}
		}, nil, xsite.CheckOtherRuns, "kim@desk"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.prepare(p)
			var changes []func(*xsite.CheckOptions)
			if c.change != nil {
				changes = append(changes, c.change)
			}
			report := p.check(t, changes...)
			warned := ended(report, xsite.CheckWarn)
			if report.Status != xsite.CheckWarn || !slices.Equal(warned, []xsite.CheckID{c.id}) {
				t.Fatalf("%s, warnings of %v: %+v", report.Status, warned, report.Checks)
			}
			got := result(t, report, c.id)
			if !strings.Contains(strings.Join(got.Warnings, "\n"), c.words) {
				t.Errorf("says %v", got.Warnings)
			}
			if got.Advice() == "" || c.id != xsite.CheckSameVersion && got.Advice() == got.Hint {
				t.Errorf("what to do about the warning: %q", got.Advice())
			}
		})
	}
}

func TestAnUnfinishedRunIsAWarningOfItsCheck(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteA, method: "StartPush"}, func() error { return errFake })
	if _, err := p.recover(t); err == nil {
		t.Fatal("the run did not fail")
	}
	p.hooks = nil
	report := p.check(t)
	if got := result(t, report, xsite.CheckUnfinishedRun); got.Status != xsite.CheckWarn || !strings.Contains(got.Warnings[0], "did not finish") {
		t.Errorf("the unfinished run: %+v", got)
	}
}

func TestACheckThatDoesNotEndInTimeSaysSo(t *testing.T) {
	p := newPair(t)
	report := p.check(t, func(o *xsite.CheckOptions) { o.Each = time.Nanosecond })
	got := result(t, report, xsite.CheckServersAnswer)
	if got.Status != xsite.CheckFail || !got.TimedOut || !strings.Contains(got.Findings[0].Found, "did not end within 1ns") {
		t.Errorf("the check that took too long: %+v", got)
	}
	if len(got.Findings) < 2 {
		t.Errorf("does not say what was waited for: %+v", got.Findings)
	}
	for _, found := range got.Findings {
		if strings.Contains(found.Found, "context deadline") {
			t.Errorf("tells it in words of the library: %s", found.Found)
		}
	}
	if report.Interrupted != nil {
		t.Errorf("interrupted by %v", report.Interrupted)
	}
}

func TestALookThatEndsEarlyTellsWhatItFoundUntilThenAndWhatEndedIt(t *testing.T) {
	for name, c := range map[string]struct {
		cause error
		want  xsite.SkipReason
	}{
		"somebody interrupts": {errFake, xsite.SkippedForInterrupt},
		"the time runs out":   {fmt.Errorf("longer than --timeout: %w", context.DeadlineExceeded), xsite.SkippedForTime},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			p.before(occasion{site: siteA, method: "CacheNames"}, func() error { cancel(c.cause); return errFake })
			proc := &process{pair: p, interrupt: cancel}
			report := xsite.Check(ctx, xsite.CheckOptions{Options: xsite.Options{PrimaryCluster: seat{p.a, proc}, SecondaryCluster: seat{p.b, proc}, Clock: proc}})
			if !errors.Is(report.Interrupted, c.cause) {
				t.Errorf("interrupted by %v", report.Interrupted)
			}
			for id, what := range map[xsite.CheckID]string{xsite.CheckCaches: "the check that was broken off", xsite.CheckKeycloak: "a check after it"} {
				if got := result(t, report, id); got.Status != xsite.CheckSkip || got.Skipped != c.want || len(got.Failed) > 0 || got.TimedOut {
					t.Errorf("%s: %+v", what, got)
				}
			}
			if got := result(t, report, xsite.CheckInfinispanHealth); got.Status != xsite.CheckPass || got.Skipped != "" || got.Advice() != "" {
				t.Errorf("a check before it: %+v", got)
			}
		})
	}
}

func TestASiteThatIsNotFoundFailsTheFirstCheck(t *testing.T) {
	p := newPair(t)
	report := p.check(t, func(o *xsite.CheckOptions) {
		o.SecondaryCluster = nil
		o.Absent = map[xsite.Role]xsite.AbsentSite{xsite.Secondary: {Place: xsite.Place{Context: "elsewhere"}, Err: errors.New("no route")}}
	})
	got := result(t, report, xsite.CheckSitesFound)
	if got.Status != xsite.CheckFail || len(got.Findings) != 1 || !strings.Contains(got.Findings[0].Found, "secondary (context elsewhere) could not be connected to: no route") {
		t.Errorf("found %+v", got)
	}
	if skipped := ended(report, xsite.CheckSkip); !slices.Equal(skipped, builtOn(xsite.CheckSitesFound)) {
		t.Errorf("skipped %v", skipped)
	}
}

func TestASiteThatDidNotAnswerIsNamedThoughTheLookHasEnded(t *testing.T) {
	signal := errors.New("stopped by signal: interrupt")
	for name, c := range map[string]struct {
		cause  error
		status xsite.CheckStatus
	}{
		"out of time": {context.DeadlineExceeded, xsite.CheckFail},
		"interrupted": {signal, xsite.CheckSkip},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(c.cause)
			proc := &process{pair: p, interrupt: cancel}
			report := xsite.Check(ctx, xsite.CheckOptions{
				Options:    xsite.Options{PrimaryCluster: seat{p.a, proc}, Clock: proc},
				Absent:     map[xsite.Role]xsite.AbsentSite{xsite.Secondary: {Place: xsite.Place{Context: "elsewhere"}, Err: c.cause}},
				Connecting: 3 * time.Second,
			})
			got := result(t, report, xsite.CheckSitesFound)
			if skipped := c.status == xsite.CheckSkip; skipped != (got.Skipped == xsite.SkippedForInterrupt) {
				t.Errorf("skipped: %q", got.Skipped)
			}
			if got.Status != c.status || got.TimedOut != (c.status == xsite.CheckFail) || got.Took != 3*time.Second || report.Took < got.Took {
				t.Errorf("all took %s: %+v", report.Took, got)
			}
			if !errors.Is(report.Interrupted, c.cause) {
				t.Errorf("interrupted by %v", report.Interrupted)
			}
		})
	}
}
