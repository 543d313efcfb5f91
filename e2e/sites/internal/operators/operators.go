package operators

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Infinispans is the resource of the Infinispan operator.
func Infinispans() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "infinispan.org", Version: "v1", Resource: "infinispans"}
}

// Keycloaks is the resource of the Keycloak operator, in the version that is stored.
func Keycloaks() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "k8s.keycloak.org", Version: "v2beta1", Resource: "keycloaks"}
}

// Options say what to leave in a site.
type Options struct {
	// Config speaks to the site's apiserver as cluster administrator.
	Config *rest.Config
	// Namespace takes all namespaced objects; it is made.
	Namespace string
	// Node is the name of the node that the pods are bound to.
	Node string
	// Site and Peer are the names of this site and of the other, as Infinispan knows them.
	Site, Peer string
	// Nodes is the number of Infinispan's nodes, KeycloakInstances that of Keycloak's pods.
	Nodes, KeycloakInstances int
	// Version is that of the Infinispan server.
	Version string
	// OperatorPassword belongs to user operator at the admin endpoint (11223), DeveloperPassword to
	// user developer at the data endpoint (11222).
	OperatorPassword, DeveloperPassword string
	// Certificate and Key (PEM) are those of the data endpoint; empty without TLS.
	Certificate, Key string
	// Log hears what the operators do.
	Log func(format string, args ...any)
}

// Operators are the two operators of one site at work.
type Operators struct {
	o       Options
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	cancel  context.CancelFunc
	work    sync.WaitGroup
	linked  atomic.Bool
	wake    chan struct{}
}

// Start leaves the objects in the site and begins to follow them. It works until Close or until ctx
// ends.
func Start(ctx context.Context, o Options) (*Operators, error) {
	kube, err := kubernetes.NewForConfig(o.Config)
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", o.Site, err)
	}
	client, err := dynamic.NewForConfig(o.Config)
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", o.Site, err)
	}
	p := &Operators{o: o, kube: kube, dynamic: client, wake: make(chan struct{}, 1)}
	if err := p.install(ctx); err != nil {
		return nil, err
	}
	ctx, p.cancel = context.WithCancel(ctx)
	if err := p.watch(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.work.Go(func() { p.run(ctx) })
	return p, nil
}

// Close ends the operators' work; the objects stay.
func (p *Operators) Close() error {
	p.cancel()
	p.work.Wait()
	return nil
}

// SetLinked says whether the sites have been seen in one view. As with the real operator the
// condition CrossSiteViewFormed is not taken back by itself when the link breaks later.
func (p *Operators) SetLinked(linked bool) {
	p.linked.Store(linked)
	p.trigger()
}

func (p *Operators) trigger() {
	select {
	case p.wake <- struct{}{}:
	default: // a look is due already
	}
}

// watch wakes the operators whenever an object of theirs changes.
func (p *Operators) watch(ctx context.Context) error {
	changed := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { p.trigger() },
		UpdateFunc: func(any, any) { p.trigger() },
		DeleteFunc: func(any) { p.trigger() },
	}
	custom := dynamicinformer.NewDynamicSharedInformerFactory(p.dynamic, 0)
	builtin := informers.NewSharedInformerFactoryWithOptions(p.kube, 0, informers.WithNamespace(p.o.Namespace))
	watched := []cache.SharedIndexInformer{
		custom.ForResource(Keycloaks()).Informer(),
		custom.ForResource(Infinispans()).Informer(),
		builtin.Apps().V1().StatefulSets().Informer(),
	}
	for _, informer := range watched {
		if _, err := informer.AddEventHandler(changed); err != nil {
			return fmt.Errorf("watch the operators' objects: %w", err)
		}
		p.work.Go(func() { informer.RunWithContext(ctx) })
	}
	return nil
}

// run looks at everything once for each wake-up, and again a second after a failure.
func (p *Operators) run(ctx context.Context) {
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-retry.C:
		}
		if err := p.reconcile(ctx); err != nil && ctx.Err() == nil {
			p.o.Log("the operators of %s: %v", p.o.Site, err)
			retry.Reset(time.Second)
		}
	}
}

func (p *Operators) reconcile(ctx context.Context) error {
	keycloaks, err := p.dynamic.Resource(Keycloaks()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list keycloaks: %w", err)
	}
	var failures []error
	for i := range keycloaks.Items {
		failures = append(failures, p.reconcileKeycloak(ctx, &keycloaks.Items[i]))
	}
	infinispans, err := p.dynamic.Resource(Infinispans()).Namespace(p.o.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return errors.Join(append(failures, fmt.Errorf("list infinispans: %w", err))...)
	}
	for i := range infinispans.Items {
		failures = append(failures, p.reconcileInfinispan(ctx, &infinispans.Items[i]))
	}
	return errors.Join(failures...)
}
