package xsite

import "context"

// Recover does the whole procedure: preflight, confirmation, and the phases of [Phases] in order. With
// Options.DryRun it ends after preflight.
//
// The error is a *RunError whenever preflight had begun; it says in which state both sites were left. Result is filled
// as far as the run came.
func Recover(ctx context.Context, options Options) (Result, error) {
	return newRun(options).run(ctx)
}
