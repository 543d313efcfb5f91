package xsite_test

import (
	"slices"
	"testing"
)

// wantNoneOpen demands that neither site keeps a record that looks unfinished.
func (p *pair) wantNoneOpen(t *testing.T) {
	t.Helper()
	for _, s := range []*site{p.a, p.b} {
		for _, record := range p.records(t, s) {
			if record.Closed == "" {
				t.Errorf("%s still has run %s as unfinished", s.name, record.RunID)
			}
		}
	}
}

// succeeds runs the command a few times and gives the ids of the runs, the newest first.
func (p *pair) succeeds(t *testing.T, times int) (ids []string) {
	t.Helper()
	for range times {
		if _, err := p.recover(t); err != nil {
			t.Fatal(err)
		}
		ids = slices.Insert(ids, 0, p.records(t, p.b)[0].RunID)
	}
	return ids
}

// wantKept demands that a site has the records of these runs and no others, the newest first.
func (p *pair) wantKept(t *testing.T, s *site, ids []string) {
	t.Helper()
	var kept []string
	for _, record := range p.records(t, s) {
		kept = append(kept, record.RunID)
	}
	if !slices.Equal(kept, ids) {
		t.Errorf("%s keeps the records of %v, want those of %v", s.name, kept, ids)
	}
}

// Closed records are dropped for their age; a copy that was left open would then be taken for an unfinished run.
func TestACopyThatWasLeftOpenIsClosedByTheNextRun(t *testing.T) {
	total := countChanges(t, usual)
	for name, end := range map[string]func(p *pair){
		"the command died between the two records": func(p *pair) { p.deadline = &ending{at: total - leasesGivenBack - 1, how: diedAfter} },
		"the primary's record could not be written": func(p *pair) {
			p.before(occasion{site: siteA, method: "PutJournal", always: true}, func() error {
				if p.changes == total-leasesGivenBack {
					return errNobody
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			end(p)
			_, err := p.recover(t)
			if p.deadline == nil && err != nil {
				t.Errorf("a copy that stays open for a while is no failure: %v", err)
			}
			p.deadline, p.hooks = nil, nil
			if records := p.records(t, p.a); len(records) != 1 || records[0].Closed != "" || p.records(t, p.b)[0].Closed != "succeeded" {
				t.Fatalf("no copy was left open, so this tells nothing: %+v", records)
			}
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantNoneOpen(t)
			newest := p.succeeds(t, 12)
			p.wantNoneOpen(t)
			p.wantKept(t, p.a, newest[:10])
			p.wantKept(t, p.b, newest[:10])
			p.wantRecovered(t)
		})
	}
}

func TestAsLongAsACopyIsOpenTheRecordThatClosesItIsKept(t *testing.T) {
	total := countChanges(t, usual)
	p := smallPair(t)
	p.deadline = &ending{at: total - leasesGivenBack - 1, how: diedAfter}
	_, _ = p.recover(t)
	p.deadline = nil
	left := p.records(t, p.b)[0].RunID
	p.before(occasion{site: siteA, method: "PutJournal", always: true}, func() error {
		if i := len(p.calls) - 1; p.calls[i-1].site == siteA && p.calls[i-1].method == "PutJournal" {
			return errNobody // the write after the copy of the run's own
		}
		return nil
	})
	newest := p.succeeds(t, 12)
	p.wantKept(t, p.b, append(newest, left))
	p.wantKept(t, p.a, append(newest, left))
	if open := p.records(t, p.a); open[len(open)-1].RunID != left || open[len(open)-1].Closed != "" {
		t.Fatal("the copy was closed, so this tells nothing")
	}
	p.continues(t)
	p.wantNoneOpen(t)
	newest = append([]string{p.records(t, p.b)[0].RunID}, newest[:9]...)
	p.wantKept(t, p.b, newest)
	p.wantKept(t, p.a, newest)
}
