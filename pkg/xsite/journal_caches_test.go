package xsite_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// came lists how far the newest run of the secondary came, cache by cache: "work cleared pushed".
func (p *pair) came(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, c := range p.history(t)[0].Caches {
		words := []string{c.Name}
		for _, step := range []struct {
			at   time.Time
			word string
		}{{c.Cleared, "cleared"}, {c.Pushed, "pushed"}, {c.Verified, "compared"}} {
			if !step.at.IsZero() {
				words = append(words, step.word)
			}
		}
		if len(c.Nodes) > 0 {
			words = append(words, fmt.Sprint(c.Nodes))
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func TestTheJournalTellsHowFarEachCacheCame(t *testing.T) {
	const nodes = " [infinispan-0-10000 infinispan-1-10000]"
	for name, c := range map[string]struct {
		spoil func(p *pair)
		want  []string
	}{
		"all the way": {func(*pair) {}, []string{"sessions cleared pushed compared" + nodes, "work cleared pushed compared" + nodes}},
		"before the clear": {
			func(p *pair) { p.after(occasion{site: siteA, method: "TakeOffline"}, func() error { return errFake }) },
			[]string{"sessions", "work"},
		},
		"no push": {
			func(p *pair) { p.before(occasion{site: siteA, method: "StartPush"}, func() error { return errFake }) },
			[]string{"sessions cleared" + nodes, "work cleared" + nodes},
		},
		"a comparison that failed": {
			func(p *pair) {
				p.before(occasion{site: siteA, method: "Keys", cache: "work"}, func() error { return errFake })
			},
			[]string{"sessions cleared pushed compared" + nodes, "work cleared pushed" + nodes},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			c.spoil(p)
			_, err := p.recover(t)
			if (err != nil) != (len(p.hooks) > 0) {
				t.Fatal(err)
			}
			if got := p.came(t); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if copied := p.records(t, p.a)[0]; copied.Reached != nil {
				t.Errorf("the primary's copy has it too: %+v", copied.Reached)
			}
		})
	}
}

// A phase that lasts writes every so often what it reached; one that does not writes nothing more than before.
func TestWhatCachesReachIsWrittenSeldom(t *testing.T) {
	p := smallPair(t)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	quick := p.count(siteB, "PutJournal", "")
	if quick > 25 {
		t.Errorf("a run of some seconds writes the journal %d times", quick)
	}
	p = smallPair(t)
	p.after(occasion{site: siteB, method: "Clear", always: true}, happens(func() { p.step(11 * time.Second) }))
	p.deadline = nil
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if slow := p.count(siteB, "PutJournal", ""); slow <= quick || slow > quick+4 {
		t.Errorf("a run of which two clears take 11 s writes the journal %d times, a quick one %d times", slow, quick)
	}
}

// The records of a version that did not know of single caches are continued.
func TestARecordOfBeforeCachesWereRecordedIsContinued(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "StartPush")
	for _, s := range []*site{p.a, p.b} {
		role := map[string]string{siteA: "primary", siteB: "secondary"}[s.name]
		text, err := os.ReadFile("testdata/journal-before-caches." + role + ".json")
		if err != nil {
			t.Fatal(err)
		}
		s.journals = []*stored{{id: "0ld0ne00", version: 7, record: text}}
	}
	var told strings.Builder
	result, err := p.recover(t, func(o *xsite.Options) {
		o.Observer = xsite.ObserverFunc(func(e xsite.Event) { told.WriteString(e.Message + "\n") })
	})
	if err != nil || result.Plan.RunID != "0ld0ne00" {
		t.Fatalf("run %s: %v", result.Plan.RunID, err)
	}
	if want := "continuing run 0ld0ne00, which did not finish (last phase: push)\n"; !strings.Contains(told.String(), want) {
		t.Errorf("does not say %q: %s", want, told.String())
	}
	p.wantRecovered(t)
}

// A later version may record more than this one knows; what it does not know it may lose.
func TestARecordWithUnknownFieldsIsContinued(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "StartPush")
	for _, s := range []*site{p.a, p.b} {
		s.journals[0].record = []byte(strings.Replace(string(s.journals[0].record), `{"schema":1,`, `{"schema":1,"later":{"x":1},`, 1))
	}
	p.continues(t)
}

func TestARunThatIsContinuedSaysHowFarItsCachesCame(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "StartPush")
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if words := strings.Join(result.Plan.Warnings, "\n"); !strings.Contains(words, "of 2 caches 2 were cleared, 0 pushed and 0 compared") {
		t.Errorf("the plan does not say it: %s", words)
	}
}

// That the journal cannot be written says nothing of contents that were proved: nothing is cleared again.
func TestAJournalThatCannotBeWrittenTakesNoProofBack(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteB, method: "BringOnline"}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	clears := p.count(siteB, "Clear", "")
	p.before(occasion{site: siteB, method: "PutJournal"}, func() error { return errFake })
	_, err = p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Failed)
	if last := p.calls[len(p.calls)-1]; !p.records(t, p.b)[0].Verified {
		t.Errorf("the proof was taken back; last call: %s", last)
	}
	p.continues(t)
	if again := p.count(siteB, "Clear", "") - clears; again != 0 {
		t.Errorf("cleared %d caches whose contents were proved", again)
	}
}
