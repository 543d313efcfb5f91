package xsite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// PastRun is one run as the records in both clusters tell it.
type PastRun struct {
	RunID string `json:"runID"`
	// Started and Updated are by the clocks of the machines that wrote them.
	Started time.Time `json:"started,omitzero"`
	Updated time.Time `json:"updated,omitzero"`
	Who     string    `json:"who,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Tool    string    `json:"tool,omitempty"`
	// Kept and Discarded are the site names in their roles.
	Kept      string `json:"kept,omitempty"`
	Discarded string `json:"discarded,omitempty"`
	Phase     Phase  `json:"phase,omitempty"`
	// Closed is how the run was closed: succeeded, undone, aborted; empty for one that is unfinished.
	Closed string `json:"closed,omitempty"`
	// Unreadable says why a record cannot be read; then only RunID and Contexts are known.
	Unreadable string `json:"unreadable,omitempty"`
	// Caches are the caches of the run, as the secondary's record tells how far they came.
	Caches []PastCache `json:"caches,omitempty"`
	// Contexts are the contexts in which a record of it lies.
	Contexts []string `json:"contexts"`
}

// History lists the runs of a pair, newest first. It changes nothing.
func History(ctx context.Context, clusters ...Cluster) ([]PastRun, error) {
	runs := map[string]*PastRun{}
	for _, cluster := range clusters {
		place := cluster.Place()
		stored, err := cluster.Journals(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the journals of %s: %w", place, err)
		}
		for _, one := range stored {
			past := runs[one.ID]
			if past == nil {
				past = &PastRun{RunID: one.ID}
				runs[one.ID] = past
			}
			past.Contexts = append(past.Contexts, place.Context)
			past.add(one)
		}
	}
	return slices.SortedFunc(valuesOf(runs), func(a, b PastRun) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(a.RunID, b.RunID)
	}), nil
}

// valuesOf gives what the pointers of a map point to.
func valuesOf(runs map[string]*PastRun) func(yield func(PastRun) bool) {
	return func(yield func(PastRun) bool) {
		for _, key := range slices.Sorted(maps.Keys(runs)) {
			if !yield(*runs[key]) {
				return
			}
		}
	}
}

// add merges one site's record. A run is closed once either site says so.
func (p *PastRun) add(stored StoredJournal) {
	record, err := parseRecord(stored)
	if err != nil {
		p.Unreadable = oneLine(err)
		return
	}
	if caches := record.caches(); record.SiteRole == Secondary && len(caches) > 0 {
		p.Caches = caches
	}
	closed := p.Closed
	if record.Updated.After(p.Updated) || p.Who == "" {
		p.Started, p.Updated, p.Who, p.Reason, p.Tool = record.Started, record.Updated, record.Who, record.Reason, record.Tool
		p.Kept, p.Discarded, p.Phase, p.Closed = record.PrimarySite, record.SecondarySite, record.Phase, record.Closed
	}
	if p.Closed == "" {
		p.Closed = closed
	}
}
