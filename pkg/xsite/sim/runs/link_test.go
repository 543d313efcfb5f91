package runs

import (
	"fmt"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// parting is a way in which the two sites come apart.
type parting struct {
	// noticed is how long the sites take to notice a link that is silent.
	noticed time.Duration
	act     func(*stage)
}

func partings() map[string]parting {
	return map[string]parting{
		"cut and soon noticed": {2 * time.Second, (*stage).Cut},
		"cut and late noticed": {40 * time.Second, (*stage).Cut},
		"reset":                {0, (*stage).Reset},
		"fenced":               {0, (*stage).fence},
	}
}

// fence takes the secondary offline on the primary as somebody else.
func (s *stage) fence() {
	client, err := s.a.site.Node(0).Client()
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	for _, cache := range s.caches {
		if err := client.TakeOffline(s.t.Context(), cache, s.b.site.Name()); err != nil {
			s.t.Error(err)
		}
	}
}

// TestSitesThatComeApartInAnyPhase lets the link be lost, in silence or with a reset, or somebody fence the secondary off, when a
// phase begins. How the command ends is judged by [stage.judgeEnded]: a failure leaves the primary no write that fails, and a
// success is none while a site holds the other offline.
func TestSitesThatComeApartInAnyPhase(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{"SYNC": pairs()["16.0.7"], "ASYNC AUTO": pairs()["16.0.7 ASYNC AUTO"]} {
		for _, phase := range xsite.Phases() {
			for how, part := range partings() {
				t.Run(fmt.Sprintf("%s/%s/%s", name, phase, how), func(t *testing.T) {
					t.Parallel()
					mine := o
					mine.ViewLoss = part.noticed
					perform(t, mine, func(s *stage) {
						p := s.newProcess()
						p.at = func(e xsite.Event) {
							if e.Kind == xsite.PhaseStarted && e.Phase == phase {
								part.act(s)
							}
						}
						_ = s.recover(p)
						s.ledger.judge("the command ended")
						s.mend()
						s.finish()
						s.ledger.judge("at the end")
						s.ledger.judgeLive()
					})
				})
			}
		}
	}
}
