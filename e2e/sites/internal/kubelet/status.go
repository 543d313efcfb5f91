package kubelet

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// running is the status of a pod whose workload was started.
func (w *podWorker) running(ready bool) corev1.PodStatus {
	return w.status(ready, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: w.started}})
}

// waiting is the status of a pod whose workload does not run.
func (w *podWorker) waiting(reason, message string) corev1.PodStatus {
	return w.status(false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}})
}

func (w *podWorker) status(ready bool, state corev1.ContainerState) corev1.PodStatus {
	phase := corev1.PodRunning
	if w.started.IsZero() {
		phase = corev1.PodPending
	}
	started := state.Running != nil
	status := corev1.PodStatus{
		Phase:  phase,
		HostIP: "127.0.0.1", HostIPs: []corev1.HostIP{{IP: "127.0.0.1"}},
		PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}},
		StartTime: &w.pod.CreationTimestamp,
		Conditions: []corev1.PodCondition{
			w.condition(corev1.PodScheduled, true), w.condition(corev1.PodInitialized, true),
			w.condition(corev1.ContainersReady, ready), w.condition(corev1.PodReady, ready),
		},
	}
	for _, c := range w.pod.Spec.Containers {
		container := corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: w.containerID(),
			Ready: ready, Started: &started, RestartCount: w.restarts, State: state,
		}
		if w.last != nil {
			container.LastTerminationState = *w.last
		}
		status.ContainerStatuses = append(status.ContainerStatuses, container)
	}
	return status
}

// containerID is another one after each restart, as with a real container runtime.
func (w *podWorker) containerID() string {
	return fmt.Sprintf("sites://%s/%d", w.pod.UID, w.restarts)
}

// condition keeps the time of the last change while nothing changes.
func (w *podWorker) condition(kind corev1.PodConditionType, holds bool) corev1.PodCondition {
	status := corev1.ConditionFalse
	if holds {
		status = corev1.ConditionTrue
	}
	if w.reported[kind].Status != status {
		w.reported[kind] = corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: metav1.Now()}
	}
	return w.reported[kind]
}

// report patches the pod's status. The UID in the patch makes the apiserver refuse it when the name
// belongs to a successor by now. A status that cannot be written is said and left: the next one
// carries everything again.
func (w *podWorker) report(ctx context.Context, status corev1.PodStatus) {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": w.pod.UID},
		"status":   status,
	})
	if err != nil {
		w.logf("status: %v", err)
		return
	}
	_, err = w.k.o.Client.CoreV1().Pods(w.pod.Namespace).Patch(ctx, w.pod.Name, types.StrategicMergePatchType,
		patch, metav1.PatchOptions{}, "status")
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		w.logf("status cannot be written: %v", err)
	}
}
