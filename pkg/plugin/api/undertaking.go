package api

import "k8s.io/apimachinery/pkg/runtime"

// KindUndertaking is the kind of Undertaking.
const KindUndertaking = "Undertaking"

// The commands that an Undertaking tells of.
const (
	CommandAbort          = "abort"
	CommandDiscardJournal = "discard-journal"
	CommandFence          = "fence"
	CommandLift           = "lift"
	CommandPrune          = "prune"
)

// Undertaking is what a command beside the recovery did, or would do.
type Undertaking struct {
	Header `json:",inline"`

	// Command is what was done.
	Command string `json:"command" jsonschema:"enum=abort,enum=discard-journal,enum=fence,enum=lift,enum=prune"`
	// DryRun says that nothing was changed.
	DryRun bool `json:"dryRun"`
	// Did lists what was done and found, or would be, one statement each.
	Did []string `json:"did"`
}

// DeepCopyObject implements runtime.Object.
func (u *Undertaking) DeepCopyObject() runtime.Object { return deepCopy(u) }
