package runs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// everyWhich seed is one of two operators.
const everyWhich = 8

// playTwo performs one seed with two operators at once, who start the command within seconds of each other, in the same roles
// or in mirrored ones. One of them may be killed, or suspended and wake up. Whatever happens: every change is made by the one
// who holds both leases (judged at each, see [process.changes]), who is held off changed nothing and is told by whom, and the
// ledger is what it always is. In mirrored roles the two sites are alike, so that either may be kept, and each entry must be
// on one of them at any time.
//
// No server is frozen here: what one was asked before it froze it does when it thaws, whoever holds the leases by then. No
// tool can keep it from that; the other operator cannot begin before, since every server must answer first.
func playTwo(t *testing.T, n int64, tell func(format string, args ...any)) {
	t.Helper()
	dice := rand.New(rand.NewPCG(uint64(n), 2))
	o := randomOptions(dice)
	mirrored := dice.IntN(2) == 0
	performOn(t, o, mirrored, func(s *stage) {
		f := &faults{stage: s, dice: dice, seed: n, tell: tell, began: time.Now()}
		calm := dice.IntN(3) == 0
		if !calm {
			f.scheduleOutside(mirrored)
		}
		operators := [2]*operator{{process: s.newProcess()}, {process: s.newProcess(), mirrored: mirrored, after: offset(dice)}}
		hit := operators[dice.IntN(2)].process
		switch dice.IntN(3) {
		case 0:
			f.aim(hit)
			calm = calm && hit.killAt == 0
		case 1:
			calm = false
			f.suspend(hit)
		}
		var done sync.WaitGroup
		for _, one := range operators {
			done.Go(func() {
				s.Pass(one.after)
				one.run(s)
				tell("%s %s (mirrored %v) ended: %v", f.at(), one.name, one.mirrored, one.err)
			})
		}
		done.Wait()
		operators[0].judge(operators[1])
		operators[1].judge(operators[0])
		if calm && operators[0].err != nil && operators[1].err != nil {
			t.Errorf("neither of the two works, and nothing disturbed them: %v; %v", operators[0].err, operators[1].err)
		}
		s.ledger.judge("both ended")
		f.off()
		s.mend()
		s.finish()
		s.ledger.judge("at the end")
		s.ledger.judgeLive()
		if t.Failed() {
			t.Logf("again: go test ./pkg/xsite/sim/runs -run TestRandomRuns -seed %d -v", n)
		}
	})
}

// suspend decides when a process is suspended, in a call or while it waits, and for how long; mostly longer than its leases.
func (f *faults) suspend(p *process) {
	lasts := time.Duration(5+f.dice.IntN(195)) * time.Second
	if f.dice.IntN(3) == 0 {
		p.suspendAt, p.suspended = 1+f.dice.IntN(220), lasts
		f.tell("%s is suspended at call %d for %s", p.name, p.suspendAt, lasts)
		return
	}
	f.later(time.Duration(f.dice.IntN(40_000))*time.Millisecond, fmt.Sprintf("%s is suspended for %s", p.name, lasts), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asleep = time.Now().Add(lasts)
	})
}

// offset is how much later the second of two operators starts: often so little that both look at the leases before either
// has taken them.
func offset(dice *rand.Rand) time.Duration {
	if dice.IntN(2) == 0 {
		return time.Duration(dice.IntN(300)) * time.Millisecond
	}
	return time.Duration(dice.IntN(40_000)) * time.Millisecond
}

// operator is somebody who runs the command once.
type operator struct {
	*process

	// mirrored operators keep the site that the other discards.
	mirrored bool
	after    time.Duration
	err      error
}

func (o *operator) run(s *stage) {
	kept, other := s.a, s.b
	if o.mirrored {
		kept, other = other, kept
	}
	o.err = s.recoverAs(o.process, kept, other)
}

// judge demands that somebody who was held off, or refused, changed nothing, and was told by whom.
func (o *operator) judge(other *operator) {
	t := o.stage.t
	t.Helper()
	var failed *xsite.RunError
	if !errors.As(o.err, &failed) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if failed.Outcome == xsite.Held {
		if o.touched > 0 {
			t.Errorf("%s was held off and made %d changes: %v", o.name, o.touched, o.err)
		}
		// Where the other one has ended meanwhile, nobody is there to be named.
		if text := fmt.Sprint(o.err); !strings.Contains(text, other.name) && !strings.Contains(text, "was at work") {
			t.Errorf("%s is not told that %s is at work: %v", o.name, other.name, o.err)
		}
	}
	if failed.Outcome == xsite.Refused && o.changed > 0 {
		t.Errorf("%s was refused and made %d changes: %v", o.name, o.changed, o.err)
	}
}

// scheduleOutside decides what happens around two operators.
func (f *faults) scheduleOutside(mirrored bool) {
	s := f.stage
	for range f.dice.IntN(3) {
		when := time.Duration(f.dice.IntN(30_000)) * time.Millisecond
		lasts := time.Duration(500+f.dice.IntN(90_000)) * time.Millisecond
		c := []*cluster{s.a, s.b}[f.dice.IntN(2)]
		switch f.dice.IntN(4) {
		case 0:
			f.later(when, "link cut", s.Cut)
			f.later(when+lasts, "link healed", s.Heal)
		case 1:
			f.later(when, "link slow", func() { s.Delay(300 * time.Millisecond) })
			f.later(when+lasts, "link fast", func() { s.Delay(0) })
		case 2:
			f.later(when, c.site.Name()+" away", func() { s.disturb(lasts); c.leave(lasts) })
		case 3:
			if node := s.b.site.Node(f.dice.IntN(len(s.b.site.Nodes()))); !mirrored { // which may hold the only copy otherwise
				f.later(when, node.Name()+" of the secondary killed", func() { s.disturb(lasts); node.Kill() })
				f.later(when+lasts, node.Name()+" of the secondary started", func() {
					if !node.Up() {
						node.Start()
					}
				})
			}
		}
	}
}
