package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// checks runs the checks on the pair with these arguments and reads what they found.
func checks(t *testing.T, code int, args ...string) *api.CheckReport {
	t.Helper()
	args = append([]string{"check", "-o", "json", "--primary-context", "site-a", "--secondary-context", "site-b"}, args...)
	end := resync(t, args...)
	if end.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", end.code, code, end.stdout, end.stderr)
	}
	object, err := api.Decode([]byte(end.stdout))
	must(t, err)
	report, ok := object.(*api.CheckReport)
	if !ok {
		t.Fatalf("a %T", object)
	}
	return report
}

// endedAs lists the checks with a status.
func endedAs(report *api.CheckReport, status string) []string {
	var ids []string
	for _, c := range report.Checks {
		if c.Status == status {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// TestTheChecksFindWhatIsWrongAndChangeNothing makes the checks on pairs that are whole, stale and broken.
func TestTheChecksFindWhatIsWrongAndChangeNothing(t *testing.T) {
	fresh(t, sites.Sync)
	const passed, failed = "passed", "failed"
	onCaches := []string{"cache-health", "cache-flags", "pushes", "entries", "chunk-size", "roles", "credentials"}
	onKeycloak := []string{"roles", "autoscalers", "other-clients", "credentials"}
	onServers := []string{
		"site-names", "same-version", "infinispan-health", "sites-view", "linked", "caches", "cache-health", "cache-flags", "pushes", "entries", "chunk-size",
		"roles", "contenders", "infinispan-operator", "autoscalers", "gitops", "keycloak-operator", "other-keycloaks", "other-clients", "site-health", "own-push", "credentials",
	}
	for _, c := range []struct {
		name            string
		prepare         func(t *testing.T) (undo func())
		args            []string
		status          string
		failed, skipped []string
	}{
		{name: "a healthy pair", status: passed},
		{name: "a stale secondary", prepare: func(t *testing.T) func() { t.Helper(); makeStale(t, 40); return nil }, status: passed},
		{
			name: "a cache that one site lacks", status: failed, failed: []string{"caches"}, skipped: onCaches,
			prepare: func(t *testing.T) func() {
				t.Helper()
				must(t, pair.B.DeleteCaches(t.Context(), "sessions"))
				return func() { restoreCaches(t) }
			},
		},
		{
			name: "Keycloak that was stopped by hand", status: failed, failed: []string{"keycloak"}, skipped: onKeycloak,
			prepare: keycloakStoppedByHand,
		},
		{
			name: "a wrong password", status: failed, failed: []string{"servers-answer"}, prepare: wrongPassword,
			skipped: onServers,
		},
		{name: "no Infinispan", status: failed, failed: []string{"sites-found"}, args: []string{"--secondary-namespace", "default"}},
		{name: "another name vouched for", status: failed, failed: []string{"linked"}, args: []string{"--linked", "site-a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			undo := func() {}
			if c.prepare != nil {
				if back := c.prepare(t); back != nil {
					undo = back
				}
			}
			defer undo()
			before := observe(t)
			code := 0
			if c.status == failed {
				code = 3
			}
			report := checks(t, code, c.args...)
			if report.Status != c.status || !slices.Equal(endedAs(report, failed), c.failed) {
				t.Errorf("%s, failed %v, want %v: %+v", report.Status, endedAs(report, failed), c.failed, report)
			}
			if skipped := endedAs(report, "skipped"); c.skipped != nil && !slices.Equal(skipped, c.skipped) {
				t.Errorf("skipped %v, want %v", skipped, c.skipped)
			}
			if diff := cmp.Diff(before, observe(t)); diff != "" {
				t.Errorf("the checks changed something (-before +after):\n%s", short(diff))
			}
		})
	}
}

// TestTheChecksOfAPairWithoutALink waits until the servers have noticed that the link is down; everything that does not need
// it is looked at all the same.
func TestTheChecksOfAPairWithoutALink(t *testing.T) {
	fresh(t, sites.Sync)
	pair.Cut()
	defer heal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must(t, pair.WaitUnlinked(ctx))
	report := checks(t, 3)
	if failed := endedAs(report, "failed"); !slices.Equal(failed, []string{"sites-view"}) || report.Counts.Skipped != 0 {
		t.Errorf("failed %v: %+v", failed, report.Counts)
	}
}

// keycloakStoppedByHand sets Keycloak of the secondary to 0, as the guide's second step does.
func keycloakStoppedByHand(t *testing.T) func() {
	t.Helper()
	must(t, pair.B.SetKeycloakInstances(t.Context(), 0))
	return func() { must(t, pair.B.SetKeycloakInstances(t.Context(), instances)) }
}
