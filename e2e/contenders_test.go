package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// contender is something on the secondary's cluster that would fight a run.
type contender struct {
	// manager is under which name Keycloak's resource is applied, with this metadata; empty for not at all.
	manager, meta string
	// object is made beside it, of the kind resource.
	resource schema.GroupVersionResource
	object   string
	// migrating marks Keycloak's StatefulSet as the operator does during an update.
	migrating bool
	args      []string
	// words are in the refusal, or in the plan's warnings when it is not refused. Lines of the plan are joined first.
	words   []string
	refused bool
	// paused is true when the refusal names a command that pauses it, and one that ends that.
	paused bool
}

// The marks of what is applied by Flux, by Argo CD, and by an Argo CD that is not in this cluster.
const (
	byFlux      = "{labels: {kustomize.toolkit.fluxcd.io/name: login, kustomize.toolkit.fluxcd.io/namespace: keycloak}}"
	byArgo      = "{annotations: {argocd.argoproj.io/tracking-id: 'keycloak_login:k8s.keycloak.org/Keycloak:keycloak/keycloak'}}"
	byOtherArgo = "{annotations: {argocd.argoproj.io/tracking-id: 'elsewhere_login:k8s.keycloak.org/Keycloak:keycloak/keycloak'}}"
)

func contenders() map[string]contender {
	return map[string]contender{
		"KEDA": {
			resource: keda(), object: `
kind: ScaledObject
metadata: {name: login, namespace: keycloak}
spec: {scaleTargetRef: {apiVersion: k8s.keycloak.org/v2beta1, kind: Keycloak, name: keycloak}, minReplicaCount: 2, triggers: []}`,
			refused: true, paused: true, words: []string{"stopped: ScaledObject scaledobject/login scales keycloak/keycloak", "--accept autoscaler"},
		},
		"Flux": {
			manager: "kustomize-controller", meta: byFlux, resource: flux(), object: `
kind: Kustomization
metadata: {name: login, namespace: keycloak}
spec: {interval: 10m}`,
			refused: true, paused: true,
			words: []string{"stopped: Flux (kustomization keycloak/login) sets spec.instances of keycloak/keycloak", "every 10m", "--accept gitops"},
		},
		"Flux that is suspended": {
			manager: "kustomize-controller", meta: byFlux, resource: flux(), object: `
kind: Kustomization
metadata: {name: login, namespace: keycloak}
spec: {interval: 10m, suspend: true}`,
			words: []string{"the Kustomization is suspended"},
		},
		"Argo CD": {
			manager: "argocd-controller", meta: byArgo, resource: argo(), object: `
kind: Application
metadata: {name: login, namespace: keycloak}
spec: {syncPolicy: {automated: {selfHeal: true}}}`,
			refused: true, paused: true,
			words: []string{"stopped: Argo CD (application keycloak/login) sets spec.instances of keycloak/keycloak", "self-heal", "--accept gitops"},
		},
		"Argo CD without self-heal": {
			manager: "argocd-controller", meta: byArgo, resource: argo(), object: `
kind: Application
metadata: {name: login, namespace: keycloak}
spec: {syncPolicy: {automated: {}}}`,
			words: []string{"WARNING: Argo CD (application keycloak/login) sets spec.instances of keycloak/keycloak; it may put 0 back"},
		},
		"Argo CD of another cluster": {
			manager: "argocd-controller", meta: byOtherArgo, words: []string{"whether it puts 0 back could not be looked at"},
		},
		"the import of a realm": {
			resource: realmImport(), object: `
kind: KeycloakRealmImport
metadata: {name: customers, namespace: keycloak}
spec: {keycloakCRName: keycloak}`,
			words: []string{"WARNING: keycloak/keycloak: KeycloakRealmImport customers has not ended"},
		},
		"an update of Keycloak": {
			migrating: true, refused: true,
			words: []string{"stopped: the Keycloak operator is updating keycloak/keycloak", "--accept keycloak-update"},
		},
		"another Keycloak": {
			resource: keycloaks(), object: `
kind: Keycloak
metadata: {name: staff, namespace: keycloak}
spec: {instances: 1, additionalOptions: [{name: cache-remote-host, value: infinispan.keycloak.svc}]}`,
			args: []string{"--secondary-keycloak", "keycloak/keycloak"}, refused: true,
			words: []string{"quiet: further Keycloaks", "keycloak/staff", "--accept other-keycloaks"},
		},
	}
}

