package e2e

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// refusal is one way to be refused before anything is changed.
type refusal struct {
	// prepare brings the pair into the state; what it returns puts it back.
	prepare func(t *testing.T) (undo func())
	// kubeconfig is the pair's own when nil.
	kubeconfig func(t *testing.T) string
	args       []string
	code       int
	words      []string
}

// refusals are the designed refusals that need nothing but the shared pair.
var refusals = map[string]refusal{
	"the roles are swapped and the confirmation with them": {
		prepare: func(t *testing.T) func() {
			setFlags(t, pair.A, "site-b", sites.TakeOffline)
			return func() { setFlags(t, pair.A, "site-b", sites.BringOnline) }
		},
		args: []string{"--primary-context", "site-b", "--secondary-context", "site-a", "--confirm", "site-a"},
		code: 3, words: []string{"direction:", "primary site-b", "--accept primary-held-offline", "nothing was changed"},
	},
	"the same context is given twice": {
		args: []string{"--primary-context", "site-a", "--secondary-context", "site-a", "--confirm", "site-a"},
		code: 2, words: []string{"site-a"},
	},
	"two contexts lead to the same cluster": {
		kubeconfig: aliased,
		args:       []string{"--primary-context", "site-a", "--secondary-context", "alias", "--confirm", "site-a"},
		code:       3, words: []string{"identity:", "same Infinispan", "nothing was changed"},
	},
	"a link that was cut a moment ago, while the view still shows both sites": {
		prepare: func(t *testing.T) func() {
			pair.Cut()
			return func() { heal(t) }
		},
		args: straight(), code: 3, words: []string{"linked:", "did not arrive", "nothing was changed"},
	},
	"the password is wrong": {
		prepare: wrongPassword, args: straight(), code: 3, words: []string{"site-b", "nothing was changed"},
	},
	"there is no Infinispan in the namespace": {
		args: straight("--secondary-namespace", "default"), code: 3, words: []string{"site-b", "default", "--infinispan", "nothing was changed"},
	},
	"there are two Infinispans": {
		prepare: secondInfinispan, args: straight(), code: 3, words: []string{"infinispan", "another", "--infinispan", "nothing was changed"},
	},
	"a cache is missing at the peer": {
		prepare: func(t *testing.T) func() {
			must(t, pair.B.DeleteCaches(t.Context(), "sessions"))
			return func() {}
		},
		args: straight(), code: 3, words: []string{"cache sessions", "does not exist on site site-b", "V57", "nothing was changed"},
	},
	"a cache that Keycloak does not know is in the plan": {
		prepare: func(t *testing.T) func() {
			must(t, pair.A.CreateCaches(t.Context(), sites.Sync, "orders"))
			must(t, pair.B.CreateCaches(t.Context(), sites.Sync, "orders"))
			return func() {}
		},
		args: straight(), code: 3, words: []string{"quiet:", "orders", "--all-caches", "nothing was changed"},
	},
	"the name given to confirm is that of the primary": {
		args: []string{"--primary-context", "site-a", "--secondary-context", "site-b", "--confirm", "site-a"},
		code: 4, words: []string{"site-a", "site-b"},
	},
	"nothing confirms the plan": {
		args: []string{"--primary-context", "site-a", "--secondary-context", "site-b"},
		code: 4, words: []string{"--confirm site-b"},
	},
}

// TestRefusedBeforeAnyChange goes through the refusals and looks at both sites before and after each.
func TestRefusedBeforeAnyChange(t *testing.T) {
	fresh(t, sites.Sync)
	makeStale(t, 40)
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			undo := func() {}
			if r.prepare != nil {
				undo = r.prepare(t)
			}
			before := observe(t)
			kubeconfig := pair.Kubeconfig()
			if r.kubeconfig != nil {
				kubeconfig = r.kubeconfig(t)
			}
			beginWith(t, kubeconfig, r.args...).wait().mustEnd(t, r.code, r.words...)
			if diff := cmp.Diff(before, observe(t)); diff != "" {
				t.Errorf("the refused run changed something (-before +after):\n%s", short(diff))
			}
			undo()
			restoreCaches(t)
		})
	}
}

