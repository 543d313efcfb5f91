package kube

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// fields gives an entry of managedFields for the count.
func fields(manager, operation string, counts bool) object {
	owned := object{"f:image": object{}}
	if counts {
		owned["f:instances"] = object{}
	}
	return object{"manager": manager, "operation": operation, "apiVersion": "k8s.keycloak.org/v2beta1", "fieldsType": "FieldsV1", "fieldsV1": object{"f:spec": owned}}
}

// applied marks Keycloak's resource as applied by something.
func applied(annotations, labels object, entries ...any) func(o object) {
	return func(o object) {
		merge(o, object{"metadata": object{"annotations": annotations, "labels": labels, "managedFields": entries}})
	}
}

// elsewhere moves an object into another namespace.
func elsewhere(o object, namespace string, annotations object) object {
	merge(o, object{"metadata": object{"namespace": namespace, "annotations": annotations}})
	return o
}

func application(spec, annotations object) object {
	return elsewhere(custom("argoproj.io/v1alpha1", "Application", "login", spec), "argocd", annotations)
}

func kustomization(spec object) object {
	return elsewhere(custom("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "login", spec), "flux-system", nil)
}

func helmRelease(spec object) object {
	return custom("helm.toolkit.fluxcd.io/v2", "HelmRelease", "login", spec)
}

func TestWhoPutsTheCountBackIsFoundOut(t *testing.T) {
	tracked := object{annotationTracking: "login:k8s.keycloak.org/Keycloak:keycloak/keycloak"}
	byFlux := object{"kustomize.toolkit.fluxcd.io/name": "login", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	byHelm := object{"helm.toolkit.fluxcd.io/name": "login", "helm.toolkit.fluxcd.io/namespace": "keycloak"}
	argo := applied(tracked, nil, fields("argocd-controller", "Update", true))
	flux := applied(nil, byFlux, fields("kustomize-controller", "Apply", true))
	release := applied(nil, byHelm, fields("helm-controller", "Update", true))
	heals := object{"syncPolicy": object{"automated": object{"selfHeal": true}}}
	for name, c := range map[string]struct {
		mark    func(o object)
		object  object
		reverts xsite.Reversion
		because string
		pause   string
		notOwns bool
	}{
		"an Application that heals": {
			mark: argo, object: application(heals, nil), reverts: xsite.RevertsSoon, because: "self-heal",
			pause: "-n argocd annotate --overwrite applications.argoproj.io/login argocd.argoproj.io/skip-reconcile=true",
		},
		"one that is marked by a label": {mark: applied(nil, object{labelInstance: "login"}, fields("argocd-controller", "Apply", true)), object: application(heals, nil), reverts: xsite.RevertsSoon},
		"one that is skipped":           {mark: argo, object: application(heals, object{annotationSkip: "true"}), reverts: xsite.RevertsNot, because: annotationSkip},
		"one without self-heal":         {mark: argo, object: application(object{"syncPolicy": object{"automated": object{}}}, nil), reverts: xsite.RevertsOnSync, because: "self-heal is off"},
		"one that is not automatic":     {mark: argo, object: application(object{"project": "default"}, nil), reverts: xsite.RevertsByHand},
		"one whose automation is off": {
			mark: argo, object: application(object{"syncPolicy": object{"automated": object{"enabled": false, "selfHeal": true}}}, nil),
			reverts: xsite.RevertsByHand,
		},
		"one that ignores the count": {mark: argo, object: application(object{
			"ignoreDifferences": []any{object{"group": "k8s.keycloak.org", "kind": "Keycloak", "jsonPointers": []any{"/spec/instances"}}},
			"syncPolicy":        object{"automated": object{"selfHeal": true}, "syncOptions": []any{"RespectIgnoreDifferences=true"}},
		}, nil), reverts: xsite.RevertsNot, because: "ignores differences"},
		"one that ignores the count but applies it": {mark: argo, object: application(object{
			"ignoreDifferences": []any{object{"kind": "Keycloak", "jqPathExpressions": []any{".spec.instances"}}},
			"syncPolicy":        object{"automated": object{"selfHeal": true}},
		}, nil), reverts: xsite.RevertsOnSync},
		"one that is not there": {mark: argo, reverts: xsite.RevertsUnknown, because: "there is no application login in namespace argocd or openshift-gitops"},
		"one that does not set the count": {
			mark:   applied(tracked, nil, fields("argocd-controller", "Apply", false), fields("keycloakcontroller", "Apply", true)),
			object: application(heals, nil), reverts: xsite.RevertsSoon, notOwns: true,
		},
		"one whose count was changed by hand": {
			mark:   applied(tracked, nil, fields("argocd-controller", "Apply", false), fields("kubectl-scale", "Update", true)),
			object: application(heals, nil), reverts: xsite.RevertsSoon,
		},

		"a Kustomization": {
			mark: flux, object: kustomization(object{"interval": "10m"}), reverts: xsite.RevertsSoon, because: "every 10m",
			pause: "-n keycloak annotate --overwrite keycloaks.k8s.keycloak.org/keycloak kustomize.toolkit.fluxcd.io/reconcile=disabled",
		},
		"a Kustomization that is suspended": {mark: flux, object: kustomization(object{"suspend": true}), reverts: xsite.RevertsNot, because: "suspended"},
		"a Kustomization that is told to leave it alone": {mark: applied(object{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}, byFlux,
			fields("kustomize-controller", "Apply", true)), object: kustomization(object{"interval": "10m"}), reverts: xsite.RevertsNot, because: "reconcile is disabled"},
		"a Kustomization that only makes it": {mark: applied(object{"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}, byFlux), object: kustomization(object{}), reverts: xsite.RevertsNot},
		"a Kustomization without its mark":   {mark: applied(nil, nil, fields("kustomize-controller", "Apply", true)), reverts: xsite.RevertsSoon, because: "does not name its kustomization"},

		"a HelmRelease":                   {mark: release, object: helmRelease(object{"interval": "10m"}), reverts: xsite.RevertsOnSync, because: "next upgrade"},
		"a HelmRelease that is suspended": {mark: release, object: helmRelease(object{"suspend": true}), reverts: xsite.RevertsNot},
		"a HelmRelease that corrects drift": {
			mark: release, object: helmRelease(object{"driftDetection": object{"mode": "enabled"}}), reverts: xsite.RevertsSoon,
			pause: "-n keycloak annotate --overwrite keycloaks.k8s.keycloak.org/keycloak helm.toolkit.fluxcd.io/driftDetection=disabled",
		},
		"a HelmRelease that ignores the count": {mark: release, object: helmRelease(object{"driftDetection": object{
			"mode": "enabled", "ignore": []any{object{"paths": []any{"/spec/instances"}}},
		}}), reverts: xsite.RevertsOnSync},
		"a HelmRelease that is told not to": {
			mark: applied(object{annotationDrift: "disabled"}, byHelm), object: helmRelease(object{"driftDetection": object{"mode": "enabled"}}),
			reverts: xsite.RevertsOnSync,
		},

		"Helm":          {mark: applied(nil, nil, fields("helm", "Update", true)), reverts: xsite.RevertsByHand},
		"kubectl apply": {mark: applied(nil, nil, fields("kubectl-client-side-apply", "Update", true)), reverts: xsite.RevertsByHand},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.serves(applicationKind(), kustomizationKind(), helmReleaseKind())
			f.editKeycloak(c.mark)
			if c.object != nil {
				f.put(c.object)
			}
			managers := f.contendersOf(t, xsite.Secondary).Managers
			if len(managers) != 1 {
				t.Fatalf("found %d managers: %+v", len(managers), managers)
			}
			m := managers[0]
			if m.Reverts != c.reverts || m.Owns == c.notOwns || m.Field != "spec.instances" || !strings.Contains(m.Because, c.because) {
				t.Errorf("got %+v", m)
			}
			if c.pause != "" && m.Pause != c.pause {
				t.Errorf("paused by %q, want %q", m.Pause, c.pause)
			}
			if m.Reverts == xsite.RevertsSoon && (m.Pause == "" || m.Unpause == "") {
				t.Errorf("no way to pause it: %+v", m)
			}
		})
	}
}

// The operator's StatefulSet and charts bear the label as well.
func TestAnInstanceLabelAloneIsNoMarkOfArgo(t *testing.T) {
	f := newSite(t)
	f.editKeycloak(applied(nil, object{labelInstance: "keycloak"}, fields("keycloakcontroller", "Apply", true), fields("kubectl-edit", "Update", true)))
	if managers := f.contendersOf(t, xsite.Secondary).Managers; managers != nil {
		t.Errorf("found %+v", managers)
	}
}

// A Kustomization can be told to leave the object alone on the object itself, so not seeing it is no reason to hope.
func TestAGitOpsObjectThatMayNotBeReadIsJudgedByWhatItsKindDoes(t *testing.T) {
	for name, c := range map[string]struct {
		denied  string
		mark    func(o object)
		reverts xsite.Reversion
	}{
		"a Kustomization": {"get kustomizations", applied(nil, object{"kustomize.toolkit.fluxcd.io/name": "login", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}), xsite.RevertsSoon},
		"an Application":  {"get applications", applied(object{annotationTracking: "login:x"}, nil), xsite.RevertsUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.serves(kustomizationKind(), applicationKind())
			f.denied[c.denied] = true
			f.editKeycloak(c.mark)
			managers := f.contendersOf(t, xsite.Secondary).Managers
			if len(managers) != 1 || managers[0].Reverts != c.reverts || !strings.Contains(managers[0].Because, "this user may not "+c.denied) {
				t.Errorf("got %+v", managers)
			}
		})
	}
}

func TestTheRightToReadAGitOpsObjectIsAskedForWhereItIs(t *testing.T) {
	f := newSite(t)
	f.serves(applicationKind(), kustomizationKind())
	f.editKeycloak(applied(object{annotationTracking: "tools_login:x"}, object{"kustomize.toolkit.fluxcd.io/name": "login", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}))
	text, roles := rolesOf(t, f.mustConnect(nil), xsite.Secondary, true)
	for _, p := range []permission{
		{verb: "get", group: "argoproj.io", resource: "applications", name: "login", namespace: "tools"},
		{verb: "get", group: "kustomize.toolkit.fluxcd.io", resource: "kustomizations", name: "login", namespace: "flux-system"},
	} {
		if !grants(roles, p) {
			t.Errorf("%s is not granted: %s", p.named(), text)
		}
	}
}
