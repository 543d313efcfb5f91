package kube

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// Infinispans lists what the option Infinispan may name in the namespace of the context, as TYPE/NAME, sorted: the
// resources, and where there are none the StatefulSets of the Helm chart. It is for completing a command line: resources that
// may not be listed are an error only where there is no StatefulSet either.
func Infinispans(ctx context.Context, options Options) ([]string, error) {
	s, err := unconnected(ctx, options)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	found, err := s.listResources(ctx)
	if len(found) == 0 {
		sets, setsErr := s.listStatefulSets(ctx)
		if found = sets; len(found) > 0 || err == nil {
			err = setsErr
		}
	}
	var refs []string
	for _, f := range found {
		refs = append(refs, f.ref)
	}
	slices.Sort(refs)
	return refs, err
}

// Keycloaks lists what the option Keycloaks may name in the namespace of the context, likewise: the resources, and where
// there are none the StatefulSets and Deployments that are not Infinispan's. The word for a site without one comes last.
func Keycloaks(ctx context.Context, options Options) ([]string, error) {
	s, err := unconnected(ctx, options)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	resource, served, err := s.resourceFor(keycloakKind())
	if err != nil {
		return nil, err
	}
	var refs []string
	if served {
		objects, err := s.list(ctx, resource, keycloakKind(), s.place.Namespace)
		if err != nil {
			return nil, err
		}
		for i := range objects {
			refs = append(refs, keycloakKind().ref(objects[i].GetName()))
		}
	}
	if len(refs) == 0 {
		if refs, err = s.listWorkloads(ctx); err != nil {
			return nil, err
		}
	}
	slices.Sort(refs)
	return append(refs, noKeycloak), nil
}

// listWorkloads lists the StatefulSets and Deployments of the namespace less those of Infinispan.
func (s *Site) listWorkloads(ctx context.Context) ([]string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	sets, err := s.api.kube.AppsV1().StatefulSets(s.place.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, s.failed(attempt{"list", statefulSetKind().resource(), "", s.place.Namespace}, err)
	}
	deployments, err := s.api.kube.AppsV1().Deployments(s.place.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, s.failed(attempt{"list", deploymentKind().resource(), "", s.place.Namespace}, err)
	}
	infinispans, err := s.listStatefulSets(ctx)
	if err != nil {
		return nil, err
	}
	var refs []string
	for i := range sets.Items {
		set := &sets.Items[i]
		charts := slices.ContainsFunc(infinispans, func(found server) bool { return found.name == set.Name })
		if infinispanOwner(set) == "" && !charts {
			refs = append(refs, statefulSetKind().ref(set.Name))
		}
	}
	for i := range deployments.Items {
		refs = append(refs, deploymentKind().ref(deployments.Items[i].Name))
	}
	return refs, nil
}

// unconnected is a site of which nothing was found yet.
func unconnected(ctx context.Context, options Options) (*Site, error) {
	options.Warn, options.Note = func(string) {}, func(string) {}
	return bareSite(ctx, options, xsite.WallClock{})
}
