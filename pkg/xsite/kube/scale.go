package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/client-go/util/retry"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// fieldManager names this tool in managedFields.
const fieldManager = "kubectl-ispn-resync"

// ScaleKeycloak sets the wanted count through the scale subresource. The count is not written when it is there already.
// A workload that keeps changing while it is read is an error that wraps xsite.ErrConflict.
//
// Keycloak resources before version 22 have no scale subresource; there the field is patched, with the same lock.
func (s *Site) ScaleKeycloak(ctx context.Context, ref string, instances int) error {
	return s.again(func() error { return s.scaleKeycloakOnce(ctx, ref, instances) })
}

// scaleKeycloakOnce is one try of ScaleKeycloak.
func (s *Site) scaleKeycloakOnce(ctx context.Context, ref string, instances int) error {
	w, err := s.target(ref)
	if err != nil {
		return err
	}
	if instances < 0 {
		return &AnswerError{Ref: ref, Problem: fmt.Sprintf("cannot be scaled to %d", instances)}
	}
	object, err := s.get(ctx, w.resource, w.kind, w.namespace, w.name)
	if err != nil {
		return err
	}
	if count, ok, _ := unstructured.NestedInt64(object.Object, "spec", w.kind.count); ok && int(count) == instances {
		return nil
	}
	scale := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": autoscalingv1.SchemeGroupVersion.String(),
		"kind":       "Scale",
		"metadata": map[string]any{
			"name": w.name, "namespace": w.namespace, "resourceVersion": object.GetResourceVersion(),
		},
		"spec": map[string]any{"replicas": int64(instances)},
	}}
	ctx, cancel := bounded(ctx)
	defer cancel()
	_, err = s.api.dynamic.Resource(w.resource).Namespace(w.namespace).
		Update(ctx, scale, metav1.UpdateOptions{FieldManager: fieldManager}, "scale")
	if apierrors.IsNotFound(err) {
		return s.patch(ctx, w, object.GetResourceVersion(), map[string]any{"spec": map[string]any{w.kind.count: instances}})
	}
	return s.failed(attempt{"update", w.kind.resource() + "/scale", w.name, w.namespace}, err)
}

// RecordInstances leaves the original count as an annotation on the workload. One that is there already stays as it is,
// whatever its value. A workload that keeps changing while it is read is an error that wraps xsite.ErrConflict.
func (s *Site) RecordInstances(ctx context.Context, ref string, instances int) error {
	return s.again(func() error { return s.recordInstancesOnce(ctx, ref, instances) })
}

// recordInstancesOnce is one try of RecordInstances.
func (s *Site) recordInstancesOnce(ctx context.Context, ref string, instances int) error {
	w, err := s.target(ref)
	if err != nil {
		return err
	}
	if instances < 0 {
		return &AnswerError{Ref: ref, Problem: fmt.Sprintf("cannot have had %d instances", instances)}
	}
	object, err := s.get(ctx, w.resource, w.kind, w.namespace, w.name)
	if err != nil {
		return err
	}
	earlier, err := recorded(object, w)
	if err != nil || earlier != nil {
		return err
	}
	return s.annotate(ctx, w, object.GetResourceVersion(), strconv.Itoa(instances))
}

// ForgetInstances removes the annotation; nothing to remove is fine.
func (s *Site) ForgetInstances(ctx context.Context, ref string) error {
	return s.again(func() error { return s.forgetInstancesOnce(ctx, ref) })
}

// forgetInstancesOnce is one try of ForgetInstances.
func (s *Site) forgetInstancesOnce(ctx context.Context, ref string) error {
	w, err := s.target(ref)
	if err != nil {
		return err
	}
	object, err := s.get(ctx, w.resource, w.kind, w.namespace, w.name)
	if err != nil {
		return err
	}
	if _, there := object.GetAnnotations()[annotationInstances]; !there {
		return nil
	}
	return s.annotate(ctx, w, object.GetResourceVersion(), nil)
}

// again repeats a change that lost against somebody else's, most often the operator's status update, from the reading of
// the object on. After a few tries the conflict is the answer.
func (s *Site) again(try func() error) error {
	return retry.OnError(retry.DefaultBackoff, func(err error) bool { return errors.Is(err, xsite.ErrConflict) }, try)
}

// annotate sets the annotation, or removes it with a nil value.
func (s *Site) annotate(ctx context.Context, w workload, version string, value any) error {
	return s.patch(ctx, w, version, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{annotationInstances: value}},
	})
}

// patch merges a change into the workload if it still has that resourceVersion.
func (s *Site) patch(ctx context.Context, w workload, version string, change map[string]any) error {
	metadata, _ := change["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"] = version
	change["metadata"] = metadata
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("write a patch of %s: %w", w.ref(), err)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	_, err = s.api.dynamic.Resource(w.resource).Namespace(w.namespace).
		Patch(ctx, w.name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: fieldManager})
	return s.failed(attempt{"patch", w.kind.resource(), w.name, w.namespace}, err)
}
