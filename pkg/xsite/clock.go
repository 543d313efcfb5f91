package xsite

import (
	"context"
	"time"
)

// WallClock is the Clock of the real world.
type WallClock struct{}

// Now returns the current time, with its monotonic reading.
func (WallClock) Now() time.Time { return time.Now() }

// Every calls do from a goroutine of its own.
func (c WallClock) Every(ctx context.Context, d time.Duration, do func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c.Wait(ctx, d) == nil {
			do(ctx)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

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
