package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// defaultCheckTimeout is how long one check may take where nothing else is said.
const defaultCheckTimeout = time.Minute

// CheckOptions is what a look at both sites is made of.
type CheckOptions struct {
	// Options are those of the recovery that would be checked for; Confirm and DryRun are not used.
	Options

	// Absent are the sites that could not be found or connected to, by role; their clusters are nil.
	Absent map[Role]AbsentSite
	// Connecting is how long it took to find the sites, and to fail to.
	Connecting time.Duration
	// Each is how long one check may take; 0 is a minute.
	Each time.Duration
}

// AbsentSite is a site that nothing can be asked of.
type AbsentSite struct {
	// Place is what is known of it, at least the context.
	Place Place
	// Err says why it could not be found or connected to.
	Err error
}

// CheckStatus is how a check ended.
type CheckStatus string

// The ends of a check, and of all checks together: of these, the worst.
const (
	CheckPass CheckStatus = "passed"
	CheckWarn CheckStatus = "warning"
	CheckFail CheckStatus = "failed"
	CheckSkip CheckStatus = "skipped"
)

// SkipReason is why a check was not made.
type SkipReason string

// The reasons. Of two that hold, the first is given.
const (
	// SkippedForFailure: a check failed that it needs.
	SkippedForFailure SkipReason = "failed-check"
	// SkippedForTime: the time for all checks ran out before it was made to its end.
	SkippedForTime SkipReason = "out-of-time"
	// SkippedForInterrupt: somebody interrupted before it was made to its end.
	SkippedForInterrupt SkipReason = "interrupted"
)

// skippedBy tells why what a context bounds was not done to its end.
func skippedBy(ctx context.Context) SkipReason {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return SkippedForTime
	}
	return SkippedForInterrupt
}

// CheckReport is what all checks found.
type CheckReport struct {
	Primary, Secondary CheckedSite
	// Checks are all checks, in the order in which they are made.
	Checks []CheckResult
	// Status is the worst of them; a check that was skipped counts for the one that it was skipped for.
	Status CheckStatus
	// Interrupted is the reason why not all checks were made; nil when they were.
	Interrupted error
	Took        time.Duration
}

// CheckedSite is one site as far as it was found.
type CheckedSite struct {
	Place Place
	// Name and Version are as its servers tell them; empty when they did not.
	Name, Version string
}

// CheckResult is what one check found.
type CheckResult struct {
	CheckInfo

	Status CheckStatus
	Took   time.Duration
	// Notes say what was found to be as it should, Warnings what should be known, Findings what failed.
	Notes, Warnings []string
	Findings        []CheckFinding
	// TimedOut is true when the check failed because it did not end in time.
	TimedOut bool
	// Skipped is why it was not made; empty when it was.
	Skipped SkipReason
	// Failed are the checks for whose failure this one was skipped; none when it was for another reason.
	Failed []CheckID
}

// Advice says what to do about a check as it ended, or why nothing need be done; empty when it passed.
func (c CheckResult) Advice() string {
	switch {
	case c.Status == CheckFail, c.Status == CheckWarn && c.Heed == "":
		return c.Hint
	case c.Status == CheckWarn:
		return c.Heed
	case c.Skipped == SkippedForFailure:
		return "see first to what failed; this is checked once that passes"
	case c.Skipped == SkippedForTime:
		return "check again, with a longer --timeout or without one"
	case c.Skipped == SkippedForInterrupt:
		return "check again"
	default:
		return ""
	}
}

// CheckFinding is one thing that a check found wrong.
type CheckFinding struct {
	// Guard is the rule that would be broken; empty when the check could not be made.
	Guard Guard
	Found string
	// Where, Because and Next are as in Stop; Next may be empty.
	Where, Because, Next string
}

// Check makes every check of preflight that can be made, and changes nothing. A check is skipped when one failed that it
// needs. What is found is in the report; there is no other error.
func Check(ctx context.Context, options CheckOptions) CheckReport {
	if options.Each == 0 {
		options.Each = defaultCheckTimeout
	}
	for role, absent := range options.Absent {
		if role == Primary {
			options.PrimaryCluster = absentCluster{place: absent.Place}
		} else {
			options.SecondaryCluster = absentCluster{place: absent.Place}
		}
	}
	r := newRun(options.Options)
	r.absent = options.Absent
	r.phase = PhasePreflight
	l := &lookout{run: r, connecting: options.Connecting, each: options.Each, observer: r.opts.Observer, blame: map[CheckID][]CheckID{}}
	r.opts.Observer = l
	began := r.opts.Clock.Now()
	for _, c := range checks() {
		l.make(ctx, c)
	}
	l.report.Took = options.Connecting + r.opts.Clock.Now().Sub(began)
	l.report.Primary, l.report.Secondary = r.primary.checked(), r.secondary.checked()
	if ctx.Err() != nil {
		l.report.Interrupted = context.Cause(ctx)
	}
	l.report.Status = worst(l.report.Checks)
	return l.report
}

// checked gives what is known of a site.
func (s *site) checked() CheckedSite {
	return CheckedSite{Place: s.place, Name: s.name, Version: s.version}
}

// absentCluster stands for a site that nothing can be asked of.
type absentCluster struct {
	Cluster

	place Place
}

