package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// flagKeycloak is the flag that names Keycloaks.
	flagKeycloak = "--keycloak"
	// noKeycloak is its value for a site without.
	noKeycloak = "none"
	// optionRemoteHost is Keycloak's option with Infinispan's host, and envRemoteHost the same as a variable.
	optionRemoteHost = "cache-remote-host"
	envRemoteHost    = "KC_CACHE_REMOTE_HOST"
)

// findKeycloaks gives the Keycloaks that were named, or those that use the Infinispan.
func (s *Site) findKeycloaks(ctx context.Context) ([]workload, error) {
	if len(s.opts.Keycloaks) == 0 {
		return s.searchKeycloaks(ctx)
	}
	if slices.Contains(s.opts.Keycloaks, noKeycloak) {
		if len(s.opts.Keycloaks) > 1 {
			return nil, &RefError{Flag: flagKeycloak, Value: noKeycloak, Problem: "cannot be combined with other values"}
		}
		return nil, nil
	}
	var found []workload
	for _, value := range s.opts.Keycloaks {
		w, err := s.namedKeycloak(ctx, value)
		if err != nil {
			return nil, err
		}
		switch i := slices.IndexFunc(found, func(o workload) bool { return o.ref() == w.ref() }); {
		case i < 0:
			found = append(found, w)
		case found[i].namespace != w.namespace:
			return nil, &RefError{Flag: flagKeycloak, Value: value, Problem: "two workloads of this name in different namespaces cannot be told apart"}
		}
	}
	return found, nil
}

// namedKeycloak finds one workload by its name and proves that it exists.
func (s *Site) namedKeycloak(ctx context.Context, value string) (workload, error) {
	named, err := parseRef(flagKeycloak, value, keycloakKind(), statefulSetKind(), deploymentKind())
	if err != nil {
		return workload{}, err
	}
	w := workload{kind: named.kind, name: named.name, namespace: named.namespace}
	if w.namespace == "" {
		w.namespace = s.place.Namespace
	}
	missing := &NotFoundError{
		What: "Keycloak", Context: s.place.Context, Namespace: w.namespace,
		Looked: []string{w.kind.ref(w.name) + " of group " + w.kind.group},
		Next: "check the name given with " + flagKeycloak + ", the context and the namespace; " +
			flagKeycloak + " " + noKeycloak + " is for a site without Keycloak",
	}
	resource, ok, err := s.resourceFor(w.kind)
	if err != nil {
		return workload{}, err
	}
	if !ok {
		return workload{}, missing
	}
	w.resource = resource
	object, err := s.get(ctx, resource, w.kind, w.namespace, w.name)
	if apierrors.IsNotFound(err) {
		return workload{}, missing
	}
	if err != nil {
		return workload{}, err
	}
	w.sources = sourcesOf(object)
	if w.kind.name == statefulSetKind().name {
		return w, s.refuseOperated(object, value)
	}
	return w, nil
}

// refuseOperated refuses the StatefulSet of a Keycloak resource: the operator would undo its scaling.
func (s *Site) refuseOperated(object *unstructured.Unstructured, value string) error {
	for _, owner := range object.GetOwnerReferences() {
		group, err := schema.ParseGroupVersion(owner.APIVersion)
		if err == nil && group.Group == groupKeycloak && owner.Kind == keycloakKind().object {
			return &RefError{Flag: flagKeycloak, Value: value, Problem: "the Keycloak operator would undo its scaling; name " +
				keycloakKind().ref(owner.Name) + " instead"}
		}
	}
	return nil
}

