package kube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// object is a resource as JSON has it.
type object = map[string]any

// fakeAPI is an API server in memory: discovery, objects with resourceVersions, watches, scale subresources, access
// reviews, port-forwards and exec. The clients that talk to it are the real ones.
type fakeAPI struct {
	kubelet

	t      *testing.T
	server *httptest.Server

	mu         sync.Mutex
	version    int
	objects    map[string]object // by path
	watchers   map[chan object]string
	denied     map[string]bool // "VERB RESOURCE" or "VERB RESOURCE/NAME"
	broken     map[string]int  // "VERB RESOURCE": how many calls answer 500
	gone       map[string]bool // "PLURAL.GROUP" that the server does not serve, or serves without scale ("PLURAL/scale")
	requests   []string        // "VERB RESOURCE[/SUB][/NAME]", without discovery
	before     map[string]func()
	logs       map[string]string // by pod
	warning    string
	gitVersion string
	// unauthorized makes every call one of somebody whom the server does not know.
	unauthorized bool
	userAgents   map[string]bool
}

// servedKind is a resource that the server knows.
type servedKind struct{ plural, kind, groupVersion string }

// servedKinds are all of them.
func servedKinds() []servedKind {
	return []servedKind{
		{"pods", "Pod", "v1"},
		{"secrets", "Secret", "v1"},
		{"configmaps", "ConfigMap", "v1"},
		{"events", "Event", "v1"},
		{"leases", "Lease", "coordination.k8s.io/v1"},
		{"statefulsets", "StatefulSet", "apps/v1"},
		{"deployments", "Deployment", "apps/v1"},
		{"infinispans", "Infinispan", "infinispan.org/v1"},
		{"caches", "Cache", "infinispan.org/v2alpha1"},
		{"keycloaks", "Keycloak", "k8s.keycloak.org/v2beta1"},
		{"keycloaks", "Keycloak", "keycloak.org/v1alpha1"},
		{"keycloakrealmimports", "KeycloakRealmImport", "k8s.keycloak.org/v2beta1"},
		{"jobs", "Job", "batch/v1"},
		{"horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling/v2"},
		{"scaledobjects", "ScaledObject", "keda.sh/v1alpha1"},
		{"applications", "Application", "argoproj.io/v1alpha1"},
		{"kustomizations", "Kustomization", "kustomize.toolkit.fluxcd.io/v1"},
		{"helmreleases", "HelmRelease", "helm.toolkit.fluxcd.io/v2"},
	}
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	f := &fakeAPI{
		t: t, objects: map[string]object{}, watchers: map[chan object]string{}, denied: map[string]bool{},
		broken: map[string]int{}, gone: map[string]bool{}, before: map[string]func(){}, logs: map[string]string{}, userAgents: map[string]bool{},
	}
	f.server = httptest.NewServer(f)
	f.kubelet.init(f.server.Listener.Addr().String())
	t.Cleanup(func() {
		f.kubelet.cut()
		f.breakWatches()
		f.server.Close()
	})
	return f
}

// put stores objects as they are, with a new resourceVersion and what the server would fill in.
func (f *fakeAPI) put(objects ...object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range objects {
		path := pathOf(o)
		kind := "ADDED"
		if _, ok := f.objects[path]; ok {
			kind = "MODIFIED"
		}
		f.store(path, o, kind)
	}
}

// remove deletes an object by kind and name.
func (f *fakeAPI) remove(o object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(pathOf(o))
}

// get reads back what is stored.
func (f *fakeAPI) get(o object) object {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.objects[pathOf(o)]
}

// edit changes a stored object, as somebody else would.
func (f *fakeAPI) edit(o object, change func(object)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := pathOf(o)
	edited := clone(f.objects[path])
	change(edited)
	f.store(path, edited, "MODIFIED")
}

func (f *fakeAPI) store(path string, o object, event string) {
	f.version++
	o = clone(o)
	meta := o["metadata"].(object)
	meta["resourceVersion"] = strconv.Itoa(f.version)
	if meta["uid"] == nil {
		meta["uid"] = fmt.Sprintf("uid-of-%s", meta["name"])
	}
	if meta["creationTimestamp"] == nil {
		meta["creationTimestamp"] = time.Unix(1_700_000_000+int64(f.version), 0).UTC().Format(time.RFC3339)
	}
	f.objects[path] = o
	f.tell(path, object{"type": event, "object": o})
}

func (f *fakeAPI) drop(path string) {
	if o, ok := f.objects[path]; ok {
		delete(f.objects, path)
		f.tell(path, object{"type": "DELETED", "object": o})
	}
}

func (f *fakeAPI) tell(path string, event object) {
	for c, prefix := range f.watchers {
		if strings.HasPrefix(path, prefix) {
			c <- event
		}
	}
}

// breakWatches ends all watches, and fails lists for as many calls as were broken by breakNext.
func (f *fakeAPI) breakWatches() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.watchers {
		close(c)
		delete(f.watchers, c)
	}
}

// awaitWatch waits until somebody watches.
func (f *fakeAPI) awaitWatch() {
	f.t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		f.mu.Lock()
		watching := len(f.watchers) > 0
		f.mu.Unlock()
		if watching {
			return
		}
		select {
		case <-ticker.C:
		case <-f.t.Context().Done():
			f.t.Fatal("nobody watches")
		}
	}
}

func (f *fakeAPI) calls(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []string
	for _, r := range f.requests {
		if strings.HasPrefix(r, prefix) {
			found = append(found, r)
		}
	}
	return found
}

