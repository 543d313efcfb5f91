package plugin

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestDiscoveryIntroducesItselfAsThePlugin(t *testing.T) {
	var (
		mu     sync.Mutex
		agents []string
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		agents = append(agents, r.UserAgent())
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	for _, role := range []xsite.Role{xsite.Primary, xsite.Secondary} {
		site := newSiteFlags(role)
		given(t, site.flags, site.name("kubeconfig"), writeKubeconfig(t, "site-a"))
		given(t, site.flags, site.name("context"), "site-a")
		given(t, site.flags, site.name("server"), server.URL)
		given(t, site.flags, site.name("cache-dir"), t.TempDir())
		mapper, err := site.config.ToRESTMapper()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mapper.RESTMapping(schema.GroupKind{Kind: "Pod"}); err == nil {
			t.Error("a server that knows nothing has pods")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	want := version.Get().UserAgent()
	if len(agents) == 0 || slices.ContainsFunc(agents, func(agent string) bool { return agent != want }) {
		t.Errorf("introduced as %q, want %q", slices.Compact(agents), want)
	}
}
