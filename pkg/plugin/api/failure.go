package api

import "k8s.io/apimachinery/pkg/runtime"

// KindFailure is the kind of Failure.
const KindFailure = "Failure"

// The outcomes of a command that did not succeed; those of a run are the engine's.
const (
	OutcomeUsage        = "usage"
	OutcomeRefused      = "refused"
	OutcomeNotConfirmed = "not-confirmed"
	OutcomeUnexpected   = "unexpected"
)

// Failure is the end of a command that did not succeed.
type Failure struct {
	Header `json:",inline"`

	// Outcome is usage, refused, held, not-confirmed, interrupted, failed, not-ready or unexpected.
	Outcome string `json:"outcome"`
	// ExitCode is that of the command.
	ExitCode int `json:"exitCode"`
	// Phase is the phase that failed; absent when the run had not begun.
	Phase string `json:"phase,omitempty"`
	// NothingChanged is true when neither site was changed.
	NothingChanged bool `json:"nothingChanged"`
	// Undone is true when nothing is left of what was changed.
	Undone bool `json:"undone"`
	// State describes each site as it was left, one statement each, the most urgent first.
	State []string `json:"state"`
	// DataAtRisk says whether data that should be kept can be lost as things stand.
	DataAtRisk string `json:"dataAtRisk,omitempty"`
	// Next is what to do now.
	Next string `json:"next,omitempty"`
	// Stop is the guard that ended it, when one did.
	Stop *Stop `json:"stop,omitempty"`
	// Error is the cause in full.
	Error string `json:"error"`
}

// DeepCopyObject implements runtime.Object.
func (f *Failure) DeepCopyObject() runtime.Object { return deepCopy(f) }

// Stop is what a guard says that ends a run or refuses to begin one.
type Stop struct {
	// Guard is its name; docs/guards.md explains it.
	Guard string `json:"guard"`
	// Found is what was found.
	Found string `json:"found"`
	// Where names the place; absent when it concerns the pair.
	Where string `json:"where,omitempty"`
	// Why says what would have happened otherwise.
	Why string `json:"why,omitempty"`
	// Next says what to do about it.
	Next string `json:"next,omitempty"`
}