// TestAPeerOutOfViewIsRefused waits until the servers themselves have noticed that the link is down.
func TestAPeerOutOfViewIsRefused(t *testing.T) {
	fresh(t, sites.Sync)
	pair.Cut()
	defer heal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must(t, pair.WaitUnlinked(ctx))
	before := observe(t)
	resync(t, straight()...).mustEnd(t, 3, "reachable:", "does not see site", "nothing was changed")
	if diff := cmp.Diff(before, observe(t)); diff != "" {
		t.Errorf("the refused run changed something (-before +after):\n%s", short(diff))
	}
}

// TestTwoPairsWithTheSameSiteNamesAreToldApart gives the primary of one pair and the secondary of another, whose sites
// have the same names: only the probe can tell, and nothing of it stays.
func TestTwoPairsWithTheSameSiteNamesAreToldApart(t *testing.T) {
	fresh(t, sites.Sync)
	other, err := sites.Up(t.Context(), sites.Options{Version: *version, NodesPerSite: 1, ContextPrefix: "other-"})
	must(t, err)
	defer func() { must(t, other.Down(withoutEnd(t))) }()
	must(t, other.B.Fill(t.Context(), "sessions", sites.Entries{Prefix: "kept-", Count: 20}))
	must(t, pair.A.Fill(t.Context(), "sessions", sites.Entries{Prefix: "mine-", Count: 50}))
	both := pair.Kubeconfig() + string(filepath.ListSeparator) + other.Kubeconfig()
	args := []string{"--primary-context", "site-a", "--secondary-context", "other-site-b", "--confirm", "site-b"}
	before := observe(t)
	beginWith(t, both, args...).wait().mustEnd(t, 3, "linked:", "two pairs", "nothing was changed")
	if diff := cmp.Diff(before, observe(t)); diff != "" {
		t.Errorf("the refused run changed the first pair (-before +after):\n%s", short(diff))
	}
	if n := len(read(t, other.B, "sessions")); n != 20 {
		t.Errorf("site-b of the other pair has %d entries, want the 20 it had", n)
	}
	names, err := sites.Eight.Names()
	must(t, err)
	if got := len(cachesOf(t, other.B)); got != len(names) {
		t.Errorf("site-b of the other pair has %d caches, want %d: the probe must be gone", got, len(names))
	}
}

// heal ends a cut and waits until both sites see each other.
func heal(t *testing.T) {
	t.Helper()
	pair.Heal()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must(t, pair.WaitLinked(ctx))
}

// restoreCaches undoes what a refusal needed of caches.
func restoreCaches(t *testing.T) {
	t.Helper()
	for _, s := range pair.Sites() {
		must(t, s.DeleteCaches(t.Context(), "orders"))
	}
	if !slices.Contains(cachesOf(t, pair.B), "sessions") {
		must(t, pair.B.CreateCaches(t.Context(), sites.Sync, "sessions"))
	}
}

// aliased writes a kubeconfig in which a second context leads to site-a.
func aliased(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(pair.Kubeconfig())
	must(t, err)
	config.Contexts["alias"] = config.Contexts["site-a"].DeepCopy()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(*config, path))
	return path
}

// wrongPassword puts another password into the secondary's operator secret.
func wrongPassword(t *testing.T) func() {
	t.Helper()
	ctx := t.Context()
	secrets := pair.B.Kube().CoreV1().Secrets(sites.Namespace)
	secret, err := secrets.Get(ctx, operatorSecret, metav1.GetOptions{})
	must(t, err)
	right := secret.Data["password"]
	secret.Data["password"] = append([]byte("wrong-"), right...)
	_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
	must(t, err)
	return func() {
		secret, err := secrets.Get(ctx, operatorSecret, metav1.GetOptions{})
		must(t, err)
		secret.Data["password"] = right
		_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
		must(t, err)
	}
}

// secondInfinispan makes another Infinispan resource beside the secondary's.
func secondInfinispan(t *testing.T) func() {
	t.Helper()
	ctx := t.Context()
	kind := schema.GroupVersionResource{Group: "infinispan.org", Version: "v1", Resource: "infinispans"}
	resources := pair.B.Dynamic().Resource(kind).Namespace(sites.Namespace)
	first, err := resources.Get(ctx, "infinispan", metav1.GetOptions{})
	must(t, err)
	second := first.DeepCopy()
	second.SetName("another")
	second.SetResourceVersion("")
	second.SetUID("")
	must(t, unstructured.SetNestedField(second.Object, int64(0), "spec", "replicas"))
	_, err = resources.Create(ctx, second, metav1.CreateOptions{})
	must(t, err)
	return func() { must(t, resources.Delete(ctx, "another", metav1.DeleteOptions{})) }
}
