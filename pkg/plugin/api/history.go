package api

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// The kinds of History and Run.
const (
	KindHistory = "History"
	KindRun     = "Run"
)

// History lists the runs of which a record lies in either cluster.
type History struct {
	Header `json:",inline"`

	// Runs are the runs, the newest first.
	Runs []RunContent `json:"runs"`
}

// DeepCopyObject implements runtime.Object.
func (h *History) DeepCopyObject() runtime.Object { return deepCopy(h) }

// Each implements Lister.
func (h *History) Each() []Object {
	runs := make([]Object, 0, len(h.Runs))
	for _, run := range h.Runs {
		runs = append(runs, &Run{Header: NewHeader(KindRun, run.RunID), RunContent: run})
	}
	return runs
}

// Run is one run as its records tell it.
type Run struct {
	Header     `json:",inline"`
	RunContent `json:",inline"`
}

// DeepCopyObject implements runtime.Object.
func (r *Run) DeepCopyObject() runtime.Object { return deepCopy(r) }

// RunContent is what the records of a run say.
type RunContent struct {
	// RunID names the run.
	RunID string `json:"runID"`
	// Started is when it began, by the clock of the machine that wrote it.
	Started time.Time `json:"started,omitzero"`
	// Updated is when something was noted last.
	Updated time.Time `json:"updated,omitzero"`
	// Who began it, as user@host.
	Who string `json:"who,omitempty"`
	// Reason is why, as they gave it.
	Reason string `json:"reason,omitempty"`
	// Tool is the name and version of the program.
	Tool string `json:"tool,omitempty"`
	// Kept is the name of the primary's site.
	Kept string `json:"kept,omitempty"`
	// Discarded is the name of the secondary's site.
	Discarded string `json:"discarded,omitempty"`
	// Phase is the phase that was entered last.
	Phase string `json:"phase,omitempty"`
	// Ended is the phase that ended last as it should.
	Ended string `json:"ended,omitempty"`
	// Cleared is true once a clear may have been sent: what the secondary held is gone.
	Cleared bool `json:"cleared"`
	// Verified is true once the contents of both sites were proved equal.
	Verified bool `json:"verified"`
	// Leaked says what was found when a clear reached the primary.
	Leaked string `json:"leaked,omitempty"`
	// KeycloakInstances are the original counts of the secondary's Keycloaks, by TYPE/NAME.
	KeycloakInstances map[string]int `json:"keycloakInstances,omitempty"`
	// End is succeeded, undone or aborted, fence for the record of a fence; unfinished for a run that is not over, unreadable for a record that cannot be read.
	End string `json:"end" jsonschema:"enum=succeeded,enum=undone,enum=aborted,enum=fence,enum=unfinished,enum=unreadable"`
	// Unreadable says why a record cannot be read.
	Unreadable string `json:"unreadable,omitempty"`
	// Caches are the caches of the run with how far it came; absent where only the copy of the primary is left.
	Caches []RunCache `json:"caches,omitempty"`
	// Contexts are the contexts in which a record lies.
	Contexts []string `json:"contexts"`
}

// RunCache is how far a run came with one cache.
type RunCache struct {
	// Name is the cache as the primary calls it.
	Name string `json:"name"`
	// Cleared is when the cache of the secondary was seen empty; absent while it was not.
	Cleared time.Time `json:"cleared,omitzero"`
	// Pushed is when its push reported OK, after that clear.
	Pushed time.Time `json:"pushed,omitzero"`
	// Verified is when the contents of both sites were compared and found equal, after that push.
	Verified time.Time `json:"verified,omitzero"`
	// Nodes are the servers of the secondary that the last of these is about.
	Nodes []string `json:"nodes,omitempty"`
	// PrimaryOriginal is how the primary's backup to the secondary was before the first change.
	PrimaryOriginal RunBackup `json:"primaryOriginal,omitzero"`
	// SecondaryOriginal is how the secondary's backup to the primary was before the first change.
	SecondaryOriginal RunBackup `json:"secondaryOriginal,omitzero"`
}

// RunBackup is a backup from one site to the other before a run's first change.
type RunBackup struct {
	// OtherSite is what the site had the other one marked as: online or offline.
	OtherSite string `json:"otherSite,omitempty"`
	// Mode is the state-transfer mode.
	Mode string `json:"mode,omitempty"`
}

// The ends of a run that is not over, and of one whose record cannot be read.
const (
	EndUnfinished = "unfinished"
	EndUnreadable = "unreadable"
)
