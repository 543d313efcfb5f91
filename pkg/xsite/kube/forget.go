package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// cacheKind is the operator's resource for a cache, which its config listener also makes for caches created over REST.
func cacheKind() kind {
	return kind{name: "cache", group: groupInfinispan, object: "Cache", plural: "caches"}
}

// ForgetCache removes the Cache resource of that cache, if the operator's config listener made one. The name of the
// resource is not that of the cache (it is lower case), so it is found by what its spec says.
//
// Errors: *ForbiddenError, or what the API server said. Without an operator, or without the kind, there is nothing to do.
func (s *Site) ForgetCache(ctx context.Context, cache string) error {
	if !s.server.managed() {
		return nil
	}
	resource, ok, err := s.resourceFor(cacheKind())
	if err != nil || !ok {
		return err
	}
	objects, err := s.list(ctx, resource, cacheKind(), s.place.Namespace)
	if err != nil {
		return err
	}
	for i := range objects {
		if !s.mirrors(&objects[i], cache) {
			continue
		}
		if err := func() error {
			ctx, cancel := bounded(ctx)
			defer cancel()
			uid := objects[i].GetUID()
			err := s.api.dynamic.Resource(resource).Namespace(s.place.Namespace).
				Delete(ctx, objects[i].GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return s.failed(attempt{"delete", cacheKind().resource(), objects[i].GetName(), s.place.Namespace}, err)
		}(); err != nil {
			return fmt.Errorf("remove what the operator mirrored of cache %s: %w", cache, err)
		}
	}
	return nil
}

// mirrors reports whether a Cache resource stands for that cache of this Infinispan.
func (s *Site) mirrors(object *unstructured.Unstructured, cache string) bool {
	cluster, _, _ := unstructured.NestedString(object.Object, "spec", "clusterName")
	name, _, _ := unstructured.NestedString(object.Object, "spec", "name")
	if name == "" {
		name = object.GetName()
	}
	return cluster == s.server.name && name == cache
}
