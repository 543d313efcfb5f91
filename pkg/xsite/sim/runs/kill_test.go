package runs

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

var every = flag.Int("kill-every", 0, "kill at every n-th call only; 0 is 7, and 1 is every call")

// small is a pair with little in it, so that it can be run often.
func small(version string) sim.Options {
	return sim.Options{Version: version, Nodes: 2, Caches: sim.Caches("sessions", "work"), CallTime: time.Millisecond}
}

func TestTheProcedureOnSimulatedSites(t *testing.T) {
	for _, version := range sim.Versions() {
		t.Run(version, func(t *testing.T) {
			perform(t, small(version), func(s *stage) {
				began := time.Now()
				s.finish()
				s.ledger.judge("at the end")
				s.ledger.judgeLive()
				t.Logf("%d calls, %s", len(s.Calls()), time.Since(began).Round(time.Second))
			})
		})
	}
}

// TestARunKilledAtAnyCallIsFinishedByTheNext kills the process at each of its calls, to Kubernetes and to Infinispan, before
// and after the call's effect. Another machine then runs the same command.
func TestARunKilledAtAnyCallIsFinishedByTheNext(t *testing.T) {
	step := *every
	if step == 0 {
		step = 7
	}
	for _, version := range sim.Versions() {
		total := 0
		perform(t, small(version), func(s *stage) {
			p := s.newProcess()
			if err := s.recover(p); err != nil {
				t.Fatal(err)
			}
			total = p.calls
		})
		for _, late := range []bool{false, true} {
			for at := 1; at <= total; at += step {
				t.Run(fmt.Sprintf("%s/late=%v/%d", version, late, at), func(t *testing.T) {
					t.Parallel()
					perform(t, small(version), func(s *stage) {
						p := s.newProcess()
						p.killAt, p.late = at, late
						_ = s.recover(p)
						s.ledger.judge("killed at " + p.last)
						s.finish()
						s.ledger.judge("at the end")
						s.ledger.judgeLive()
					})
				})
			}
		}
	}
}

// asyncAuto is a pair whose sites push by themselves.
func asyncAuto(version string) sim.Options {
	o := small(version)
	for i := range o.Caches {
		o.Caches[i].Strategy, o.Caches[i].Mode = infinispan.StrategyAsync, infinispan.ModeAuto
	}
	return o
}
