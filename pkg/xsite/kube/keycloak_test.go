package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestAKeycloakAsItIs(t *testing.T) {
	two := 2
	for name, test := range map[string]struct {
		prepare func(*fakeAPI)
		want    func(*xsite.Keycloak)
	}{
		"running": {},
		"instances absent means 1, which is not what runs": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakCR("keycloak", 2, ""), func(o object) { delete(specOf(o), "instances") })
			},
			want: func(k *xsite.Keycloak) { k.Instances, k.Settled = 1, false },
		},
		"stopped: its status has no count": {
			prepare: func(f *fakeAPI) {
				f.remove(keycloakPod("keycloak-0"))
				f.remove(keycloakPod("keycloak-1"))
				f.edit(keycloakCR("keycloak", 2, ""), func(o object) {
					specOf(o)["instances"] = 0
					delete(o["status"].(object), "instances")
				})
				f.edit(statefulSet("keycloak", 2, nil), func(o object) {
					specOf(o)["replicas"] = 0
					delete(o["status"].(object), "replicas")
				})
			},
			want: func(k *xsite.Keycloak) { k.Instances, k.Pods, k.ReadyPods = 0, nil, 0 },
		},
		"the operator has not seen the new count": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakCR("keycloak", 2, ""), func(o object) { o["metadata"].(object)["generation"] = 2 })
			},
			want: func(k *xsite.Keycloak) { k.Settled = false },
		},
		"the set's controller has not seen the new count": {
			prepare: func(f *fakeAPI) {
				f.edit(statefulSet("keycloak", 2, nil), func(o object) { o["metadata"].(object)["generation"] = 2 })
			},
			want: func(k *xsite.Keycloak) { k.Settled = false },
		},
		"a terminating pod exists and is not ready": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakPod("keycloak-1"), func(o object) {
					o["metadata"].(object)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
				})
			},
			want: func(k *xsite.Keycloak) { k.ReadyPods = 1 },
		},
		"an evicted pod of which nothing runs does not count": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakPod("keycloak-1"), func(o object) {
					o["status"] = object{"phase": "Failed", "reason": "Evicted"}
				})
			},
			want: func(k *xsite.Keycloak) { k.Pods, k.ReadyPods = []string{"keycloak-0"}, 1 },
		},
		"a failed pod on a lost node may still run": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakPod("keycloak-1"), func(o object) { o["status"].(object)["phase"] = "Failed" })
			},
		},
		"nothing made its set yet": {
			prepare: func(f *fakeAPI) { f.remove(statefulSet("keycloak", 2, nil)) },
			want:    func(k *xsite.Keycloak) { k.Settled = false },
		},
		"an old operator without a selector in the status": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakCR("keycloak", 2, ""), func(o object) { o["status"] = object{} })
			},
		},
		"recorded": {
			prepare: func(f *fakeAPI) {
				f.edit(keycloakCR("keycloak", 2, ""), func(o object) {
					o["metadata"].(object)["annotations"] = object{annotationInstances: "2"}
				})
			},
			want: func(k *xsite.Keycloak) { k.Recorded = &two },
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			got, err := f.mustConnect(nil).Keycloaks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := xsite.Keycloak{
				Ref: "keycloak/keycloak", Namespace: testNamespace, UID: "kc-keycloak", Instances: 2,
				Pods: []string{"keycloak-0", "keycloak-1"}, ReadyPods: 2, Settled: true,
			}
			if test.want != nil {
				test.want(&want)
			}
			if diff := cmp.Diff([]xsite.Keycloak{want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARecordThatIsNoCountIsNotGuessedAt(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.edit(keycloakCR("keycloak", 2, ""), func(o object) {
		o["metadata"].(object)["annotations"] = object{annotationInstances: "two"}
	})
	_, err := site.Keycloaks(t.Context())
	as[*AnswerError](t, err)
	as[*AnswerError](t, site.RecordInstances(t.Context(), "keycloak/keycloak", 2))
}

func TestWhichKeycloaks(t *testing.T) {
	env := func(path ...string) func(*fakeAPI) {
		return func(f *fakeAPI) {
			cr := keycloakCR("keycloak", 2, "")
			entries := []any{object{"name": "KC_CACHE_REMOTE_HOST", "value": "infinispan"}}
			if len(path) == 1 {
				specOf(cr)[path[0]] = entries
			} else {
				specOf(cr)["unsupported"] = object{"podTemplate": object{"spec": object{"containers": []any{object{"env": entries}}}}}
			}
			f.put(cr)
		}
	}
	for name, test := range map[string]struct {
		prepare func(*fakeAPI)
		named   []string
		want    []string
		fails   string
	}{
		"the one that uses it":               {want: []string{"keycloak/keycloak"}},
		"by a longer name of the Service":    {prepare: func(f *fakeAPI) { f.put(keycloakCR("keycloak", 2, "infinispan.keycloak.svc.cluster.local")) }, want: []string{"keycloak/keycloak"}},
		"by a variable":                      {prepare: env("env"), want: []string{"keycloak/keycloak"}},
		"by a variable of the pod template":  {prepare: env("unsupported", "x"), want: []string{"keycloak/keycloak"}},
		"the only one, which does not say":   {prepare: func(f *fakeAPI) { f.put(keycloakCR("keycloak", 2, "")) }, want: []string{"keycloak/keycloak"}},
		"all that use it":                    {prepare: func(f *fakeAPI) { f.put(keycloakCR("b", 1, "infinispan.keycloak.svc")) }, want: []string{"keycloak/b", "keycloak/keycloak"}},
		"not one that does not say":          {prepare: func(f *fakeAPI) { f.put(keycloakCR("b", 1, "")) }, want: []string{"keycloak/keycloak"}},
		"not one of another Infinispan":      {prepare: func(f *fakeAPI) { f.put(keycloakCR("b", 1, "other.keycloak.svc")) }, want: []string{"keycloak/keycloak"}},
		"none of the two that do not say":    {prepare: func(f *fakeAPI) { f.put(keycloakCR("keycloak", 1, ""), keycloakCR("b", 1, "")) }, fails: "keycloak/b, keycloak/keycloak; none of them says"},
		"only one of another Infinispan":     {prepare: func(f *fakeAPI) { f.put(keycloakCR("keycloak", 1, "infinispan.other.svc")) }, fails: `uses the Infinispan at "infinispan.other.svc"`},
		"only one outside the cluster":       {prepare: func(f *fakeAPI) { f.put(keycloakCR("keycloak", 1, "infinispan.keycloak.example.com")) }, fails: "or say --keycloak none"},
		"none":                               {prepare: func(f *fakeAPI) { f.remove(keycloakCR("keycloak", 1, "")) }, fails: "name it with --keycloak TYPE/NAME (keycloak, statefulset or deployment), or say --keycloak none"},
		"no such kind, the retired one only": {prepare: func(f *fakeAPI) { f.gone["keycloaks.k8s.keycloak.org"] = true }, fails: "no resources keycloaks.k8s.keycloak.org"},
		"said to be none":                    {named: []string{"none"}},
		"none and one":                       {named: []string{"none", "keycloak/keycloak"}, fails: "cannot be combined"},
		"named":                              {named: []string{"kc/keycloak", "keycloaks.k8s.keycloak.org/keycloak"}, want: []string{"keycloak/keycloak"}},
		"named bare":                         {named: []string{"keycloak"}, want: []string{"keycloak/keycloak"}},
		"a Deployment":                       {prepare: func(f *fakeAPI) { f.put(deployment("kc", 1)) }, named: []string{"deploy/kc"}, want: []string{"deployment/kc"}},
		"a StatefulSet":                      {named: []string{"statefulset/keycloak"}, want: []string{"statefulset/keycloak"}},
		"in another namespace":               {prepare: func(f *fakeAPI) { d := deployment("kc", 1); d["metadata"].(object)["namespace"] = "other"; f.put(d) }, named: []string{"other/deployment/kc"}, want: []string{"deployment/kc"}},
		"two that cannot be told apart": {prepare: func(f *fakeAPI) {
			d := deployment("kc", 1)
			d["metadata"].(object)["namespace"] = "other"
			f.put(d, deployment("kc", 1))
		}, named: []string{"other/deployment/kc", "deployment/kc"}, fails: "cannot be told apart"},
		"named and missing":      {named: []string{"deployment/kc"}, fails: "deployment/kc of group apps"},
		"the retired operator's": {named: []string{"keycloaks.keycloak.org/keycloak"}, fails: "resources of the retired operator (group keycloak.org)"},
		"the operator's own set": {prepare: func(f *fakeAPI) {
			f.edit(statefulSet("keycloak", 2, nil), func(o object) {
				o["metadata"].(object)["ownerReferences"] = []any{object{"apiVersion": "k8s.keycloak.org/v2beta1", "kind": "Keycloak", "name": "keycloak", "uid": "kc-keycloak"}}
			})
		}, named: []string{"statefulset/keycloak"}, fails: "name keycloak/keycloak instead"},
		"nonsense": {named: []string{"a/b/c/d"}, fails: "give it as TYPE/NAME, e.g. keycloak/NAME, statefulset/NAME, deployment/NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.put(object{"apiVersion": "keycloak.org/v1alpha1", "kind": "Keycloak", "metadata": metadata("legacy", object{}), "spec": object{"instances": 1}})
			if test.prepare != nil {
				test.prepare(f)
			}
			site, err := f.connect(func(o *Options) { o.Keycloaks = test.named })
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("got error %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := site.Keycloaks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var refs []string
			for _, k := range found {
				refs = append(refs, k.Ref)
			}
			if diff := cmp.Diff(test.want, refs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAKeycloakLeftAloneIsSaid(t *testing.T) {
	f := newSite(t)
	f.put(keycloakCR("b", 1, ""))
	var warnings []string
	f.mustConnect(func(o *Options) { o.Warn = func(text string) { warnings = append(warnings, text) } })
	if len(warnings) != 1 || !strings.Contains(warnings[0], "keycloak/b does not say which Infinispan it uses and is left alone") {
		t.Errorf("got %q", warnings)
	}
}
