package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
)

// both names the two sites.
func both(command string, more ...string) []string {
	return append([]string{command, "--primary-context", "site-a", "--secondary-context", "site-b"}, more...)
}

// statusOf reads the object that status wrote.
func statusOf(t *testing.T, o outcome) *api.Status {
	t.Helper()
	s, ok := apitest.Valid(t, api.KindStatus, o.stdout).(*api.Status)
	if !ok {
		t.Fatal("no status")
	}
	return s
}

// found lists the kinds of findings, each once, sorted.
func found(s *api.Status) string {
	var kinds []string
	for _, f := range s.Findings {
		kinds = append(kinds, f.Kind)
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), " ")
}

// TestStatusAndDiffTellTheWholeStoryOfAnOutage looks at a pair that drifted apart, was fenced, and was recovered.
func TestStatusAndDiffTellTheWholeStoryOfAnOutage(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	look := func(code int) *api.Status {
		t.Helper()
		return statusOf(t, resync(t, both("status", "--exit-code", "--tolerance", "0", "-o", "json")...).mustEnd(t, code))
	}

	s := look(10)
	if got := found(s); got != "drift" || len(s.Caches) != 8 || *s.Caches[0].Drift != 1 || !*s.Primary.SeesOther || s.Primary.Name != "site-a" {
		t.Errorf("before the outage was noticed found %q: %+v", got, s.Findings)
	}
	d, ok := apitest.Valid(t, api.KindDiff, resync(t, both("diff", "--values", "--show", "2", "-o", "json")...).mustEnd(t, 10).stdout).(*api.Diff)
	if !ok || d.Equal || len(d.Caches) != 8 {
		t.Fatalf("got %+v", d)
	}
	if c := d.Caches[0]; c.OnlyPrimary != 10 || c.OnlySecondary != 11 || c.DifferentValues == 0 || len(c.Keys) != 6 || c.Compared != "entries" {
		t.Errorf("got %+v", c)
	}

	pair.Cut()
	must(t, pair.WaitUnlinked(t.Context()))
	resync(t, "fence", "--primary-context", "site-a", "--confirm", "site-b").mustSucceed(t)
	s = look(10)
	if got := found(s); got != "drift offline view" || len(s.Fences) != 1 || s.Caches[0].Primary.OtherSite != "offline" || s.Caches[0].Secondary.OtherSite != "online" {
		t.Errorf("during the fence found %q: %+v", got, s.Findings)
	}

	pair.Heal()
	must(t, pair.WaitLinked(t.Context()))
	resync(t, straight()...).mustSucceed(t)
	s = look(0)
	if !s.InSync || len(s.Fences)+len(s.OpenRuns) > 0 || s.Secondary.Keycloaks[0].ReadyPods != instances {
		t.Errorf("after the recovery: %+v", s)
	}
	resync(t, both("diff", "--values")...).mustSucceed(t)
	mustBeRecovered(t, truth)
}

// TestStatusIsCheapEnoughForEveryMinute counts what one look asks two sites of two servers and eight caches.
func TestStatusIsCheapEnoughForEveryMinute(t *testing.T) {
	fresh(t, sites.Sync)
	before := observe(t)
	began := time.Now()
	o := resync(t, both("status", "--exit-code", "-v=6")...).mustSucceed(t)
	t.Logf("took %s", time.Since(began).Round(time.Millisecond))
	// For each site 2 servers, health, the list of caches, and for each of 8 caches configuration, size, mode, push state,
	// and the flag of each of 2 servers. The first request to each server is made twice, to learn how to log in.
	if calls, want := strings.Count(o.stderr, "Infinispan call"), 2*(2+2+1+1+8*6); calls != want {
		t.Errorf("%d requests to Infinispan, want %d", calls, want)
	}
	kubernetes := strings.Count(o.stderr, `"Response"`)
	t.Logf("%d requests to both API servers", kubernetes)
	if kubernetes == 0 || kubernetes > 80 {
		t.Errorf("%d requests to both API servers", kubernetes)
	}
	if diff := cmp.Diff(before, observe(t)); diff != "" {
		t.Errorf("a look changed something (-before +after):\n%s", short(diff))
	}
}

// TestStatusNeedsFewerRightsThanARun looks as a user who may neither read Keycloak nor the records nor leases.
func TestStatusNeedsFewerRightsThanARun(t *testing.T) {
	fresh(t, sites.Sync)
	roles := printedRoles(t, "--no-optional")
	for _, role := range roles {
		role.Rules = slices.DeleteFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
			return slices.ContainsFunc(rule.Resources, func(resource string) bool {
				return slices.Contains([]string{"configmaps", "leases", "keycloaks", "keycloaks/scale"}, resource)
			})
		})
	}
	kubeconfig := asUser(t, "onlooker", roles)
	s := statusOf(t, beginWith(t, kubeconfig, both("status", "-o", "json")...).wait().mustSucceed(t))
	if !s.Primary.Reachable || s.Primary.Keycloaks != nil || len(s.Primary.Unknown) != 3 || found(s) != "unknown" || s.Caches[0].Secondary.Entries == nil {
		t.Errorf("got %+v, unknown %v", s.Findings, s.Primary.Unknown)
	}
}

// TestStatusShowsTheSiteThatAnswers cannot reach the API server of the secondary.
func TestStatusShowsTheSiteThatAnswers(t *testing.T) {
	fresh(t, sites.Sync)
	s := statusOf(t, resync(t, both("status", "--exit-code", "--secondary-server", "https://127.0.0.1:1", "-o", "json")...).mustEnd(t, 10))
	if s.Secondary.Reachable || s.Secondary.Problem == "" || !s.Primary.Reachable || found(s) != "unreachable" || len(s.Caches) != 8 || *s.Primary.SeesOther != true {
		t.Errorf("got %+v", s)
	}
}
