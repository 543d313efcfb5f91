package kube

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestScalingGoesThroughTheScaleSubresource(t *testing.T) {
	for name, test := range map[string]struct {
		named string
		ref   string
		put   object
		field string
		call  string
	}{
		"Keycloak":    {"", "keycloak/keycloak", keycloakCR("keycloak", 2, "infinispan"), "instances", "update keycloaks/scale/keycloak"},
		"StatefulSet": {"statefulset/kc", "statefulset/kc", statefulSet("kc", 2, map[string]string{"app": "kc"}), "replicas", "update statefulsets/scale/kc"},
		"Deployment":  {"deployment/kc", "deployment/kc", deployment("kc", 2), "replicas", "update deployments/scale/kc"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.put(test.put)
			site := f.mustConnect(func(o *Options) {
				if test.named != "" {
					o.Keycloaks = []string{test.named}
				}
			})
			if err := site.ScaleKeycloak(t.Context(), test.ref, 0); err != nil {
				t.Fatal(err)
			}
			if got := specOf(f.get(test.put))[test.field]; got != 0.0 {
				t.Errorf("%s is %v", test.field, got)
			}
			if err := site.ScaleKeycloak(t.Context(), test.ref, 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.call}, f.calls("update")); diff != "" {
				t.Error("a count that is there already was written again:", diff)
			}
		})
	}
}

func TestScalingWithoutAScaleSubresourcePatchesTheField(t *testing.T) {
	f := newSite(t)
	f.gone["keycloaks/scale"] = true
	if err := f.mustConnect(nil).ScaleKeycloak(t.Context(), "keycloak/keycloak", 0); err != nil {
		t.Fatal(err)
	}
	if got := specOf(f.get(keycloakCR("keycloak", 2, "")))["instances"]; got != 0.0 {
		t.Errorf("instances is %v", got)
	}
}

func TestAChangeThatLosesIsAConflict(t *testing.T) {
	const ref = "keycloak/keycloak"
	elsewhere := func(f *fakeAPI) func() {
		return func() { f.edit(keycloakCR("keycloak", 2, ""), func(o object) { specOf(o)["instances"] = 5 }) }
	}
	for name, test := range map[string]struct {
		at  string
		try func(*Site) error
	}{
		"scale":  {"update keycloaks/scale", func(s *Site) error { return s.ScaleKeycloak(t.Context(), ref, 0) }},
		"record": {"patch keycloaks", func(s *Site) error { return s.RecordInstances(t.Context(), ref, 2) }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			site := f.mustConnect(nil)
			f.before[test.at] = elsewhere(f)
			if err := test.try(site); !errors.Is(err, xsite.ErrConflict) {
				t.Errorf("got %v", err)
			}
			if got := specOf(f.get(keycloakCR("keycloak", 2, "")))["instances"]; got != 5.0 {
				t.Errorf("the other's change was lost: %v", got)
			}
		})
	}
}

func TestTheRecordedCountIsNeverOverwritten(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	const ref = "keycloak/keycloak"
	steps := []struct {
		do   func() error
		want any
	}{
		{func() error { return site.ForgetInstances(t.Context(), ref) }, nil},
		{func() error { return site.RecordInstances(t.Context(), ref, 2) }, "2"},
		{func() error { return site.ScaleKeycloak(t.Context(), ref, 0) }, "2"},
		{func() error { return site.RecordInstances(t.Context(), ref, 0) }, "2"},
		{func() error { return site.ForgetInstances(t.Context(), ref) }, nil},
	}
	for i, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		annotations, _ := f.get(keycloakCR("keycloak", 2, ""))["metadata"].(object)["annotations"].(object)
		if got := annotations[annotationInstances]; got != step.want {
			t.Errorf("step %d: recorded %v, want %v", i, got, step.want)
		}
	}
}

func TestScalingRefused(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.denied["update keycloaks/scale"] = true
	got := as[*ForbiddenError](t, site.ScaleKeycloak(t.Context(), "keycloak/keycloak", 0))
	if got.Verb != "update" || got.Resource != "keycloaks.k8s.keycloak.org/scale" || got.Name != "keycloak" {
		t.Errorf("got %+v", got)
	}
	as[*AnswerError](t, site.ScaleKeycloak(t.Context(), "keycloak/other", 0))
	as[*AnswerError](t, site.ScaleKeycloak(t.Context(), "keycloak/keycloak", -1))
	as[*AnswerError](t, site.RecordInstances(t.Context(), "keycloak/keycloak", -1))
}
