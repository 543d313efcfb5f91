package report

import (
	"math"
	"time"
)

// APIVersion and Kind are those of every Report.
const (
	APIVersion = "ispn-resync.io/v1alpha1"
	Kind       = "Report"
)

// Outcomes beside those of the engine.
const (
	// OutcomeSucceeded: both sites hold the same data.
	OutcomeSucceeded = "succeeded"
	// OutcomeChecked: a dry run whose checks all passed.
	OutcomeChecked = "checked"
	// OutcomeUnfinished: the run had not ended when the report was written; it may have been killed.
	OutcomeUnfinished = "unfinished"
	// OutcomeUnexpected: an error that is none of the engine's.
	OutcomeUnexpected = "unexpected"
)

// Status is how a phase or a step ended.
type Status string

// The statuses.
const (
	Passed   Status = "passed"
	Failed   Status = "failed"
	Skipped  Status = "skipped"
	Canceled Status = "canceled"
	// Running: it had not ended when the report was written.
	Running Status = "running"
)

// StepKind is what a step is.
type StepKind string

// The kinds of steps.
const (
	KindCheck  StepKind = "check"
	KindChange StepKind = "change"
	KindWait   StepKind = "wait"
	KindCache  StepKind = "cache"
	KindNote   StepKind = "note"
	// KindError is a failure that is no guard's.
	KindError StepKind = "error"
)

