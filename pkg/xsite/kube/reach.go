package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// reach is what the ways into the pods of one site have in common: how long they live, and the proof that a pod is still
// the one that is meant.
type reach struct {
	site *Site
	// life ends with close; dials end with it. It is no caller's context: connections outlive the call that made them.
	life context.Context //nolint:containedctx // the lifetime of the connections, not of a call
	end  context.CancelFunc
}

// newReach makes a reach that lives until its end is called.
func newReach(ctx context.Context, site *Site) *reach {
	life, end := context.WithCancel(ctx)
	return &reach{site: site, life: life, end: end}
}

// check proves that the pod is still the one with this UID. The error wraps xsite.ErrPodGone when it is not.
func (r *reach) check(ctx context.Context, pod xsite.Pod) error {
	_, err := r.find(ctx, pod)
	return err
}

// find reads the pod and proves that it is still the one with this UID, as check does.
func (r *reach) find(ctx context.Context, pod xsite.Pod) (*corev1.Pod, error) {
	namespace := r.site.place.Namespace
	now, err := r.site.api.kube.CoreV1().Pods(namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("pod %s with UID %s does not exist any more: %w", pod.Name, pod.UID, xsite.ErrPodGone)
	case err != nil:
		return nil, r.site.failed(attempt{"get", "pods", pod.Name, namespace}, err)
	case string(now.UID) != pod.UID:
		return nil, fmt.Errorf("pod %s is another one now (UID %s, was %s): %w", pod.Name, now.UID, pod.UID, xsite.ErrPodGone)
	}
	return now, nil
}

// ended gives the reason why a dial was given up.
func (r *reach) ended(ctx context.Context, pod xsite.Pod) error {
	if r.life.Err() != nil {
		return fmt.Errorf("connect to pod %s: %w", pod.Name, net.ErrClosed)
	}
	return fmt.Errorf("connect to pod %s: %w", pod.Name, context.Cause(ctx))
}

// broke gives the error of a connection that broke, after a look at why: the pod may be gone.
func (r *reach) broke(op string, address podAddr, pod xsite.Pod, cause error) error {
	ctx, cancel := context.WithTimeout(r.life, dialTimeout)
	defer cancel()
	if gone := r.check(ctx, pod); errors.Is(gone, xsite.ErrPodGone) {
		cause = fmt.Errorf("%w: %w", cause, gone)
	}
	return &net.OpError{Op: op, Net: address.Network(), Addr: address, Err: cause}
}

// refused gives a failed upgrade to a subresource of a pod its type.
func (r *reach) refused(err error, pod, subresource string) error {
	if err == nil {
		return nil
	}
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("open pods/%s of pod %s: %w: %w", subresource, pod, xsite.ErrPodGone, err)
	}
	return r.site.failed(attempt{"create", "pods/" + subresource, pod, r.site.place.Namespace}, err)
}

// isUpgradeFailure reports whether a WebSocket failed in a way that SPDY may not.
func isUpgradeFailure(err error) bool {
	return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
}

// overSPDY gives the error of SPDY after a WebSocket was refused. SPDY's errors are mere text; what the API server answered
// to the WebSocket has the type.
func overSPDY(err, refusal error) error {
	var upgrade *httpstream.UpgradeFailureError
	var status *apierrors.StatusError
	if err != nil && errors.As(refusal, &upgrade) && errors.As(upgrade.Cause, &status) {
		return fmt.Errorf("%w (over SPDY: %w)", status, err)
	}
	return err
}

// podAddr is the address of a port in a pod, reached in one of the ways.
type podAddr struct {
	way  Transport
	pod  string
	port int
}

// Network is the name of the way.
func (a podAddr) Network() string { return string(a.way) }

// String is POD:PORT.
func (a podAddr) String() string { return net.JoinHostPort(a.pod, strconv.Itoa(a.port)) }
