package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

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
	case c.sub == "log":
		_, _ = io.WriteString(w, f.logs[c.name])
		return
	case c.verb == "get":
		f.write(w, stored)
		return
	case c.verb == "delete":
		if wanted, _ := decode(body)["preconditions"].(object); wanted["resourceVersion"] != nil &&
			wanted["resourceVersion"] != stored["metadata"].(object)["resourceVersion"] {
			f.fail(w, c, http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified")
			return
		}
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
	for _, s := range servedKinds() {
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
