package plugin

import (
	"errors"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// ExitCode is what the program tells the script that called it.
type ExitCode int

// The exit codes.
const (
	ExitDone         ExitCode = 0
	ExitUnexpected   ExitCode = 1
	ExitUsage        ExitCode = 2
	ExitRefused      ExitCode = 3
	ExitNotConfirmed ExitCode = 4
	ExitInterrupted  ExitCode = 5
	ExitHeld         ExitCode = 6
	ExitFailed       ExitCode = 7
	ExitWarned       ExitCode = 8
	ExitNotReady     ExitCode = 9
	ExitOutOfSync    ExitCode = 10
)

// exitCodes lists every code with its meaning, as the help shows them.
func exitCodes() []struct {
	Code    ExitCode
	Meaning string
} {
	return []struct {
		Code    ExitCode
		Meaning string
	}{
		{ExitDone, "done: both sites hold the same data, Keycloak is ready (--dry-run: every check passed; phase: it is done, or was already)"},
		{ExitUnexpected, "unexpected error"},
		{ExitUsage, "wrong use of the command line; nothing was changed"},
		{ExitRefused, "a check failed, or phase: another is next; nothing was changed"},
		{ExitNotConfirmed, "not confirmed; nothing was changed"},
		{ExitInterrupted, "interrupted or out of time; the same command goes on"},
		{ExitHeld, "another run is at work on one of the sites; nothing was changed"},
		{ExitFailed, "a step failed after changes; Keycloak of the secondary stays down unless it says otherwise"},
		{ExitWarned, "check --fail-on=warning: every check passed, some with a warning; nothing was changed"},
		{ExitNotReady, "contents proved and sites in sync, but Keycloak was not ready in time; running again compares once more, clears nothing, and waits"},
		{ExitOutOfSync, "status --exit-code: the sites are not in sync; diff: their contents differ"},
	}
}

// nothingChanged ends every message of a run that changed nothing.
const nothingChanged = "nothing was changed on either site"

// usageError is a wrong use of the command line. It is found before anything is contacted.
type usageError struct{ err error }

// usagef makes a usageError; it takes %w.
func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// Error gives the mistake.
func (e *usageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *usageError) Unwrap() error { return e.err }

// verdictError ends a command with an exit code of its own after it did what it was asked: what there is to say is on
// standard output.
type verdictError struct{ code ExitCode }

// Error names the exit code; nobody is shown it.
func (e *verdictError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// CodeOf gives the exit code for the error a command returned.
func CodeOf(err error) ExitCode {
	var (
		usage   *usageError
		run     *xsite.RunError
		connect *connectError
		ref     *kube.RefError
		verdict *verdictError
	)
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &verdict):
		return verdict.code
	case errors.As(err, &usage), errors.As(err, &ref):
		return ExitUsage
	case errors.As(err, &run):
		return codeOfOutcome(run.Outcome)
	case errors.As(err, &connect):
		if connect.brokenOff {
			return ExitInterrupted
		}
		return ExitRefused
	case errors.Is(err, xsite.ErrNotConfirmed):
		return ExitNotConfirmed
	default:
		return ExitUnexpected
	}
}

// codeOfOutcome maps the outcomes of a run; one it does not know is unexpected.
func codeOfOutcome(outcome xsite.Outcome) ExitCode {
	switch outcome {
	case xsite.Refused:
		return ExitRefused
	case xsite.Held:
		return ExitHeld
	case xsite.NotConfirmed:
		return ExitNotConfirmed
	case xsite.Interrupted:
		return ExitInterrupted
	case xsite.Failed:
		return ExitFailed
	case xsite.NotReady:
		return ExitNotReady
	default:
		return ExitUnexpected
	}
}
