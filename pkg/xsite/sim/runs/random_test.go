package runs

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// TestRandomRuns runs the procedure under faults that a seed decides. A seed that fails is named and can be run alone.
func TestRandomRuns(t *testing.T) {
	t.Parallel()
	if alone := setting[int64]("seed"); alone != 0 {
		t.Run(fmt.Sprintf("seed=%d", alone), func(t *testing.T) { //nolint:paralleltest // alone, and told
			performance(alone)(t, alone, t.Logf)
		})
		return
	}
	from, step := setting[int64]("from"), setting[int64]("step")
	for n := from; n < from+step*setting[int64]("seeds"); n += step {
		t.Run(fmt.Sprintf("seed=%d", n), func(t *testing.T) {
			t.Parallel()
			performance(n)(t, n, func(string, ...any) {})
		})
	}
}

// TestSeedsThatFailedOnce performs what a soak found, for as long as a seed means the same.
func TestSeedsThatFailedOnce(t *testing.T) {
	t.Parallel()
	for n, found := range map[int64]string{
		201183: "Keycloak comes up between the look at its pods and a clear, over slow calls",
	} {
		t.Run(found, func(t *testing.T) {
			t.Parallel()
			performance(n)(t, n, func(string, ...any) {})
		})
	}
}

// TestSoak runs seeds for a long time and tells how many, and how long a million would take.
func TestSoak(t *testing.T) {
	soak, from := setting[time.Duration]("soak"), setting[int64]("from")
	if soak == 0 {
		return // a long run: make soak
	}
	began := time.Now()
	var ran atomic.Int64
	t.Cleanup(func() {
		took := time.Since(began)
		rate := float64(ran.Load()) / took.Seconds()
		fmt.Fprintf(os.Stderr, "soak: %d runs from seed %d in %s, %.0f a second; a million take %s\n",
			ran.Load(), from, took.Round(time.Second), rate, time.Duration(1e6/rate*float64(time.Second)).Round(time.Minute))
	})
	for n := from; time.Since(began) < soak; n += 200 {
		t.Run(fmt.Sprintf("from=%d", n), func(t *testing.T) {
			for i := n; i < n+200; i++ {
				t.Run(fmt.Sprintf("seed=%d", i), func(t *testing.T) {
					t.Parallel()
					performance(i)(t, i, func(string, ...any) {})
					ran.Add(1)
				})
			}
		})
		if t.Failed() {
			return
		}
	}
}

// performance is what is performed with a seed: mostly one command after the other, now and then two at once.
func performance(n int64) func(*testing.T, int64, func(string, ...any)) {
	if n%everyWhich == 0 {
		return playTwo
	}
	return play
}

