package plugin

import (
	"context"
	"sync"
	"time"
)

// deadline ends a context after a time that can be stopped meanwhile, as the time for which a person is asked must
// not count. The zero duration is no deadline.
type deadline struct {
	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	started time.Time
}

// overtime is a [context.DeadlineExceeded] that says what took too long.
type overtime string

// Error says it.
func (o overtime) Error() string { return string(o) }

// Unwrap says what it is.
func (overtime) Unwrap() error { return context.DeadlineExceeded }

// withTimeout is withDeadline for what --timeout bounds.
func withTimeout(ctx context.Context, limit time.Duration) (derived context.Context, d *deadline, stop func()) {
	return withDeadline(ctx, limit, overtime("the run took longer than --timeout "+trimZero(limit)))
}

// withDeadline derives the context; cause is that of its end. Stop releases it.
func withDeadline(ctx context.Context, limit time.Duration, cause error) (derived context.Context, d *deadline, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	d = &deadline{left: limit}
	if limit > 0 {
		d.timer = time.AfterFunc(limit, func() {
			cancel(cause)
		})
		d.started = time.Now()
	}
	return ctx, d, func() {
		d.pause()
		cancel(nil)
	}
}

// pause stops the time.
func (d *deadline) pause() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && d.timer.Stop() {
		d.left -= time.Since(d.started)
	}
}

// resume lets the time go on.
func (d *deadline) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.started = time.Now()
		d.timer.Reset(max(d.left, 0))
	}
}
