package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// object is a resource as JSON has it.
type object = map[string]any

// fakeAPI is an API server in memory: discovery, objects with resourceVersions, watches, scale subresources, access
// reviews and port-forwards. The clients that talk to it are the real ones.
type fakeAPI struct {
	t      *testing.T
	server *httptest.Server
	kubelet

	mu         sync.Mutex
	version    int
	objects    map[string]object // by path
	watchers   map[chan object]string
	denied     map[string]bool // "VERB RESOURCE" or "VERB RESOURCE/NAME"
	broken     map[string]int  // "VERB RESOURCE": how many calls answer 500
	gone       map[string]bool // "PLURAL.GROUP" that the server does not serve, or serves without scale ("PLURAL/scale")
	requests   []string        // "VERB RESOURCE[/SUB][/NAME]", without discovery
	before     map[string]func()
	warning    string
	userAgents map[string]bool
}

// served are the resources the server knows: plural -> kind and group version.
var servedKinds = []struct{ plural, kind, groupVersion string }{
	{"pods", "Pod", "v1"}, {"secrets", "Secret", "v1"}, {"configmaps", "ConfigMap", "v1"},
	{"statefulsets", "StatefulSet", "apps/v1"}, {"deployments", "Deployment", "apps/v1"},
	{"infinispans", "Infinispan", "infinispan.org/v1"}, {"caches", "Cache", "infinispan.org/v2alpha1"},
	{"keycloaks", "Keycloak", "k8s.keycloak.org/v2beta1"}, {"keycloaks", "Keycloak", "keycloak.org/v1alpha1"},
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	f := &fakeAPI{
		t: t, objects: map[string]object{}, watchers: map[chan object]string{}, denied: map[string]bool{},
		broken: map[string]int{}, gone: map[string]bool{}, before: map[string]func(){}, userAgents: map[string]bool{},
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
	for _, s := range servedKinds {
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
	if path == "api" || path == "apis" {
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
	if c.sub == "portforward" {
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
	warning := f.warning
	f.mu.Unlock()
	if before != nil {
		before()
	}
	if warning != "" {
		w.Header().Add("Warning", `299 - "`+warning+`"`)
	}
	switch {
	case denied:
		f.fail(w, c, http.StatusForbidden, metav1.StatusReasonForbidden, "no")
	case broken:
		f.fail(w, c, http.StatusInternalServerError, metav1.StatusReasonInternalError, "broken")
	case c.plural == "selfsubjectaccessreviews":
		f.review(w, r)
	case c.sub == "portforward":
		f.kubelet.serve(w, r, f, c)
	case c.verb == "watch":
		f.watch(w, r, c)
	default:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.answer(w, r, c)
	}
}

// answer does what was asked with the objects.
func (f *fakeAPI) answer(w http.ResponseWriter, r *http.Request, c call) {
	folder := fmt.Sprintf("/%s/namespaces/%s/%s/", c.groupVersion, c.namespace, c.plural)
	path := folder + c.name
	stored, exists := f.objects[path]
	body, _ := io.ReadAll(r.Body)
	switch {
	case c.verb == "list":
		f.write(w, f.listOf(folder, c, r))
		return
	case c.verb == "create":
		o := decode(body)
		path = folder + o["metadata"].(object)["name"].(string)
		if _, there := f.objects[path]; there {
			f.fail(w, c, http.StatusConflict, metav1.StatusReasonAlreadyExists, "already exists")
			return
		}
		f.store(path, o, "ADDED")
		f.write(w, f.objects[path])
		return
	case !exists, c.sub != "" && f.gone[c.resource()]:
		f.fail(w, c, http.StatusNotFound, metav1.StatusReasonNotFound, "not found")
		return
	case c.verb == "get":
		f.write(w, stored)
		return
	case c.verb == "delete":
		f.drop(path)
		f.write(w, object{"kind": "Status", "apiVersion": "v1", "status": "Success"})
		return
	}
	change := decode(body)
	if version, ok := change["metadata"].(object)["resourceVersion"]; ok && version != stored["metadata"].(object)["resourceVersion"] {
		f.fail(w, c, http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified")
		return
	}
	result := clone(stored)
	switch {
	case c.sub == "scale":
		field := "replicas"
		if c.plural == "keycloaks" {
			field = "instances"
		}
		result["spec"].(object)[field] = change["spec"].(object)["replicas"]
		merge(result, object{"metadata": object{"generation": generation(stored) + 1}})
	case c.verb == "patch":
		merge(result, change)
	default:
		result = change
		result["metadata"].(object)["uid"] = stored["metadata"].(object)["uid"]
		result["metadata"].(object)["creationTimestamp"] = stored["metadata"].(object)["creationTimestamp"]
	}
	f.store(path, result, "MODIFIED")
	if c.sub == "scale" {
		f.write(w, change)
		return
	}
	f.write(w, f.objects[path])
}

func generation(o object) int {
	n, _ := o["metadata"].(object)["generation"].(float64)
	return int(n)
}

func (f *fakeAPI) listOf(folder string, c call, r *http.Request) object {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		panic(err)
	}
	items := []any{}
	paths := make([]string, 0, len(f.objects))
	for path := range f.objects {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		if strings.HasPrefix(path, folder) && selector.Matches(labelsOf(f.objects[path])) {
			items = append(items, f.objects[path])
		}
	}
	kind := ""
	for _, s := range servedKinds {
		if s.plural == c.plural && s.groupVersion == c.groupVersion {
			kind = s.kind
		}
	}
	return object{
		"kind": kind + "List", "apiVersion": c.groupVersion,
		"metadata": object{"resourceVersion": strconv.Itoa(f.version)}, "items": items,
	}
}

func labelsOf(o object) labels.Set {
	set := labels.Set{}
	given, _ := o["metadata"].(object)["labels"].(object)
	for k, v := range given {
		set[k] = v.(string)
	}
	return set
}

func (f *fakeAPI) watch(w http.ResponseWriter, r *http.Request, c call) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		panic(err)
	}
	events := make(chan object, 100)
	f.mu.Lock()
	folder := fmt.Sprintf("/%s/namespaces/%s/%s/", c.groupVersion, c.namespace, c.plural)
	f.watchers[events] = folder
	since, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	for path, o := range f.objects { // what came between the list and this watch
		version, _ := strconv.Atoi(o["metadata"].(object)["resourceVersion"].(string))
		if strings.HasPrefix(path, folder) && version > since {
			events <- object{"type": "ADDED", "object": o}
		}
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.watchers, events)
		f.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case event, ok := <-events:
			if !ok {
				return
			}
			if selector.Matches(labelsOf(event["object"].(object))) {
				_ = json.NewEncoder(w).Encode(event)
				w.(http.Flusher).Flush()
			}
		}
	}
}

