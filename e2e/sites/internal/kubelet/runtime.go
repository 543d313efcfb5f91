package kubelet

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// Runtime makes the process a pod stands for.
type Runtime interface {
	// Start starts the workload of pod and returns without waiting until it is ready. It is called
	// again, with the same pod, after the workload has died.
	Start(ctx context.Context, pod *corev1.Pod) (Workload, error)
}

// Workload is what runs behind one pod, from its start until Done is closed.
type Workload interface {
	// Ready is one probe, quick: it answers within the deadline of ctx.
	Ready(ctx context.Context) bool
	// HostPort is the loopback port behind a container port (11222, 11223); false when nothing
	// listens on that container port.
	HostPort(containerPort int32) (int, bool)
	// LogFile is the file that holds the workload's output; empty when there is none.
	LogFile() string
	// Done is closed when the process has died.
	Done() <-chan struct{}
	// Stop ends the workload: TERM, then KILL when ctx ends.
	Stop(ctx context.Context) error
}

// ByLabel chooses a Runtime by the value of the pod's label "app".
type ByLabel map[string]Runtime

// Start starts pod by the Runtime of its label; a pod with another label is an error.
func (b ByLabel) Start(ctx context.Context, pod *corev1.Pod) (Workload, error) {
	runtime, ok := b[pod.Labels["app"]]
	if !ok {
		return nil, fmt.Errorf("nothing here can run pod %s/%s (label app=%q)", pod.Namespace, pod.Name, pod.Labels["app"])
	}
	return runtime.Start(ctx, pod)
}

// Idle is the Runtime of pods that only need to be there: they are Ready at once, no process stands
// behind them and nothing listens on their ports.
type Idle struct{}

// Start returns a workload that is ready until it is stopped.
func (Idle) Start(context.Context, *corev1.Pod) (Workload, error) {
	return &idleWorkload{done: make(chan struct{})}, nil
}

type idleWorkload struct {
	once sync.Once
	done chan struct{}
}

// Ready says yes: there is nothing to wait for.
func (*idleWorkload) Ready(context.Context) bool { return true }

// HostPort has none.
func (*idleWorkload) HostPort(int32) (int, bool) { return 0, false }

// LogFile has none.
func (*idleWorkload) LogFile() string { return "" }

// Done is closed by Stop.
func (w *idleWorkload) Done() <-chan struct{} { return w.done }

// Stop ends the workload; it may be called again.
func (w *idleWorkload) Stop(context.Context) error {
	w.once.Do(func() { close(w.done) })
	return nil
}
