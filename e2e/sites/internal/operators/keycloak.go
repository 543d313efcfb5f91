package operators

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// keycloakManager is the field manager of the operator's writes.
const keycloakManager = "keycloakcontroller"

// reconcileKeycloak does for one custom resource what the operator does: instances written when
// absent, a StatefulSet of its name with that many replicas, and the status after its pods.
func (p *Operators) reconcileKeycloak(ctx context.Context, cr *unstructured.Unstructured) error {
	if cr.GetDeletionTimestamp() != nil {
		return nil
	}
	instances, found, err := unstructured.NestedInt64(cr.Object, "spec", "instances")
	if err != nil {
		return fmt.Errorf("keycloak %s: %w", cr.GetName(), err)
	}
	if !found {
		return p.defaultInstances(ctx, cr)
	}
	set, err := p.keycloakSet(ctx, cr, replicaCount(instances))
	if err != nil {
		return err
	}
	return p.writeStatus(ctx, cr, keycloakStatus(cr, set, instances))
}

// replicaCount brings a count of a custom resource into the range of a StatefulSet's.
func replicaCount(count int64) int32 {
	return int32(max(0, min(count, math.MaxInt32)))
}

// defaultInstances applies instances 1, which also makes the operator an owner of that field.
func (p *Operators) defaultInstances(ctx context.Context, cr *unstructured.Unstructured) error {
	apply := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": cr.GetAPIVersion(), "kind": cr.GetKind(),
		"metadata": map[string]any{"name": cr.GetName(), "namespace": cr.GetNamespace()},
		"spec":     map[string]any{"instances": int64(1)},
	}}
	_, err := p.dynamic.Resource(Keycloaks()).Namespace(cr.GetNamespace()).Apply(ctx, cr.GetName(), apply,
		metav1.ApplyOptions{FieldManager: keycloakManager, Force: true})
	if err != nil {
		return fmt.Errorf("default the instances of keycloak %s: %w", cr.GetName(), err)
	}
	return nil
}

// keycloakSet makes the StatefulSet or brings its replicas to the wanted number.
func (p *Operators) keycloakSet(ctx context.Context, cr *unstructured.Unstructured, replicas int32) (*appsv1.StatefulSet, error) {
	sets := p.kube.AppsV1().StatefulSets(cr.GetNamespace())
	set, err := sets.Get(ctx, cr.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		set, err = sets.Create(ctx, p.newKeycloakSet(cr, replicas), metav1.CreateOptions{FieldManager: keycloakManager})
	case err == nil && ptr.Deref(set.Spec.Replicas, 1) != replicas:
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
		set, err = sets.Patch(ctx, set.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: keycloakManager})
	}
	if err != nil {
		return nil, fmt.Errorf("statefulset of keycloak %s: %w", cr.GetName(), err)
	}
	return set, nil
}

func instanceLabels(name string) map[string]string {
	return map[string]string{
		"app":                          "keycloak",
		"app.kubernetes.io/managed-by": "keycloak-operator",
		"app.kubernetes.io/instance":   name,
	}
}

func (p *Operators) newKeycloakSet(cr *unstructured.Unstructured, replicas int32) *appsv1.StatefulSet {
	own := instanceLabels(cr.GetName())
	pod := instanceLabels(cr.GetName())
	pod["app.kubernetes.io/component"] = "server"
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: cr.GetName(), Namespace: cr.GetNamespace(), Labels: own,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cr, cr.GroupVersionKind())},
		},
		Spec: appsv1.StatefulSetSpec{
			Replicas:    &replicas,
			ServiceName: cr.GetName() + "-discovery",
			Selector:    &metav1.LabelSelector{MatchLabels: own},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: pod},
				Spec: p.podSpec(corev1.Container{
					Name: "keycloak", Image: "quay.io/keycloak/keycloak",
					Ports: []corev1.ContainerPort{{Name: "https", ContainerPort: 8443}, {Name: "management", ContainerPort: 9000}},
				}),
			},
		},
	}
}

// podSpec binds a pod to the site's node: there is no scheduler.
func (p *Operators) podSpec(container corev1.Container) corev1.PodSpec {
	return corev1.PodSpec{
		NodeName:                      p.o.Node,
		Containers:                    []corev1.Container{container},
		TerminationGracePeriodSeconds: new(int64(30)),
		AutomountServiceAccountToken:  new(false),
	}
}

// keycloakStatus is the status the operator would report. With no instance wanted Ready is True, and
// with no instance ready the field instances is absent.
func keycloakStatus(cr *unstructured.Unstructured, set *appsv1.StatefulSet, instances int64) map[string]any {
	ready, message := "True", ""
	if int64(set.Status.ReadyReplicas) < instances {
		ready, message = "False", "Waiting for more replicas"
	}
	condition := func(kind, status, message string) map[string]any {
		return map[string]any{
			"type": kind, "status": status, "message": message,
			"observedGeneration": cr.GetGeneration(), "lastTransitionTime": lastTransition(cr, kind, status),
		}
	}
	status := map[string]any{
		"observedGeneration": cr.GetGeneration(),
		"selector":           labels.FormatLabels(instanceLabels(cr.GetName())),
		"conditions": []any{
			condition("Ready", ready, message),
			condition("HasErrors", "False", ""),
			condition("RollingUpdate", "False", ""),
		},
	}
	if set.Status.ReadyReplicas > 0 {
		status["instances"] = int64(set.Status.ReadyReplicas)
	}
	return status
}

// lastTransition keeps the time of a condition that does not change.
func lastTransition(cr *unstructured.Unstructured, kind, status string) string {
	conditions, _, err := unstructured.NestedSlice(cr.Object, "status", "conditions")
	if err == nil {
		for _, c := range conditions {
			if old, ok := c.(map[string]any); ok && old["type"] == kind && old["status"] == status {
				if at, ok := old["lastTransitionTime"].(string); ok {
					return at
				}
			}
		}
	}
	return metav1.Now().UTC().Format("2006-01-02T15:04:05Z07:00")
}

// writeStatus replaces the status of a custom resource when it is another one. A conflict is left to
// the next look, which the conflicting write causes.
func (p *Operators) writeStatus(ctx context.Context, cr *unstructured.Unstructured, status map[string]any) error {
	before, err := json.Marshal(cr.Object["status"])
	if err != nil {
		return fmt.Errorf("status of %s %s: %w", cr.GetKind(), cr.GetName(), err)
	}
	after, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("status of %s %s: %w", cr.GetKind(), cr.GetName(), err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	next := cr.DeepCopy()
	if err := unstructured.SetNestedField(next.Object, status, "status"); err != nil {
		return fmt.Errorf("status of %s %s: %w", cr.GetKind(), cr.GetName(), err)
	}
	resource := resources()[cr.GetKind()]
	_, err = p.dynamic.Resource(resource).Namespace(cr.GetNamespace()).UpdateStatus(ctx, next, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("status of %s %s: %w", cr.GetKind(), cr.GetName(), err)
	}
	return nil
}