// resource names the resource of a kind.
func resource(group, version, plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
}

// The resources of the tests' objects.
func keda() schema.GroupVersionResource { return resource("keda.sh", "v1alpha1", "scaledobjects") }

func flux() schema.GroupVersionResource {
	return resource("kustomize.toolkit.fluxcd.io", "v1", "kustomizations")
}

func argo() schema.GroupVersionResource { return resource("argoproj.io", "v1alpha1", "applications") }

func realmImport() schema.GroupVersionResource {
	return resource("k8s.keycloak.org", "v2beta1", "keycloakrealmimports")
}

func keycloaks() schema.GroupVersionResource {
	return resource("k8s.keycloak.org", "v2beta1", "keycloaks")
}

func crds() schema.GroupVersionResource {
	return resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
}

// begin makes it for the time of the test.
func (c contender) begin(t *testing.T) {
	t.Helper()
	if c.manager != "" {
		applyKeycloak(t, c.manager, c.meta)
	}
	if c.object != "" {
		create(t, c.resource, c.object)
	}
	if c.migrating {
		patchSet(t, `{"metadata":{"annotations":{"operator.keycloak.org/migrating":"true"}}}`)
		t.Cleanup(func() { patchSet(t, `{"metadata":{"annotations":{"operator.keycloak.org/migrating":null}}}`) })
	}
}

// TestWhatFightsTheRunIsFoundAndPausedByTheCommandThatIsNamed shows each contender to the plugin, and gives the commands
// that it names to a real kubectl.
func TestWhatFightsTheRunIsFoundAndPausedByTheCommandThatIsNamed(t *testing.T) {
	fresh(t, sites.Sync)
	for kind, of := range map[string]schema.GroupVersionResource{
		"ScaledObject": keda(), "Kustomization": flux(), "Application": argo(), "KeycloakRealmImport": realmImport(),
	} {
		define(t, of, kind)
	}
	dryRun := func(t *testing.T, code int, args ...string) string {
		t.Helper()
		before := observe(t)
		o := resync(t, straight(append([]string{"--dry-run"}, args...)...)...).mustEnd(t, code)
		if diff := cmp.Diff(before, observe(t)); diff != "" {
			t.Errorf("looking changed something (-before +after):\n%s", short(diff))
		}
		return strings.Join(strings.Fields(o.stdout+o.stderr), " ")
	}
	if told := dryRun(t, 0); strings.Contains(told, "could not be looked at") {
		t.Errorf("an administrator may look at everything: %s", told)
	}
	for name, c := range contenders() {
		t.Run(name, func(t *testing.T) {
			c.begin(t)
			code := 0
			if c.refused {
				code = 3
				c.words = append(c.words, "nothing was changed")
			}
			told := dryRun(t, code, c.args...)
			for _, words := range c.words {
				if !strings.Contains(told, words) {
					t.Errorf("does not say %q: %s", words, told)
				}
			}
			if !c.paused {
				return
			}
			commands := regexp.MustCompile(`kubectl (--context site-b [^;]+)`).FindAllStringSubmatch(told, 2)
			if len(commands) != 2 {
				t.Fatalf("names no two commands: %s", told)
			}
			kubectl(t, commands[0][1])
			dryRun(t, 0, c.args...)
			kubectl(t, commands[1][1])
			dryRun(t, 3, c.args...)
		})
	}
	t.Run("Keycloak's own site health", func(t *testing.T) {
		patchKeycloak(t, pair.A, `{"spec":{"env":[{"name":"KC_SPI_CONNECTIONS_INFINISPAN__DEFAULT__SITE_HEALTH_ENABLED","value":"true"}]}}`)
		t.Cleanup(func() { patchKeycloak(t, pair.A, `{"spec":{"env":null}}`) })
		if told := dryRun(t, 0); !strings.Contains(told, "WARNING: keycloak/keycloak of the primary site-a has Keycloak's own site health on") {
			t.Errorf("does not say so: %s", told)
		}
	})
}

