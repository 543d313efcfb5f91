package e2e

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestTheDataEndpointIsUsedWhereThereIsNoOperatorSecret takes the operator's secret away, so that credentials come from
// the endpoint secret with its several users, and the way leads over TLS with the certificate secret's authority. The
// pair has the four caches of Keycloak 26 and one server a site.
func TestTheDataEndpointIsUsedWhereThereIsNoOperatorSecret(t *testing.T) {
	ctx := t.Context()
	other, err := sites.Up(ctx, sites.Options{Version: *version, NodesPerSite: 1, TLS: true, Caches: sites.Four})
	must(t, err)
	defer func() { must(t, other.Down(withoutEnd(t))) }()
	for _, s := range other.Sites() {
		must(t, s.Kube().CoreV1().Secrets(sites.Namespace).Delete(ctx, operatorSecret, metav1.DeleteOptions{}))
	}
	must(t, other.A.Fill(ctx, "authenticationSessions", sites.Entries{Prefix: "kept-", Count: 100}))
	b := client(t, other.B)
	must(t, b.BackupAll(ctx, "site-a", sites.TakeOffline))
	must(t, b.Put(ctx, "work", "stale", "stale", 0))
	must(t, b.BackupAll(ctx, "site-a", sites.BringOnline))

	out := begin(t, other, straight("-v", "6")...).wait().mustSucceed(t)
	for _, s := range other.Sites() {
		if got := len(read(t, s, "authenticationSessions")); got != 100 {
			t.Errorf("%s has %d entries, want 100", s.Name, got)
		}
	}
	if stale := read(t, other.B, "work"); len(stale) != 0 {
		t.Errorf("the secondary still has %v", stale)
	}
	if out.stdout == "" {
		t.Error("no summary")
	}
}
