package sites

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// probeTimeout bounds one question to a server that may be frozen.
const probeTimeout = 2 * time.Second

// poll asks until holds does, or until ctx ends; the error then says what was waited for and what the
// last question brought.
func poll(ctx context.Context, what string, holds func(ctx context.Context) (bool, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := holds(ctx)
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait until %s: %w", what, ctx.Err()), err)
		case <-tick.C:
		}
	}
}

// parallel does all of do at the same time and returns when all have ended. The first failure ends the
// context of the others; the error is that of those who failed by themselves.
func parallel(ctx context.Context, do ...func(ctx context.Context) error) error {
	shared, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, len(do))
	var all sync.WaitGroup
	for i, one := range do {
		all.Go(func() {
			err := one(shared)
			if err != nil && shared.Err() != nil && ctx.Err() == nil {
				return // ended by another's failure
			}
			if failures[i] = err; err != nil {
				cancel()
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// every does all of do at the same time, whatever fails, and returns all errors.
func every(do ...func() error) error {
	failures := make([]error, len(do))
	var all sync.WaitGroup
	for i, one := range do {
		all.Go(func() { failures[i] = one() })
	}
	all.Wait()
	return errors.Join(failures...)
}
