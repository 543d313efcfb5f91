package sites

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/operators"
)

const keycloakName = "keycloak"

// KeycloakInstances reads spec.instances of the Keycloak CR.
func (s *Site) KeycloakInstances(ctx context.Context) (int, error) {
	cr, err := s.dynamic.Resource(operators.Keycloaks()).Namespace(Namespace).Get(ctx, keycloakName, metav1.GetOptions{})
	if err != nil {
		return 0, fmt.Errorf("read the keycloak of %s: %w", s.Context, err)
	}
	instances, found, err := unstructured.NestedInt64(cr.Object, "spec", "instances")
	if err != nil || !found {
		return 0, fmt.Errorf("the keycloak of %s has no instances (%w)", s.Context, err)
	}
	return int(instances), nil
}

// KeycloakReady counts the Keycloak pods that are Ready.
func (s *Site) KeycloakReady(ctx context.Context) (int, error) {
	return s.readyPods(ctx, "app="+keycloakName)
}

// SetKeycloakInstances writes spec.instances of the Keycloak CR and waits until there are exactly so
// many pods, all Ready.
func (s *Site) SetKeycloakInstances(ctx context.Context, instances int) error {
	patch := fmt.Appendf(nil, `{"spec":{"instances":%d}}`, instances)
	_, err := s.dynamic.Resource(operators.Keycloaks()).Namespace(Namespace).Patch(ctx, keycloakName,
		types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("set the instances of the keycloak of %s: %w", s.Context, err)
	}
	return s.waitKeycloak(ctx, instances)
}

func (s *Site) waitKeycloak(ctx context.Context, instances int) error {
	return poll(ctx, fmt.Sprintf("%d keycloak pods of %s are ready", instances, s.Context), func(ctx context.Context) (bool, error) {
		pods, err := s.kube.CoreV1().Pods(Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + keycloakName})
		if err != nil || len(pods.Items) != instances {
			return false, err
		}
		ready, err := s.KeycloakReady(ctx)
		return ready == instances, err
	})
}
