package xsite

import (
	"context"
	"fmt"
	"time"
)

// canaryWatch is how long the primary is watched after the canary's clear. A leaked clear of a SYNC cache arrives before
// the call returns; a queued one within a round trip.
const canaryWatch = time.Second

// guardCanary clears the smallest cache with entries first and looks at the primary before anything else is cleared. It
// is the last line of defence: a clear that leaks against everything known takes the least there is, and is seen.
func (r *run) guardCanary(ctx context.Context, c CachePlan) error {
	before, err := r.primary.relay().node.Size(ctx, c.Name)
	if err != nil {
		return fmt.Errorf("count cache %s of the %s before its clear: %w", c.Name, r.primary, err)
	}
	if err := r.clearCache(ctx, c); err != nil {
		return err
	}
	until := r.opts.Clock.Now().Add(canaryWatch)
	for {
		after, err := r.primary.relay().node.Size(ctx, c.Name)
		if err != nil {
			return fmt.Errorf("count cache %s of the %s after its clear: %w", c.Name, r.primary, err)
		}
		if collapsed(before, after) {
			return &Stop{
				Guard: GuardCanary, Found: fmt.Sprintf("cache %s of the primary fell from %d to %d entries when it was cleared on the secondary", c.Name, before, after), Where: r.primary.String(),
				Because: "the clear reached the primary; clearing the other caches would empty them there too",
				Next:    "touch nothing on the secondary; restore the cache from Keycloak's database or let its users log in again, and report the versions of both sites",
			}
		}
		if !r.opts.Clock.Now().Before(until) {
			return nil
		}
		if err := r.opts.Clock.Wait(ctx, r.opts.PollInterval); err != nil {
			return err
		}
	}
}

// collapsed tells a leaked clear from logouts and expiry: it takes at least half at once.
func collapsed(before, after int64) bool { return before > 0 && after*2 <= before }
