package kube

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// serves makes the server serve kinds that it does not have by default.
func (f *fakeAPI) serves(kinds ...kind) {
	for _, k := range kinds {
		delete(f.gone, k.resource())
	}
}

// editKeycloak changes Keycloak's resource.
func (f *fakeAPI) editKeycloak(change func(o object)) {
	f.edit(keycloakCR("keycloak", 2, ""), change)
}

// contendersOf connects and looks.
func (f *fakeAPI) contendersOf(t *testing.T, role xsite.Role) xsite.Contenders {
	t.Helper()
	found, err := f.mustConnect(nil).Contenders(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// custom is an object of any of the kinds that are looked at.
func custom(groupVersion, kind, name string, spec object) object {
	return object{"apiVersion": groupVersion, "kind": kind, "metadata": metadata(name, nil), "spec": spec}
}

func hpa(name string, target, more object) object {
	spec := object{"scaleTargetRef": target, "maxReplicas": 5}
	merge(spec, more)
	return custom("autoscaling/v2", "HorizontalPodAutoscaler", name, spec)
}

func scaledObject(annotations object) object {
	o := custom("keda.sh/v1alpha1", "ScaledObject", "login", object{"scaleTargetRef": object{
		"apiVersion": "k8s.keycloak.org/v2alpha1", "kind": "Keycloak", "name": "keycloak", "envSourceContainerName": "keycloak",
	}, "minReplicaCount": 1})
	o["metadata"].(object)["annotations"] = annotations
	return o
}

func toKeycloak() object {
	return object{"apiVersion": "k8s.keycloak.org/v2alpha1", "kind": "Keycloak", "name": "keycloak"}
}

func TestAHealthySiteHasNoContenders(t *testing.T) {
	for _, role := range []xsite.Role{xsite.Primary, xsite.Secondary} {
		want := xsite.Contenders{Operator: &xsite.OperatorView{
			Replicas: 2, Phase: "Running", Conditions: []xsite.Condition{{Type: "WellFormed", Status: "True", Message: "View: infinispan-0,infinispan-1"}},
		}}
		if diff := cmp.Diff(want, newSite(t).contendersOf(t, role)); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
	}
}

func TestAutoscalersOfKeycloakAreFoundAndNoOthers(t *testing.T) {
	const pause = "-n keycloak annotate --overwrite scaledobjects.keda.sh/login autoscaling.keda.sh/paused=true autoscaling.keda.sh/paused-replicas-"
	const unpause = "-n keycloak annotate --overwrite scaledobjects.keda.sh/login autoscaling.keda.sh/paused-"
	keda := xsite.Autoscaler{Kind: xsite.AutoscalerKEDA, Keycloak: "keycloak/keycloak", Ref: "scaledobject/login", Min: 1, Max: 100, Pause: pause, Unpause: unpause}
	paused, held, three := keda, keda, 3
	paused.Paused = true
	held.HeldAt = &three
	ofKEDA := hpa("keda-hpa-login", toKeycloak(), object{"minReplicas": 1, "maxReplicas": 100})
	ofKEDA["metadata"].(object)["ownerReferences"] = []any{object{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "login", "uid": "u"}}
	plain := xsite.Autoscaler{Kind: xsite.AutoscalerHPA, Keycloak: "keycloak/keycloak", Ref: "horizontalpodautoscaler/login", Min: 1, Max: 5}
	fromZero := plain
	fromZero.Min = 0
	for name, c := range map[string]struct {
		objects []object
		want    []xsite.Autoscaler
	}{
		"of the resource":         {[]object{hpa("login", toKeycloak(), nil)}, []xsite.Autoscaler{plain}},
		"of its StatefulSet":      {[]object{hpa("login", object{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "keycloak"}, object{"minReplicas": 0})}, []xsite.Autoscaler{fromZero}},
		"of something else":       {[]object{hpa("login", object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "keycloak"}, nil)}, nil},
		"of another Keycloak":     {[]object{hpa("login", object{"apiVersion": "k8s.keycloak.org/v2alpha1", "kind": "Keycloak", "name": "staff"}, nil)}, nil},
		"KEDA":                    {[]object{scaledObject(nil)}, []xsite.Autoscaler{keda}},
		"KEDA and its own HPA":    {[]object{scaledObject(object{annotationPaused: "true"}), ofKEDA}, []xsite.Autoscaler{paused}},
		"KEDA known by its HPA":   {[]object{ofKEDA}, []xsite.Autoscaler{keda}},
		"KEDA that is not paused": {[]object{scaledObject(object{annotationPaused: "false"})}, []xsite.Autoscaler{keda}},
		"KEDA that keeps a count": {[]object{scaledObject(object{annotationHeld: "3"})}, []xsite.Autoscaler{held}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.serves(scaledObjectKind())
			f.put(c.objects...)
			if diff := cmp.Diff(c.want, f.contendersOf(t, xsite.Secondary).Autoscalers); diff != "" {
				t.Error(diff)
			}
			if found := f.contendersOf(t, xsite.Primary); found.Autoscalers != nil {
				t.Errorf("looked at those of the primary, which is not scaled: %v", found.Autoscalers)
			}
		})
	}
}

