package xsite_test

import "testing"

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
			for range 12 {
				if _, err := p.recover(t); err != nil {
					t.Fatal(err)
				}
			}
			p.wantNoneOpen(t)
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
	for range 12 {
		if _, err := p.recover(t); err != nil {
			t.Fatal(err)
		}
	}
	if open := p.records(t, p.a); open[len(open)-1].RunID != left || open[len(open)-1].Closed != "" {
		t.Fatal("the copy was closed, so this tells nothing")
	}
	p.continues(t)
	p.wantNoneOpen(t)
}
