package xsite_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// smallPair makes a pair with little data, for tests that run the command hundreds of times.
func smallPair(t *testing.T) *pair {
	t.Helper()
	p := newPair(t)
	for _, s := range []*site{p.a, p.b} {
		delete(s.caches, "clientSessions")
	}
	delete(p.truth, "clientSessions")
	return p
}

const (
	// leasesGivenBack are the last changes of every run.
	leasesGivenBack = 2
	// closing are those behind which nothing is left to do: at each site what is left of probes is looked for, the journal is
	// closed, and the lease given back. Who interrupts a run there is told that it is done.
	closing = 4 + leasesGivenBack
)

// countChanges tells how many changing calls the whole run makes.
func countChanges(t *testing.T, prepare func(*pair)) int {
	t.Helper()
	p := smallPair(t)
	prepare(p)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	return p.changes
}

// usual is the pair as it mostly is: SYNC, each site online for the other.
func usual(*pair) {}

// unusual is a pair of which the run has most to put back: ASYNC in mode AUTO, the secondary held offline.
func unusual(p *pair) {
	p.backups(func(b *infinispan.BackupConfig) {
		b.Strategy, b.Mode = infinispan.StrategyAsync, infinispan.ModeAuto
	})
	for _, c := range p.a.caches {
		c.setFlag(infinispan.FlagOffline)
	}
}

// The command is ended at each of its changing calls, in each way; the same command then finishes the work.
func TestARunThatEndsAtAnyCallIsFinishedByTheSameCommand(t *testing.T) {
	t.Parallel()
	for state, c := range map[string]struct {
		prepare func(*pair)
		ends    []how
	}{
		"usual":   {usual, []how{interruptedBefore, interruptedUnheard, interruptedAfter, diedBefore, diedAfter}},
		"unusual": {unusual, []how{interruptedUnheard, diedAfter}},
	} {
		total := countChanges(t, c.prepare)
		for _, end := range c.ends {
			for at := 1; at <= total; at++ {
				t.Run(fmt.Sprintf("%s/%s/%d", state, end, at), func(t *testing.T) {
					t.Parallel()
					p := smallPair(t)
					c.prepare(p)
					p.deadline = &ending{at: at, how: end}
					_, err := p.recover(t)
					if err == nil && at < total-closing {
						t.Errorf("the run did not notice its end at %v", p.calls[len(p.calls)-1])
					}
					p.wantPrimaryWhole(t)
					p.deadline = nil
					if _, err := p.recover(t); err != nil {
						t.Fatalf("the same command did not finish: %v", err)
					}
					p.wantRecovered(t)
				})
			}
		}
	}
}

// Two commands in a row come to their ends, the second at each call of its own; the third finishes the work.
func TestARunThatEndsTwiceIsFinishedByTheSameCommand(t *testing.T) {
	t.Parallel()
	total := countChanges(t, usual)
	for _, first := range []int{total / 2, total * 3 / 4} {
		for _, end := range []how{interruptedUnheard, diedAfter} {
			for at := 1; at <= total; at++ {
				t.Run(fmt.Sprintf("%d/%s/%d", first, end, at), func(t *testing.T) {
					t.Parallel()
					p := smallPair(t)
					p.deadline = &ending{at: first, how: diedAfter}
					if _, err := p.recover(t); err == nil {
						t.Fatal("the first command did not notice its end")
					}
					p.deadline = &ending{at: p.changes + at, how: end}
					_, _ = p.recover(t) // it may be done before its end comes
					p.wantPrimaryWhole(t)
					p.deadline = nil
					if _, err := p.recover(t); err != nil {
						t.Fatalf("the same command did not finish: %v", err)
					}
					p.wantRecovered(t)
				})
			}
		}
	}
}

// A step that fails, whichever it is, leaves a state from which the same command finishes.
func TestAChangingCallThatFailsOnceIsNoDeadEnd(t *testing.T) {
	t.Parallel()
	total := countChanges(t, unusual)
	for at := 1; at <= total; at++ {
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			t.Parallel()
			p := smallPair(t)
			unusual(p)
			p.hooks = append(p.hooks, &hook{occasion: occasion{always: true}, before: func() error {
				if p.changes == at && p.calls[len(p.calls)-1].changing {
					return errFake
				}
				return nil
			}})
			_, err := p.recover(t)
			p.wantPrimaryWhole(t)
			p.hooks = nil
			if err != nil {
				if _, err := p.recover(t); err != nil {
					t.Fatalf("the same command did not finish: %v", err)
				}
			}
			p.wantRecovered(t)
		})
	}
}

func TestPastTheComparisonNothingIsClearedAgain(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteB, method: "BringOnline"}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	clears := p.count(siteB, "Clear", "")
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if again := p.count(siteB, "Clear", "") - clears; again != 0 {
		t.Errorf("cleared %d caches whose contents were proved", again)
	}
	p.wantRecovered(t)
}
