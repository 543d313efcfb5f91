package runs

import (
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// clears lists the clears of real caches that were asked for at a site since so many calls.
func (s *stage) clears(site *sim.Site, since int) []sim.Call {
	return slices.DeleteFunc(s.Calls()[since:], func(c sim.Call) bool {
		return c.Op != "clear" || c.Site != site.Name() || strings.HasPrefix(c.Cache, "ispn-resync")
	})
}

// TestAServerThatRefusesTheHeaderClearsNothing: a server that does not know the flag of the header says 400 (V2). It is never
// tried without. The probe finds out before Keycloak is stopped; where it did not, the run ends before anything is lost.
func TestAServerThatRefusesTheHeaderClearsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// real is true where only real caches are refused.
		real bool
		// untouched is true where nothing but probes and records may have been changed.
		untouched bool
	}{"the probe's clear": {false, true}, "a real clear": {true, false}} {
		for _, version := range []string{"14.0.28", "16.0.7"} {
			t.Run(name+"/"+version, func(t *testing.T) {
				t.Parallel()
				perform(t, small(version), func(s *stage) {
					before := s.b.site.Entries("sessions")
					know := s.Before(func(call sim.Call) sim.Fault {
						if call.Op == "clear" && call.AtHome && strings.HasPrefix(call.Cache, "ispn-resync") != c.real {
							return sim.Fault{Status: 400, Body: "No enum constant org.infinispan.context.Flag.SKIP_XSITE_BACKUP"}
						}
						return sim.Fault{}
					})
					p := s.newProcess()
					err := s.recover(p)
					if err == nil || !strings.Contains(err.Error(), "No enum constant") {
						t.Errorf("does not say what the server said: %v", err)
					}
					for _, call := range s.clears(s.b.site, 0) {
						if !call.AtHome {
							t.Errorf("tried without the header: %s", call)
						}
					}
					for key, value := range before {
						if got, there := s.b.site.Get("sessions", key); !there || got != value {
							t.Errorf("%s of the secondary is %q, was %q", key, got, value)
						}
					}
					if c.untouched && p.changed > 0 {
						t.Errorf("%d changes although the probe had failed", p.changed)
					}
					s.ledger.judge("the header was refused")
					know()
					s.mend()
					s.finish()
					s.ledger.judge("at the end")
				})
			})
		}
	}
}
