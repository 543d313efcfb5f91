package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestTheOnlyInfinispanIsFound(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	want := xsite.Place{
		Context: "site-b", Server: f.server.URL, Namespace: testNamespace,
		Infinispan: "infinispan/infinispan", InfinispanUID: "cr-infinispan",
	}
	if diff := cmp.Diff(want, site.Place()); diff != "" {
		t.Error(diff)
	}
	for agent := range f.userAgents {
		if agent == "kubectl-ispn-resync/test" {
			return
		}
	}
	t.Errorf("the user agent was never sent: %v", f.userAgents)
}

func TestPodsAreThoseOfTheStatefulSetOnly(t *testing.T) {
	f := newSite(t)
	stranger := infinispanPod("stranger")
	stranger["metadata"].(object)["ownerReferences"] = []any{object{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "job", "controller": true}}
	terminating := infinispanPod("infinispan-1")
	terminating["metadata"].(object)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	f.put(stranger, terminating)
	pods, err := f.mustConnect(nil).Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []xsite.Pod{
		{Name: "infinispan-0", UID: "pod-infinispan-0", Ready: true, Restarts: 3},
		{Name: "infinispan-1", UID: "pod-infinispan-1", Ready: false, Restarts: 3},
	}
	if diff := cmp.Diff(want, pods); diff != "" {
		t.Error(diff)
	}
}

func TestPodsOfAnotherInfinispanOfTheSameNameAreRefused(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.edit(infinispanCR("infinispan"), func(o object) { o["metadata"].(object)["uid"] = "another" })
	_, err := site.Pods(t.Context())
	if replaced := as[*ReplacedError](t, err); replaced.Is != "another" {
		t.Errorf("got %+v", replaced)
	}
}

func TestWhichInfinispan(t *testing.T) {
	chart := statefulSet("ispn-helm", 2, map[string]string{"app": "infinispan-pod", "clusterName": "ispn-helm"})
	helm := func(f *fakeAPI) {
		f.remove(infinispanCR("infinispan"))
		f.remove(statefulSet("infinispan", 2, nil))
		f.put(chart, secretOf("ispn-helm-generated-secret", map[string]string{
			"username": "monitor", "password": canary, "identities-batch": "user create developer -p " + canary + "-helm -g admin\n",
		}))
	}
	owned := func(f *fakeAPI) {
		f.edit(statefulSet("infinispan", 2, nil), func(o object) {
			o["metadata"].(object)["ownerReferences"] = []any{object{
				"apiVersion": "infinispan.org/v1", "kind": "Infinispan", "name": "infinispan", "uid": "cr-infinispan", "controller": true,
			}}
		})
	}
	for name, test := range map[string]struct {
		prepare func(*fakeAPI)
		named   string
		want    string
		fails   string
	}{
		"named by type":             {named: "infinispan/infinispan", want: "infinispan/infinispan"},
		"named in full":             {named: "infinispans.v1.infinispan.org/infinispan", want: "infinispan/infinispan"},
		"named bare":                {named: "infinispan", want: "infinispan/infinispan"},
		"the chart's":               {prepare: helm, want: "statefulset/ispn-helm"},
		"the chart's, named bare":   {prepare: helm, named: "ispn-helm", want: "statefulset/ispn-helm"},
		"the chart's, named":        {prepare: helm, named: "sts/ispn-helm", want: "statefulset/ispn-helm"},
		"without the CRD":           {prepare: func(f *fakeAPI) { helm(f); f.gone["infinispans.infinispan.org"] = true }, want: "statefulset/ispn-helm"},
		"the operator's set, named": {prepare: owned, named: "statefulset/infinispan", want: "infinispan/infinispan"},
		"none":                      {prepare: func(f *fakeAPI) { helm(f); f.remove(chart) }, fails: "no Infinispan found in context site-b, namespace keycloak: no resource infinispans.infinispan.org"},
		"none of that name":         {named: "infinispan/other", fails: "infinispan/other of group infinispan.org"},
		"no such type":              {named: "pod/x", fails: `--infinispan "pod/x": unknown type`},
		"other namespace":           {named: "elsewhere/infinispan/infinispan", fails: "the namespace of this context is keycloak"},
		"two":                       {prepare: func(f *fakeAPI) { f.put(infinispanCR("second")) }, fails: "infinispan/infinispan, infinispan/second; choose one, e.g. --infinispan infinispan/infinispan"},
		"list refused":              {prepare: func(f *fakeAPI) { f.denied["list infinispans"] = true }, fails: "not allowed to list infinispans.infinispan.org in context site-b, namespace keycloak; grant"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			site, err := f.connect(func(o *Options) { o.Infinispan, o.Keycloaks = test.named, []string{"none"} })
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("got error %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := site.Place().Infinispan; got != test.want {
				t.Errorf("found %s, want %s", got, test.want)
			}
		})
	}
}

func TestTheErrorsOfDiscoveryHaveTypes(t *testing.T) {
	f := newSite(t)
	f.put(infinispanCR("second"))
	_, err := f.connect(nil)
	if got := as[*AmbiguousError](t, err).Candidates; !cmp.Equal(got, []string{"infinispan/infinispan", "infinispan/second"}) {
		t.Errorf("candidates %v", got)
	}
	_, err = f.connect(func(o *Options) { o.Infinispan = "third" })
	as[*NotFoundError](t, err)
	f.denied["get infinispans"] = true
	_, err = f.connect(func(o *Options) { o.Infinispan = "infinispan" })
	if got := as[*ForbiddenError](t, err); got.Verb != "get" || got.Name != "infinispan" {
		t.Errorf("got %+v", got)
	}
}

func TestWarningsOfTheServerReachTheUser(t *testing.T) {
	f := newSite(t)
	f.warning = "k8s.keycloak.org/v2alpha1 is deprecated"
	var warnings []string
	f.mustConnect(func(o *Options) { o.Warn = func(text string) { warnings = append(warnings, text) } })
	if len(warnings) == 0 || warnings[0] != "the API server warns: k8s.keycloak.org/v2alpha1 is deprecated" {
		t.Errorf("got %q", warnings)
	}
}
