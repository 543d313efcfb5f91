package runs

import (
	"fmt"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// setbacks end a run before anything was cleared, so that it undoes what it did.
func setbacks() map[string]func(s *stage, p *process) {
	return map[string]func(s *stage, p *process){
		"interrupted":          func(_ *stage, p *process) { p.interrupt(errInterrupted) },
		"its Keycloak came up": func(s *stage, _ *process) { s.b.follow(0); s.b.scale(1) },
	}
}

// TestARunThatIsUndoneOverALostLinkLeavesNoWriteOfThePrimaryFailing: to put the flags of before back would have the primary send
// its writes over a link that carries nothing, and fail them (V10, V51).
func TestARunThatIsUndoneOverALostLinkLeavesNoWriteOfThePrimaryFailing(t *testing.T) {
	t.Parallel()
	for _, phase := range []xsite.Phase{xsite.PhaseOffline, xsite.PhaseClear} {
		for how, part := range partings() {
			if how == "fenced" {
				continue // over a link that works
			}
			for what, befall := range setbacks() {
				t.Run(fmt.Sprintf("%s/%s/%s", phase, how, what), func(t *testing.T) {
					t.Parallel()
					o := small("16.0.7")
					o.ViewLoss = part.noticed
					perform(t, o, func(s *stage) {
						p := s.newProcess()
						p.at = func(e xsite.Event) {
							if e.Kind == xsite.PhaseStarted && e.Phase == phase {
								part.act(s)
								befall(s, p)
							}
						}
						if err := s.recover(p); err == nil {
							t.Error("it succeeded over a lost link")
						}
						if n := len(s.clears(s.b.site, 0)); n > 0 {
							s.t.Fatalf("%d caches were cleared, so nothing is undone", n)
						}
						for _, cache := range s.caches {
							if err := s.a.site.Put(s.t.Context(), cache, "live-afterwards", "value", 0); err != nil {
								t.Errorf("a write of the primary fails: %v", err)
							}
						}
						s.ledger.judge("the command ended")
						s.mend()
						for _, cache := range s.caches {
							if err := s.a.site.Remove(s.t.Context(), cache, "live-afterwards"); err != nil {
								t.Error(err)
							}
						}
						s.finish()
						s.ledger.judge("at the end")
						s.ledger.judgeLive()
					})
				})
			}
		}
	}
}
