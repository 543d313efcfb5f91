package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// How Argo CD and Flux mark what they apply, and how they are told to leave it alone.
const (
	annotationTracking = "argocd.argoproj.io/tracking-id"
	labelArgo          = "argocd.argoproj.io/instance"
	labelInstance      = "app.kubernetes.io/instance"
	annotationSkip     = "argocd.argoproj.io/skip-reconcile"

	prefixKustomize = "kustomize.toolkit.fluxcd.io/"
	prefixHelm      = "helm.toolkit.fluxcd.io/"
	annotationDrift = prefixHelm + "driftDetection"
	disabled        = "disabled"
)

// The names under which GitOps tools apply.
const (
	managerArgo       = "argocd-controller"
	managerArgoServer = "argocd-application-controller"
	managerKustomize  = "kustomize-controller"
	managerHelm       = "helm-controller"
)

func applicationKind() kind {
	return kind{name: "application", group: "argoproj.io", object: "Application", plural: "applications"}
}

func kustomizationKind() kind {
	return kind{name: "kustomization", group: "kustomize.toolkit.fluxcd.io", object: "Kustomization", plural: "kustomizations"}
}

func helmReleaseKind() kind {
	return kind{name: "helmrelease", group: "helm.toolkit.fluxcd.io", object: "HelmRelease", plural: "helmreleases"}
}

// source is the object of a GitOps tool by which an object is applied.
type source struct {
	kind kind
	// namespaces are where it may be, the likeliest first.
	namespaces []string
	name       string
	// managers are the names under which the tool applies.
	managers []string
}

// String names it as users do.
func (c source) String() string {
	tool := "Flux"
	if c.kind.name == applicationKind().name {
		tool = "Argo CD"
	}
	if c.name == "" {
		return tool
	}
	place := c.name
	if len(c.namespaces) == 1 {
		place = c.namespaces[0] + "/" + c.name
	}
	return fmt.Sprintf("%s (%s %s)", tool, c.kind.name, place)
}

// sourcesOf reads the marks that GitOps tools leave on what they apply.
func sourcesOf(o *unstructured.Unstructured) []source {
	var found []source
	labels, appliers := o.GetLabels(), appliersOf(o, "")
	app, _, _ := strings.Cut(o.GetAnnotations()[annotationTracking], ":")
	byArgo := appliers.any(managerArgo, managerArgoServer)
	if app = cmp.Or(app, labels[labelArgo]); app == "" && byArgo {
		app = labels[labelInstance]
	}
	if app != "" {
		c := source{kind: applicationKind(), namespaces: []string{"argocd", "openshift-gitops"}, name: app, managers: []string{managerArgo, managerArgoServer}}
		if namespace, name, ok := strings.Cut(app, "_"); ok { // of applications outside of Argo CD's own namespace
			c.namespaces, c.name = []string{namespace}, name
		}
		found = append(found, c)
	}
	for _, flux := range []struct {
		kind            kind
		prefix, manager string
	}{{kustomizationKind(), prefixKustomize, managerKustomize}, {helmReleaseKind(), prefixHelm, managerHelm}} {
		name := labels[flux.prefix+"name"]
		if name != "" || appliers.any(flux.manager) {
			namespace := cmp.Or(labels[flux.prefix+"namespace"], o.GetNamespace())
			found = append(found, source{kind: flux.kind, namespaces: []string{namespace}, name: name, managers: []string{flux.manager}})
		}
	}
	return found
}

// lookAtManagers notes who sets the count of a Keycloak beside its users.
func (l *lookout) lookAtManagers(ctx context.Context, w workload, o *unstructured.Unstructured) error {
	appliers := appliersOf(o, w.kind.count)
	for _, c := range sourcesOf(o) {
		m := xsite.Manager{Keycloak: w.ref(), Name: c.String(), Field: "spec." + w.kind.count, Owns: appliers.owns(c.managers...)}
		if err := l.reversion(ctx, w, o, c, &m); err != nil {
			return err
		}
		l.note(func(found *xsite.Contenders) { found.Managers = append(found.Managers, m) })
	}
	for _, name := range appliers.byHand() {
		m := xsite.Manager{Keycloak: w.ref(), Name: name, Field: "spec." + w.kind.count, Owns: true, Reverts: xsite.RevertsByHand}
		l.note(func(found *xsite.Contenders) { found.Managers = append(found.Managers, m) })
	}
	return nil
}

