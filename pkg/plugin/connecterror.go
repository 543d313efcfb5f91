package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// connectError is a site that could not be found or reached, before the engine began.
type connectError struct {
	role    xsite.Role
	context string
	err     error
	// brokenOff says that the user or --timeout ended the attempt, so that it tells nothing of the site.
	brokenOff bool
	// kubectl is the call of kubectl that goes the same way.
	kubectl string
	// byHand is the way without this program, for who cannot wait; empty where there is none.
	byHand string
	// fence is the command that makes the primary's writes work without the secondary.
	fence string
}

// Error names the site and the cause.
func (e *connectError) Error() string {
	return fmt.Sprintf("connecting to the %s (context %s): %v", e.role, e.context, e.err)
}

// Unwrap returns the cause.
func (e *connectError) Unwrap() error { return e.err }

// next says what to try: what the cause itself names, or else whether the API server can be reached at all.
func (e *connectError) next() string {
	if e.byHand == "" {
		return e.nextTry()
	}
	return strings.TrimSuffix(e.byHand+"\n"+e.nextTry(), "\n")
}

// nextTry says what to try without the way by hand.
func (e *connectError) nextTry() string {
	if e.brokenOff {
		return ""
	}
	if missing, ok := errors.AsType[*kube.NotFoundError](e.err); ok {
		return missing.Next
	}
	if several, ok := errors.AsType[*kube.AmbiguousError](e.err); ok {
		return several.Next
	}
	if secret, ok := errors.AsType[*kube.SecretError](e.err); ok && secret.Next != "" {
		return secret.Next
	}
	if forbidden, ok := errors.AsType[*kube.ForbiddenError](e.err); ok {
		return fmt.Sprintf("have this user granted the verb %q on %s in namespace %s of context %s; kubectl ispn-resync rbac prints all that a run needs",
			forbidden.Verb, forbidden.Resource, forbidden.Namespace, forbidden.Context)
	}
	return "check that kubectl can reach the " + string(e.role) + ": " + e.kubectl
}

// noAnswerError is a site that did not answer within the time that a command gives each of them.
type noAnswerError struct{ within time.Duration }

// Error gives the time.
func (e *noAnswerError) Error() string { return "no answer within " + trimZero(e.within) }

// Unwrap says what it is.
func (*noAnswerError) Unwrap() error { return context.DeadlineExceeded }

// brokenOff tells whether the user or --timeout ended what was going on.
func brokenOff(ctx context.Context) bool {
	_, silent := errors.AsType[*noAnswerError](context.Cause(ctx))
	return ctx.Err() != nil && !silent
}

// nextAfterConnecting says what to do about every site that could not be connected to, one line for each.
func nextAfterConnecting(err error) string {
	var lines []string
	all := connectErrors(err)
	for _, failed := range all {
		if next := failed.next(); next != "" {
			lines = append(lines, next)
		}
	}
	again := "run the same command again"
	if len(lines) > 0 {
		again = "then " + again
	}
	lines = append(lines, again)
	if only := all[0]; len(all) == 1 && only.role == xsite.Secondary && only.fence != "" && !only.brokenOff {
		lines = append(lines, "if writes of the primary fail meanwhile: "+only.fence)
	}
	return strings.Join(lines, "\n")
}

// connectErrors lists the sites that could not be connected to.
func connectErrors(err error) []*connectError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*connectError
		for _, one := range joined.Unwrap() {
			all = append(all, connectErrors(one)...)
		}
		return all
	}
	if one, ok := errors.AsType[*connectError](err); ok {
		return []*connectError{one}
	}
	return nil
}
