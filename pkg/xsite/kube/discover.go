package kube

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// flagInfinispan is the flag that names Infinispan.
const flagInfinispan = "--infinispan"

// server is the Infinispan that discovery found.
type server struct {
	kind kind
	name string
	ref  string
	uid  types.UID
	// resource is where the Infinispan resource is served; empty for a StatefulSet of nobody's.
	resource schema.GroupVersionResource
	// set names the StatefulSet, as it was at the start.
	set string
}

// managed reports whether the Infinispan operator runs it.
func (s server) managed() bool { return s.kind.name == infinispanKind().name }

// findInfinispan finds the one Infinispan of the namespace: the resource of the operator, else the StatefulSet of the
// Helm chart; or the one that was named.
func (s *Site) findInfinispan(ctx context.Context) (server, error) {
	if s.opts.Infinispan == "" {
		return s.searchInfinispan(ctx)
	}
	named, err := parseRef(flagInfinispan, s.opts.Infinispan, infinispanKind(), statefulSetKind())
	if err != nil {
		return server{}, err
	}
	if named.namespace != "" && named.namespace != s.place.Namespace {
		return server{}, &RefError{Flag: flagInfinispan, Value: s.opts.Infinispan, Problem: fmt.Sprintf(
			"the namespace of this context is %s; choose another one with the namespace flag", s.place.Namespace)}
	}
	var looked []string
	if named.kind.name == infinispanKind().name {
		found, ok, err := s.namedResource(ctx, named.name)
		if err != nil || ok {
			return found, err
		}
		looked = append(looked, infinispanKind().ref(named.name)+" of group "+groupInfinispan)
	}
	if named.kind.name == statefulSetKind().name || !named.typed {
		found, ok, err := s.namedStatefulSet(ctx, named.name)
		if err != nil || ok {
			return found, err
		}
		looked = append(looked, statefulSetKind().ref(named.name))
	}
	return server{}, s.noInfinispan(looked, "check the name given with "+flagInfinispan+", the context and the namespace")
}

// namedResource gets the Infinispan resource of that name; ok is false when there is none.
func (s *Site) namedResource(ctx context.Context, name string) (found server, ok bool, err error) {
	resource, ok, err := s.resourceFor(infinispanKind())
	if err != nil || !ok {
		return server{}, false, err
	}
	object, err := s.get(ctx, resource, infinispanKind(), s.place.Namespace, name)
	if apierrors.IsNotFound(err) {
		return server{}, false, nil
	}
	if err != nil {
		return server{}, false, err
	}
	return resourceServer(object, resource), true, nil
}

// resourceServer describes an Infinispan resource.
func resourceServer(object *unstructured.Unstructured, resource schema.GroupVersionResource) server {
	k := infinispanKind()
	return server{
		kind: k, name: object.GetName(), ref: k.ref(object.GetName()), uid: object.GetUID(), resource: resource,
		set: setNameOf(object),
	}
}

// namedStatefulSet gets the StatefulSet of that name; one that the operator made stands for its Infinispan resource, so
// that the same Infinispan has the same UID however it was named.
func (s *Site) namedStatefulSet(ctx context.Context, name string) (found server, ok bool, err error) {
	set, err := s.statefulSet(ctx, s.place.Namespace, name)
	if apierrors.IsNotFound(err) {
		return server{}, false, nil
	}
	if err != nil {
		return server{}, false, err
	}
	if owner := infinispanOwner(set); owner != "" {
		return s.namedResource(ctx, owner)
	}
	return statefulServer(set), true, nil
}

// statefulServer describes a StatefulSet that no operator made.
func statefulServer(set *appsv1.StatefulSet) server {
	k := statefulSetKind()
	return server{kind: k, name: set.Name, ref: k.ref(set.Name), uid: set.UID, set: set.Name}
}

// infinispanOwner names the Infinispan resource that controls the StatefulSet, if one does.
func infinispanOwner(set *appsv1.StatefulSet) string {
	owner := metav1.GetControllerOf(set)
	if owner == nil || owner.Kind != infinispanKind().object {
		return ""
	}
	if group, err := schema.ParseGroupVersion(owner.APIVersion); err != nil || group.Group != groupInfinispan {
		return ""
	}
	return owner.Name
}

