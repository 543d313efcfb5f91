package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// lists is a lister whose resources bear the name of the context. Like connecting, it must not ask anybody anything.
func (r *rig) lists(refs ...string) Lister {
	return func(_ context.Context, options kube.Options) ([]string, error) {
		r.mu.Lock()
		r.connected = append(r.connected, options)
		r.mu.Unlock()
		if err := r.refuse[options.ContextName]; err != nil {
			return nil, err
		}
		var found []string
		for _, ref := range refs {
			if strings.Contains(ref, "/") {
				ref += "-" + options.ContextName
			}
			found = append(found, ref)
		}
		return found, nil
	}
}

func (f *fakeSite) Pods(context.Context) ([]xsite.Pod, error) {
	return []xsite.Pod{{Name: "infinispan-0"}}, nil
}

func (f *fakeSite) Node(context.Context, xsite.Pod) (xsite.Node, error) { return cachesOf{}, nil }

// cachesOf is a server that knows nothing but the names of its caches and their backups.
type cachesOf struct{ xsite.Node }

func (cachesOf) CacheNames(context.Context) ([]string, error) {
	return []string{"work", "sessions", "___script_cache", "actionTokens", "broken"}, nil
}

func (cachesOf) BackupSites(_ context.Context, cache string) (map[string]infinispan.SiteStatus, error) {
	switch cache {
	case "___script_cache":
		return map[string]infinispan.SiteStatus{}, nil
	case "broken":
		return nil, errors.New("it does not say")
	}
	return map[string]infinispan.SiteStatus{"site-b": infinispan.SiteOnline}, nil
}

// offered completes a command line and gives what is offered, less descriptions.
func (r *rig) offered(args ...string) []string {
	r.t.Helper()
	r.run(append([]string{"__completeNoDesc"}, args...)...)
	var got []string
	for line := range strings.Lines(r.out.String()) {
		if !strings.HasPrefix(line, ":") {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	return got
}

func TestCompletionKnowsBothSides(t *testing.T) {
	other := writeKubeconfig(t, "elsewhere", "east")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"contexts":                     {[]string{"--primary-context", ""}, []string{"site-a", "site-b"}},
		"contexts by prefix":           {[]string{"--secondary-context", "site-b"}, []string{"site-b"}},
		"contexts of another file":     {[]string{"--secondary-kubeconfig", other, "--secondary-context", "e"}, []string{"east", "elsewhere"}},
		"the other side keeps its own": {[]string{"--secondary-kubeconfig", other, "--primary-context", ""}, []string{"site-a", "site-b"}},
		"clusters":                     {[]string{"--primary-cluster", ""}, []string{"site-a", "site-b"}},
		"users":                        {[]string{"--secondary-user", ""}, []string{"admin"}},
		"namespaces without a server":  {[]string{"--primary-context", "site-a", "--primary-namespace", ""}, []string{"ns-of-site-a", "ns-of-site-b"}},
		"ways to compare":              {[]string{"--verify", "e"}, []string{"entries"}},
		"signs":                        {[]string{"--accept", "primary-s"}, []string{"primary-smaller"}},
		"a second sign":                {[]string{"--accept", "primary-smaller,primary-s"}, nil},
		"output of version":            {[]string{"version", "-o", "j"}, []string{"json", "jsonpath", "jsonpath-as-json", "jsonpath-file"}},
		"ways to the servers":          {[]string{"--transport", ""}, []string{"port-forward", "exec"}},
		"the same beside the recovery": {[]string{"fence", "--transport", "e"}, []string{"exec"}},
		"levels of findings":           {[]string{"check", "--fail-on", ""}, failOns()},
		"commands":                     {[]string{"vers"}, []string{"version"}},
		"phases":                       {[]string{"phase", "p"}, []string{"preflight", "probe", "push"}},
		"all phases, in their order": {
			pair("phase", ""), []string{"preflight", "probe", "stop", "offline", "clear", "push", "verify", "online", "start"},
		},
		"only one phase":                 {[]string{"phase", "stop", ""}, nil},
		"contexts of a phase":            {[]string{"phase", "stop", "--primary-context", ""}, []string{"site-a", "site-b"}},
		"bare flags are not offered":     {[]string{"--names"}, nil},
		"a kubeconfig that is not there": {[]string{"--primary-kubeconfig", "/does/not/exist", "--primary-context", ""}, nil},
		"Infinispan of both":             {pair("--infinispan", ""), []string{"infinispan/infinispan-site-a"}},
		"Infinispan of the secondary":    {pair("--secondary-infinispan", "i"), []string{"infinispan/infinispan-site-b"}},
		"Infinispan of the only one":     {[]string{"--secondary-context", "site-b", "--infinispan", ""}, []string{"infinispan/infinispan-site-b"}},
		"Infinispan of no context":       {[]string{"--infinispan", ""}, nil},
		"Keycloak":                       {pair("--primary-keycloak", ""), []string{"keycloak/keycloak-site-a", "none"}},
		"a further Keycloak":             {pair("--keycloak", "keycloak/keycloak-site-a,n"), []string{"keycloak/keycloak-site-a,none"}},
		"caches":                         {pair("--cache", ""), []string{"actionTokens", "broken", "sessions", "work"}},
		"a further cache":                {pair("status", "--cache", "work,"), []string{"work,actionTokens", "work,broken", "work,sessions"}},
		"caches of no context":           {[]string{"--cache", ""}, nil},
		"a run":                          {append([]string{"history"}, pair("6")...), []string{"6e29"}},
		"a run and no other":             {append([]string{"history", "6e29"}, pair("")...), nil},
		"runs of one site alone":         {[]string{"history", "--primary-context", "site-a", ""}, nil},
		"a record":                       {append([]string{"abort"}, pair("--discard-journal", "")...), []string{"6e29"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if got := r.offered(c.args...); strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("offered %q, want %q", got, c.want)
			}
		})
	}
}

