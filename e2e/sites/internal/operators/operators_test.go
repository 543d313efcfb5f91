package operators

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

func options() Options {
	return Options{
		Namespace: "keycloak", Node: "node-a", Site: "site-a", Peer: "site-b", Nodes: 2, KeycloakInstances: 2,
		Version: "15.0.21.Final", OperatorPassword: `a:"b/c`, DeveloperPassword: "d",
	}
}

func objects(t *testing.T, file string) map[string]*unstructured.Unstructured {
	t.Helper()
	list, err := render(file, options())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*unstructured.Unstructured{}
	for _, object := range list {
		byName[object.GetKind()+"/"+object.GetName()] = object
	}
	return byName
}

func TestEveryManifestHasAResource(t *testing.T) {
	for _, file := range []string{"crds.yaml", "infinispan.yaml.tmpl", "keycloak.yaml.tmpl"} {
		for name, object := range objects(t, file) {
			if _, ok := resources()[object.GetKind()]; !ok {
				t.Errorf("%s of %s cannot be created", name, file)
			}
		}
	}
}

func TestIdentitiesCarryAnyPasswordWhole(t *testing.T) {
	secret := objects(t, "infinispan.yaml.tmpl")["Secret/infinispan-generated-operator-secret"]
	data, _, err := unstructured.NestedStringMap(secret.Object, "stringData")
	if err != nil {
		t.Fatal(err)
	}
	var identities struct {
		Credentials []struct{ Username, Password string } `json:"credentials"`
	}
	if err := yaml.UnmarshalStrict([]byte(data["identities.yaml"]), &identities, yaml.DisallowUnknownFields); err == nil {
		t.Error("the roles of the user are missing")
	}
	if err := yaml.Unmarshal([]byte(data["identities.yaml"]), &identities); err != nil {
		t.Fatal(err)
	}
	if got := identities.Credentials[0]; got.Username != "operator" || got.Password != `a:"b/c` || data["password"] != got.Password {
		t.Errorf("credentials %+v, password key %q", got, data["password"])
	}
	if !strings.Contains(data["cli.properties"], "operator:a%3A%22b%2Fc@infinispan-admin:11223") {
		t.Errorf("cli.properties %q", data["cli.properties"])
	}
}

func TestKeycloakReportsReadyWithNoInstanceAndLeavesTheCountOut(t *testing.T) {
	cr := &unstructured.Unstructured{Object: map[string]any{}}
	cr.SetName("keycloak")
	cr.SetGeneration(7)
	for _, c := range []struct {
		name            string
		wanted          int64
		ready           int32
		readyCondition  string
		instancesAbsent bool
	}{
		{"none wanted", 0, 0, "True", true},
		{"none ready", 2, 0, "False", true},
		{"one of two", 2, 1, "False", false},
		{"all", 2, 2, "True", false},
		{"going down", 0, 1, "True", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := &appsv1.StatefulSet{Status: appsv1.StatefulSetStatus{ReadyReplicas: c.ready}}
			status := keycloakStatus(cr, set, c.wanted)
			first := status["conditions"].([]any)[0].(map[string]any)
			if first["type"] != "Ready" || first["status"] != c.readyCondition {
				t.Errorf("Ready is %v", first)
			}
			instances, there := status["instances"]
			if there == c.instancesAbsent || (there && instances != int64(c.ready)) {
				t.Errorf("instances %v, there %v", instances, there)
			}
			if status["observedGeneration"] != int64(7) {
				t.Errorf("observedGeneration %v", status["observedGeneration"])
			}
			if want := "app.kubernetes.io/instance=keycloak,app.kubernetes.io/managed-by=keycloak-operator,app=keycloak"; status["selector"] != want {
				t.Errorf("selector %v", status["selector"])
			}
		})
	}
}

func TestAConditionThatDoesNotChangeKeepsItsTime(t *testing.T) {
	cr := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"},
	}}}}
	if at := lastTransition(cr, "Ready", "True"); at != "2020-01-01T00:00:00Z" {
		t.Errorf("unchanged: %s", at)
	}
	if at := lastTransition(cr, "Ready", "False"); at == "2020-01-01T00:00:00Z" {
		t.Error("changed, and the old time is kept")
	}
}

func TestInfinispanIsWellFormedWhenAllItsPodsAreReady(t *testing.T) {
	p := &Operators{o: options()}
	pod := func(name string, ready corev1.ConditionStatus) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
		}
	}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "infinispan"}, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](2)}}
	for _, c := range []struct {
		name   string
		pods   []corev1.Pod
		linked bool
		want   map[string]string
	}{
		{
			"all there",
			[]corev1.Pod{pod("infinispan-0", "True"), pod("infinispan-1", "True")},
			true,
			map[string]string{"WellFormed": "True", "CrossSiteViewFormed": "True", "Stopping": "False", "Upgrade": "False", "GracefulShutdown": "False", "PreliminaryChecksPassed": "True"},
		},
		{
			"one starting",
			[]corev1.Pod{pod("infinispan-0", "True"), pod("infinispan-1", "False")},
			false,
			map[string]string{"WellFormed": "False", "CrossSiteViewFormed": "False"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.linked.Store(c.linked)
			status := p.infinispanStatus(set, c.pods, "app=infinispan-pod")
			got := map[string]string{}
			for _, condition := range status["conditions"].([]any) {
				condition := condition.(map[string]any)
				got[condition["type"].(string)] = condition["status"].(string)
			}
			for kind, want := range c.want {
				if got[kind] != want {
					t.Errorf("%s is %q, want %q", kind, got[kind], want)
				}
			}
			if status["statefulSetName"] != "infinispan" {
				t.Errorf("statefulSetName %v", status["statefulSetName"])
			}
		})
	}
}
