package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// serving is where the cluster serves a kind that is only looked at; the zero value means that it does not.
type serving struct {
	resource schema.GroupVersionResource
	served   bool
	// unknown is why that could not be found out; empty when it could.
	unknown string
}

// lookedAt are the kinds of what may act on Keycloak by itself.
func lookedAt() []kind {
	return []kind{scaledObjectKind(), realmImportKind(), applicationKind(), kustomizationKind(), helmReleaseKind(), hpaKind(), jobKind(), keycloakKind()}
}

// findServed asks the cluster which of these kinds it serves.
func (s *Site) findServed() {
	s.served = map[string]serving{}
	for _, k := range lookedAt() {
		resource, served, err := s.resourceFor(k)
		found := serving{resource: resource, served: served}
		if err != nil {
			found.unknown = "the API server does not tell whether it serves " + k.resource() + ": " + err.Error()
		}
		s.served[k.resource()] = found
	}
}

// lookout collects what one call of Contenders finds.
type lookout struct {
	*Site

	mu    sync.Mutex
	found xsite.Contenders
}

// Contenders looks for whatever else acts on this site by itself. On the primary that is the Infinispan operator and
// Keycloak's site health; on the secondary also whatever may start Keycloak.
//
// What this user may not look at is in Unseen. Errors: what the API server said otherwise.
func (s *Site) Contenders(ctx context.Context, role xsite.Role) (xsite.Contenders, error) {
	l := &lookout{Site: s}
	looks := []func(context.Context) error{l.lookAtInfinispan, l.lookAtLog, l.lookAtKeycloaks(role)}
	if role == xsite.Secondary {
		looks = append(looks, l.lookAtHPAs, l.lookAtScaledObjects, l.lookAtImports, l.lookAtJobs, l.lookAtOthers)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for _, look := range looks {
		group.Go(func() error { return look(ctx) })
	}
	if err := group.Wait(); err != nil {
		return xsite.Contenders{}, err
	}
	l.found.Expiry = s.api.expiry()
	return sorted(withoutKEDAsOwn(l.found)), nil
}

// sorted gives everything an order that does not depend on which look was faster.
func sorted(c xsite.Contenders) xsite.Contenders {
	slices.SortFunc(c.Autoscalers, func(a, b xsite.Autoscaler) int { return strings.Compare(a.Keycloak+a.Ref, b.Keycloak+b.Ref) })
	slices.SortFunc(c.Managers, func(a, b xsite.Manager) int { return strings.Compare(a.Keycloak+a.Name, b.Keycloak+b.Name) })
	slices.SortFunc(c.Work, func(a, b xsite.KeycloakWork) int { return strings.Compare(a.Keycloak+a.What, b.Keycloak+b.What) })
	slices.SortFunc(c.Unseen, func(a, b xsite.Unseen) int { return strings.Compare(a.What+a.Why, b.What+b.Why) })
	c.Unseen = slices.Compact(c.Unseen)
	return c
}

// note adds to what was found.
func (l *lookout) note(add func(found *xsite.Contenders)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	add(&l.found)
}

// unseen notes what this user may not look at; other errors it gives back.
func (l *lookout) unseen(what string, err error) error {
	why, forbidden := mayNot(err)
	if !forbidden {
		return err
	}
	l.note(func(found *xsite.Contenders) { found.Unseen = append(found.Unseen, xsite.Unseen{What: what, Why: why}) })
	return nil
}

// mayNot says in one line which right lacks, if that is what an error is about.
func mayNot(err error) (string, bool) {
	var forbidden *ForbiddenError
	if !errors.As(err, &forbidden) {
		return "", false
	}
	object := forbidden.Resource
	if forbidden.Name != "" {
		object += "/" + forbidden.Name
	}
	return fmt.Sprintf("this user may not %s %s in namespace %s", forbidden.Verb, object, forbidden.Namespace), true
}

// all lists the objects of a kind in a namespace; none of a kind that is not served, or that may not be looked at.
func (l *lookout) all(ctx context.Context, k kind, namespace, what string) ([]unstructured.Unstructured, error) {
	where := l.served[k.resource()]
	if where.unknown != "" {
		l.note(func(found *xsite.Contenders) {
			found.Unseen = append(found.Unseen, xsite.Unseen{What: what, Why: where.unknown})
		})
	}
	if !where.served {
		return nil, nil
	}
	objects, err := l.list(ctx, where.resource, k, namespace)
	return objects, l.unseen(what, err)
}

// namespaces are those of the Keycloaks, each once.
func (s *Site) namespaces() []string {
	var found []string
	for _, w := range s.targets {
		if !slices.Contains(found, w.namespace) {
			found = append(found, w.namespace)
		}
	}
	return found
}

// inEach lists the objects of a kind in the namespaces of the Keycloaks and shows each to every Keycloak of its namespace.
func (l *lookout) inEach(ctx context.Context, k kind, what string, see func(w workload, o *unstructured.Unstructured)) error {
	for _, namespace := range l.namespaces() {
		objects, err := l.all(ctx, k, namespace, what)
		if err != nil {
			return err
		}
		for i := range objects {
			for _, w := range l.targets {
				if w.namespace == namespace {
					see(w, &objects[i])
				}
			}
		}
	}
	return nil
}

// needLooks lists what looking for contenders takes. A run can do without all of it, and what lacks is told by the look.
func (s *Site) needLooks(need func(...permission), role xsite.Role) {
	if s.server.managed() {
		need(permission{verb: "get", resource: "pods", subresource: "log", name: firstPod(s.server.set), optional: true, looks: true, why: lookLog})
	}
	if role != xsite.Secondary {
		return
	}
	if s.served[keycloakKind().resource()].served {
		need(permission{verb: "list", group: groupKeycloak, resource: "keycloaks", optional: true, looks: true, why: lookOthers})
	}
	for _, namespace := range s.namespaces() {
		for _, l := range []struct {
			kind kind
			why  string
		}{{hpaKind(), lookHPA}, {scaledObjectKind(), lookKEDA}, {realmImportKind(), lookImports}, {jobKind(), lookJobs}} {
			if s.served[l.kind.resource()].served {
				need(permission{verb: "list", group: l.kind.group, resource: l.kind.plural, namespace: namespace, optional: true, looks: true, why: l.why})
			}
		}
	}
	for _, w := range s.targets {
		for _, source := range w.sources {
			if s.served[source.kind.resource()].served {
				need(permission{
					verb: "get", group: source.kind.group, resource: source.kind.plural, name: source.name, namespace: source.namespaces[0],
					optional: true, looks: true, why: "to see whether it puts the count of Keycloak back",
				})
			}
		}
	}
}
