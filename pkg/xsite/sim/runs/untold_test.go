package runs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// untold are answers of one server of the secondary about cache work, instead of what is asked.
func untold() map[string]func(n *sim.Node, c sim.Call) sim.Fault {
	return map[string]func(n *sim.Node, c sim.Call) sim.Fault{
		"it cannot tell its own flag": func(n *sim.Node, c sim.Call) sim.Fault {
			if c.Op == "flags" {
				return sim.Fault{Body: fmt.Sprintf(`{%q:"failed"}`, n.Name())}
			}
			return sim.Fault{}
		},
		"the cache has failed on it": func(_ *sim.Node, c sim.Call) sim.Fault {
			if c.Cache == "work" && strings.Contains(c.Path, "/x-site/") {
				return sim.Fault{Status: 404, Body: "ISPN012010: Cache with name 'work' not found amongst the configured caches"}
			}
			return sim.Fault{}
		},
		"its neighbours do not tell it of their pushes": func(_ *sim.Node, c sim.Call) sim.Fault {
			if c.Op == "push-state-status" {
				return sim.Fault{Body: `{"ERROR":"ISPN000476: Timed out waiting for responses"}`}
			}
			return sim.Fault{}
		},
		"it says a word that nobody knows": func(_ *sim.Node, c sim.Call) sim.Fault {
			if c.Op == "push-state-status" {
				return sim.Fault{Body: `{"site-a":"CANCELLING"}`}
			}
			return sim.Fault{}
		},
	}
}

// TestWhatAServerCannotTellIsNotGuessed: the run is refused in preflight, and ends well once the server tells.
func TestWhatAServerCannotTellIsNotGuessed(t *testing.T) {
	t.Parallel()
	for name, answer := range untold() {
		for _, version := range []string{"14.0.28", "16.0.7"} {
			t.Run(name+"/"+version, func(t *testing.T) {
				t.Parallel()
				perform(t, small(version), func(s *stage) {
					told := s.Before(func(c sim.Call) sim.Fault {
						if n := s.b.site.Node(c.Node); c.Site == s.b.site.Name() && c.Cache == "work" && (c.Node == 1 || c.Op == "push-state-status") {
							return answer(n, c)
						}
						return sim.Fault{}
					})
					p := s.newProcess()
					if err := s.recover(p); err == nil || !strings.Contains(err.Error(), "cache work") {
						t.Errorf("does not name the cache: %v", err)
					}
					if p.touched > 0 {
						t.Errorf("%d changes were made", p.touched)
					}
					told()
					s.finish()
					s.ledger.judge("at the end")
				})
			})
		}
	}
}
