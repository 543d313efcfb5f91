package xsite

import (
	"context"
	"fmt"
	"time"
)

// waitingEvery is the pause between two Waiting events of one wait.
const waitingEvery = 5 * time.Second

// WaitTimeoutError is the error of a wait that lasted longer than the step timeout.
type WaitTimeoutError struct {
	// For is what was waited for, State the last state seen.
	For, State string
	After      time.Duration
}

// Error names the wait, its length and the last state seen.
func (e *WaitTimeoutError) Error() string {
	return fmt.Sprintf("waited %s for %s; last seen: %s", e.After.Round(time.Second), e.For, e.State)
}

// look is one look at what is being waited for: whether it is there, and the state for the operator to read.
type look func(ctx context.Context) (done bool, state string, err error)

// await looks until it is there, at most for the given time. It reports what it waits for at once and then every few
// seconds. A look that fails ends the wait.
func (r *run) await(ctx context.Context, role Role, what string, limit time.Duration, see look) error {
	began := r.opts.Clock.Now()
	reported := time.Time{}
	for {
		done, state, err := see(ctx)
		if err != nil || done {
			return err
		}
		now := r.opts.Clock.Now()
		if waited := now.Sub(began); waited >= limit {
			return &WaitTimeoutError{For: what, State: state, After: waited}
		}
		if now.Sub(reported) >= waitingEvery {
			r.emit(Event{Kind: Waiting, Role: role, Message: what + ": " + state})
			reported = now
		}
		if err := r.opts.Clock.Wait(ctx, r.opts.PollInterval); err != nil {
			return err
		}
	}
}