// TestAnAutoscalerRestsDuringTheRunAndGoesOnAfterIt recovers beside a real HorizontalPodAutoscaler that keeps two
// instances.
func TestAnAutoscalerRestsDuringTheRunAndGoesOnAfterIt(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	scalers := pair.B.Kube().AutoscalingV2().HorizontalPodAutoscalers(sites.Namespace)
	_, err := scalers.Create(t.Context(), &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "login"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "k8s.keycloak.org/v2beta1", Kind: "Keycloak", Name: "keycloak"},
			MinReplicas:    ptr.To[int32](instances), MaxReplicas: instances,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To[int32](80)},
			}}},
		},
	}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, scalers.Delete(withoutEnd(t), "login", metav1.DeleteOptions{})) })
	resync(t, straight()...).mustSucceed(t)
	mustBeRecovered(t, truth)
}

// define installs the type of a resource for the time of the test.
func define(t *testing.T, of schema.GroupVersionResource, kind string) {
	t.Helper()
	text := fmt.Sprintf(`
metadata: {name: %[1]s.%[2]s}
kind: CustomResourceDefinition
spec:
  group: %[2]s
  scope: Namespaced
  names: {kind: %[4]s, plural: %[1]s}
  versions: [{name: %[3]s, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`,
		of.Resource, of.Group, of.Version, kind)
	create(t, crds(), text)
	eventually(t, "the cluster serves "+of.Resource, func(ctx context.Context) bool {
		_, err := pair.B.Dynamic().Resource(of).Namespace(sites.Namespace).List(ctx, metav1.ListOptions{})
		return err == nil
	})
}

// create makes an object on the secondary's cluster for the time of the test.
func create(t *testing.T, of schema.GroupVersionResource, text string) {
	t.Helper()
	o := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal([]byte(text), &o.Object))
	o.SetAPIVersion(of.GroupVersion().String())
	into := pair.B.Dynamic().Resource(of)
	made, err := into.Namespace(o.GetNamespace()).Create(t.Context(), o, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		must(t, into.Namespace(made.GetNamespace()).Delete(withoutEnd(t), made.GetName(), metav1.DeleteOptions{}))
		eventually(t, made.GetName()+" is gone, with its pods", func(ctx context.Context) bool {
			_, err := into.Namespace(made.GetNamespace()).Get(ctx, made.GetName(), metav1.GetOptions{})
			pods, _ := pair.B.Kube().CoreV1().Pods(sites.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + made.GetName()})
			return apierrors.IsNotFound(err) && (pods == nil || len(pods.Items) == 0)
		})
	})
}

// applyKeycloak applies the count of the secondary's Keycloak as a GitOps tool does, and takes all of it back at the end.
func applyKeycloak(t *testing.T, manager, meta string) {
	t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{}}
	must(t, yaml.Unmarshal([]byte("{metadata: "+meta+"}"), &o.Object))
	o.SetAPIVersion(keycloaks().GroupVersion().String())
	o.SetKind("Keycloak")
	o.SetName("keycloak")
	must(t, unstructured.SetNestedField(o.Object, int64(instances), "spec", "instances"))
	_, err := pair.B.Dynamic().Resource(keycloaks()).Namespace(sites.Namespace).Apply(t.Context(), "keycloak", o, metav1.ApplyOptions{FieldManager: manager, Force: true})
	must(t, err)
	t.Cleanup(func() {
		patchKeycloak(t, pair.B, `{"metadata":{"labels":null,"annotations":null,"managedFields":[{}]}}`)
	})
}

// patchKeycloak changes Keycloak's resource.
func patchKeycloak(t *testing.T, s *sites.Site, patch string) {
	t.Helper()
	_, err := s.Dynamic().Resource(keycloaks()).Namespace(sites.Namespace).Patch(withoutEnd(t), "keycloak", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	must(t, err)
}

// patchSet changes the StatefulSet of the secondary's Keycloak.
func patchSet(t *testing.T, patch string) {
	t.Helper()
	_, err := pair.B.Kube().AppsV1().StatefulSets(sites.Namespace).Patch(withoutEnd(t), "keycloak", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	must(t, err)
}

// kubectl runs a command as a user would paste it.
func kubectl(t *testing.T, args string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", pair.Kubectl()+" "+args)
	command.Env = append(os.Environ(), "KUBECONFIG="+pair.Kubeconfig())
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("kubectl %s: %v\n%s", args, err, said)
	}
}
