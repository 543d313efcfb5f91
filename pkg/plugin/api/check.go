package api

import "k8s.io/apimachinery/pkg/runtime"

// The kinds of CheckReport and Check.
const (
	KindCheckReport = "CheckReport"
	KindCheck       = "Check"
)

// CheckReport is what the checks of both sites found. Nothing was changed.
type CheckReport struct {
	Header `json:",inline"`

	// Status is the worst of all checks: passed, warning or failed; interrupted when not all were made and none failed.
	Status string `json:"status" jsonschema:"enum=passed,enum=warning,enum=failed,enum=interrupted"`
	// Primary is the site whose data a recovery keeps.
	Primary CheckSite `json:"primary"`
	// Secondary is the site whose data a recovery discards.
	Secondary CheckSite `json:"secondary"`
	// Counts are the numbers of checks by how they ended, also of those that are not listed.
	Counts CheckCounts `json:"counts"`
	// Interrupted says why not all checks were made; absent when they were.
	Interrupted string `json:"interrupted,omitempty"`
	// Short is true with --short; absent otherwise.
	Short bool `json:"short,omitempty"`
	// Checks are the checks in the order in which they are made; with --short only those that did not pass.
	Checks []CheckContent `json:"checks"`
	// TookSeconds is how long all of them took.
	TookSeconds Seconds `json:"tookSeconds"`
}

// DeepCopyObject implements runtime.Object.
func (c *CheckReport) DeepCopyObject() runtime.Object { return deepCopy(c) }

// Each implements Lister.
func (c *CheckReport) Each() []Object {
	checks := make([]Object, 0, len(c.Checks))
	for _, one := range c.Checks {
		checks = append(checks, &Check{Header: NewHeader(KindCheck, one.ID), CheckContent: one})
	}
	return checks
}

// CheckSite is a site as far as it was found.
type CheckSite struct {
	// Name is the site's name as its Infinispan servers tell it; empty when they did not.
	Name string `json:"name"`
	// Version is the version of its Infinispan servers; empty when they did not tell.
	Version string `json:"version"`
	// Place is where it is.
	Place Place `json:"place"`
}

// CheckCounts are numbers of checks.
type CheckCounts struct {
	// Passed is how many passed without a warning.
	Passed int `json:"passed"`
	// Warning is how many passed with a warning.
	Warning int `json:"warning"`
	// Failed is how many failed.
	Failed int `json:"failed"`
	// Skipped is how many were not made.
	Skipped int `json:"skipped"`
}

// Check is one check with what it found.
type Check struct {
	Header       `json:",inline"`
	CheckContent `json:",inline"`
}

// DeepCopyObject implements runtime.Object.
func (c *Check) DeepCopyObject() runtime.Object { return deepCopy(c) }

// CheckContent is what one check found.
type CheckContent struct {
	// ID names the check.
	ID string `json:"id"`
	// Group is what it is about.
	Group string `json:"group"`
	// Title is a statement that is true when it passed.
	Title string `json:"title"`
	// Guard is the rule that it is a part of.
	Guard string `json:"guard"`
	// Status is how it ended.
	Status string `json:"status" jsonschema:"enum=passed,enum=warning,enum=failed,enum=skipped"`
	// TookSeconds is how long it took, or took until it was broken off; 0 when it was not begun.
	TookSeconds Seconds `json:"tookSeconds"`
	// TimedOut is true when it failed because it did not end in the time of one check; false when it was skipped.
	TimedOut bool `json:"timedOut"`
	// Notes say what was found to be as it should.
	Notes []string `json:"notes"`
	// Warnings say what should be known.
	Warnings []string `json:"warnings"`
	// Findings are what failed.
	Findings []CheckFinding `json:"findings"`
	// Skipped is why it was not made: a check failed that it needs, the time for all checks ran out, or somebody interrupted;
	// absent when it was made.
	Skipped string `json:"skipped,omitempty" jsonschema:"enum=failed-check,enum=out-of-time,enum=interrupted"`
	// SkippedFor are the checks for whose failure it was skipped; none when it was for another reason.
	SkippedFor []string `json:"skippedFor"`
	// Hint says what to do in general about a failure, a warning or a skip, or why nothing need be done; absent when it passed.
	Hint string `json:"hint,omitempty"`
	// Doc is the address of the page and section about it.
	Doc string `json:"doc"`
}

// CheckFinding is one thing that a check found wrong.
type CheckFinding struct {
	// Guard is the rule that a recovery would break; absent when the check could not be made.
	Guard string `json:"guard,omitempty"`
	// Found is what was found.
	Found string `json:"found"`
	// Where names the place; absent when it concerns the pair.
	Where string `json:"where,omitempty"`
	// Why says what would happen otherwise.
	Why string `json:"why,omitempty"`
	// Next says what to do about it; absent where only the hint of the check is known.
	Next string `json:"next,omitempty"`
}

// StatusInterrupted is the status of checks that were broken off.
const StatusInterrupted = "interrupted"
