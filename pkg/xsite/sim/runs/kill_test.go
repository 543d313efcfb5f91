package runs

import (
	"fmt"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// small is a pair with little in it, so that it can be run often.
func small(version string) sim.Options {
	return sim.Options{Version: version, Nodes: 2, Caches: sim.Caches("sessions", "work"), CallTime: time.Millisecond}
}

// pairs are those that the procedure is run on: as the guide has them, in every version, and with backups that push by
// themselves.
func pairs() map[string]sim.Options {
	all := map[string]sim.Options{}
	for _, version := range sim.Versions() {
		all[version] = small(version)
	}
	for _, version := range []string{"14.0.28", "16.0.7"} {
		o := small(version)
		for i := range o.Caches {
			o.Caches[i].Strategy, o.Caches[i].Mode = infinispan.StrategyAsync, infinispan.ModeAuto
		}
		all[version+" ASYNC AUTO"] = o
	}
	return all
}

func TestTheProcedureOnSimulatedSites(t *testing.T) {
	t.Parallel()
	for name, o := range pairs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			perform(t, o, func(s *stage) {
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
	t.Parallel()
	for name, o := range pairs() {
		total := 0
		perform(t, o, func(s *stage) {
			p := s.newProcess()
			if err := s.recover(p); err != nil {
				t.Fatal(err)
			}
			total = p.calls
		})
		for _, late := range []bool{false, true} {
			for at := 1; at <= total; at += int(setting[int64]("kill-every")) {
				t.Run(fmt.Sprintf("%s/late=%v/%d", name, late, at), func(t *testing.T) {
					t.Parallel()
					perform(t, o, func(s *stage) {
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
