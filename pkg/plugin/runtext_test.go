package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// sampleRun has everything that the records of a run can tell.
func sampleRun() xsite.PastRun {
	begun := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	online := xsite.CacheOriginal{SecondaryHoldsPrimary: "online", PrimaryHoldsSecondary: "offline", SecondaryMode: "AUTO", PrimaryMode: "MANUAL"}
	return xsite.PastRun{
		RunID: "7f3a91c0", Started: begun, Updated: begun.Add(time.Minute), Who: "sam@desk", Reason: "outage of " + evilName, Tool: "kubectl-ispn-resync v1",
		Kept: "site-a", Discarded: "site-b", Phase: xsite.PhaseVerify, Ended: xsite.PhasePush, Cleared: true, Leaked: "2 of 10 entries are gone",
		KeycloakInstances: map[string]int{"keycloak/keycloak": 2}, Contexts: []string{"site-a", "site-b"},
		Caches: []xsite.PastCache{
			{Name: "offlineClientSessions", Original: online, CacheReached: xsite.CacheReached{
				Cleared: begun.Add(20 * time.Second), Pushed: begun.Add(40 * time.Second), Verified: begun.Add(50 * time.Second), Nodes: []string{"infinispan-0-1"},
			}},
			{Name: "work", Original: online},
		},
	}
}

func TestOneRunIsToldInFull(t *testing.T) {
	object := &api.Run{Header: api.NewHeader(api.KindRun, "7f3a91c0"), RunContent: runContent(sampleRun())}
	apitest.ValidObject(t, object)
	for name, v := range map[string]view{"run": {columns: 80, terminal: true}, "run_narrow": {columns: 40, terminal: true, wide: true}} {
		text, err := textOf(object, v)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, text)
		if strings.Contains(text, evilName) {
			t.Error("what somebody wrote reaches the terminal as it is")
		}
	}
}

func TestARunIsFoundByTheBeginningOfItsName(t *testing.T) {
	history := historyObject([]xsite.PastRun{{RunID: "7f3a91c0"}, {RunID: "7f3b0000"}, {RunID: "7f3a"}}, "a.b")
	for named, want := range map[string]string{"7f3a91c0": "7f3a91c0", "7f3b": "7f3b0000", "7f3a": "7f3a"} {
		object, err := runNamed(history, named)
		if err != nil || object.GetObjectMeta().GetName() != want {
			t.Errorf("%s: %v, %v", named, object, err)
		}
	}
	for named, want := range map[string]string{"7f3": "several", "7f3a91cx": "did you mean 7f3a91c0?", "prun": "did you mean prune?", "xyz": "no record"} {
		if _, err := runNamed(history, named); err == nil || CodeOf(err) != ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", named, err)
		}
	}
	r := newRig(t)
	if code := r.run(append([]string{"history", "a", "b"}, pair()...)...); code != ExitUsage || len(r.connected) > 0 {
		t.Errorf("two names: exit code %d", code)
	}
}
