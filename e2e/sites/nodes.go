package sites

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/kubelet"
)

// podRuntime makes the server that an Infinispan pod of the site stands for.
type podRuntime struct{ site *Site }

// Start takes the server that was started before its pod, or starts one.
func (r podRuntime) Start(ctx context.Context, pod *corev1.Pod) (kubelet.Workload, error) {
	r.site.mu.Lock()
	early := r.site.early[pod.Name]
	delete(r.site.early, pod.Name)
	r.site.mu.Unlock()
	if early != nil {
		return early, nil
	}
	r.site.pair.log.printf("%s: starting the server of pod %s", r.site.Name, pod.Name)
	return r.site.cluster.StartNode(ctx, pod.Name)
}

// prestart starts the server of a pod that is still to come.
func (s *Site) prestart(ctx context.Context, pod string) error {
	node, err := s.cluster.StartNode(ctx, pod)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.early[pod] = node
	return nil
}

// Nodes are the servers that run now, ordered by the names of their pods.
func (s *Site) Nodes() []*Node { return s.cluster.Nodes() }

// Node is the running server of a pod, infinispan-0 for instance.
func (s *Site) Node(pod string) (*Node, error) {
	for _, node := range s.Nodes() {
		if node.Name() == pod {
			return node, nil
		}
	}
	return nil, fmt.Errorf("pod %s of %s has no running server", pod, s.Name)
}

// KillNode kills the server of a pod, as a crash does. The pod stays, and a new server is started in
// it at once; WaitReady waits for it.
func (s *Site) KillNode(pod string) error {
	node, err := s.Node(pod)
	if err != nil {
		return err
	}
	return node.Kill()
}

// DeletePod deletes a pod as "kubectl delete pod" does, without waiting: its server is stopped, and a
// new pod with a new server takes its place.
func (s *Site) DeletePod(ctx context.Context, pod string) error {
	if err := s.kube.CoreV1().Pods(Namespace).Delete(ctx, pod, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete pod %s of %s: %w", pod, s.Context, err)
	}
	return nil
}

// FreezeNode halts the server of a pod (SIGSTOP): connections stay open, and nothing answers.
func (s *Site) FreezeNode(pod string) error {
	node, err := s.Node(pod)
	if err != nil {
		return err
	}
	return node.Freeze()
}

// ThawNode lets a frozen server go on.
func (s *Site) ThawNode(pod string) error {
	node, err := s.Node(pod)
	if err != nil {
		return err
	}
	return node.Thaw()
}

// Freeze halts all servers of the site.
func (s *Site) Freeze() error { return s.each((*Node).Freeze) }

// Thaw lets all servers of the site go on.
func (s *Site) Thaw() error { return s.each((*Node).Thaw) }

func (s *Site) each(do func(*Node) error) error {
	var failures []error
	for _, node := range s.Nodes() {
		failures = append(failures, do(node))
	}
	return errors.Join(failures...)
}
