package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// annotationInstances keeps the original count on the scaled object.
const annotationInstances = "ispn-resync.io/original-instances"

// callsAtOnce bounds how many calls to the API server one method makes at the same time.
const callsAtOnce = 8

// workload is one Keycloak that is scaled: a Keycloak resource, a StatefulSet or a Deployment.
type workload struct {
	kind      kind
	resource  schema.GroupVersionResource
	namespace string
	name      string
	// sources are what applied it when it was found.
	sources []source
}

// ref is TYPE/NAME.
func (w workload) ref() string { return w.kind.ref(w.name) }

// Keycloaks lists the Keycloak workloads that were found or named at the start, sorted by Ref, as they are now.
//
// Errors: *ForbiddenError, *AnswerError for a recorded count that is no number, or what the API server said; a workload
// that does not exist any more is such an error.
func (s *Site) Keycloaks(ctx context.Context) ([]xsite.Keycloak, error) {
	if s.noTargets != nil {
		return nil, s.noTargets
	}
	keycloaks := make([]xsite.Keycloak, len(s.targets))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for i, w := range s.targets {
		group.Go(func() error {
			var err error
			keycloaks[i], err = s.keycloak(ctx, w)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(keycloaks, func(a, b xsite.Keycloak) int { return cmp.Compare(a.Ref, b.Ref) })
	return keycloaks, nil
}

// keycloak reads one workload with its pods.
func (s *Site) keycloak(ctx context.Context, w workload) (xsite.Keycloak, error) {
	object, err := s.get(ctx, w.resource, w.kind, w.namespace, w.name)
	if err != nil {
		return xsite.Keycloak{}, err
	}
	k := xsite.Keycloak{Ref: w.ref(), Namespace: w.namespace, UID: string(object.GetUID()), Instances: wanted(object, w.kind)}
	if k.Recorded, err = recorded(object, w); err != nil {
		return xsite.Keycloak{}, err
	}
	shape, err := s.shape(ctx, w, object)
	if err != nil {
		return xsite.Keycloak{}, err
	}
	k.Settled = shape.settled(k.Instances)
	if shape.selector == "" {
		return k, nil // nothing has made pods for it yet
	}
	pods, err := s.podsBySelector(ctx, w.namespace, shape.selector)
	if err != nil {
		return xsite.Keycloak{}, err
	}
	for i := range pods {
		if finished(&pods[i]) {
			continue
		}
		k.Pods = append(k.Pods, pods[i].Name)
		for _, ip := range pods[i].Status.PodIPs {
			k.Addresses = append(k.Addresses, ip.IP)
		}
		if ready(&pods[i]) {
			k.ReadyPods++
		}
	}
	slices.Sort(k.Pods)
	return k, nil
}

// wanted is the count in the spec; an absent one means 1 for all kinds.
func wanted(object *unstructured.Unstructured, k kind) int {
	if count, ok, err := unstructured.NestedInt64(object.Object, "spec", k.count); ok && err == nil {
		return int(count)
	}
	return 1
}

// recorded reads the original count that an earlier run left.
func recorded(object *unstructured.Unstructured, w workload) (*int, error) {
	text, ok := object.GetAnnotations()[annotationInstances]
	if !ok {
		return nil, nil //nolint:nilnil // nothing recorded is an answer, and no count
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 0 {
		return nil, &AnswerError{Ref: w.ref(), Problem: fmt.Sprintf(
			"the annotation %s is %q, which is no count; set it to the number of instances that Keycloak had, or remove it", annotationInstances, text)}
	}
	return &count, nil
}

// shape is how far the controllers have come with a workload.
type shape struct {
	// selector matches its pods, those of jobs excluded; empty when no controller has acted on it yet.
	selector string
	// current is true when all controllers have seen the latest spec.
	current bool
	// spec and status are the wanted and existing pods of the object that makes the pods; -1 when it does not exist.
	spec, status int
	// generations count the changes of the specs on the way from the workload to its pods.
	generations [2]int64
}

// settled reports whether the controllers have acted on a wanted count.
func (s shape) settled(instances int) bool {
	return s.current && s.spec == instances && s.status == instances
}

// shape reads how far the controllers have come. Behind a Keycloak resource stands a StatefulSet of its name.
//
// The status of a Keycloak resource proves nothing about its pods (with 0 instances it is Ready, and its count is
// absent), so its StatefulSet is read as well.
func (s *Site) shape(ctx context.Context, w workload, object *unstructured.Unstructured) (shape, error) {
	if w.kind.name != keycloakKind().name {
		found := controllerShape(object)
		found.generations[0] = object.GetGeneration()
		return found, nil
	}
	set, err := s.get(ctx, statefulSetResource(), statefulSetKind(), w.namespace, w.name)
	selector, _, _ := unstructured.NestedString(object.Object, "status", "selector")
	if apierrors.IsNotFound(err) {
		return shape{selector: selector, spec: -1, status: -1, generations: [2]int64{object.GetGeneration()}}, nil
	}
	if err != nil {
		return shape{}, err
	}
	found := controllerShape(set)
	found.generations = [2]int64{object.GetGeneration(), set.GetGeneration()}
	if selector != "" {
		found.selector = selector
	}
	// Operators before 22 do not say which generation they observed; their StatefulSet alone has to do.
	if observed, ok, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration"); ok && observed < object.GetGeneration() {
		found.current = false
	}
	return found, nil
}

// controllerShape reads a StatefulSet or a Deployment.
func controllerShape(object *unstructured.Unstructured) shape {
	observed, seen, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	existing, _, _ := unstructured.NestedInt64(object.Object, "status", "replicas") // absent means 0
	return shape{
		selector: selectorOf(object),
		current:  seen && observed >= object.GetGeneration(),
		spec:     wanted(object, statefulSetKind()), // Deployments name it alike
		status:   int(existing),
	}
}

// selectorOf gives spec.selector as a string; empty when there is none, which must never match all pods.
func selectorOf(object *unstructured.Unstructured) string {
	field, ok, err := unstructured.NestedMap(object.Object, "spec", "selector")
	if !ok || err != nil {
		return ""
	}
	var selector metav1.LabelSelector
	if err := fromUnstructured(field, &selector); err != nil {
		return ""
	}
	compiled, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil || compiled.Empty() {
		return ""
	}
	return compiled.String()
}

// usableSelector refuses a selector that is no selector or matches every pod.
func usableSelector(selector string) bool {
	compiled, err := labels.Parse(selector)
	return err == nil && !compiled.Empty()
}

// target finds the workload with that ref.
func (s *Site) target(ref string) (workload, error) {
	for _, w := range s.targets {
		if w.ref() == ref {
			return w, nil
		}
	}
	return workload{}, &AnswerError{Ref: ref, Problem: "is not one of the Keycloaks of " + s.place.String()}
}
