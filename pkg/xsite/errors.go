package xsite

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPodGone is wrapped by errors of a Node whose pod no longer exists under the UID it was connected to.
var ErrPodGone = errors.New("the pod is gone")

// ErrConflict is wrapped by errors of a change that lost against somebody else's.
var ErrConflict = errors.New("the object was changed by somebody else meanwhile")

// ErrUnavailable is wrapped by errors of a Cluster, and of the Nodes it gave, when its API server, or the way through it,
// could not take the call for now: it does not answer, is overloaded, refuses credentials that it took before, or dropped
// the connection. Whether the call was carried out is not known. It may succeed later.
var ErrUnavailable = errors.New("the cluster cannot be reached for now")

// ErrNotConfirmed is wrapped when the plan was not confirmed. Nothing was changed.
var ErrNotConfirmed = errors.New("not confirmed")

// Outcome says how a run ended, as far as exit codes and scripts care.
type Outcome string

// The outcomes of a run that did not succeed.
const (
	// Refused: a check failed before anything was changed.
	Refused Outcome = "refused"
	// Held: another run is at work; nothing was changed by this one.
	Held Outcome = "held"
	// NotConfirmed: the plan was not confirmed; nothing was changed.
	NotConfirmed Outcome = "not-confirmed"
	// Interrupted: the run was cancelled or ran out of time, before or after changes; the same command goes on.
	Interrupted Outcome = "interrupted"
	// Failed: a step failed after changes. Keycloak of the secondary is down on purpose unless Undone is true.
	Failed Outcome = "failed"
	// NotReady: the contents are proved equal, but Keycloak did not become ready in time.
	NotReady Outcome = "not-ready"
)

// RunError is the error of a run that did not succeed: what failed, and the state both sites are in.
type RunError struct {
	Outcome Outcome
	Phase   Phase
	Err     error
	// Undone is true when everything that was changed has been put back.
	Undone bool
	// State describes each site as it was left, one statement a line, the most urgent first.
	State []string
	// DataAtRisk says whether data that should be kept can be lost as things stand, and which.
	DataAtRisk string
	// Next is what to do now.
	Next string
}

// mended begins what to do next; an interruption has no cause to mend.
func (e *RunError) mended(next string) string {
	if e.Outcome == Interrupted {
		return next
	}
	return "mend the cause, then " + next
}

// Error gives the failure, then the state of both sites, the risk and the next step.
func (e *RunError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in phase %s: %v", e.Outcome, e.Phase, e.Err)
	for _, line := range e.State {
		b.WriteString("\n  state: " + line)
	}
	if e.DataAtRisk != "" {
		b.WriteString("\n  data at risk: " + e.DataAtRisk)
	}
	if e.Next != "" {
		b.WriteString("\n  next: " + e.Next)
	}
	return b.String()
}

// Unwrap returns the failure.
func (e *RunError) Unwrap() error { return e.Err }
