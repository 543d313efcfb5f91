package plugin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCompletionKnowsBothSides(t *testing.T) {
	other := writeKubeconfig(t, "elsewhere", "east")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"contexts":                       {[]string{"--primary-context", ""}, []string{"site-a", "site-b"}},
		"contexts by prefix":             {[]string{"--secondary-context", "site-b"}, []string{"site-b"}},
		"contexts of another file":       {[]string{"--secondary-kubeconfig", other, "--secondary-context", "e"}, []string{"east", "elsewhere"}},
		"the other side keeps its own":   {[]string{"--secondary-kubeconfig", other, "--primary-context", ""}, []string{"site-a", "site-b"}},
		"namespaces without a server":    {[]string{"--primary-context", "site-a", "--primary-namespace", ""}, []string{"ns-of-site-a", "ns-of-site-b"}},
		"ways to compare":                {[]string{"--verify", "e"}, []string{"entries"}},
		"signs":                          {[]string{"--accept", "primary-s"}, []string{"primary-smaller"}},
		"output of version":              {[]string{"version", "-o", "j"}, []string{"json", "jsonpath", "jsonpath-as-json", "jsonpath-file"}},
		"ways to the servers":            {[]string{"--transport", ""}, []string{"port-forward", "exec"}},
		"the same beside the recovery":   {[]string{"fence", "--transport", "e"}, []string{"exec"}},
		"commands":                       {[]string{"vers"}, []string{"version\tShow which build this is, and what both sites run"}},
		"bare flags are not offered":     {[]string{"--names"}, nil},
		"a kubeconfig that is not there": {[]string{"--primary-kubeconfig", "/does/not/exist", "--primary-context", ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.run(append([]string{"__complete"}, c.args...)...)
			var got []string
			for line := range strings.Lines(r.out.String()) {
				if !strings.HasPrefix(line, ":") {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			if strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("offered %q, want %q", got, c.want)
			}
		})
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
