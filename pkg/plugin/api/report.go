package api

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// KindReport is the kind of Report.
const KindReport = "Report"

// Report is the story of one run, which --report writes to a file. Its other formats are made from it.
type Report struct {
	Header `json:",inline"`

	// Title says in a word or two what was done, e.g. Recovery.
	Title string `json:"title"`
	// Command is the command line, without values of secret flags.
	Command string `json:"command"`
	// Who ran it, as user@host.
	Who string `json:"who"`
	// Reason is why, as they gave it.
	Reason string `json:"reason,omitempty"`
	// Tool is the name and version of the program.
	Tool string `json:"tool"`
	// Platform is the OS/ARCH it ran on.
	Platform string `json:"platform"`

	// Started is when the command began.
	Started time.Time `json:"started"`
	// Written is when this was written.
	Written time.Time `json:"written"`
	// TookSeconds is from the beginning to the end, with the time that the question stood.
	TookSeconds Seconds `json:"tookSeconds"`
	// Outcome is succeeded, phase-done (one phase of a run), checked (a dry run), the word of a Failure, or unfinished when the
	// run had not ended as this was written.
	Outcome string `json:"outcome"`
	// ExitCode is that of the command; absent while it is unfinished.
	ExitCode *int `json:"exitCode,omitempty"`

	// State describes each site as it was left, one statement each, the most urgent first.
	State []string `json:"state"`
	// DataAtRisk says whether data that should be kept can be lost as things stand.
	DataAtRisk string `json:"dataAtRisk,omitempty"`
	// Next is what to do now.
	Next string `json:"next,omitempty"`
	// Stop is the guard that ended the run, when one did.
	Stop *Stop `json:"stop,omitempty"`
	// Error is the cause in full.
	Error string `json:"error,omitempty"`

	// Primary is the site whose data is kept.
	Primary ReportSite `json:"primary"`
	// Secondary is the site whose data is discarded.
	Secondary ReportSite `json:"secondary"`
	// Phases are the phases in order, with their steps. What happened between two of them is one as well.
	Phases []ReportPhase `json:"phases"`
	// Caches are those of the plan, sorted by name.
	Caches []ReportCache `json:"caches"`
	// Warnings are the findings that did not stop the run.
	Warnings []string `json:"warnings"`
	// Remarks are what else is worth knowing.
	Remarks []string `json:"remarks"`
}

// DeepCopyObject implements runtime.Object.
func (r *Report) DeepCopyObject() runtime.Object { return deepCopy(r) }

// ReportSite is one of the two sites. What was not known yet when the run ended is empty.
type ReportSite struct {
	// Name is what its servers call it.
	Name string `json:"name"`
	// Context is the kubeconfig context.
	Context string `json:"context"`
	// Server is the address of the API server.
	Server string `json:"server"`
	// Namespace is that of Infinispan.
	Namespace string `json:"namespace"`
	// Infinispan is its TYPE/NAME.
	Infinispan string `json:"infinispan"`
	// Version is that of the Infinispan servers.
	Version string `json:"version"`
	// Pods are the pods of the Infinispan servers.
	Pods []string `json:"pods"`
	// Entries is the number of entries in the caches of the plan before the run; 0 when they were not counted.
	Entries int64 `json:"entries"`
	// Keycloaks are the Keycloaks of the site as they were found.
	Keycloaks []ReportKeycloak `json:"keycloaks"`
}

// ReportKeycloak is a Keycloak as it was found.
type ReportKeycloak struct {
	// Ref is its TYPE/NAME.
	Ref string `json:"ref"`
	// Namespace is the one it is in.
	Namespace string `json:"namespace"`
	// Instances is its count.
	Instances int `json:"instances"`
	// ReadyPods is how many of its pods were ready.
	ReadyPods int `json:"readyPods"`
}

// ReportStatus is how a phase or a step ended: canceled is what an interruption or the failure of another step broke off,
// skipped what the run did not get to, running what had not ended when the report was written.
type ReportStatus string

