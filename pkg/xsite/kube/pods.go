package kube

import (
	"cmp"
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// containerInfinispan is the name of the server's container, with the operator and in the Helm chart.
const containerInfinispan = "infinispan"

// Pods lists the Infinispan server pods, sorted by name: those that the StatefulSet of the Infinispan owns, found by its
// selector, since routers and batch jobs share other labels with them.
//
// Errors: *ReplacedError when the Infinispan is no longer the one that was found at the start, *ForbiddenError, or what
// the API server said.
func (s *Site) Pods(ctx context.Context) ([]xsite.Pod, error) {
	set, err := s.serverSet(ctx)
	if err != nil {
		return nil, err
	}
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil || selector.Empty() {
		return nil, &AnswerError{Ref: statefulSetKind().ref(set.Name), Problem: "its selector cannot be used"}
	}
	all, err := s.podsBySelector(ctx, s.place.Namespace, selector.String())
	if err != nil {
		return nil, err
	}
	pods := make([]xsite.Pod, 0, len(all))
	for i := range all {
		pod := &all[i]
		if owner := metav1.GetControllerOf(pod); owner == nil || owner.UID != set.UID {
			continue
		}
		pods = append(pods, xsite.Pod{Name: pod.Name, UID: string(pod.UID), Ready: ready(pod), Restarts: restarts(pod)})
	}
	slices.SortFunc(pods, func(a, b xsite.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods, nil
}

// serverSet reads the StatefulSet of the Infinispan and proves that it is still the Infinispan of the start.
func (s *Site) serverSet(ctx context.Context) (*appsv1.StatefulSet, error) {
	name := s.server.set
	if s.server.managed() {
		object, err := s.infinispanResource(ctx)
		if err != nil {
			return nil, err
		}
		name = setNameOf(object)
	}
	set, err := s.statefulSet(ctx, s.place.Namespace, name)
	if err != nil {
		return nil, err
	}
	if !s.server.managed() && set.UID != s.server.uid {
		return nil, &ReplacedError{Ref: s.server.ref, Was: string(s.server.uid), Is: string(set.UID)}
	}
	return set, nil
}

// setNameOf names the StatefulSet of an Infinispan resource by the operator's own rule: the resource's name unless the
// status says otherwise.
func setNameOf(object *unstructured.Unstructured) string {
	if given, _, _ := unstructured.NestedString(object.Object, "status", "statefulSetName"); given != "" {
		return given
	}
	return object.GetName()
}

// infinispanResource reads the Infinispan resource and proves that it is the one of the start.
func (s *Site) infinispanResource(ctx context.Context) (*unstructured.Unstructured, error) {
	object, err := s.get(ctx, s.server.resource, s.server.kind, s.place.Namespace, s.server.name)
	if err != nil {
		return nil, err
	}
	if object.GetUID() != s.server.uid {
		return nil, &ReplacedError{Ref: s.server.ref, Was: string(s.server.uid), Is: string(object.GetUID())}
	}
	return object, nil
}

// podsBySelector lists pods.
func (s *Site) podsBySelector(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	list, err := s.api.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, s.failed(attempt{"list", "pods", "", namespace}, err)
	}
	return list.Items, nil
}

// ready reports whether the pod is Ready and not on its way out.
func ready(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// restarts counts the restarts of the server's container; without one of that name, those of all containers.
func restarts(pod *corev1.Pod) int32 {
	var all int32
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == containerInfinispan {
			return status.RestartCount
		}
		all += status.RestartCount
	}
	return all
}

// finished reports whether a pod has ended and nothing of it runs: an evicted or failed pod that was not collected yet.
// A pod that is only said to have failed because its node is out of reach still has running containers in its status.
func finished(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
		return false
	}
	return !slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.State.Running != nil
	})
}