// pathOf is where an object is stored: /GROUPVERSION/namespaces/NS/PLURAL/NAME.
func pathOf(o object) string {
	meta := o["metadata"].(object)
	groupVersion := o["apiVersion"].(string)
	for _, s := range servedKinds() {
		if s.kind == o["kind"] && s.groupVersion == groupVersion {
			return fmt.Sprintf("/%s/namespaces/%s/%s/%s", groupVersion, meta["namespace"], s.plural, meta["name"])
		}
	}
	panic(fmt.Sprintf("kind %v of %s is not served", o["kind"], groupVersion))
}

func clone(o object) object {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	var c object
	if err := json.Unmarshal(data, &c); err != nil {
		panic(err)
	}
	return c
}

// call is one request taken apart.
type call struct {
	verb, groupVersion, namespace, plural, name, sub string
}

func parse(r *http.Request) (call, bool) {
	path := strings.Trim(r.URL.Path, "/")
	if path == "api" || path == "apis" || path == "version" {
		return call{}, false
	}
	path, core := strings.CutPrefix(path, "api/")
	if !core {
		path = strings.TrimPrefix(path, "apis/")
	}
	parts := strings.Split(path, "/")
	c := call{}
	if core {
		c.groupVersion, parts = parts[0], parts[1:]
	} else if len(parts) >= 2 {
		c.groupVersion, parts = parts[0]+"/"+parts[1], parts[2:]
	}
	if len(parts) > 1 && parts[0] == "namespaces" {
		c.namespace, parts = parts[1], parts[2:]
	}
	if len(parts) == 0 {
		return c, false
	}
	c.plural = parts[0]
	if len(parts) > 1 {
		c.name = parts[1]
	}
	if len(parts) > 2 {
		c.sub = parts[2]
	}
	c.verb = map[string]string{"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[r.Method]
	if c.verb == "get" && c.name == "" {
		c.verb = "list"
		if r.URL.Query().Get("watch") != "" {
			c.verb = "watch"
		}
	}
	if c.sub == "portforward" || c.sub == "exec" {
		c.verb = "create"
	}
	return c, true
}

func (c call) resource() string {
	if c.sub != "" {
		return c.plural + "/" + c.sub
	}
	return c.plural
}

// ServeHTTP answers like an API server.
func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := parse(r)
	if !ok {
		f.discover(w, c, r)
		return
	}
	key := c.verb + " " + c.resource()
	f.mu.Lock()
	f.requests = append(f.requests, key+"/"+c.name)
	f.userAgents[r.UserAgent()] = true
	denied := f.denied[key] || f.denied[key+"/"+c.name]
	broken := f.broken[key] > 0
	if broken {
		f.broken[key]--
	}
	before := f.before[key]
	warning, unauthorized := f.warning, f.unauthorized
	f.mu.Unlock()
	if before != nil {
		before()
	}
	if warning != "" {
		w.Header().Add("Warning", `299 - "`+warning+`"`)
	}
	switch {
	case unauthorized:
		f.fail(w, c, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "who?")
	case denied:
		f.fail(w, c, http.StatusForbidden, metav1.StatusReasonForbidden, "no")
	case broken:
		f.fail(w, c, http.StatusInternalServerError, metav1.StatusReasonInternalError, "broken")
	case c.plural == "selfsubjectaccessreviews":
		f.review(w, r)
	case c.sub == "portforward", c.sub == "exec":
		f.kubelet.serve(w, r, f, c)
	case c.verb == "watch":
		f.watch(w, r, c)
	default:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.answer(w, r, c)
	}
}

func (f *fakeAPI) discover(w http.ResponseWriter, c call, r *http.Request) {
	switch r.URL.Path {
	case "/version":
		f.mu.Lock()
		defer f.mu.Unlock()
		f.write(w, object{"gitVersion": f.gitVersion})
	case "/api":
		f.write(w, object{"kind": "APIVersions", "versions": []string{"v1"}})
	case "/apis":
		groups := []any{}
		for _, gv := range []string{
			"apps/v1", "batch/v1", "autoscaling/v2", "infinispan.org/v1", "infinispan.org/v2alpha1", "k8s.keycloak.org/v2beta1", "keycloak.org/v1alpha1",
			"keda.sh/v1alpha1", "argoproj.io/v1alpha1", "kustomize.toolkit.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2",
		} {
			group, version, _ := strings.Cut(gv, "/")
			entry := object{"groupVersion": gv, "version": version}
			groups = append(groups, object{"name": group, "versions": []any{entry}, "preferredVersion": entry})
		}
		f.write(w, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	default:
		resources := []any{}
		group, _, _ := strings.Cut(c.groupVersion, "/")
		for _, s := range servedKinds() {
			if s.groupVersion == c.groupVersion && !f.gone[s.plural+"."+group] {
				resources = append(resources, object{"name": s.plural, "singularName": strings.ToLower(s.kind), "namespaced": true, "kind": s.kind, "verbs": []string{"get"}})
			}
		}
		f.write(w, object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": c.groupVersion, "resources": resources})
	}
}

func (f *fakeAPI) write(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o)
}

func (f *fakeAPI) fail(w http.ResponseWriter, c call, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
		"message": fmt.Sprintf("%s %s %q: %s", c.verb, c.resource(), c.name, message),
	})
}

func decode(body []byte) object {
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		panic(fmt.Sprintf("%v in %q", err, body))
	}
	return o
}
