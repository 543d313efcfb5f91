package kube

import (
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// applier is one that wrote fields of an object, as the API server keeps account of it (metadata.managedFields).
type applier struct {
	name      string
	operation metav1.ManagedFieldsOperationType
	scaled    bool // through the scale subresource
	counts    bool // the count is among its fields
}

// appliers are all of an object.
type appliers []applier

// appliersOf reads who wrote an object, and who of them the count in spec.FIELD.
func appliersOf(o *unstructured.Unstructured, field string) appliers {
	var found appliers
	for _, entry := range o.GetManagedFields() {
		a := applier{name: entry.Manager, operation: entry.Operation, scaled: entry.Subresource == "scale"}
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if entry.FieldsV1 != nil && json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) == nil {
			_, a.counts = fields.Spec["f:"+field]
		}
		found = append(found, a)
	}
	return found
}

// any reports whether one of these names wrote the object.
func (l appliers) any(names ...string) bool {
	return slices.ContainsFunc(l, func(a applier) bool { return slices.Contains(names, a.name) })
}

// owns reports whether the tool of these names sets the count. It is known not to only when it wrote other fields of the
// object, and the count was written by nobody but controllers: whoever scales by hand takes the field from the tool, which
// puts it back all the same.
func (l appliers) owns(names ...string) bool {
	if !l.any(names...) {
		return true
	}
	return slices.ContainsFunc(l, func(a applier) bool {
		return a.counts && (slices.Contains(names, a.name) || !a.controller())
	})
}

// controller reports whether the writer is a part of Kubernetes, an autoscaler, or the Keycloak operator.
func (a applier) controller() bool {
	return slices.Contains([]string{"kube-controller-manager", "keycloakcontroller", "fabric8-kubernetes-client"}, a.name) || strings.HasPrefix(a.name, "keda")
}

// byHand lists the tools that set the count when somebody runs them.
func (l appliers) byHand() []string {
	var found []string
	for _, a := range l {
		lower := strings.ToLower(a.name)
		known := lower == "helm" || strings.HasPrefix(lower, "terraform") || strings.HasPrefix(lower, "pulumi") ||
			lower == "kubectl-client-side-apply" || lower == "kubectl" && a.operation == metav1.ManagedFieldsOperationApply
		if a.counts && !a.scaled && known && !slices.Contains(found, a.name) {
			found = append(found, a.name)
		}
	}
	return found
}
