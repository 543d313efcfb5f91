package xsite_test

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// takenOffline sets what a colleague, a fence or Keycloak's own site health sets.
func takenOffline(s *site, cache string) func() error {
	return happens(func() { s.caches[cache].setFlag(infinispan.FlagOffline) })
}

// A fence that was set after a kill outlives the contents that were proved before: old keys have new values since, whether
// somebody brings the site online by hand again or not.
func TestAFenceBehindAKilledRunIsNoSuccessOnOldContents(t *testing.T) {
	for name, method := range map[string]string{"as the secondary speaks again": "BringOnline", "as Keycloak is ready": "ForgetInstances"} {
		for state, online := range map[string]bool{"still there": false, "undone by hand": true} {
			t.Run(name+", "+state, func(t *testing.T) {
				p := smallPair(t)
				p.diedAfterThe(t, method)
				p.link = linkDown
				if _, err := p.fence(t, false); err != nil {
					t.Fatal(err)
				}
				key := p.a.caches["sessions"].keys(p.now)[0]
				if err := p.clientWrites("sessions", key, entry{value: "newer"}); err != nil {
					t.Fatal(err)
				}
				p.link = linkUp
				for name := range p.truth {
					if online {
						p.a.caches[name].setFlag(infinispan.FlagOnline)
					}
				}
				for range 2 { // the first finds that the proof does not hold, the second makes a new one
					if _, err := p.recover(t); err == nil {
						break
					}
				}
				p.wantRecovered(t)
			})
		}
	}
}

func TestASecondaryThatIsTakenOfflineWhileItIsComparedIsPushedAgain(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Keys", cache: "work"}, takenOffline(p.a, "work"))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if n := p.count(siteA, "StartPush", "work"); n != 2 {
		t.Errorf("pushed %d times, want 2", n)
	}
	p.wantRecovered(t)
}

// What one site writes would not reach the other from then on, behind a run that ended well.
func TestASiteThatIsTakenOfflineWhileKeycloakStartsIsNoSuccess(t *testing.T) {
	for name, at := range map[string]func(p *pair) *site{
		"on the primary":   func(p *pair) *site { return p.a },
		"on the secondary": func(p *pair) *site { return p.b },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, takenOffline(at(p), "work"))
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, xsite.GuardTruthfulEnd, xsite.Failed)
			p.wantHeldSafe(t)
			p.continues(t)
		})
	}
}
