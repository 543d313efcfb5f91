package api

import "k8s.io/apimachinery/pkg/runtime"

// KindPhaseResult is the kind of PhaseResult.
const KindPhaseResult = "PhaseResult"

// The outcomes of a phase that was not refused and did not fail.
const (
	// PhaseDone: it was done.
	PhaseDone = "done"
	// PhaseAlready: it was done by an earlier command, and what it did stands; nothing was changed.
	PhaseAlready = "already"
	// PhaseChecked: every check passed and the phase would be in order; nothing was changed.
	PhaseChecked = "checked"
)

// PhaseResult is what one phase of a run has to tell, done by a command of its own, and how the run goes on.
type PhaseResult struct {
	Header `json:",inline"`

	// Phase is the phase that was asked for.
	Phase string `json:"phase"`
	// Outcome says what became of it.
	Outcome string `json:"outcome" jsonschema:"enum=done,enum=already,enum=checked"`
	// RunOpen is true when a run is open now, which the next command continues.
	RunOpen bool `json:"runOpen"`
	// Cleared is true once the run cleared a cache: the stale data is gone.
	Cleared bool `json:"cleared"`
	// Verified is true once the run proved that both sites hold the same data.
	Verified bool `json:"verified"`
	// Next is the phase that is next; absent when the run is over.
	Next string `json:"next,omitempty"`
	// NextCommand does the next phase.
	NextCommand string `json:"nextCommand,omitempty"`
	// RestCommand does all that is left.
	RestCommand string `json:"restCommand,omitempty"`
	// AbortCommand goes back from the run; absent when there is nothing to go back from, or nothing better to go back to.
	AbortCommand string `json:"abortCommand,omitempty"`

	// Plan is that of the run, with the numbers of entries before this phase.
	Plan PlanContent `json:"plan"`
	// Phases are the durations of the phases that were done, in order.
	Phases []PhaseTime `json:"phases"`
	// Caches say what became of each cache whose contents were compared, in the order of the plan.
	Caches []CacheResult `json:"caches"`
	// TookSeconds is the duration of the command, without the time the confirmation took.
	TookSeconds Seconds `json:"tookSeconds"`
	// Remarks are findings that do not lessen the success.
	Remarks []string `json:"remarks"`
	// LeftToDo is what the procedure leaves to people, once the run is over.
	LeftToDo []string `json:"leftToDo"`
	// Status is how both sites stand after it; absent when only checks were made.
	Status *StatusContent `json:"status,omitempty"`
}

// DeepCopyObject implements runtime.Object.
func (p *PhaseResult) DeepCopyObject() runtime.Object { return deepCopy(p) }
