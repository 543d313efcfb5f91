package xsite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// CacheReached is how far a run came with one cache; a time that is zero was not reached. Times are by the clock of the
// machine that ran it: they are for people, and nothing is judged by them.
type CacheReached struct {
	// Cleared is when the secondary's cache was seen empty, Pushed when its push reported OK, Verified when the contents of
	// both sites were compared and found equal. A clear makes the other two zero.
	Cleared  time.Time `json:"cleared,omitzero"`
	Pushed   time.Time `json:"pushed,omitzero"`
	Verified time.Time `json:"verified,omitzero"`
	// Nodes are the secondary's servers at the last of these, as they call themselves: what was seen holds for them only
	// (guard same-nodes).
	Nodes []string `json:"nodes,omitempty"`
}

// PastCache is one cache of a run, with how far that came.
type PastCache struct {
	CacheReached

	Name string `json:"name"`
	// Original is the state of its backups before the run's first change.
	Original CacheOriginal `json:"original"`
}

// keepEvery is the least pause before a write that is made for the caches alone. What they reach is written with what is
// written anyway; in a phase that lasts, every so often, so that a run that dies loses little and a far API server slows
// nothing down.
const keepEvery = 10 * time.Second

// keep writes what the caches reached, when the last write is some time ago.
func (j *journal) keep(ctx context.Context) error {
	if !j.open || j.clock.Now().Sub(j.written) < keepEvery {
		return nil
	}
	return j.writeAt(ctx, Secondary)
}

// cacheReached notes in the journal how far one cache came.
func (r *run) cacheReached(ctx context.Context, cache string, set func(reached *CacheReached, now time.Time)) error {
	reached := r.journal.record.Reached[cache]
	set(&reached, r.opts.Clock.Now().UTC())
	reached.Nodes = nil
	for _, m := range r.secondary.lastSurveyed() {
		reached.Nodes = append(reached.Nodes, m.info.NodeName)
	}
	slices.Sort(reached.Nodes)
	if r.journal.record.Reached == nil {
		r.journal.record.Reached = map[string]CacheReached{}
	}
	r.journal.record.Reached[cache] = reached
	r.journal.behind[Secondary] = true
	return r.journal.keep(ctx)
}

// What a cache can reach.
func (c *CacheReached) isCleared(now time.Time)  { *c = CacheReached{Cleared: now} }
func (c *CacheReached) isPushed(now time.Time)   { c.Pushed = now }
func (c *CacheReached) isVerified(now time.Time) { c.Verified = now }

// unverified takes back that caches were compared: what was found does not hold any more.
func (j *journal) unverified() {
	for name, reached := range j.record.Reached {
		reached.Verified = time.Time{}
		j.record.Reached[name] = reached
	}
}

// caches lists the caches of the run, sorted by name. A record of an older version does not say how far they came, and the
// primary's copy does not name them.
func (rec JournalRecord) caches() []PastCache {
	var list []PastCache
	for _, name := range slices.Sorted(maps.Keys(rec.Caches)) {
		list = append(list, PastCache{Name: name, CacheReached: rec.Reached[name], Original: rec.Caches[name]})
	}
	return list
}

// howFar says in words how far the caches of the run came; empty where that is not recorded.
func (rec JournalRecord) howFar() string {
	if len(rec.Reached) == 0 {
		return ""
	}
	var cleared, pushed, verified int
	for _, c := range rec.Reached {
		cleared += one(c.Cleared)
		pushed += one(c.Pushed)
		verified += one(c.Verified)
	}
	return fmt.Sprintf("of %d caches %d were cleared, %d pushed and %d compared", len(rec.Caches), cleared, pushed, verified)
}

// one counts a time that was reached.
func one(reached time.Time) int {
	if reached.IsZero() {
		return 0
	}
	return 1
}
