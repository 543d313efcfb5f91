package kube

import (
	"slices"
	"strings"
	"testing"
)

// namedSet is a StatefulSet whose pods are labelled as an app; those of the Helm chart of Infinispan are infinispan-pod.
func namedSet(name, pods string) object {
	return object{
		"apiVersion": "apps/v1", "kind": "StatefulSet",
		"metadata": map[string]any{"name": name, "namespace": testNamespace},
		"spec":     map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": pods}}},
	}
}

func TestWhatACommandLineMayNameIsListed(t *testing.T) {
	for name, c := range map[string]struct {
		prepare                func(*fakeAPI)
		infinispans, keycloaks string
	}{
		"resources": {func(*fakeAPI) {}, "infinispan/infinispan", "keycloak/keycloak none"},
		"none of the operators": {
			func(f *fakeAPI) {
				f.gone["infinispans.infinispan.org"], f.gone["keycloaks.k8s.keycloak.org"] = true, true
				f.put(namedSet("datagrid", "infinispan-pod"), namedSet("sso", "keycloak"))
			},
			"statefulset/datagrid statefulset/infinispan", "statefulset/keycloak statefulset/sso none",
		},
		"a kind that may not be listed": {
			func(f *fakeAPI) {
				f.denied["list infinispans"] = true
				f.put(namedSet("datagrid", "infinispan-pod"))
			},
			"statefulset/datagrid statefulset/infinispan", "keycloak/keycloak none",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			c.prepare(f)
			options := Options{Getter: f.getter(), ContextName: "site-b"}
			got, err := Infinispans(t.Context(), options)
			if strings.Join(got, " ") != c.infinispans || err != nil {
				t.Errorf("Infinispans: %q, %v; want %q", got, err, c.infinispans)
			}
			got, err = Keycloaks(t.Context(), options)
			if strings.Join(got, " ") != c.keycloaks || err != nil {
				t.Errorf("Keycloaks: %q, %v; want %q", got, err, c.keycloaks)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if slices.ContainsFunc(f.requests, func(r string) bool { return strings.Contains(r, "secrets") }) {
				t.Errorf("a Secret is read: %v", f.requests)
			}
		})
	}
}

func TestWhatCannotBeListedIsAnError(t *testing.T) {
	f := newSite(t)
	f.denied["list infinispans"], f.denied["list keycloaks"], f.denied["list statefulsets"] = true, true, true
	options := Options{Getter: f.getter(), ContextName: "site-b"}
	for name, list := range map[string]func() ([]string, error){
		"Infinispans": func() ([]string, error) { return Infinispans(t.Context(), options) },
		"Keycloaks":   func() ([]string, error) { return Keycloaks(t.Context(), options) },
	} {
		if got, err := list(); err == nil || len(got) > 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
