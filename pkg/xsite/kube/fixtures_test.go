package kube

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

const (
	testNamespace = "keycloak"
	canary        = "canary-0a1b2c3d" // begins every secret value; must be nowhere in errors and output
)

// getter writes a kubeconfig for the server and gives the command line's own way to it.
func (f *fakeAPI) getter() *genericclioptions.ConfigFlags {
	f.t.Helper()
	return f.getterAs(f.server.URL, `{token: "`+canary+`-token"}`)
}

// getterAs is getter for a user of another kind and another address of the server.
func (f *fakeAPI) getterAs(address, user string) *genericclioptions.ConfigFlags {
	f.t.Helper()
	dir := f.t.TempDir()
	path := filepath.Join(dir, "kubeconfig")
	config := `apiVersion: v1
kind: Config
current-context: site-b
clusters: [{name: c, cluster: {server: "` + address + `", insecure-skip-tls-verify: ` + strconv.FormatBool(strings.HasPrefix(address, "https")) + `}}]
users: [{name: u, user: ` + user + `}]
contexts: [{name: site-b, context: {cluster: c, user: u, namespace: ` + testNamespace + `}}]
`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		f.t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.CacheDir = &path, &cache
	flags.WrapConfigFn = func(c *rest.Config) *rest.Config {
		c.ContentType = "application/json" // the server of these tests reads nothing else
		return c
	}
	return flags
}

// connect connects with the options and closes the site at the end of the test.
func (f *fakeAPI) connect(change func(*Options)) (*Site, error) {
	f.t.Helper()
	options := Options{Getter: f.getter(), ContextName: "site-b", UserAgent: "kubectl-ispn-resync/test"}
	if change != nil {
		change(&options)
	}
	site, err := connect(f.t.Context(), options, instantClock{})
	if site != nil {
		f.t.Cleanup(site.Close)
	}
	return site, err
}

// mustConnect is connect for tests of what comes after.
func (f *fakeAPI) mustConnect(change func(*Options)) *Site {
	f.t.Helper()
	site, err := f.connect(change)
	if err != nil {
		f.t.Fatal(err)
	}
	return site
}

// instantClock waits for nothing.
type instantClock struct{ xsite.WallClock }

func (instantClock) Wait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// newSite is a namespace as the operators leave it: Infinispan with two pods, Keycloak with two instances.
func newSite(t *testing.T) *fakeAPI {
	t.Helper()
	f := newFakeAPI(t)
	for _, k := range []kind{scaledObjectKind(), applicationKind(), kustomizationKind(), helmReleaseKind()} {
		f.gone[k.resource()] = true
	}
	f.put(
		infinispanCR("infinispan"), statefulSet("infinispan", 2, map[string]string{"app": "infinispan-pod", "clusterName": "infinispan"}),
		infinispanPod("infinispan-0"), infinispanPod("infinispan-1"),
		secretOf("infinispan-generated-operator-secret", map[string]string{"username": "operator", "password": canary + "-operator"}),
		secretOf("infinispan-generated-secret", map[string]string{"identities.yaml": "credentials:\n" +
			"- {username: reader, password: " + canary + "-reader, roles: [observer]}\n" +
			"- {username: developer, password: " + canary + "-developer, roles: [admin, controlRole]}\n"}),
		keycloakCR("keycloak", 2, "infinispan.keycloak.svc"), statefulSet("keycloak", 2, keycloakLabels()),
		keycloakPod("keycloak-0"), keycloakPod("keycloak-1"),
	)
	return f
}

func keycloakLabels() map[string]string {
	return map[string]string{"app": "keycloak", "app.kubernetes.io/instance": "keycloak"}
}

func metadata(name string, more object) object {
	m := object{"name": name, "namespace": testNamespace}
	merge(m, more)
	return m
}

func infinispanCR(name string) object {
	return object{
		"apiVersion": "infinispan.org/v1", "kind": "Infinispan", "metadata": metadata(name, object{"uid": "cr-" + name}),
		"spec": object{"replicas": 2},
		"status": object{
			"statefulSetName": name, "operand": object{"phase": "Running"},
			"conditions": []any{object{"type": "WellFormed", "status": "True", "message": "View: infinispan-0,infinispan-1"}},
		},
	}
}

func statefulSet(name string, replicas int, selector map[string]string) object {
	labels := object{}
	for k, v := range selector {
		labels[k] = v
	}
	return object{
		"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(name, object{"uid": "sts-" + name, "generation": 1}),
		"spec": object{
			"replicas": replicas, "serviceName": "", "selector": object{"matchLabels": labels},
			"template": object{"metadata": object{"labels": labels}, "spec": object{"containers": []any{}}},
		},
		"status": object{"observedGeneration": 1, "replicas": replicas},
	}
}

func pod(name, owner string, labels object) object {
	return object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": metadata(name, object{
			"uid": "pod-" + name, "labels": labels,
			"ownerReferences": []any{object{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": owner, "uid": "sts-" + owner, "controller": true}},
		}),
		"status": object{
			"phase":             "Running",
			"conditions":        []any{object{"type": "Ready", "status": "True"}},
			"containerStatuses": []any{object{"name": "infinispan", "restartCount": 3, "state": object{"running": object{}}}},
		},
	}
}

func infinispanPod(name string) object {
	return pod(name, "infinispan", object{"app": "infinispan-pod", "clusterName": "infinispan"})
}

func keycloakPod(name string) object {
	labels := object{}
	for k, v := range keycloakLabels() {
		labels[k] = v
	}
	return pod(name, "keycloak", labels)
}

func secretOf(name string, data map[string]string) object {
	encoded := object{}
	for k, v := range data {
		encoded[k] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	return object{"apiVersion": "v1", "kind": "Secret", "metadata": metadata(name, object{}), "data": encoded}
}

func keycloakCR(name string, instances int, host string) object {
	spec := object{"instances": instances}
	if host != "" {
		spec["additionalOptions"] = []any{object{"name": "cache-remote-host", "value": host}}
	}
	return object{
		"apiVersion": "k8s.keycloak.org/v2beta1", "kind": "Keycloak",
		"metadata": metadata(name, object{"uid": "kc-" + name, "generation": 1}),
		"spec":     spec,
		"status":   object{"observedGeneration": 1, "instances": instances, "selector": "app=keycloak,app.kubernetes.io/instance=keycloak"},
	}
}

func deployment(name string, replicas int) object {
	d := statefulSet(name, replicas, map[string]string{"app": name})
	d["kind"] = "Deployment"
	return d
}

// specOf gives an object's spec for a change.
func specOf(o object) object { return o["spec"].(object) }

// as gives the error of a type, or fails.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	var target E
	if !errors.As(err, &target) {
		t.Fatalf("got %T %v, want a %T", err, err, target)
	}
	return target
}
