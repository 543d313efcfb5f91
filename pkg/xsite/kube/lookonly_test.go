package kube

import (
	"testing"
)

func TestWhoOnlyLooksNeedsNoKeycloak(t *testing.T) {
	for name, prepare := range map[string]func(*fakeAPI){
		"may not be read":     func(f *fakeAPI) { f.denied["list keycloaks"] = true },
		"is served by nobody": func(f *fakeAPI) { f.gone["keycloaks.k8s.keycloak.org"], f.gone["keycloaks.keycloak.org"] = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			prepare(f)
			if _, err := f.connect(nil); err == nil {
				t.Error("a run connects without Keycloak")
			}
			site, err := f.connect(func(o *Options) { o.LookOnly = true })
			if err != nil {
				t.Fatal(err)
			}
			if found, err := site.Keycloaks(t.Context()); err == nil {
				t.Errorf("Keycloaks that were not found are %v", found)
			}
			if pods, err := site.Pods(t.Context()); err != nil || len(pods) == 0 {
				t.Errorf("got %v, %v", pods, err)
			}
		})
	}
	f := newSite(t)
	_, err := f.connect(func(o *Options) { o.LookOnly, o.Keycloaks = true, []string{"pod/x"} })
	as[*RefError](t, err)
}

func TestTheVersionOfKubernetesIsToldOrAnError(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	if got, err := site.KubernetesVersion(t.Context()); err == nil {
		t.Errorf("an answer without a version is taken for %q", got)
	}
	f.mu.Lock()
	f.gitVersion = "v1.33.2"
	f.mu.Unlock()
	if got, err := site.KubernetesVersion(t.Context()); got != "v1.33.2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	f.remove(infinispanCR("infinispan"))
	f.remove(statefulSet("infinispan", 2, nil))
	if _, err := f.connect(nil); err == nil {
		t.Error("a site without Infinispan is connected to")
	}
	if got, err := KubernetesVersion(t.Context(), Options{Getter: f.getter()}); got != "v1.33.2" || err != nil {
		t.Errorf("without Infinispan: got %q, %v", got, err)
	}
}