// reversion finds out whether a GitOps tool puts a count back.
func (l *lookout) reversion(ctx context.Context, w workload, o *unstructured.Unstructured, c source, m *xsite.Manager) error {
	onObject := fmt.Sprintf("-n %s annotate --overwrite %s/%s ", w.namespace, w.kind.resource(), w.name)
	switch c.kind.name {
	case kustomizationKind().name:
		m.Pause, m.Unpause = onObject+prefixKustomize+"reconcile="+disabled, onObject+prefixKustomize+"reconcile-"
		if text := leftAlone(o); text != "" {
			m.Reverts, m.Because = xsite.RevertsNot, text
			return nil
		}
	case helmReleaseKind().name:
		m.Pause, m.Unpause = onObject+annotationDrift+"="+disabled, onObject+annotationDrift+"-"
	}
	found, missing, err := l.sourceObject(ctx, c)
	if err != nil {
		return err
	}
	if found == nil {
		m.Reverts, m.Because = xsite.RevertsUnknown, missing.why
		if missing.hidden && c.kind.name == kustomizationKind().name { // it can be told to leave the object alone on the object itself
			m.Reverts, m.Because = xsite.RevertsSoon, "a Kustomization does so unless it is suspended, and "+missing.why
		}
		return nil
	}
	switch c.kind.name {
	case applicationKind().name:
		ofApplication(found, w, m)
	case kustomizationKind().name:
		ofKustomization(found, m)
	default:
		ofHelmRelease(found, o, w, m)
	}
	return nil
}

// missing says why the object of a GitOps tool could not be read. One that is hidden may well be there.
type missing struct {
	why    string
	hidden bool
}

// sourceObject reads the object of a GitOps tool; without one it says why there is none to read.
func (l *lookout) sourceObject(ctx context.Context, c source) (*unstructured.Unstructured, missing, error) {
	where := l.served[c.kind.resource()]
	switch {
	case where.unknown != "":
		return nil, missing{where.unknown, true}, nil
	case !where.served:
		return nil, missing{"this cluster has no " + c.kind.resource() + "; it may be applied from another one", false}, nil
	case c.name == "":
		return nil, missing{"the object does not name its " + c.kind.name, true}, nil
	}
	lacking := missing{why: fmt.Sprintf("there is no %s %s in namespace %s", c.kind.name, c.name, strings.Join(c.namespaces, " or "))}
	for _, namespace := range c.namespaces {
		o, err := l.get(ctx, where.resource, c.kind, namespace, c.name)
		if err == nil {
			return o, missing{}, nil
		}
		why, forbidden := mayNot(err)
		switch {
		case forbidden:
			lacking = missing{why, true}
		case !apierrors.IsNotFound(err):
			return nil, missing{}, err
		}
	}
	return nil, lacking, nil
}

// leftAlone says by which mark kustomize-controller leaves an object alone; it takes them as annotation or label.
func leftAlone(o *unstructured.Unstructured) string {
	for _, marks := range []map[string]string{o.GetAnnotations(), o.GetLabels()} {
		if strings.EqualFold(marks[prefixKustomize+"reconcile"], disabled) {
			return prefixKustomize + "reconcile is " + disabled
		}
		if ssa := marks[prefixKustomize+"ssa"]; strings.EqualFold(ssa, "Ignore") || strings.EqualFold(ssa, "IfNotPresent") {
			return prefixKustomize + "ssa is " + ssa
		}
	}
	return ""
}

// ofKustomization reads a Kustomization, which applies again at each of its intervals.
func ofKustomization(k *unstructured.Unstructured, m *xsite.Manager) {
	if suspended, _, _ := unstructured.NestedBool(k.Object, "spec", "suspend"); suspended {
		m.Reverts, m.Because, m.Unpause = xsite.RevertsNot, "the Kustomization is suspended", resume(k, kustomizationKind())
		return
	}
	interval, _, _ := unstructured.NestedString(k.Object, "spec", "interval")
	m.Reverts, m.Because = xsite.RevertsSoon, "the Kustomization applies it every "+interval
}