// Report is the story of one run. Durations are seconds, lists are never null, strings from servers are raw.
type Report struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`

	// Title says in a word or two what was done, e.g. Recovery.
	Title string `json:"title"`
	// Command is the command line, without values of secret flags.
	Command string `json:"command"`
	// Who ran it, as user@host; Reason is why.
	Who    string `json:"who"`
	Reason string `json:"reason,omitempty"`
	// Tool is name and version of the program, Platform the OS/ARCH it ran on.
	Tool     string `json:"tool"`
	Platform string `json:"platform"`

	// Started is when the command began, Written when this was written.
	Started time.Time `json:"started"`
	Written time.Time `json:"written"`
	// TookSeconds is from Started to the end, with the time that the question stood.
	TookSeconds Seconds `json:"tookSeconds"`
	// Outcome is succeeded, checked (a dry run), refused, held, not-confirmed, interrupted, failed, not-ready,
	// unexpected or unfinished.
	Outcome string `json:"outcome"`
	// ExitCode is that of the command; absent while it is unfinished.
	ExitCode *int `json:"exitCode,omitempty"`

	// State describes each site as it was left, one statement each, the most urgent first.
	State []string `json:"state"`
	// DataAtRisk says whether data that should be kept can be lost as things stand.
	DataAtRisk string `json:"dataAtRisk,omitempty"`
	// Next is what to do now.
	Next string `json:"next,omitempty"`
	// Stop is the guard that ended the run, when one did; Error is the cause in full.
	Stop  *Stop  `json:"stop,omitempty"`
	Error string `json:"error,omitempty"`

	// Primary is the site whose data is kept, Secondary that whose data is discarded.
	Primary   Site `json:"primary"`
	Secondary Site `json:"secondary"`
	// Phases are the phases in order, with their steps.
	Phases []Phase `json:"phases"`
	// Caches are those of the plan, sorted by name.
	Caches []Cache `json:"caches"`
	// Warnings and Remarks are the findings that did not stop the run.
	Warnings []string `json:"warnings"`
	Remarks  []string `json:"remarks"`
}

// Metadata names a Report.
type Metadata struct {
	// Name is the id of the run, as the journals in the clusters have it; empty when the run did not get one.
	Name string `json:"name"`
}

// Stop is what a guard says.
type Stop struct {
	Guard string `json:"guard"`
	Found string `json:"found"`
	Where string `json:"where,omitempty"`
	Why   string `json:"why,omitempty"`
	Next  string `json:"next,omitempty"`
}

// Site is one of the two.
type Site struct {
	// Name is what its servers call it; empty when they were not asked yet.
	Name string `json:"name"`
	// Context, Server and Namespace say where it is, Infinispan is TYPE/NAME.
	Context    string `json:"context"`
	Server     string `json:"server"`
	Namespace  string `json:"namespace"`
	Infinispan string `json:"infinispan"`
	// Version is that of the Infinispan servers, Pods are their pods.
	Version string   `json:"version"`
	Pods    []string `json:"pods"`
	// Entries is the number of entries in the caches of the plan before the run.
	Entries   int64      `json:"entries"`
	Keycloaks []Keycloak `json:"keycloaks"`
}

// Keycloak is a Keycloak of a site, as it was found.
type Keycloak struct {
	// Ref is TYPE/NAME.
	Ref       string `json:"ref"`
	Namespace string `json:"namespace"`
	Instances int    `json:"instances"`
	ReadyPods int    `json:"readyPods"`
}

// Phase is one phase of the run. What happened between two of them is one as well.
type Phase struct {
	Name        string     `json:"name"`
	Status      Status     `json:"status"`
	Started     *time.Time `json:"started,omitempty"`
	TookSeconds Seconds    `json:"tookSeconds"`
	Steps       []Step     `json:"steps"`
}

// Step is one thing that was checked, changed, waited for or noted.
type Step struct {
	Kind StepKind `json:"kind"`
	Text string   `json:"text"`
	// Site is primary or secondary; empty when it concerns both or none.
	Site string `json:"site,omitempty"`
	// Guard is the rule that was looked after; docs/guards.md explains it.
	Guard  string `json:"guard,omitempty"`
	Status Status `json:"status"`
	// Check is the check of preflight that it was part of; docs/checks.md explains it.
	Check string `json:"check,omitempty"`
	// Warning marks a finding that did not stop the run.
	Warning     bool      `json:"warning,omitempty"`
	Started     time.Time `json:"started"`
	TookSeconds Seconds   `json:"tookSeconds"`
	// Attempt counts the pushes of a cache, from 1; 0 elsewhere.
	Attempt int `json:"attempt,omitempty"`
}

// Cache is one cache of the plan and what became of it.
type Cache struct {
	Name          string `json:"name"`
	SecondaryName string `json:"secondaryName"`
	// State is the last that was heard of it, e.g. equal.
	State string `json:"state"`
	// Kept and Discarded are the numbers of entries on the primary and the secondary before the run.
	Kept      int64 `json:"kept"`
	Discarded int64 `json:"discarded"`
	// Cleared is true once the secondary's was empty.
	Cleared bool `json:"cleared"`
	// Pushes is how many pushes it took, PushTookSeconds the duration of the last.
	Pushes          int     `json:"pushes"`
	PushTookSeconds Seconds `json:"pushTookSeconds"`
	// Compared is the way the contents were compared: keys, entries or sizes; empty when they were not.
	Compared string `json:"compared,omitempty"`
	// Missing and Extra count keys that only the primary or only the secondary had when the contents were compared.
	Missing int64 `json:"missing"`
	Extra   int64 `json:"extra"`
	// Entries are the numbers of entries that were read, in the order of time.
	Entries []Count `json:"entries"`
}

// Count is a number of entries at one site at one moment.
type Count struct {
	// AtSeconds is the time since Started.
	AtSeconds Seconds `json:"atSeconds"`
	// Site is primary or secondary.
	Site    string `json:"site"`
	Entries int64  `json:"entries"`
}

// Seconds is a duration.
type Seconds float64

// secondsOf gives a duration in seconds, to the millisecond.
func secondsOf(d time.Duration) Seconds { return Seconds(math.Round(d.Seconds()*1000) / 1000) }

// duration gives the duration.
func (s Seconds) duration() time.Duration {
	return time.Duration(math.Round(float64(s)*1000)) * time.Millisecond
}
