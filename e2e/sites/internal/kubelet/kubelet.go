package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// Options say which node to play and how.
type Options struct {
	// Node is the node's name; pods are its own when their spec.nodeName says so.
	Node string
	// Client speaks to the site's apiserver with the rights of an administrator.
	Client kubernetes.Interface
	// TLS is the streaming server's configuration.
	TLS *tls.Config
	// Runtime runs the pods.
	Runtime Runtime
	// Group starts the commands of exec.
	Group *proc.Group
	// Log hears what becomes of the pods.
	Log func(format string, args ...any)
	// ProbeEvery is the time between two readiness probes of a workload; 500 ms when zero. A pod that
	// was Ready stays so until three probes in a row have failed.
	ProbeEvery time.Duration
	// RestartAfter is the pause before a workload that died again is restarted; the first time there
	// is none. 1 s when zero.
	RestartAfter time.Duration
}

// Kubelet is the running node.
type Kubelet struct {
	o      Options
	ctx    context.Context //nolint:containedctx // of the node's own work, which outlives Start; ended by Close
	cancel context.CancelFunc
	server *http.Server
	work   sync.WaitGroup

	mu   sync.Mutex
	pods map[types.UID]*podWorker
}

// Start registers the node, serves its streams and begins to run its pods. They run until Close or
// until ctx ends.
func Start(ctx context.Context, o Options) (*Kubelet, error) {
	if o.ProbeEvery == 0 {
		o.ProbeEvery = 500 * time.Millisecond
	}
	if o.RestartAfter == 0 {
		o.RestartAfter = time.Second
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the streams of node %s: %w", o.Node, err)
	}
	k := &Kubelet{o: o, pods: map[types.UID]*podWorker{}}
	address, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the address of node %s: %w", o.Node, err), listener.Close())
	}
	if err := k.register(ctx, int32(address.Port())); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	k.ctx, k.cancel = context.WithCancel(ctx)
	k.server = &http.Server{Handler: k.streams(), TLSConfig: o.TLS, ReadHeaderTimeout: 10 * time.Second}
	k.work.Go(func() {
		if err := k.server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			o.Log("the streaming server of node %s ended: %v", o.Node, err)
		}
	})
	if err := k.watchPods(); err != nil {
		return nil, errors.Join(err, k.Close(ctx))
	}
	return k, nil
}

// Close stops the workloads (at once when ctx has ended, else as if their pods were deleted), cuts
// every stream and returns when nothing runs any more. Pod objects stay as they are.
func (k *Kubelet) Close(ctx context.Context) error {
	k.cancel()
	err := k.server.Close()
	k.mu.Lock()
	workers := make([]*podWorker, 0, len(k.pods))
	for _, w := range k.pods {
		workers = append(workers, w)
	}
	k.mu.Unlock()
	failures := make([]error, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() {
			<-w.ended
			failures[i] = w.stop(ctx)
		})
	}
	all.Wait()
	k.work.Wait()
	return errors.Join(err, errors.Join(failures...))
}

// register makes the Node object, whose status tells the apiserver where to send streams.
func (k *Kubelet) register(ctx context.Context, port int32) error {
	nodes := k.o.Client.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   k.o.Node,
		Labels: map[string]string{corev1.LabelHostname: k.o.Node, corev1.LabelOSStable: "linux"},
	}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("register node %s: %w", k.o.Node, err)
	}
	node.Status = corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: "127.0.0.1"},
			{Type: corev1.NodeHostName, Address: k.o.Node},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: port}},
		NodeInfo:        corev1.NodeSystemInfo{KubeletVersion: "sites-harness", OperatingSystem: "linux"},
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
			LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
		}},
	}
	if _, err := nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("report the status of node %s: %w", k.o.Node, err)
	}
	return nil
}

// watchPods hands every change of a pod of this node to that pod's worker.
func (k *Kubelet) watchPods() error {
	factory := informers.NewSharedInformerFactoryWithOptions(k.o.Client, 0, informers.WithTweakListOptions(
		func(l *metav1.ListOptions) {
			l.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", k.o.Node).String()
		}))
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.observe(object, false) },
		UpdateFunc: func(_, object any) { k.observe(object, false) },
		DeleteFunc: func(object any) {
			if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = last.Obj
			}
			k.observe(object, true)
		},
	})
	if err != nil {
		return fmt.Errorf("watch the pods of node %s: %w", k.o.Node, err)
	}
	k.work.Go(func() { informer.RunWithContext(k.ctx) })
	if !cache.WaitForCacheSync(k.ctx.Done(), informer.HasSynced) {
		return fmt.Errorf("list the pods of node %s: %w", k.o.Node, k.ctx.Err())
	}
	return nil
}

// observe starts a worker for a pod seen for the first time, and tells it when the pod is to go
// (deletionTimestamp) or is gone (deleted with force: there is no object left to finish).
func (k *Kubelet) observe(object any, gone bool) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		k.o.Log("node %s: a watch of pods gave a %T", k.o.Node, object)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.pods[pod.UID]
	if w == nil {
		if gone || k.ctx.Err() != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			return
		}
		w = newPodWorker(k, pod)
		k.pods[pod.UID] = w
		// After the latches below: a pod seen first when it is already going must not be started.
		defer k.work.Go(func() {
			w.run(k.ctx)
			if k.ctx.Err() == nil {
				k.forget(w)
			}
		})
	}
	if gone {
		w.vanished.close()
	}
	if pod.DeletionTimestamp != nil {
		w.deleted.close()
	}
}

func (k *Kubelet) forget(w *podWorker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pods, w.pod.UID)
}

// byName finds the worker of the pod that has this name now. A predecessor that is still being
// stopped after a forced deletion has lost the name.
func (k *Kubelet) byName(namespace, name string) (*podWorker, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.pods {
		if w.pod.Namespace == namespace && w.pod.Name == name && !w.vanished.closed() {
			return w, true
		}
	}
	return nil, false
}

// byUID finds the worker of one pod, whose streams never reach another.
func (k *Kubelet) byUID(uid types.UID) (*podWorker, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, ok := k.pods[uid]
	return w, ok
}
