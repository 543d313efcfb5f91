package kube

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// cacheKind is the operator's resource for a cache, which its config listener also makes for caches created over REST.
func cacheKind() kind {
	return kind{name: "cache", group: groupInfinispan, object: "Cache", plural: "caches"}
}

// ForgetCaches removes the Cache resources that the operator's config listener made of caches whose names begin with
// prefix, and returns the names of these caches. The name of the resource is not that of the cache (it is lower case), so it
// is found by what its spec says.
//
// Errors: *ForbiddenError, or what the API server said. Without an operator, or without the kind, there is nothing to do.
func (s *Site) ForgetCaches(ctx context.Context, prefix string) ([]string, error) {
	if !s.server.managed() {
		return nil, nil
	}
	resource, ok, err := s.resourceFor(cacheKind())
	if err != nil || !ok {
		return nil, err
	}
	objects, err := s.list(ctx, resource, cacheKind(), s.place.Namespace)
	if err != nil {
		return nil, err
	}
	var removed []string
	for i := range objects {
		cache := s.mirrored(&objects[i])
		if cache == "" || !strings.HasPrefix(cache, prefix) {
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
			return removed, fmt.Errorf("remove what the operator mirrored of cache %s: %w", cache, err)
		}
		removed = append(removed, cache)
	}
	return removed, nil
}

// mirrored names the cache of this Infinispan that a Cache resource stands for; empty for one of another Infinispan.
func (s *Site) mirrored(object *unstructured.Unstructured) string {
	cluster, _, _ := unstructured.NestedString(object.Object, "spec", "clusterName")
	if cluster != s.server.name {
		return ""
	}
	if name, _, _ := unstructured.NestedString(object.Object, "spec", "name"); name != "" {
		return name
	}
	return object.GetName()
}