// play performs one seed: commands under faults, then, with everything mended, commands until one succeeds.
func play(t *testing.T, n int64, tell func(format string, args ...any)) {
	t.Helper()
	dice := rand.New(rand.NewPCG(uint64(n), 1))
	o := randomOptions(dice)
	perform(t, o, func(s *stage) {
		f := &faults{stage: s, dice: dice, seed: n, tell: tell, began: time.Now(), rate: []int{0, 0, 60, 200}[dice.IntN(4)]}
		f.schedule()
		s.Before(f.strike)
		s.After(f.lose)
		s.strike = f.strikeKube
		for range 1 + dice.IntN(2) {
			p := s.newProcess()
			f.aim(p)
			err := s.recover(p)
			f.settle()
			tell("%s %s ended: %v", f.at(), p.name, err)
			s.ledger.judge(p.name + " ended")
		}
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

// randomOptions makes a pair.
func randomOptions(dice *rand.Rand) sim.Options {
	versions := sim.Versions()
	o := small(versions[dice.IntN(len(versions))])
	o.Nodes = 1 + dice.IntN(2)
	for i := range o.Caches {
		switch dice.IntN(4) {
		case 0:
			o.Caches[i].Strategy = infinispan.StrategyAsync
		case 1:
			o.Caches[i].Strategy, o.Caches[i].Mode = infinispan.StrategyAsync, infinispan.ModeAuto
		}
		o.Caches[i].ChunkSize = 1 + dice.IntN(16)
	}
	o.ViewLoss = time.Duration(2+dice.IntN(47)) * time.Second
	o.ViewReturn = time.Duration(1+dice.IntN(40)) * time.Second
	return o
}

// faults is what goes wrong in one seed.
type faults struct {
	stage *stage
	dice  *rand.Rand
	seed  int64
	tell  func(format string, args ...any)
	began time.Time
	// rate is how many of 10,000 calls are struck.
	rate  int
	quiet atomic.Bool
	timed []*time.Timer
}

func (f *faults) at() string { return time.Since(f.began).Round(time.Millisecond).String() }

// later lets something happen after a while.
func (f *faults) later(d time.Duration, what string, act func()) {
	f.timed = append(f.timed, time.AfterFunc(d, func() {
		if f.quiet.Load() {
			return
		}
		f.tell("%s %s", f.at(), what)
		act()
	}))
}

// schedule decides what happens to the sites, and when.
func (f *faults) schedule() {
	s := f.stage
	for range f.dice.IntN(4) {
		when := time.Duration(f.dice.IntN(20_000)) * time.Millisecond
		lasts := time.Duration(500+f.dice.IntN(60_000)) * time.Millisecond
		c := []*cluster{s.a, s.b}[f.dice.IntN(2)]
		node := c.site.Node(f.dice.IntN(len(c.site.Nodes())))
		name := node.Name()
		cache := s.caches[f.dice.IntN(len(s.caches))]
		switch f.dice.IntN(9) {
		case 0:
			f.later(when, "link cut", s.Cut)
			f.later(when+lasts, "link healed", s.Heal)
		case 1:
			f.later(when, "link reset", s.Reset)
			f.later(when+lasts, "link healed", s.Heal)
		case 2:
			f.later(when, "link slow", func() { s.Delay(300 * time.Millisecond) })
			f.later(when+lasts, "link fast", func() { s.Delay(0) })
		case 3:
			if c == s.a && node.Index() == 0 {
				continue // one server of the primary stays up: with the last the data is gone, whoever does what
			}
			f.later(when, name+" killed", func() { s.disturb(lasts); node.Kill() })
			f.later(when+lasts, name+" started", func() {
				if !node.Up() {
					node.Start()
				}
			})
		case 4:
			f.later(when, name+" frozen", func() { s.disturb(lasts); node.Freeze() })
			f.later(when+lasts, name+" thawed", node.Thaw)
		case 5:
			f.later(when, c.site.Name()+" away", func() { s.disturb(lasts); c.leave(lasts) })
		case 6:
			f.later(when, "somebody clears "+cache+" on the secondary", func() { s.wipe(cache) })
		case 7:
			f.later(when, "Keycloak of the secondary is started by somebody", func() {
				s.b.mu.Lock()
				down := s.b.instances == 0
				s.b.mu.Unlock()
				if down { // otherwise it would be the count of before the run
					s.b.scale(1)
				}
			})
		case 8:
			f.later(when, "interrupted", func() {
				s.mu.Lock()
				var interrupt context.CancelCauseFunc
				if s.active != nil {
					interrupt = s.active.interrupt
				}
				s.mu.Unlock()
				if interrupt != nil {
					interrupt(errInterrupted)
				}
			})
		}
	}
}

// aim decides whether and when a process is killed.
func (f *faults) aim(p *process) {
	if f.dice.IntN(2) == 0 {
		p.killAt, p.late = 1+f.dice.IntN(220), f.dice.IntN(2) == 0
		f.tell("%s %s is killed at call %d, late %v", f.at(), p.name, p.killAt, p.late)
	}
}

// struck decides by the seed and the call alone whether it is struck, so that a seed can be repeated.
func (f *faults) struck(c sim.Call, side string) uint64 {
	if f.rate == 0 || f.quiet.Load() || strings.HasPrefix(c.Op, "put") {
		return 0
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s %s %d", f.seed, side, c.Site+c.Op+c.Cache, c.Seen)
	sum := h.Sum64()
	if int(sum%10_000) >= f.rate {
		return 0
	}
	return 1 + (sum/10_000)%8
}

// strike spoils a call before it has an effect.
func (f *faults) strike(c sim.Call) sim.Fault {
	var fault sim.Fault
	switch f.struck(c, "before") {
	case 1, 2:
		fault = sim.Fault{Status: 500, Body: "ISPN000999: struck"}
	case 3:
		fault = sim.Fault{Drop: true}
	case 4:
		fault = sim.Fault{Hang: true}
	case 5:
		fault = sim.Fault{Status: 403, Body: "not allowed"}
	case 6:
		fault = sim.Fault{Body: `{"nobody":"knows this"}`}
	case 7:
		fault = sim.Fault{Delay: 20 * time.Second}
	case 8:
		fault = sim.Fault{Status: 404, Body: "Resource not found"}
	default:
		return fault
	}
	f.tell("%s before %s: %+v", f.at(), c, fault)
	f.stage.disturb(fault.Delay)
	return fault
}

// lose spoils the answer to a call that had its effect.
func (f *faults) lose(c sim.Call) sim.Fault {
	var fault sim.Fault
	switch f.struck(c, "after") {
	case 1, 2, 3:
		fault = sim.Fault{Drop: true}
	case 4, 5:
		fault = sim.Fault{Truncate: 7}
	case 6:
		fault = sim.Fault{Status: 500, Body: "ISPN000998: done all the same"}
	default:
		return fault
	}
	f.tell("%s after %s: %+v", f.at(), c, fault)
	f.stage.disturb(0)
	return fault
}

// settle waits a little between two commands.
func (f *faults) settle() { f.stage.Pass(time.Duration(1+f.dice.IntN(30)) * time.Second) }

// off ends the faults; somebody's Keycloak goes on as it is.
func (f *faults) off() {
	f.quiet.Store(true)
	for _, timer := range f.timed {
		timer.Stop()
	}
}
