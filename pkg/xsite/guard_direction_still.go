package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// guardDirectionStill is the direction guard before a clear. Since the plan Keycloak of the secondary has stopped, which takes
// minutes: a primary that restarted with caches in memory has nothing now, and the secondary has the last copy. As long as
// nothing was cleared, every sign must agree with the roles as in preflight; and of what the plan counted the primary must not
// have lost all or most, as long as the secondary holds any of it.
func (r *run) guardDirectionStill(ctx context.Context) error {
	if err := r.primary.survey(ctx); err != nil {
		return err
	}
	now, err := r.withEntries(ctx, r.plan)
	if err != nil {
		return err
	}
	r.counted = r.primary.identity()
	if r.lost = r.lostSince(now.Caches); len(r.lost) > 0 {
		return &Stop{
			Guard: GuardDirection, Found: strings.Join(r.lost, "; "), Where: r.primary.String(),
			Because: "what the secondary holds may be the last copy, and would be discarded",
			Next:    "find out what happened to the primary, then run the same command again and look at the plan anew",
		}
	}
	if r.journal.record.Cleared {
		return nil // there is nothing to choose any more
	}
	now.Primary.Keycloaks, now.Primary.ReadyKeycloakPods, err = keycloaksOf(ctx, r.primary)
	if err != nil {
		return err
	}
	return errors.Join(r.unaccepted(now)...)
}

// guardPrimaryKept is guardDirectionStill before the first clear of a command, and before the others where it is needed: servers
// that are those that were counted have what they had.
func (r *run) guardPrimaryKept(ctx context.Context) error {
	if err := r.primary.survey(ctx); err != nil {
		return err
	}
	if slices.Equal(r.primary.identity(), r.counted) {
		return nil
	}
	return r.guardDirectionStill(ctx)
}

// lostSince tells which caches of the primary lost all or most of what the plan counted, while the secondary has some of it.
// Where the servers are the same, traffic may take a handful.
func (r *run) lostSince(now []CachePlan) []string {
	var lost []string
	restarted := ""
	if !slices.Equal(r.primary.identity(), r.planned) {
		restarted = ", and its servers are not those of then, or restarted"
	}
	for i, c := range r.plan.Caches {
		gone := c.PrimaryEntries - now[i].PrimaryEntries
		if gone*2 <= c.PrimaryEntries || now[i].SecondaryEntries == 0 || (restarted == "" && gone <= smallerBy) {
			continue
		}
		lost = append(lost, fmt.Sprintf("the primary %s holds %d entries of cache %s, and held %d when the plan was made%s",
			r.primary.name, now[i].PrimaryEntries, c.Name, c.PrimaryEntries, restarted))
	}
	return lost
}
