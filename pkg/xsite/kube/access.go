package kube

import (
	"context"
	"slices"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// flagNoPrimaryLease is the flag that leaves the primary's Lease alone.
const flagNoPrimaryLease = "--no-primary-lease"

// permission is one thing that a run does to a site.
type permission struct {
	verb, group, resource, subresource, name, namespace string
	// why is shown to users.
	why string
	// optional is true for what a run can do without.
	optional bool
	// looks is true for what is only needed to look for contenders. Access does not ask for it: the look itself tells.
	looks bool
	// unused is true for what these options do without altogether.
	unused bool
}

// path is the resource as Roles give it, RESOURCE[/SUBRESOURCE].
func (p permission) path() string {
	if p.subresource == "" {
		return p.resource
	}
	return p.resource + "/" + p.subresource
}

// named is the resource as messages give it, RESOURCE[.GROUP][/SUBRESOURCE].
func (p permission) named() string {
	text := p.resource
	if p.group != "" {
		text += "." + p.group
	}
	if p.subresource != "" {
		text += "/" + p.subresource
	}
	return text
}

// permissions is the list of everything that a run does to a site in a role, and nothing else. What only the secondary
// needs stands last.
func (s *Site) permissions(role xsite.Role) []permission {
	list := &permissions{namespace: s.place.Namespace}
	s.needInfinispan(list.need)
	s.needLease(list.need, role)
	s.needKeycloak(list.need)
	s.needEvents(list.need)
	if role == xsite.Secondary {
		s.needControl(list.need)
	}
	s.needLooks(list.need, role)
	return list.needed
}

// permissions collects what is needed, each thing once.
type permissions struct {
	namespace string // of those that name none
	needed    []permission
}

// need adds permissions.
func (l *permissions) need(more ...permission) {
	for _, n := range more {
		if n.namespace == "" {
			n.namespace = l.namespace
		}
		same := func(o permission) bool {
			o.why, o.optional, o.unused, o.looks = n.why, n.optional, n.unused, n.looks
			return o == n
		}
		if !slices.ContainsFunc(l.needed, same) {
			l.needed = append(l.needed, n)
		}
	}
}

// needInfinispan lists what finding and reaching Infinispan and keeping the journal takes.
func (s *Site) needInfinispan(need func(...permission)) {
	if s.server.managed() {
		need(permission{verb: "get", group: groupInfinispan, resource: "infinispans", name: s.server.name, why: "to read what Infinispan runs as"})
		if s.infinispan {
			need(permission{
				verb: "list", group: groupInfinispan, resource: "infinispans",
				why: "to find Infinispan; not needed when it is named with " + flagInfinispan,
			})
		}
		need(
			permission{verb: "list", group: groupInfinispan, resource: "caches", optional: true, why: "to remove what the operator may mirror of the probe's cache"},
			permission{verb: "delete", group: groupInfinispan, resource: "caches", optional: true, why: "to remove what the operator may mirror of the probe's cache"},
		)
	} else if s.infinispan {
		need(permission{verb: "list", group: groupApps, resource: "statefulsets", why: "to find Infinispan; not needed when it is named with " + flagInfinispan})
	}
	need(
		permission{verb: "get", group: groupApps, resource: "statefulsets", name: s.server.set, why: "to find the pods of Infinispan"},
		permission{verb: "list", resource: "pods", why: "to find the pods of Infinispan"},
		permission{verb: "get", resource: "pods", why: "to prove before connecting that a pod is still the same one"},
		s.transport.permission(),
		permission{verb: "list", resource: "configmaps", why: "to find the journal of an unfinished run"},
		permission{verb: "create", resource: "configmaps", why: "to write the journal"},
		permission{verb: "update", resource: "configmaps", why: "to write the journal"},
		permission{verb: "delete", resource: "configmaps", why: "to remove old journals"},
	)
	for _, secret := range s.door.secrets {
		need(permission{verb: "get", resource: "secrets", name: secret, why: "to read Infinispan's credentials or certificate"})
	}
}

// needLease lists what being the only run at work takes.
func (s *Site) needLease(need func(...permission), role xsite.Role) {
	name, look := s.leaseName(), "to see whether another run is at work"
	unused := role == xsite.Primary && s.opts.NoPrimaryLease
	if role == xsite.Primary && !unused {
		look += "; nothing on the primary's leases is needed with " + flagNoPrimaryLease
	}
	for _, p := range []permission{
		{verb: "get", name: name, why: look},
		{verb: "create", why: "to keep other runs away"},
		{verb: "update", name: name, why: "to keep other runs away"},
		{verb: "delete", name: name, why: "to let other runs in again"},
	} {
		p.group, p.resource, p.optional, p.unused = groupCoordination, "leases", unused, unused
		need(p)
	}
}

// needKeycloak lists what finding Keycloak and seeing whether it runs takes.
func (s *Site) needKeycloak(need func(...permission)) {
	if s.keycloaks {
		need(permission{verb: "list", group: groupKeycloak, resource: "keycloaks", why: "to find Keycloak; not needed when it is named with " + flagKeycloak})
	}
	for _, w := range s.targets {
		need(
			permission{verb: "get", group: w.kind.group, resource: w.kind.plural, name: w.name, namespace: w.namespace, why: "to see whether Keycloak runs"},
			permission{verb: "list", resource: "pods", namespace: w.namespace, why: "to see whether Keycloak runs"},
		)
		if w.kind.name == keycloakKind().name {
			need(permission{
				verb: "get", group: groupApps, resource: "statefulsets", name: w.name, namespace: w.namespace,
				why: "to see whether the operator has stopped or started Keycloak",
			})
		}
	}
}

// needControl lists what stopping, starting and watching Keycloak takes.
func (s *Site) needControl(need func(...permission)) {
	for _, w := range s.targets {
		need(
			permission{verb: "watch", resource: "pods", namespace: w.namespace, why: "to notice a Keycloak that comes back during the run"},
			permission{
				verb: "update", group: w.kind.group, resource: w.kind.plural, subresource: "scale", name: w.name, namespace: w.namespace,
				why: "to stop and start Keycloak",
			},
			permission{
				verb: "patch", group: w.kind.group, resource: w.kind.plural, name: w.name, namespace: w.namespace,
				why: "to keep the original number of instances on it",
			},
		)
	}
}

// Access asks the API server whether this user may do what a run does to this site in the given role; what it only looks at
// for contenders is left to Contenders. Resource has the
// form RESOURCE[.GROUP][/SUBRESOURCE]. The order is that of a run.
func (s *Site) Access(ctx context.Context, role xsite.Role) ([]xsite.Access, error) {
	needed := slices.DeleteFunc(s.permissions(role), func(p permission) bool { return p.looks })
	answers := make([]xsite.Access, len(needed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for i, p := range needed {
		group.Go(func() error {
			var err error
			answers[i], err = s.allowed(ctx, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return answers, nil
}

// allowed asks for one permission.
func (s *Site) allowed(ctx context.Context, p permission) (xsite.Access, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	review, err := s.api.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: p.namespace, Verb: p.verb, Group: p.group, Resource: p.resource, Subresource: p.subresource, Name: p.name,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return xsite.Access{}, s.failed(attempt{"create", "selfsubjectaccessreviews.authorization.k8s.io", "", p.namespace}, err)
	}
	return xsite.Access{
		Verb: p.verb, Resource: p.named(), Name: p.name, Namespace: p.namespace,
		Allowed: review.Status.Allowed && !review.Status.Denied, Required: !p.optional,
		Why: p.why, Reason: review.Status.Reason,
	}, nil
}
