package xsite

import (
	"errors"
	"strings"
)

// Guard is the name of one rule that is never broken.
type Guard string

// The guards. The rule of each stands in guard_NAME.go; docs/guards.md explains them to users.
const (
	GuardIdentity    Guard = "identity"
	GuardLinked      Guard = "linked"
	GuardDirection   Guard = "direction"
	GuardChecksFirst Guard = "checks-first"
	GuardRecorded    Guard = "recorded"
	GuardSingleRun   Guard = "single-run"
	GuardStopped     Guard = "stopped"
	GuardQuiet       Guard = "quiet"
	GuardOffline     Guard = "offline"
	GuardNoLeak      Guard = "no-leak"
	GuardSettle      Guard = "settle"
	GuardManual      Guard = "manual"
	GuardCanary      Guard = "canary"
	GuardReachable   Guard = "reachable"
	GuardOneSender   Guard = "one-sender"
	GuardMoving      Guard = "moving"
	GuardSameNodes   Guard = "same-nodes"
	GuardTruthfulEnd Guard = "truthful-end"
	GuardRestart     Guard = "restart"
)

// Stop is the error by which a guard ends a run or refuses to begin one.
type Stop struct {
	// Guard is the rule that would have been broken.
	Guard Guard
	// Where names the place: site, context, namespace, object, cache. Empty when it concerns the pair.
	Where string
	// Found says what was found.
	Found string
	// Because says what would have happened to data or service otherwise.
	Because string
	// Next says what to do, as a command where there is one.
	Next string
	// Err is the cause, when there is one.
	Err error
}

// Error gives finding, place, reason and next step on lines of their own.
func (s *Stop) Error() string {
	var b strings.Builder
	b.WriteString(string(s.Guard))
	b.WriteString(": ")
	b.WriteString(s.Found)
	if s.Err != nil {
		b.WriteString(": ")
		b.WriteString(s.Err.Error())
	}
	for _, line := range []struct{ label, text string }{{"where", s.Where}, {"why it matters", s.Because}, {"next", s.Next}} {
		if line.text != "" {
			b.WriteString("\n  " + line.label + ": " + line.text)
		}
	}
	return b.String()
}

// Unwrap returns the cause.
func (s *Stop) Unwrap() error { return s.Err }

// brief gives an error in one line: of a Stop the guard and what it found.
func brief(err error) string {
	if stop, ok := errors.AsType[*Stop](err); ok {
		return string(stop.Guard) + ": " + stop.Found
	}
	return oneLine(err)
}

// StoppedBy returns the guard that ended a run with err, and false when no guard did.
func StoppedBy(err error) (Guard, bool) {
	if stop, ok := errors.AsType[*Stop](err); ok {
		return stop.Guard, true
	}
	return "", false
}
