package xsite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// shelf is a cluster that has journals and nothing else.
type shelf struct {
	Cluster

	journals []StoredJournal
}

// add puts a record in front, where the newest is.
func (s *shelf) add(t *testing.T, id, closed string) {
	t.Helper()
	text, err := json.Marshal(JournalRecord{Schema: journalSchema, RunID: id, SiteRole: Secondary, Closed: closed})
	if err != nil {
		t.Fatal(err)
	}
	s.journals = slices.Insert(s.journals, 0, StoredJournal{ID: id, Version: "1", Record: text})
}

// Journals implements Cluster.
func (s *shelf) Journals(context.Context) ([]StoredJournal, error) {
	return slices.Clone(s.journals), nil
}

// DeleteJournal implements Cluster.
func (s *shelf) DeleteJournal(_ context.Context, id string) error {
	s.journals = slices.DeleteFunc(s.journals, func(j StoredJournal) bool { return j.ID == id })
	return nil
}

func TestOnlyTheOldestOfTheClosedRecordsAreDropped(t *testing.T) {
	s := &shelf{journals: []StoredJournal{{ID: "unreadable", Record: []byte("{")}}}
	s.add(t, "unfinished", "")
	s.add(t, "fence", closedFence)
	want := []string{"fence", "unfinished", "unreadable"}
	for i, closed := range slices.Repeat([]string{closedSucceeded, closedUndone, closedAborted}, 5) {
		id := fmt.Sprintf("run-%02d", i)
		s.add(t, id, closed)
		if i >= 5 { // the newest ten
			want = slices.Insert(want, 0, id)
		}
	}
	for range 2 {
		if err := dropOldJournals(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, one := range s.journals {
			left = append(left, one.ID)
		}
		if !slices.Equal(left, want) {
			t.Errorf("kept\n%v, want\n%v", left, want)
		}
	}
}
