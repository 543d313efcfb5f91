package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// newest is the newest version of Infinispan that the sites can run.
const newest = "16.0.7"

// TestServersOfTheNewestVersionAreRecovered is the product in one test on small sites of that version. The whole suite runs on
// it, or on any other, with -infinispan.
func TestServersOfTheNewestVersionAreRecovered(t *testing.T) {
	ctx := t.Context()
	other, err := sites.Up(ctx, sites.Options{Version: newest, NodesPerSite: 1, ContextPrefix: "newest-"})
	must(t, err)
	defer func() { must(t, other.Down(withoutEnd(t))) }()
	a, b := client(t, other.A), client(t, other.B)
	must(t, other.A.Fill(ctx, "sessions", sites.Entries{Prefix: "both-", Count: 200}))
	must(t, b.BackupAll(ctx, "site-a", sites.TakeOffline))
	must(t, b.Put(ctx, "sessions", "only-on-b", "stale", 0))
	must(t, b.Delete(ctx, "sessions", "both-7"))
	must(t, b.BackupAll(ctx, "site-a", sites.BringOnline))
	truth, err := a.Entries(ctx, "sessions")
	must(t, err)

	begin(t, other, "--primary-context", "newest-site-a", "--secondary-context", "newest-site-b", "--confirm", "site-b").wait().mustSucceed(t)
	for _, s := range other.Sites() {
		if diff := cmp.Diff(contents(truth), read(t, s, "sessions")); diff != "" {
			t.Errorf("contents of %s (-truth +found):\n%s", s.Name, short(diff))
		}
	}
}