func TestWhatTheOperatorDoesToKeycloakIsFound(t *testing.T) {
	job := func(name string, active int, owner string) object {
		o := custom("batch/v1", "Job", name, object{})
		o["status"] = object{"active": active}
		if owner != "" {
			o["metadata"].(object)["ownerReferences"] = []any{object{"apiVersion": "k8s.keycloak.org/v2beta1", "kind": "KeycloakRealmImport", "name": owner, "uid": "u"}}
		}
		return o
	}
	realm := func(into string, conditions ...any) object {
		o := custom("k8s.keycloak.org/v2beta1", "KeycloakRealmImport", "customers", object{"keycloakCRName": into})
		o["status"] = object{"conditions": conditions}
		return o
	}
	for name, c := range map[string]struct {
		prepare func(f *fakeAPI)
		want    []string
	}{
		"a rolling update": {func(f *fakeAPI) {
			f.editKeycloak(func(o object) {
				o["status"].(object)["conditions"] = []any{object{"type": "Ready", "status": "True"}, object{"type": "RollingUpdate", "status": "True"}}
			})
		}, []string{"its condition RollingUpdate is True"}},
		"a rolling update of an operator before 22": {func(f *fakeAPI) {
			f.editKeycloak(func(o object) {
				o["status"].(object)["conditions"] = []any{object{"type": "RollingUpdate", "status": true}}
			})
		}, []string{"its condition RollingUpdate is True"}},
		"no update": {func(f *fakeAPI) {
			f.editKeycloak(func(o object) {
				o["status"].(object)["conditions"] = []any{object{"type": "RollingUpdate", "status": "False"}}
			})
		}, nil},
		"a migration": {func(f *fakeAPI) {
			f.edit(statefulSet("keycloak", 2, nil), func(o object) { o["metadata"].(object)["annotations"] = object{annotationMigrating: "true"} })
		}, []string{"StatefulSet keycloak has the annotation operator.keycloak.org/migrating"}},
		"an update job":                {func(f *fakeAPI) { f.put(job("keycloak-update-job", 1, "")) }, []string{"job keycloak-update-job is running"}},
		"an update job that has ended": {func(f *fakeAPI) { f.put(job("keycloak-update-job", 0, ""), job("backup", 1, "")) }, nil},
		"an import that has not begun": {func(f *fakeAPI) { f.put(realm("keycloak")) }, []string{"KeycloakRealmImport customers has not ended"}},
		"an import that runs": {func(f *fakeAPI) {
			f.put(realm("keycloak", object{"type": "Started", "status": "True"}, object{"type": "Done", "status": false}))
		}, []string{"KeycloakRealmImport customers has not ended"}},
		"an import that is done": {func(f *fakeAPI) { f.put(realm("keycloak", object{"type": "Done", "status": "True"})) }, nil},
		"an import that failed":  {func(f *fakeAPI) { f.put(realm("keycloak", object{"type": "HasErrors", "status": "True"})) }, nil},
		"the import of another":  {func(f *fakeAPI) { f.put(realm("staff")) }, nil},
		"the job of an import":   {func(f *fakeAPI) { f.put(job("customers", 1, "customers")) }, []string{"job customers of KeycloakRealmImport customers is running"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			c.prepare(f)
			var got []string
			for _, w := range f.contendersOf(t, xsite.Secondary).Work {
				got = append(got, w.What)
				if w.Keycloak != "keycloak/keycloak" || w.Import != strings.Contains(w.What, "Import") {
					t.Errorf("got %+v", w)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSiteHealthIsFoundWhereverItIsSet(t *testing.T) {
	for name, change := range map[string]func(o object){
		"an option": func(o object) {
			specOf(o)["additionalOptions"] = []any{object{"name": optionSiteHealth, "value": "true"}}
		},
		"a variable": func(o object) { specOf(o)["env"] = []any{object{"name": envSiteHealth, "value": "true"}} },
		"the pod template": func(o object) {
			specOf(o)["unsupported"] = object{"podTemplate": object{"spec": object{"containers": []any{object{"env": []any{object{"name": envSiteHealth, "value": "true"}}}}}}}
		},
		"an argument": func(o object) {
			specOf(o)["unsupported"] = object{"podTemplate": object{"spec": object{"containers": []any{object{"args": []any{"start", "--" + optionSiteHealth + "=true"}}}}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, role := range []xsite.Role{xsite.Primary, xsite.Secondary} {
				f := newSite(t)
				f.editKeycloak(change)
				if got := f.contendersOf(t, role).SiteHealth; !slices.Equal(got, []string{"keycloak/keycloak"}) {
					t.Errorf("%s: got %v", role, got)
				}
			}
		})
	}
	f := newSite(t)
	f.editKeycloak(func(o object) {
		specOf(o)["additionalOptions"] = []any{object{"name": optionSiteHealth, "value": "false"}}
	})
	if got := f.contendersOf(t, xsite.Primary).SiteHealth; got != nil {
		t.Errorf("off, and found %v", got)
	}
}

func TestAFurtherKeycloakOfTheSameInfinispanIsFound(t *testing.T) {
	f := newSite(t)
	f.put(keycloakCR("staff", 1, "infinispan.keycloak.svc"), keycloakCR("elsewhere", 1, "other.keycloak.svc"), keycloakCR("silent", 1, ""), deployment("kc", 1))
	for name, want := range map[string][]xsite.OtherKeycloak{
		"keycloak/keycloak": {{Ref: "keycloak/staff", Instances: 1}},
		"none":              {{Ref: "keycloak/keycloak", Instances: 2}, {Ref: "keycloak/staff", Instances: 1}},
		"deployment/kc":     {{Ref: "keycloak/keycloak", Instances: 2}, {Ref: "keycloak/staff", Instances: 1}},
	} {
		site := f.mustConnect(func(o *Options) { o.Keycloaks = []string{name} })
		found, err := site.Contenders(t.Context(), xsite.Secondary)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found.OtherKeycloaks); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTheOperatorsOwnPushIsSeenInTheLog(t *testing.T) {
	far := strings.Repeat("x", 32<<10-3)
	for text, want := range map[string]string{
		"started": "", "a\nISPN000643: Data recovery\n": "infinispan-0", far + "ISPN000643": "infinispan-0", far + far + "ISPN00064": "",
	} {
		f := newSite(t)
		f.logs["infinispan-0"] = text
		site := f.mustConnect(nil)
		for range 2 {
			found, err := site.Contenders(t.Context(), xsite.Secondary)
			if err != nil || found.DataRecovered != want || found.Unseen != nil {
				t.Errorf("found %q and %v in %d bytes: %v", found.DataRecovered, found.Unseen, len(text), err)
			}
		}
		if n := len(f.calls("get pods/log")); n != 1 {
			t.Errorf("the log was read %d times", n)
		}
	}
}

func TestWhatMayNotBeLookedAtIsToldAndTheRestIsLookedAt(t *testing.T) {
	for call, words := range map[string]string{
		"list horizontalpodautoscalers": "whether an autoscaler starts Keycloak",
		"list scaledobjects":            "whether KEDA starts Keycloak",
		"list keycloakrealmimports":     "whether the import of a realm is running",
		"list jobs":                     "whether an import or an update of Keycloak is running",
		"list keycloaks":                "whether further Keycloaks use this Infinispan",
		"get pods/log":                  "whether the Infinispan operator pushes by itself",
	} {
		t.Run(call, func(t *testing.T) {
			f := newSite(t)
			f.serves(scaledObjectKind())
			f.denied[call] = true
			f.editKeycloak(func(o object) { specOf(o)["env"] = []any{object{"name": envSiteHealth, "value": "true"}} })
			found, err := f.mustConnect(func(o *Options) { o.Keycloaks = []string{"keycloak/keycloak"} }).Contenders(t.Context(), xsite.Secondary)
			if err != nil {
				t.Fatal(err)
			}
			verb, resource, _ := strings.Cut(call, " ")
			if len(found.Unseen) != 1 || found.Unseen[0].What != words || !strings.HasPrefix(found.Unseen[0].Why, "this user may not "+verb+" "+resource) {
				t.Errorf("got %+v", found.Unseen)
			}
			if len(found.SiteHealth) != 1 || found.Operator == nil {
				t.Errorf("the rest was not looked at: %+v", found)
			}
		})
	}
}

func TestAnAPIServerThatFailsIsNoAnswer(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.broken["list horizontalpodautoscalers"] = 100
	if _, err := site.Contenders(t.Context(), xsite.Secondary); !errors.Is(err, xsite.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