func (f *fakeAPI) review(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	review := decode(body)
	asked := review["spec"].(object)["resourceAttributes"].(object)
	text := func(key string) string { s, _ := asked[key].(string); return s }
	resource := text("resource")
	if sub := text("subresource"); sub != "" {
		resource += "/" + sub
	}
	key := text("verb") + " " + resource
	f.mu.Lock()
	defer f.mu.Unlock()
	denied := f.denied[key] || f.denied[key+"/"+text("name")]
	status := object{"allowed": !denied}
	if denied {
		status["reason"] = "no rule allows it"
	}
	review["status"] = status
	f.write(w, review)
}

func (f *fakeAPI) discover(w http.ResponseWriter, c call, r *http.Request) {
	switch {
	case r.URL.Path == "/api":
		f.write(w, object{"kind": "APIVersions", "versions": []string{"v1"}})
	case r.URL.Path == "/apis":
		groups := []any{}
		for _, gv := range []string{"apps/v1", "infinispan.org/v1", "infinispan.org/v2alpha1", "k8s.keycloak.org/v2beta1", "keycloak.org/v1alpha1"} {
			group, version, _ := strings.Cut(gv, "/")
			entry := object{"groupVersion": gv, "version": version}
			groups = append(groups, object{"name": group, "versions": []any{entry}, "preferredVersion": entry})
		}
		f.write(w, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	default:
		resources := []any{}
		group, _, _ := strings.Cut(c.groupVersion, "/")
		for _, s := range servedKinds {
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

// merge is a JSON merge patch.
func merge(into, change object) {
	for key, value := range change {
		inner, isObject := value.(object)
		existing, hasObject := into[key].(object)
		switch {
		case value == nil:
			delete(into, key)
		case isObject && hasObject:
			merge(existing, inner)
		case isObject:
			fresh := object{}
			merge(fresh, inner)
			into[key] = fresh
		default:
			into[key] = value
		}
	}
}
