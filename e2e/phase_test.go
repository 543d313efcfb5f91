package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// phase are the arguments of one phase of the recovery that keeps site-a and discards site-b, confirmed.
func phase(name string, more ...string) []string {
	return append([]string{"phase", name}, straight(more...)...)
}

// entriesOf counts all entries of a site.
func entriesOf(t testing.TB, s *sites.Site) int {
	t.Helper()
	all := 0
	for _, entries := range readAll(t, s) {
		all += len(entries)
	}
	return all
}

// TestARecoveryIsDonePhaseByPhase goes through a recovery with a command for each phase, looks at both sites after each, and
// tries on the way what must be refused.
func TestARecoveryIsDonePhaseByPhase(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	setFlags(t, pair.A, "site-b", sites.BringOnline)
	setFlags(t, pair.B, "site-a", sites.BringOnline)

	resync(t, phase("clear")...).mustEnd(t, 3, "phase clear is not the next one: stop is", "nothing was changed")
	for _, step := range []struct {
		name, next string
		// to and from are the flags that site-a and site-b have of each other after it.
		to, from string
		empty    bool
	}{
		{"stop", "offline", "online", "online", false},
		{"offline", "clear", "offline", "offline", false},
		{"clear", "push", "offline", "offline", true},
		{"push", "online", "online", "offline", false},
		{"online", "start", "online", "online", false},
	} {
		out := resync(t, phase(step.name)...).mustSucceed(t)
		if want := "kubectl ispn-resync phase " + step.next + " --"; !strings.Contains(out.stdout, want) {
			t.Errorf("%s does not name %q:\n%s", step.name, want, out.stdout)
		}
		if to, from := flagsOf(t, pair.A, "site-b"), flagsOf(t, pair.B, "site-a"); to != step.to || from != step.from {
			t.Errorf("after %s site-a has site-b %s and site-b has site-a %s, want %s and %s", step.name, to, from, step.to, step.from)
		}
		if left := entriesOf(t, pair.B); (left == 0) != step.empty {
			t.Errorf("after %s site-b has %d entries", step.name, left)
		}
		if ready, err := pair.B.KeycloakReady(t.Context()); err != nil || ready != 0 {
			t.Errorf("after %s %d pods of site-b's Keycloak are ready: %v", step.name, ready, err)
		}
		mustKeepPrimary(t, truth)
		if step.name == "clear" {
			begunAnew(t)
		}
	}
	var done struct {
		Kind    string `json:"kind"`
		Outcome string `json:"outcome"`
		RunOpen bool   `json:"runOpen"`
	}
	must(t, json.Unmarshal([]byte(resync(t, phase("start", "-o", "json")...).mustSucceed(t).stdout), &done))
	if done.Kind != "PhaseResult" || done.Outcome != "done" || done.RunOpen {
		t.Errorf("the last phase gives %+v", done)
	}
	mustBeRecovered(t, truth)
}

// begunAnew tries, when the caches of site-b are empty, what is refused: swapped roles, and a push onto what somebody wrote
// there meanwhile, which takes another clear.
func begunAnew(t *testing.T) {
	t.Helper()
	swapped := []string{"phase", "push", "--primary-context", "site-b", "--secondary-context", "site-a", "--confirm", "site-a"}
	resync(t, slices.Concat(swapped, []string{"--accept", "primary-keycloak-not-ready,primary-smaller"})...).mustEnd(t, 3, "direction:", "nothing was changed")
	must(t, client(t, pair.B).Put(t.Context(), "sessions", "stranger", "value", 0))
	resync(t, phase("push")...).mustEnd(t, 3, "phase push is not the next one: clear is again", "cache sessions of site site-b has 1 entries")
	resync(t, phase("clear")...).mustSucceed(t)
	if left := entriesOf(t, pair.B); left != 0 {
		t.Errorf("site-b has %d entries", left)
	}
}
