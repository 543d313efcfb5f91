package xsite_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// The calls between the look at Keycloak's pods and a clear take seconds on slow servers.
func TestNothingIsClearedOnceKeycloakCameUpBehindTheLookAtItsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPair(t)
		cleared := 0
		p.after(occasion{site: siteB, method: "PutJournal", always: true}, happens(func() {
			if k := p.b.keycloaks[0]; k.instances == 0 && strings.Contains(string(p.b.journals[0].record), `"cleared":true`) {
				cleared = p.count(siteB, "Clear", "")
				k.instances = 1
				p.b.startPod(k)
			}
		}))
		p.before(occasion{site: siteA, method: "PutJournal", always: true}, happens(synctest.Wait)) // until the watch has told
		_, err := p.recover(t)
		p.wantStoppedBy(t, err, xsite.GuardStopped, xsite.Failed)
		if n := p.count(siteB, "Clear", "") - cleared; n > 0 {
			t.Errorf("%d caches were cleared while Keycloak served them", n)
		}
	})
}