// searchKeycloaks finds the Keycloak resources in Infinispan's namespace that use it. One that does not say what it uses
// is taken only when it is alone.
func (s *Site) searchKeycloaks(ctx context.Context) ([]workload, error) {
	s.keycloaks = true
	resource, ok, err := s.resourceFor(keycloakKind())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.noKeycloak("the cluster has no resources keycloaks." + groupKeycloak)
	}
	objects, err := s.list(ctx, resource, keycloakKind(), s.place.Namespace)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, s.noKeycloak("no resource keycloaks." + groupKeycloak)
	}
	var linked, silent []workload
	var looked []string
	for i := range objects {
		w := workload{kind: keycloakKind(), resource: resource, namespace: s.place.Namespace, name: objects[i].GetName(), sources: sourcesOf(&objects[i])}
		host, said := remoteHost(&objects[i])
		switch {
		case !said:
			silent = append(silent, w)
			looked = append(looked, w.ref()+" does not say which Infinispan it uses")
		case s.pointsHere(host, w.namespace):
			linked = append(linked, w)
		default:
			looked = append(looked, fmt.Sprintf("%s uses the Infinispan at %q", w.ref(), host))
		}
	}
	switch {
	case len(linked) > 0:
		for _, w := range silent {
			s.opts.Warn(fmt.Sprintf("%s does not say which Infinispan it uses and is left alone; name it with %s if it uses %s", w.ref(), flagKeycloak, s.server.ref))
		}
		return linked, nil
	case len(silent) == 1 && len(objects) == 1:
		return silent, nil
	case len(silent) > 0:
		return nil, s.ambiguousKeycloak(silent)
	}
	return nil, s.noKeycloak(looked...)
}

// noKeycloak is the error of a search that found nothing.
func (s *Site) noKeycloak(looked ...string) error {
	return &NotFoundError{
		What: "Keycloak", Context: s.place.Context, Namespace: s.place.Namespace, Looked: looked,
		Next: fmt.Sprintf("name it with %[1]s TYPE/NAME (keycloak, statefulset or deployment), or say %[1]s %[2]s if this site has none",
			flagKeycloak, noKeycloak),
	}
}

// ambiguousKeycloak is the error of a search that found several that may be meant.
func (s *Site) ambiguousKeycloak(silent []workload) error {
	refs := make([]string, 0, len(silent))
	for _, w := range silent {
		refs = append(refs, w.ref())
	}
	slices.Sort(refs)
	return &AmbiguousError{
		What: "Keycloak", Context: s.place.Context, Namespace: s.place.Namespace, Candidates: refs,
		Next: fmt.Sprintf("none of them says which Infinispan it uses; name all that use %s with %s TYPE/NAME", s.server.ref, flagKeycloak),
	}
}

// remoteHost reads which Infinispan a Keycloak resource uses: the option cache-remote-host, or the variable of the same
// meaning among those of the resource or of its pod template. said is false when there is none, or when it comes from a
// Secret or a ConfigMap.
func remoteHost(object *unstructured.Unstructured) (host string, said bool) {
	for _, place := range []struct {
		name string
		path []string
	}{
		{optionRemoteHost, []string{"spec", "additionalOptions"}},
		{envRemoteHost, []string{"spec", "env"}},
	} {
		entries, _, _ := unstructured.NestedSlice(object.Object, place.path...)
		if host := valueOf(entries, place.name); host != "" {
			return host, true
		}
	}
	containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "unsupported", "podTemplate", "spec", "containers")
	for _, entry := range containers {
		container, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		variables, _, _ := unstructured.NestedSlice(container, "env")
		if host := valueOf(variables, envRemoteHost); host != "" {
			return host, true
		}
	}
	return "", false
}

// valueOf finds the plain value of a name in a list of {name, value}.
func valueOf(entries []any, name string) string {
	for _, entry := range entries {
		option, ok := entry.(map[string]any)
		if !ok || option["name"] != name {
			continue
		}
		value, _ := option["value"].(string)
		return value
	}
	return ""
}

// pointsHere reports whether a host, seen from a namespace, is a Service of this Infinispan: NAME, NAME.NAMESPACE or
// NAME.NAMESPACE.svc and what may follow.
func (s *Site) pointsHere(host, from string) bool {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	namespace := from
	if len(labels) > 1 {
		namespace = labels[1]
	}
	if len(labels) > 2 && labels[2] != "svc" {
		return false
	}
	return namespace == s.place.Namespace && (labels[0] == s.server.name || labels[0] == s.server.name+"-external")
}

// statefulSetResource is where StatefulSets are served, in every version of Kubernetes in use.
func statefulSetResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: groupApps, Version: "v1", Resource: "statefulsets"}
}

// fromUnstructured decodes a part of an object.
func fromUnstructured(from map[string]any, into any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(from, into)
}
