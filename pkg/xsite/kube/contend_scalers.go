package kube

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// What the looks at autoscalers are for.
const (
	lookHPA  = "to see whether an autoscaler starts Keycloak"
	lookKEDA = "to see whether KEDA starts Keycloak"
)

const (
	// annotationPaused makes KEDA leave the count alone, annotationHeld keep the count that it gives.
	annotationPaused = "autoscaling.keda.sh/paused"
	annotationHeld   = "autoscaling.keda.sh/paused-replicas"
	// kedaMax is the highest count of a ScaledObject that names none.
	kedaMax = 100
)

func hpaKind() kind {
	return kind{name: "horizontalpodautoscaler", group: "autoscaling", object: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers"}
}

func scaledObjectKind() kind {
	return kind{name: "scaledobject", group: "keda.sh", object: "ScaledObject", plural: "scaledobjects"}
}

// lookAtHPAs finds the HorizontalPodAutoscalers of the Keycloaks. KEDA makes its own for its ScaledObjects.
func (l *lookout) lookAtHPAs(ctx context.Context) error {
	return l.inEach(ctx, hpaKind(), "whether an autoscaler starts Keycloak", func(w workload, o *unstructured.Unstructured) {
		if !w.scaledBy(o, "") {
			return
		}
		a := xsite.Autoscaler{
			Kind: xsite.AutoscalerHPA, Keycloak: w.ref(), Ref: hpaKind().ref(o.GetName()),
			Min: intOf(o, 1, "spec", "minReplicas"), Max: intOf(o, 1, "spec", "maxReplicas"),
		}
		for _, owner := range o.GetOwnerReferences() {
			if owner.Kind == scaledObjectKind().object {
				a = kedaScaler(w, owner.Name, a.Min, a.Max)
			}
		}
		l.note(func(found *xsite.Contenders) { found.Autoscalers = append(found.Autoscalers, a) })
	})
}

// lookAtScaledObjects finds the ScaledObjects of the Keycloaks.
func (l *lookout) lookAtScaledObjects(ctx context.Context) error {
	return l.inEach(ctx, scaledObjectKind(), "whether KEDA starts Keycloak", func(w workload, o *unstructured.Unstructured) {
		if !w.scaledBy(o, deploymentKind().object) {
			return
		}
		a := kedaScaler(w, o.GetName(), intOf(o, 0, "spec", "minReplicaCount"), intOf(o, kedaMax, "spec", "maxReplicaCount"))
		a.Paused, _ = strconv.ParseBool(o.GetAnnotations()[annotationPaused])
		if held, err := strconv.Atoi(o.GetAnnotations()[annotationHeld]); err == nil {
			a.HeldAt = &held
		}
		l.note(func(found *xsite.Contenders) { found.Autoscalers = append(found.Autoscalers, a) })
	})
}

// kedaScaler describes a ScaledObject as one that is not paused. It is paused without a count: one that is told a count
// keeps that, also when Keycloak is started again.
func kedaScaler(w workload, name string, least, most int) xsite.Autoscaler {
	object := fmt.Sprintf("-n %s annotate --overwrite %s/%s ", w.namespace, scaledObjectKind().resource(), name)
	return xsite.Autoscaler{
		Kind: xsite.AutoscalerKEDA, Keycloak: w.ref(), Ref: scaledObjectKind().ref(name), Min: least, Max: most,
		Pause: object + annotationPaused + "=true " + annotationHeld + "-", Unpause: object + annotationPaused + "-",
	}
}

// withoutKEDAsOwn drops what an HorizontalPodAutoscaler tells of a ScaledObject that was seen itself.
func withoutKEDAsOwn(c xsite.Contenders) xsite.Contenders {
	var kept []xsite.Autoscaler
	for _, a := range c.Autoscalers {
		i := slices.IndexFunc(kept, func(o xsite.Autoscaler) bool { return o.Ref == a.Ref && o.Keycloak == a.Keycloak })
		switch {
		case i < 0:
			kept = append(kept, a)
		case a.Paused || a.HeldAt != nil:
			kept[i] = a
		}
	}
	c.Autoscalers = kept
	return c
}

// scaledBy reports whether the target of an autoscaler is the workload, or the StatefulSet that the operator made of it. A
// target without a kind has the given one.
func (w workload) scaledBy(o *unstructured.Unstructured, usual string) bool {
	target, _, _ := unstructured.NestedStringMap(o.Object, "spec", "scaleTargetRef")
	if target == nil { // KEDA's has fields that are no strings
		target = map[string]string{}
		for _, field := range []string{"apiVersion", "kind", "name"} {
			target[field], _, _ = unstructured.NestedString(o.Object, "spec", "scaleTargetRef", field)
		}
	}
	group := groupApps
	if given := target["apiVersion"]; given != "" {
		version, err := schema.ParseGroupVersion(given)
		if err != nil {
			return false
		}
		group = version.Group
	}
	object := target["kind"]
	if object == "" {
		object = usual
	}
	kinds := []kind{w.kind}
	if w.kind.name == keycloakKind().name {
		kinds = append(kinds, statefulSetKind())
	}
	return target["name"] == w.name && slices.ContainsFunc(kinds, func(k kind) bool { return k.group == group && k.object == object })
}

// intOf reads a number; one that is not there is the given one.
func intOf(o *unstructured.Unstructured, otherwise int, path ...string) int {
	if n, ok, err := unstructured.NestedInt64(o.Object, path...); ok && err == nil {
		return int(n)
	}
	return otherwise
}