func TestARunIsOfferedWithWhatBecameOfIt(t *testing.T) {
	for _, args := range [][]string{append([]string{"history"}, pair("6e")...), append([]string{"abort"}, pair("--discard-journal", "")...)} {
		r := newRig(t)
		r.run(append([]string{"__complete"}, args...)...)
		if got, want := r.out.String(), "6e29\t2026-03-01T03:00:00Z kim@desk succeeded\n:4\n"; got != want {
			t.Errorf("%v: offered is %q, want %q", args, got, want)
		}
	}
}

func TestFilesAreCompletedWhereAFileIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ flag, directive string }{
		"kubeconfig":  {"--primary-kubeconfig", ":0"},
		"certificate": {"--secondary-certificate-authority", ":0"},
		"report":      {"--report", ":8"},
		"not a file":  {"--reason", ":4"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.run("__complete", c.flag, "")
			if !strings.HasSuffix(r.out.String(), c.directive+"\n") {
				t.Errorf("got %q, want the directive %s", r.out, c.directive)
			}
		})
	}
}

func TestWhatCannotBeAskedIsSilentWhileCompleting(t *testing.T) {
	for _, args := range [][]string{pair("--infinispan", ""), pair("--keycloak", ""), pair("--cache", ""), append([]string{"history"}, pair("")...)} {
		r := newRig(t)
		r.refuse["site-a"] = errors.New("the credentials have expired")
		if got := r.offered(args...); len(got) > 0 {
			t.Errorf("%v: offered %q", args, got)
		}
		if strings.Contains(r.err.String()+r.out.String(), "expired") {
			t.Errorf("%v: it is told: %s%s", args, r.out, r.err)
		}
	}
}

func TestNobodyIsAskedForCredentialsWhileCompleting(t *testing.T) {
	for _, args := range [][]string{pair("--infinispan", ""), pair("--keycloak", ""), pair("--cache", ""), append([]string{"history"}, pair("")...)} {
		r := newRig(t)
		config, err := os.ReadFile(os.Getenv("KUBECONFIG"))
		if err != nil {
			t.Fatal(err)
		}
		plugin := strings.ReplaceAll(string(config), "{token: kubeconfig-canary}",
			"{exec: {apiVersion: client.authentication.k8s.io/v1, command: /does/not/exist, interactiveMode: IfAvailable}}")
		if err := os.WriteFile(os.Getenv("KUBECONFIG"), []byte(plugin), 0o600); err != nil {
			t.Fatal(err)
		}
		r.offered(args...)
		if len(r.connected) == 0 {
			t.Errorf("%v: nothing was asked", args)
		}
		for _, options := range r.connected {
			config, err := options.Getter.ToRESTConfig()
			if err != nil {
				t.Fatal(err)
			}
			if !config.ExecProvider.StdinUnavailable || config.Timeout != completionTimeout {
				t.Errorf("%v: a credential plugin may ask, or calls may take %s", args, config.Timeout)
			}
		}
	}
}

func TestNamespacesComeFromTheSidesOwnServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		list := corev1.NamespaceList{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NamespaceList"},
			Items:    []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "keycloak"}}, {ObjectMeta: metav1.ObjectMeta{Name: "kube-system"}}},
		}
		if err := json.NewEncoder(w).Encode(list); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	r := newRig(t)
	r.run("__complete", "--secondary-context", "site-b", "--secondary-server", server.URL, "--secondary-namespace", "key")
	if got := r.out.String(); !strings.HasPrefix(got, "keycloak\n:") {
		t.Errorf("offered %q", got)
	}
}