// searchInfinispan finds the only Infinispan there is.
func (s *Site) searchInfinispan(ctx context.Context) (server, error) {
	s.infinispan = true
	found, err := s.listResources(ctx)
	if err != nil {
		return server{}, err
	}
	if len(found) == 0 {
		if found, err = s.listStatefulSets(ctx); err != nil {
			return server{}, err
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return server{}, s.noInfinispan([]string{
			"no resource infinispans." + groupInfinispan,
			"no StatefulSet with the label app=infinispan-pod in its selector (Helm chart)",
		}, "check context and namespace, or name it with "+flagInfinispan+" TYPE/NAME")
	}
	refs := make([]string, 0, len(found))
	for _, f := range found {
		refs = append(refs, f.ref)
	}
	slices.Sort(refs)
	return server{}, &AmbiguousError{
		What: "Infinispan", Context: s.place.Context, Namespace: s.place.Namespace, Candidates: refs,
		Next: "choose one, e.g. " + flagInfinispan + " " + refs[0],
	}
}

// listResources lists the Infinispan resources of the namespace; none when the cluster does not know the kind.
func (s *Site) listResources(ctx context.Context) ([]server, error) {
	resource, ok, err := s.resourceFor(infinispanKind())
	if err != nil || !ok {
		return nil, err
	}
	objects, err := s.list(ctx, resource, infinispanKind(), s.place.Namespace)
	if err != nil {
		return nil, err
	}
	found := make([]server, 0, len(objects))
	for i := range objects {
		found = append(found, resourceServer(&objects[i], resource))
	}
	return found, nil
}

// listStatefulSets lists the StatefulSets that the Helm chart made, which it labels in one of two ways.
func (s *Site) listStatefulSets(ctx context.Context) ([]server, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	sets, err := s.api.kube.AppsV1().StatefulSets(s.place.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, s.failed(attempt{"list", statefulSetKind().resource(), "", s.place.Namespace}, err)
	}
	var found []server
	for i := range sets.Items {
		set := &sets.Items[i]
		if set.Spec.Selector == nil || infinispanOwner(set) != "" {
			continue
		}
		labels := set.Spec.Selector.MatchLabels
		if labels["app"] == "infinispan-pod" || labels["infinispan_app"] == "infinispan-pod" {
			found = append(found, statefulServer(set))
		}
	}
	return found, nil
}

// noInfinispan is the error of a discovery that found nothing.
func (s *Site) noInfinispan(looked []string, next string) error {
	return &NotFoundError{What: "Infinispan", Context: s.place.Context, Namespace: s.place.Namespace, Looked: looked, Next: next}
}

// resourceFor asks the cluster which version of a kind it prefers; ok is false when it does not know the kind.
func (s *Site) resourceFor(k kind) (resource schema.GroupVersionResource, ok bool, err error) {
	mapping, err := s.api.mapper.RESTMapping(schema.GroupKind{Group: k.group, Kind: k.object})
	if meta.IsNoMatchError(err) {
		return schema.GroupVersionResource{}, false, nil
	}
	if err != nil {
		return schema.GroupVersionResource{}, false, fmt.Errorf("ask context %s for its resources of group %s: %w", s.place.Context, k.group, err)
	}
	return mapping.Resource, true, nil
}

// get reads one object of any kind.
func (s *Site) get(ctx context.Context, resource schema.GroupVersionResource, k kind, namespace, name string) (*unstructured.Unstructured, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	object, err := s.api.dynamic.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, s.failed(attempt{"get", k.resource(), name, namespace}, err)
	}
	return object, nil
}

// list reads all objects of any kind in a namespace; none when the kind went away since the cluster was asked for it.
func (s *Site) list(ctx context.Context, resource schema.GroupVersionResource, k kind, namespace string) ([]unstructured.Unstructured, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	objects, err := s.api.dynamic.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed(attempt{"list", k.resource(), "", namespace}, err)
	}
	return objects.Items, nil
}

// statefulSet reads one StatefulSet.
func (s *Site) statefulSet(ctx context.Context, namespace, name string) (*appsv1.StatefulSet, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	set, err := s.api.kube.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, s.failed(attempt{"get", statefulSetKind().resource(), name, namespace}, err)
	}
	return set, nil
}
