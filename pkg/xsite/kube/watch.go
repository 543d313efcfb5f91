package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

const (
	// watchPeriod is how long one watch lasts before a fresh list, so that a connection that died without a word is
	// noticed.
	watchPeriod = 60 * time.Second
	// watchSlack is how much longer the client waits than the server was told to.
	watchSlack = 5 * time.Second
	// watchTries makes about an hour; who cannot wait so long ends the watch.
	watchTries = 3600
	// sightingBuffer lets a list be handed over without waiting for a reader that is busy.
	sightingBuffer = 64
)

// watchBackoff spaces the attempts to resume a watch; after the last it is lost.
func (s *Site) watchBackoff() wait.Backoff {
	return wait.Backoff{Duration: time.Second, Factor: 1, Jitter: 0.1, Steps: s.watchTries} // a Cap would end it when it is reached
}

// crowd is the pods of one workload.
type crowd struct {
	ref, namespace, selector string
	workload                 workload
	// generations are those of the workload when the watch began. As long as they stay, nobody wanted other pods.
	generations [2]int64
}

// WatchKeycloak reports every Keycloak pod that exists or appears, until ctx ends and the channel is closed. Pods that
// have finished and of which nothing runs are no sightings. A pod may be reported more than once.
//
// Each workload is listed and then watched; a watch that ends, breaks or grows old is followed by a fresh list. A pod that
// came and went while nobody watched is told by the workload's generation, which moves with every change of its wanted
// count. When it moved during such a gap, or watching again is refused, the last message tells why and the channel is closed.
//
// The error is that of the first look at the workloads, *AnswerError for one whose pods cannot be told.
func (s *Site) WatchKeycloak(ctx context.Context) (<-chan xsite.PodSighting, error) {
	crowds := make([]crowd, 0, len(s.targets))
	for _, w := range s.targets {
		object, err := s.get(ctx, w.resource, w.kind, w.namespace, w.name)
		if err != nil {
			return nil, err
		}
		shape, err := s.shape(ctx, w, object)
		if err != nil {
			return nil, err
		}
		if !usableSelector(shape.selector) {
			return nil, &AnswerError{Ref: w.ref(), Problem: "it does not say which pods are its own; is its operator running?"}
		}
		crowds = append(crowds, crowd{
			ref: w.ref(), namespace: w.namespace, selector: shape.selector, workload: w, generations: shape.generations,
		})
	}
	sightings := make(chan xsite.PodSighting, sightingBuffer)
	ctx, cancel := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	var lost sync.Once
	for _, c := range crowds {
		watchers.Go(func() {
			err := s.follow(ctx, c, sightings)
			if ctx.Err() != nil {
				return
			}
			lost.Do(func() { // the first loss is the last message: the others stop before the channel is closed
				defer cancel()
				select {
				case sightings <- xsite.PodSighting{Lost: fmt.Errorf("the watch on the pods of %s was lost: %w", c.ref, err)}:
				case <-ctx.Done():
				}
			})
		})
	}
	go func() {
		watchers.Wait()
		if len(crowds) == 0 {
			<-ctx.Done()
		}
		cancel()
		close(sightings)
	}()
	return sightings, nil
}

// follow lists and watches one crowd until ctx ends or the watch cannot be resumed.
func (s *Site) follow(ctx context.Context, c crowd, sightings chan<- xsite.PodSighting) error {
	backoff := s.watchBackoff()
	gap := false
	for {
		listed, err := s.round(ctx, c, gap, sightings)
		gap = err != nil
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errChanged):
			return err
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			return err
		case listed && err == nil:
			backoff = s.watchBackoff()
			continue
		case listed:
			backoff = s.watchBackoff() // the server answers, only the watch broke
		case backoff.Steps == 0:
			return err
		}
		if err := s.clock.Wait(ctx, backoff.Step()); err != nil {
			return err
		}
	}
}

// changedSince tells whether the wanted pods of a crowd were changed since the watch began.
func (s *Site) changedSince(ctx context.Context, c crowd) (bool, error) {
	object, err := s.get(ctx, c.workload.resource, c.workload.kind, c.workload.namespace, c.workload.name)
	if err != nil {
		return false, err
	}
	now, err := s.shape(ctx, c.workload, object)
	return err == nil && now.generations != c.generations, err
}

// errChanged is the end of a watch with a gap in which a pod may have come and gone.
var errChanged = errors.New("nobody watched for a while, and it was changed meanwhile")

// round lists the crowd and watches it once. After a gap the workload is read before anything else is waited for. listed
// tells whether the list came; the error is that of list or watch,
// nil when the watch came to its regular end.
func (s *Site) round(ctx context.Context, c crowd, gap bool, sightings chan<- xsite.PodSighting) (listed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, watchPeriod+watchSlack+callTimeout)
	defer cancel()
	pods := s.api.kube.CoreV1().Pods(c.namespace)
	list, err := func() (*corev1.PodList, error) {
		ctx, cancel := bounded(ctx)
		defer cancel()
		return pods.List(ctx, metav1.ListOptions{LabelSelector: c.selector})
	}()
	if err != nil {
		return false, s.failed(attempt{"list", "pods", "", c.namespace}, err)
	}
	for i := range list.Items {
		if err := sight(ctx, &list.Items[i], sightings); err != nil {
			return true, err
		}
	}
	if gap {
		if changed, err := s.changedSince(ctx, c); err != nil {
			return false, err
		} else if changed {
			return true, errChanged
		}
	}
	ctx, cancel = context.WithTimeout(ctx, watchPeriod+watchSlack)
	defer cancel()
	seconds := int64(watchPeriod / time.Second)
	stream, err := pods.Watch(ctx, metav1.ListOptions{
		LabelSelector: c.selector, ResourceVersion: list.ResourceVersion, TimeoutSeconds: &seconds,
	})
	if err != nil {
		return true, s.failed(attempt{"watch", "pods", "", c.namespace}, err)
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		switch event.Type {
		case watch.Added, watch.Modified:
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				return true, fmt.Errorf("the watch on pods in namespace %s gave a %T", c.namespace, event.Object)
			}
			if err := sight(ctx, pod, sightings); err != nil {
				return true, err
			}
		case watch.Error:
			return true, apierrors.FromObject(event.Object)
		case watch.Deleted, watch.Bookmark:
		}
	}
	return true, nil
}

// sight reports a pod unless it has finished.
func sight(ctx context.Context, pod *corev1.Pod, sightings chan<- xsite.PodSighting) error {
	if finished(pod) {
		return nil
	}
	select {
	case sightings <- xsite.PodSighting{Pod: pod.Name}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
