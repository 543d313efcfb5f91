package kubelet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// probesToNotReady is how many probes in a row must fail before a Ready pod is reported as not ready.
const probesToNotReady = 3

// podWorker runs one pod, known by its UID, from its first sight until its object is gone.
type podWorker struct {
	k   *Kubelet
	pod *corev1.Pod // as first seen: name, UID, labels, grace

	deleted  latch // the pod has a deletionTimestamp
	vanished latch // the pod's object is gone
	ended    chan struct{}

	mu       sync.Mutex
	workload Workload // nil while none runs

	// Owned by run alone.
	restarts int32
	started  metav1.Time
	last     *corev1.ContainerState
	reported map[corev1.PodConditionType]corev1.PodCondition
}

func newPodWorker(k *Kubelet, pod *corev1.Pod) *podWorker {
	return &podWorker{
		k: k, pod: pod.DeepCopy(),
		deleted: newLatch(), vanished: newLatch(), ended: make(chan struct{}),
		reported: map[corev1.PodConditionType]corev1.PodCondition{},
	}
}

// run keeps a workload running until the pod is deleted or ctx (the node's life) ends.
func (w *podWorker) run(ctx context.Context) {
	defer close(w.ended)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for !w.leaving(ctx) {
		workload, err := w.k.o.Runtime.Start(ctx, w.pod)
		if err != nil {
			w.logf("cannot be started: %v", err)
			w.report(ctx, w.waiting("RunContainerError", err.Error()))
			w.pause(ctx)
			continue
		}
		w.setWorkload(workload)
		w.started = metav1.Now()
		w.report(ctx, w.running(false))
		w.probe(ctx, workload)
		if w.leaving(ctx) {
			break
		}
		w.logf("died, restarting it")
		w.setWorkload(nil)
		w.last = &corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: "Error", StartedAt: w.started, FinishedAt: metav1.Now(), ContainerID: w.containerID(),
		}}
		w.restarts++
		w.report(ctx, w.waiting("CrashLoopBackOff", "the workload died and is being restarted"))
		if w.restarts > 1 {
			w.pause(ctx)
		}
	}
	if ctx.Err() == nil {
		w.finish(ctx)
	}
}

// leaving says whether there is nothing to keep running any more.
func (w *podWorker) leaving(ctx context.Context) bool {
	return ctx.Err() != nil || w.deleted.closed() || w.vanished.closed()
}

// pause waits before another start.
func (w *podWorker) pause(ctx context.Context) {
	timer := time.NewTimer(w.k.o.RestartAfter)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.deleted:
	case <-w.vanished:
	case <-timer.C:
	}
}

// probe asks the workload whether it is ready, and reports changes, until it dies or the pod is to go.
func (w *podWorker) probe(ctx context.Context, workload Workload) {
	tick := time.NewTicker(w.k.o.ProbeEvery)
	defer tick.Stop()
	ready, failed := false, 0
	for {
		probe, cancel := context.WithTimeout(ctx, 2*time.Second)
		answer := workload.Ready(probe)
		cancel()
		if answer {
			failed = 0
		} else {
			failed++
		}
		if now := answer || (ready && failed < probesToNotReady); now != ready && !w.leaving(ctx) {
			ready = now
			w.report(ctx, w.running(ready))
		}
		select {
		case <-ctx.Done():
			return
		case <-w.deleted:
			return
		case <-w.vanished:
			return
		case <-workload.Done():
			return
		case <-tick.C:
		}
	}
}

// finish stops the workload within the pod's grace and takes the pod's object away: only now may a
// StatefulSet make a successor.
func (w *podWorker) finish(ctx context.Context) {
	grace := time.Duration(ptr.Deref(w.pod.Spec.TerminationGracePeriodSeconds, 30)) * time.Second
	if w.vanished.closed() {
		// Deleted with force: whoever did it does not wait for the workload.
		grace = 0
	}
	limited, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	go func() {
		select {
		case <-w.vanished:
			cancel()
		case <-limited.Done():
		}
	}()
	if err := w.stop(limited); err != nil {
		w.logf("cannot be stopped: %v", err)
	}
	if w.vanished.closed() {
		return
	}
	err := w.k.o.Client.CoreV1().Pods(w.pod.Namespace).Delete(ctx, w.pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0),
		Preconditions:      metav1.NewUIDPreconditions(string(w.pod.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		w.logf("cannot be removed: %v", err)
	}
}

// stop ends what runs and returns when it has ended; without anything running it does nothing.
func (w *podWorker) stop(ctx context.Context) error {
	workload := w.current()
	if workload == nil {
		return nil
	}
	if err := workload.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("stop pod %s/%s: %w", w.pod.Namespace, w.pod.Name, err)
	}
	return nil
}

func (w *podWorker) setWorkload(workload Workload) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.workload = workload
}

// current is the workload that runs now; nil between two of them.
func (w *podWorker) current() Workload {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.workload
}

func (w *podWorker) logf(format string, args ...any) {
	w.k.o.Log("%s: pod %s (%s) %s", w.k.o.Node, w.pod.Name, w.pod.UID[:8], fmt.Sprintf(format, args...))
}

// latch is a channel that is closed once.
type latch chan struct{}

func newLatch() latch { return make(latch) }

// close may be called again; callers hold the kubelet's lock.
func (l latch) close() {
	if !l.closed() {
		close(l)
	}
}

func (l latch) closed() bool {
	select {
	case <-l:
		return true
	default:
		return false
	}
}