// The statuses.
const (
	ReportPassed   ReportStatus = "passed"
	ReportFailed   ReportStatus = "failed"
	ReportSkipped  ReportStatus = "skipped"
	ReportCanceled ReportStatus = "canceled"
	ReportRunning  ReportStatus = "running"
)

// ReportPhase is one phase of the run.
type ReportPhase struct {
	// Name is the phase; docs/phases.md explains it.
	Name string `json:"name"`
	// Status is how it ended.
	Status ReportStatus `json:"status" jsonschema:"enum=passed,enum=failed,enum=skipped,enum=canceled,enum=running"`
	// Started is when it began; absent when the run did not get there.
	Started *time.Time `json:"started,omitempty"`
	// TookSeconds is its duration.
	TookSeconds Seconds `json:"tookSeconds"`
	// Steps are its steps in order.
	Steps []ReportStep `json:"steps"`
}

// ReportStep is one thing that was checked, changed, waited for or noted.
type ReportStep struct {
	// Kind is what the step is; error is a failure that is no guard's.
	Kind string `json:"kind" jsonschema:"enum=check,enum=change,enum=wait,enum=cache,enum=note,enum=error"`
	// Text tells it to people.
	Text string `json:"text"`
	// Site is primary or secondary; absent when it concerns both or none.
	Site string `json:"site,omitempty" jsonschema:"enum=primary,enum=secondary"`
	// Guard is the rule that was looked after; docs/guards.md explains it.
	Guard string `json:"guard,omitempty"`
	// Status is how it ended.
	Status ReportStatus `json:"status" jsonschema:"enum=passed,enum=failed,enum=skipped,enum=canceled,enum=running"`
	// Check is the check of preflight that it was part of; docs/checks.md explains it.
	Check string `json:"check,omitempty"`
	// Warning marks a finding that did not stop the run.
	Warning bool `json:"warning,omitempty"`
	// Started is when it began.
	Started time.Time `json:"started"`
	// TookSeconds is its duration.
	TookSeconds Seconds `json:"tookSeconds"`
	// Attempt counts the pushes of a cache, from 1; absent elsewhere.
	Attempt int `json:"attempt,omitempty"`
}

// ReportCache is one cache of the plan and what became of it.
type ReportCache struct {
	// Name is the cache as the primary calls it.
	Name string `json:"name"`
	// SecondaryName is the cache as the secondary calls it.
	SecondaryName string `json:"secondaryName"`
	// State is the last that was heard of it, e.g. equal.
	State string `json:"state"`
	// Kept is the number of entries on the primary before the run.
	Kept int64 `json:"kept"`
	// Discarded is the number of entries on the secondary before the run.
	Discarded int64 `json:"discarded"`
	// Cleared is true once the secondary's was empty.
	Cleared bool `json:"cleared"`
	// Pushes is how many pushes it took.
	Pushes int `json:"pushes"`
	// PushTookSeconds is the duration of the last push.
	PushTookSeconds Seconds `json:"pushTookSeconds"`
	// Compared is the way the contents were compared; absent when they were not.
	Compared string `json:"compared,omitempty" jsonschema:"enum=keys,enum=entries,enum=sizes"`
	// Missing counts keys that only the primary had when the contents were compared.
	Missing int64 `json:"missing"`
	// Extra counts keys that only the secondary had then.
	Extra int64 `json:"extra"`
	// Entries are the numbers of entries that were read, in the order of time.
	Entries []ReportCount `json:"entries"`
}

// ReportCount is a number of entries at one site at one moment.
type ReportCount struct {
	// AtSeconds is the time since the beginning.
	AtSeconds Seconds `json:"atSeconds"`
	// Site is where.
	Site string `json:"site" jsonschema:"enum=primary,enum=secondary"`
	// Entries is the number.
	Entries int64 `json:"entries"`
}