// Place implements Cluster.
func (a absentCluster) Place() Place { return a.place }

// lookout makes checks one by one and keeps what each found.
type lookout struct {
	run              *run
	connecting, each time.Duration
	report           CheckReport
	// now is the result of the check that is being made; observer takes what is waited for meanwhile.
	now      *CheckResult
	observer Observer
	// blame maps checks that did not pass to those whose failure it goes back to.
	blame map[CheckID][]CheckID
}

// Observe implements Observer: what a check tells belongs to its result.
func (l *lookout) Observe(e Event) {
	switch e.Kind {
	case CheckPassed:
		l.now.Notes = append(l.now.Notes, e.Message)
	case CheckWarned:
		l.now.Warnings = append(l.now.Warnings, e.Message)
	default:
		l.observer.Observe(e)
	}
}

// make makes one check, or skips it.
func (l *lookout) make(ctx context.Context, c check) {
	result := CheckResult{CheckInfo: c.CheckInfo, Status: CheckPass}
	for _, need := range c.Needs {
		for _, failed := range l.blame[need] {
			if !slices.Contains(result.Failed, failed) {
				result.Failed = append(result.Failed, failed)
			}
		}
	}
	switch {
	case len(result.Failed) > 0:
		result.Status, result.Skipped, l.blame[c.ID] = CheckSkip, SkippedForFailure, result.Failed
	case c.ID == CheckSitesFound: // what it finds was found before, whatever ended since
		l.now = &result
		l.tellAbsent(ctx, c, &result)
	case ctx.Err() != nil:
		result.Status, result.Skipped = CheckSkip, skippedBy(ctx)
	default:
		l.now = &result
		l.try(ctx, c, &result)
	}
	l.report.Checks = append(l.report.Checks, result)
}

// tellAbsent makes the check of the sites that were connected to before. One that was not waited for to the end, since
// somebody interrupted, is no finding.
func (l *lookout) tellAbsent(ctx context.Context, c check, result *CheckResult) {
	result.Took = l.connecting
	err := c.do(l.run, ctx)
	switch {
	case err != nil:
		result.Status, result.Findings = CheckFail, findingsIn(err)
		result.TimedOut = errors.Is(err, context.DeadlineExceeded)
		l.blame[c.ID] = []CheckID{c.ID}
	case ctx.Err() != nil && len(l.run.absent) > 0:
		result.Status, result.Skipped = CheckSkip, skippedBy(ctx)
	}
}

// try makes one check within its time.
func (l *lookout) try(ctx context.Context, c check, result *CheckResult) {
	limit := l.each + c.waits
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := l.run.opts.Clock.Now()
	l.run.checking = c.ID
	err := c.do(l.run, within)
	l.run.checking = ""
	result.Took = l.run.opts.Clock.Now().Sub(began)
	switch {
	case err == nil && len(result.Warnings) > 0:
		result.Status = CheckWarn
	case err == nil:
	case ctx.Err() != nil:
		result.Status, result.Skipped = CheckSkip, skippedBy(ctx)
	default:
		result.Status, result.Findings = CheckFail, findingsIn(err)
		l.blame[c.ID] = []CheckID{c.ID}
		if result.TimedOut = within.Err() != nil; result.TimedOut {
			for i := range result.Findings {
				result.Findings[i].Found = strings.ReplaceAll(result.Findings[i].Found, context.DeadlineExceeded.Error(), "no answer in time")
			}
			result.Findings = slices.Insert(result.Findings, 0, CheckFinding{Found: fmt.Sprintf("the check did not end within %s", limit)})
		}
	}
}

// findingsIn takes joined errors apart: each of them is a finding.
func findingsIn(err error) []CheckFinding {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []CheckFinding
		for _, one := range joined.Unwrap() {
			all = append(all, findingsIn(one)...)
		}
		return all
	}
	stop, ok := errors.AsType[*Stop](err)
	if !ok {
		return []CheckFinding{{Found: oneLine(err)}}
	}
	found := stop.Found
	if stop.Err != nil {
		found += ": " + oneLine(stop.Err)
	}
	return []CheckFinding{{Guard: stop.Guard, Found: found, Where: stop.Where, Because: stop.Because, Next: stop.Next}}
}

// worst is the status of all checks together.
func worst(results []CheckResult) CheckStatus {
	status := CheckPass
	for _, result := range results {
		switch result.Status {
		case CheckFail:
			return CheckFail
		case CheckWarn:
			status = CheckWarn
		case CheckPass, CheckSkip:
		}
	}
	return status
}

// checkSitesFound: both sites are there to be asked. A recovery has connected to them before it begins.
func (r *run) checkSitesFound(ctx context.Context) error {
	var found []error
	for _, role := range []Role{Primary, Secondary} {
		absent, missing := r.absent[role]
		if !missing || brokenOff(ctx, absent.Err) {
			continue
		}
		found = append(found, fmt.Errorf("the %s (context %s) could not be connected to: %w", role, absent.Place.Context, absent.Err))
	}
	return errors.Join(found...)
}

// brokenOff tells that an error is nothing but the end of its context, and that this was no matter of time.
func brokenOff(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) && !errors.Is(err, context.DeadlineExceeded)
}
