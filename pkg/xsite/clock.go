package xsite

import (
	"context"
	"time"
)

// WallClock is the Clock of the real world.
type WallClock struct{}

// Now returns the current time, with its monotonic reading.
func (WallClock) Now() time.Time { return time.Now() }

// Wait returns nil after d, or the context's error when it ends first.
func (WallClock) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
