package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// What the looks at Keycloak are for.
const (
	lookImports = "to see whether the import of a realm is running"
	lookJobs    = "to see whether an import or an update of Keycloak is running"
	lookOthers  = "to see whether further Keycloaks use this Infinispan"
)

const (
	// optionSiteHealth and envSiteHealth switch Keycloak's own site health on.
	optionSiteHealth = "spi-connections-infinispan--default--site-health-enabled"
	envSiteHealth    = "KC_SPI_CONNECTIONS_INFINISPAN__DEFAULT__SITE_HEALTH_ENABLED"
	// annotationMigrating is on the StatefulSet while the operator has stopped it for an update.
	annotationMigrating = "operator.keycloak.org/migrating"
	// updateJob ends the name of the job in which the operator tries an update.
	updateJob = "-update-job"
)

func realmImportKind() kind {
	return kind{name: "keycloakrealmimport", group: groupKeycloak, object: "KeycloakRealmImport", plural: "keycloakrealmimports"}
}

func jobKind() kind { return kind{name: "job", group: "batch", object: "Job", plural: "jobs"} }

// lookAtKeycloaks reads each Keycloak: its site health, and on the secondary who else sets its count and whether the operator
// updates it.
func (l *lookout) lookAtKeycloaks(role xsite.Role) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, w := range l.targets {
			o, err := l.get(ctx, w.resource, w.kind, w.namespace, w.name)
			if err != nil {
				return err
			}
			if siteHealth(o, w) {
				l.note(func(found *xsite.Contenders) { found.SiteHealth = append(found.SiteHealth, w.ref()) })
			}
			if role != xsite.Secondary {
				continue
			}
			if err := l.lookAtManagers(ctx, w, o); err != nil {
				return err
			}
			if err := l.lookAtUpdate(ctx, w, o); err != nil {
				return err
			}
		}
		return nil
	}
}

// siteHealth reports whether Keycloak's own site health is on: as an option of the resource, a variable, or an argument.
func siteHealth(o *unstructured.Unstructured, w workload) bool {
	path := []string{"spec", "unsupported", "podTemplate", "spec", "containers"}
	if w.kind.name != keycloakKind().name {
		path = []string{"spec", "template", "spec", "containers"}
	}
	options, _, _ := unstructured.NestedSlice(o.Object, "spec", "additionalOptions")
	variables, _, _ := unstructured.NestedSlice(o.Object, "spec", "env")
	said := []string{valueOf(options, optionSiteHealth), valueOf(variables, envSiteHealth)}
	containers, _, _ := unstructured.NestedSlice(o.Object, path...)
	for _, entry := range containers {
		container, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		variables, _, _ := unstructured.NestedSlice(container, "env")
		said = append(said, valueOf(variables, envSiteHealth))
		for _, field := range []string{"args", "command"} {
			arguments, _, _ := unstructured.NestedStringSlice(container, field)
			for _, argument := range arguments {
				if value, found := strings.CutPrefix(argument, "--"+optionSiteHealth+"="); found {
					said = append(said, value)
				}
			}
		}
	}
	return slices.ContainsFunc(said, func(value string) bool { return strings.EqualFold(value, "true") })
}

// lookAtUpdate notes an update by the Keycloak operator, which scales the StatefulSet itself meanwhile.
func (l *lookout) lookAtUpdate(ctx context.Context, w workload, o *unstructured.Unstructured) error {
	if w.kind.name != keycloakKind().name {
		return nil
	}
	for _, c := range conditionsOf(o) {
		if c.Type == "RollingUpdate" && strings.EqualFold(c.Status, "true") {
			l.work(xsite.KeycloakWork{Keycloak: w.ref(), What: "its condition RollingUpdate is True"})
		}
	}
	set, err := l.get(ctx, statefulSetResource(), statefulSetKind(), w.namespace, w.name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, object := range []*unstructured.Unstructured{o, set} {
		if object.GetAnnotations()[annotationMigrating] == "true" {
			l.work(xsite.KeycloakWork{Keycloak: w.ref(), What: fmt.Sprintf("%s %s has the annotation %s", object.GetKind(), object.GetName(), annotationMigrating)})
		}
	}
	return nil
}

// work notes one thing that the Keycloak operator does.
func (l *lookout) work(w xsite.KeycloakWork) {
	l.note(func(found *xsite.Contenders) { found.Work = append(found.Work, w) })
}

// lookAtImports finds imports of realms that have not ended.
func (l *lookout) lookAtImports(ctx context.Context) error {
	return l.inEach(ctx, realmImportKind(), "whether the import of a realm is running", func(w workload, o *unstructured.Unstructured) {
		into, _, _ := unstructured.NestedString(o.Object, "spec", "keycloakCRName")
		ended := slices.ContainsFunc(conditionsOf(o), func(c xsite.Condition) bool {
			return (c.Type == "Done" || c.Type == "HasErrors") && strings.EqualFold(c.Status, "true")
		})
		if w.kind.name == keycloakKind().name && into == w.name && !ended {
			l.work(xsite.KeycloakWork{Keycloak: w.ref(), What: "KeycloakRealmImport " + o.GetName() + " has not ended", Import: true})
		}
	})
}

// lookAtJobs finds the operator's jobs that run: an update's by its name, an import's by its owner.
func (l *lookout) lookAtJobs(ctx context.Context) error {
	return l.inEach(ctx, jobKind(), "whether an import or an update of Keycloak is running", func(w workload, o *unstructured.Unstructured) {
		if w.kind.name != keycloakKind().name || intOf(o, 0, "status", "active") == 0 {
			return
		}
		if o.GetName() == w.name+updateJob {
			l.work(xsite.KeycloakWork{Keycloak: w.ref(), What: "job " + o.GetName() + " is running"})
		}
		for _, owner := range o.GetOwnerReferences() {
			if owner.Kind == realmImportKind().object {
				l.work(xsite.KeycloakWork{Keycloak: w.ref(), What: "job " + o.GetName() + " of KeycloakRealmImport " + owner.Name + " is running", Import: true})
			}
		}
	})
}

// lookAtOthers finds Keycloak resources in Infinispan's namespace that use it and are not among those of the run.
func (l *lookout) lookAtOthers(ctx context.Context) error {
	objects, err := l.all(ctx, keycloakKind(), l.place.Namespace, "whether further Keycloaks use this Infinispan")
	if err != nil {
		return err
	}
	for i := range objects {
		w := workload{kind: keycloakKind(), namespace: l.place.Namespace, name: objects[i].GetName()}
		ours := slices.ContainsFunc(l.targets, func(o workload) bool {
			return o.namespace == w.namespace && (o.ref() == w.ref() || o.kind.name == statefulSetKind().name && o.name == w.name)
		})
		if host, said := remoteHost(&objects[i]); ours || !said || !l.pointsHere(host, w.namespace) {
			continue
		}
		l.note(func(found *xsite.Contenders) {
			found.OtherKeycloaks = append(found.OtherKeycloaks, xsite.OtherKeycloak{Ref: w.ref(), Instances: wanted(&objects[i], w.kind)})
		})
	}
	return nil
}
