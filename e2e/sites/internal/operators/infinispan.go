package operators

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// PodLabels are the labels of Infinispan's pods under the operator, for the CR of that name.
func PodLabels(name string) map[string]string {
	return map[string]string{"app": "infinispan-pod", "clusterName": name, "infinispan_cr": name}
}

// reconcileInfinispan keeps the StatefulSet at the CR's replicas and the status after its pods.
func (p *Operators) reconcileInfinispan(ctx context.Context, cr *unstructured.Unstructured) error {
	if cr.GetDeletionTimestamp() != nil {
		return nil
	}
	wanted, _, err := unstructured.NestedInt64(cr.Object, "spec", "replicas")
	if err != nil {
		return fmt.Errorf("infinispan %s: %w", cr.GetName(), err)
	}
	sets := p.kube.AppsV1().StatefulSets(cr.GetNamespace())
	set, err := sets.Get(ctx, cr.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		set, err = sets.Create(ctx, p.newInfinispanSet(cr, replicaCount(wanted)), metav1.CreateOptions{})
	case err == nil && int64(ptr.Deref(set.Spec.Replicas, 1)) != wanted:
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, wanted)
		set, err = sets.Patch(ctx, set.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	if err != nil {
		return fmt.Errorf("statefulset of infinispan %s: %w", cr.GetName(), err)
	}
	selector := labels.FormatLabels(PodLabels(cr.GetName()))
	pods, err := p.kube.CoreV1().Pods(cr.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return fmt.Errorf("pods of infinispan %s: %w", cr.GetName(), err)
	}
	return p.writeStatus(ctx, cr, p.infinispanStatus(set, pods.Items, selector))
}

func (p *Operators) newInfinispanSet(cr *unstructured.Unstructured, replicas int32) *appsv1.StatefulSet {
	name := cr.GetName()
	pod := PodLabels(name)
	pod["app.kubernetes.io/created-by"] = name
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: cr.GetNamespace(), Labels: PodLabels(name),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cr, cr.GroupVersionKind())},
		},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas,
			// All at once, as the operator does it: OrderedReady would start one JVM after the other.
			PodManagementPolicy: appsv1.ParallelPodManagement,
			ServiceName:         name,
			Selector:            &metav1.LabelSelector{MatchLabels: PodLabels(name)},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: pod},
				Spec: p.podSpec(corev1.Container{
					Name: "infinispan", Image: "quay.io/infinispan/server:" + strings.TrimSuffix(p.o.Version, ".Final"),
					Ports: []corev1.ContainerPort{
						{Name: "infinispan", ContainerPort: 11222},
						{Name: "infinispan-adm", ContainerPort: 11223},
						{Name: "ping", ContainerPort: 8888},
						{Name: "xsite", ContainerPort: 7900},
					},
				}),
			},
		},
	}
}

// infinispanStatus is the status the operator would report.
func (p *Operators) infinispanStatus(set *appsv1.StatefulSet, pods []corev1.Pod, selector string) map[string]any {
	wanted := ptr.Deref(set.Spec.Replicas, 1)
	var ready []string
	podStatus := map[string][]any{}
	for _, pod := range pods {
		state := "starting"
		if podReady(pod) {
			state = "ready"
			ready = append(ready, pod.Name)
		}
		podStatus[state] = append(podStatus[state], pod.Name)
	}
	wellFormed, view := "False", "Views: not all nodes are ready"
	if wanted > 0 && len(ready) == int(wanted) {
		wellFormed, view = "True", "View: "+strings.Join(ready, ",")
	}
	stopped := "False"
	if wanted == 0 {
		stopped = "True"
	}
	condition := func(kind, status, message string) any {
		c := map[string]any{"type": kind, "status": status}
		if message != "" {
			c["message"] = message
		}
		return c
	}
	conditions := []any{
		condition("PreliminaryChecksPassed", "True", ""),
		condition("GracefulShutdown", stopped, ""),
		condition("Stopping", "False", ""),
		condition("Upgrade", "False", ""),
		condition("WellFormed", wellFormed, view),
		condition("GossipRouterReady", "True", ""),
		p.crossSiteView(),
	}
	return map[string]any{
		"statefulSetName": set.Name,
		"selector":        selector,
		"replicas":        int64(set.Status.Replicas),
		"podStatus":       lists(podStatus),
		"operand":         map[string]any{"version": strings.TrimSuffix(p.o.Version, ".Final"), "phase": "Running", "customImage": false},
		"operator":        map[string]any{"pod": "infinispan-operator-sites"},
		"conditions":      conditions,
	}
}

// lists leaves out what is empty, as the operator's encoder does.
func lists(of map[string][]any) map[string]any {
	all := map[string]any{}
	for name, items := range of {
		all[name] = items
	}
	return all
}

// crossSiteView stays True once it was: nothing makes the real operator look again when the link
// breaks later.
func (p *Operators) crossSiteView() any {
	if p.linked.Load() {
		names := []string{p.o.Site, p.o.Peer}
		slices.Sort(names)
		return map[string]any{"type": "CrossSiteViewFormed", "status": "True", "message": "Cross-Site view: " + strings.Join(names, ",")}
	}
	return map[string]any{"type": "CrossSiteViewFormed", "status": "False", "message": fmt.Sprintf("Site '%s' not ready", p.o.Peer)}
}

func podReady(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}
