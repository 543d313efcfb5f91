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
	// Ended is the phase that ended last as it should.
	Ended Phase `json:"ended,omitempty"`
	// Cleared is true once a clear may have been sent, Verified once the contents were proved equal; Leaked says what the
	// canary found when a clear reached the primary.
	Cleared  bool   `json:"cleared,omitempty"`
	Verified bool   `json:"verified,omitempty"`
	Leaked   string `json:"leaked,omitempty"`
	// KeycloakInstances maps the secondary's Keycloaks to their original counts.
	KeycloakInstances map[string]int `json:"keycloakInstances,omitempty"`
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
	records := make([]siteRecords, 0, len(clusters))
	for _, cluster := range clusters {
		place := cluster.Place()
		stored, err := cluster.Journals(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the journals of %s: %w", place, err)
		}
		records = append(records, siteRecords{place.Context, stored})
	}
	return pastRuns(records...), nil
}

// siteRecords are the records that lie in one site.
type siteRecords struct {
	context string
	stored  []StoredJournal
}

// pastRuns merges the records of sites to runs, newest first.
func pastRuns(records ...siteRecords) []PastRun {
	runs := map[string]*PastRun{}
	for _, site := range records {
		for _, one := range site.stored {
			past := runs[one.ID]
			if past == nil {
				past = &PastRun{RunID: one.ID}
				runs[one.ID] = past
			}
			past.Contexts = append(past.Contexts, site.context)
			past.add(one)
		}
	}
	return slices.SortedFunc(valuesOf(runs), func(a, b PastRun) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(a.RunID, b.RunID)
	})
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
		p.Ended, p.Cleared, p.Verified, p.KeycloakInstances = record.Ended, record.Cleared, record.Verified, record.KeycloakInstances
	}
	if record.Leaked != "" { // either site's record is enough
		p.Leaked = record.Leaked
	}
	if p.Closed == "" {
		p.Closed = closed
	}
}
