package xsite

import "testing"

// The site has no cluster to call: a start that got past the guard would not come back.
func TestKeycloakIsNotStartedBeforeTheContentsAreProved(t *testing.T) {
	for _, reached := range []progress{nothingChanged, undoable, clearing} {
		r := &run{secondary: &site{role: Secondary, name: "site-b"}, reached: reached}
		r.plan.Secondary.StartCounts = map[string]int{"keycloak/keycloak": 2}
		err := r.start(t.Context())
		if guard, stopped := StoppedBy(err); !stopped || guard != GuardRestart {
			t.Errorf("stopped by %q: %v", guard, err)
		}
	}
}