// ofHelmRelease reads a HelmRelease, which corrects what was changed only if it is told to.
func ofHelmRelease(h, o *unstructured.Unstructured, w workload, m *xsite.Manager) {
	if suspended, _, _ := unstructured.NestedBool(h.Object, "spec", "suspend"); suspended {
		m.Reverts, m.Because, m.Unpause = xsite.RevertsNot, "the HelmRelease is suspended", resume(h, helmReleaseKind())
		return
	}
	mode, _, _ := unstructured.NestedString(h.Object, "spec", "driftDetection", "mode")
	ignored, _, _ := unstructured.NestedSlice(h.Object, "spec", "driftDetection", "ignore")
	off := o.GetAnnotations()[annotationDrift] == disabled || o.GetLabels()[annotationDrift] == disabled
	if mode != "enabled" || off || names(ignored, "paths", "/spec/"+w.kind.count) {
		m.Reverts, m.Because = xsite.RevertsOnSync, "the next upgrade of the release applies it"
		return
	}
	m.Reverts, m.Because = xsite.RevertsSoon, "the HelmRelease corrects drift"
}

// resume gives the arguments that end the suspension of a Flux object.
func resume(o *unstructured.Unstructured, k kind) string {
	return fmt.Sprintf(`-n %s patch %s/%s --type=merge -p '{"spec":{"suspend":false}}'`, o.GetNamespace(), k.resource(), o.GetName())
}

// ofApplication reads an Application of Argo CD.
func ofApplication(a *unstructured.Unstructured, w workload, m *xsite.Manager) {
	onApp := fmt.Sprintf("-n %s annotate --overwrite %s/%s ", a.GetNamespace(), applicationKind().resource(), a.GetName())
	m.Pause, m.Unpause = onApp+annotationSkip+"=true", onApp+annotationSkip+"-"
	automated, isAutomated, _ := unstructured.NestedMap(a.Object, "spec", "syncPolicy", "automated")
	enabled, said := automated["enabled"].(bool)
	heals, _ := automated["selfHeal"].(bool)
	options, _, _ := unstructured.NestedStringSlice(a.Object, "spec", "syncPolicy", "syncOptions")
	differences, _, _ := unstructured.NestedSlice(a.Object, "spec", "ignoreDifferences")
	ignores := names(differences, "jsonPointers", "/spec/"+w.kind.count) || names(differences, "jqPathExpressions", ".spec."+w.kind.count)
	switch {
	case a.GetAnnotations()[annotationSkip] == "true":
		m.Reverts, m.Because = xsite.RevertsNot, "the Application has "+annotationSkip
	case !isAutomated || said && !enabled:
		m.Reverts, m.Because = xsite.RevertsByHand, "it is not synchronised automatically"
	case ignores && slices.Contains(options, "RespectIgnoreDifferences=true"):
		m.Reverts, m.Because, m.Unpause = xsite.RevertsNot, "the Application ignores differences in it", ""
	case !heals:
		m.Reverts, m.Because = xsite.RevertsOnSync, "the Application synchronises with the next commit; self-heal is off"
	case ignores:
		m.Reverts, m.Because = xsite.RevertsOnSync, "the Application ignores differences in it, but applies it with the next commit"
	default:
		m.Reverts, m.Because = xsite.RevertsSoon, "the Application is synchronised automatically with self-heal"
	}
}

// names reports whether a list of rules has one whose list under a field has the wanted entry, or one above it.
func names(rules []any, field, wanted string) bool {
	return slices.ContainsFunc(rules, func(entry any) bool {
		rule, ok := entry.(map[string]any)
		if !ok {
			return false
		}
		entries, _, _ := unstructured.NestedStringSlice(rule, field)
		return slices.Contains(entries, wanted) || slices.Contains(entries, "/spec") || slices.Contains(entries, ".spec")
	})
}
