package xsite_test

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// history lists the runs of the pair.
func (p *pair) history(t *testing.T) []xsite.PastRun {
	t.Helper()
	options, _ := p.seats()
	runs, err := xsite.History(t.Context(), options.PrimaryCluster, options.SecondaryCluster)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestHistoryTellsEveryRunOnceWithItsEnd(t *testing.T) {
	p := smallPair(t)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.diedAfterThe(t, "Clear")
	p.b.journals = append(p.b.journals, &stored{id: "broken", version: 1, record: []byte("{")})
	runs := p.history(t)
	if len(runs) != 3 {
		t.Fatalf("got %d runs: %+v", len(runs), runs)
	}
	if open := runs[0]; open.Closed != "" || open.Phase != xsite.PhaseClear || open.Who != "operator@laptop" || open.Kept != siteA || open.Discarded != siteB || len(open.Contexts) != 2 {
		t.Errorf("the unfinished run: %+v", open)
	}
	if done := runs[1]; done.Closed != "succeeded" {
		t.Errorf("the finished run: %+v", done)
	}
	if broken := runs[2]; broken.RunID != "broken" || broken.Unreadable == "" {
		t.Errorf("the record that cannot be read: %+v", broken)
	}
}

func TestPruneRemovesWhatIsOverAndNothingElse(t *testing.T) {
	p := smallPair(t)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.diedAfterThe(t, "Clear")
	open := p.history(t)[0].RunID
	for _, s := range []*site{p.a, p.b} {
		s.caches["ispn-resync-probe-dead-1234"] = newFakeCache(s, s.peer().name)
		s.caches["ispn-resync-probe-"+open+"-1234"] = newFakeCache(s, s.peer().name)
	}
	prune := func() xsite.Report {
		t.Helper()
		options, agree := p.seats()
		report, err := xsite.Prune(t.Context(), xsite.PruneOptions{Options: options, Agree: agree})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	prune()
	if runs := p.history(t); len(runs) != 1 || runs[0].RunID != open {
		t.Errorf("left: %+v", runs)
	}
	for _, s := range []*site{p.a, p.b} {
		if s.caches["ispn-resync-probe-dead-1234"] != nil {
			t.Errorf("%s keeps the probe cache of a run that died", s.name)
		}
		if s.caches["ispn-resync-probe-"+open+"-1234"] == nil {
			t.Errorf("%s lost a probe cache of the unfinished run", s.name)
		}
	}
	if p.b.keycloaks[0].recorded == nil {
		t.Error("the count of the unfinished run was forgotten")
	}
	p.continues(t)
	for _, s := range []*site{p.a, p.b} {
		if s.caches["ispn-resync-probe-"+open+"-1234"] != nil {
			t.Errorf("%s keeps a probe cache after the run has ended", s.name)
		}
	}
	prune()
	if again := prune(); len(again.Did) != 0 || len(p.history(t)) != 0 {
		t.Errorf("left after all was over: %+v, %+v", again, p.history(t))
	}
}
