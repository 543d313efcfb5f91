package sites

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/controlplane"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/kubelet"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/operators"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// Site is one site of a pair. Its methods may be called from any goroutine.
type Site struct {
	// Name is the site's name in Infinispan, Context that of its kubeconfig context.
	Name, Context string

	pair                *Pair
	peer                string
	operator, developer servers.Credentials
	cluster             *servers.Cluster
	kubelet             *kubelet.Kubelet
	operators           *operators.Operators
	config              *restclient.Config
	kube                kubernetes.Interface
	dynamic             dynamic.Interface

	mu      sync.Mutex
	early   map[string]*Node // started before their pods; taken by the first pod of that name
	clients map[*Node]*Client
}

func (p *Pair) newSite(i int) *Site {
	return &Site{
		Name: p.o.SiteNames[i], Context: p.o.ContextPrefix + p.o.SiteNames[i], pair: p,
		operator:  servers.Credentials{User: "operator"},
		developer: servers.Credentials{User: "developer"},
		early:     map[string]*Node{}, clients: map[*Node]*Client{},
	}
}

// Kube speaks to the site's apiserver as cluster administrator.
func (s *Site) Kube() kubernetes.Interface { return s.kube }

// Dynamic speaks to the site's apiserver as cluster administrator, for custom resources.
func (s *Site) Dynamic() dynamic.Interface { return s.dynamic }

// RESTConfig is a client configuration of the site's apiserver as cluster administrator.
func (s *Site) RESTConfig() *restclient.Config { return restclient.CopyConfig(s.config) }

// startKubernetes plays the site's node and operators until ctx ends.
func (s *Site) startKubernetes(ctx context.Context, plane *controlplane.Plane) error {
	var err error
	if s.config, err = plane.RESTConfig(s.Context); err != nil {
		return err
	}
	if s.kube, err = kubernetes.NewForConfig(s.config); err != nil {
		return fmt.Errorf("make a client for %s: %w", s.Context, err)
	}
	if s.dynamic, err = dynamic.NewForConfig(s.config); err != nil {
		return fmt.Errorf("make a client for %s: %w", s.Context, err)
	}
	node := "node-" + s.Context
	tls, err := plane.KubeletTLS(node)
	if err != nil {
		return err
	}
	s.kubelet, err = kubelet.Start(ctx, kubelet.Options{
		Node: node, Client: s.kube, TLS: tls, Group: s.pair.group, Log: s.pair.log.printf,
		Runtime: kubelet.ByLabel{"infinispan-pod": podRuntime{s}, "keycloak": kubelet.Idle{}},
	})
	if err != nil {
		return err
	}
	options := operators.Options{
		Config: s.config, Namespace: Namespace, Node: node, Site: s.Name, Peer: s.peer,
		Nodes: s.pair.o.NodesPerSite, KeycloakInstances: *s.pair.o.KeycloakInstances, Version: s.pair.o.Version,
		OperatorPassword: s.operator.Password, DeveloperPassword: s.developer.Password, Log: s.pair.log.printf,
	}
	if s.pair.o.TLS {
		certificate, key := s.cluster.ServerCertificate()
		options.Certificate, options.Key = string(certificate), string(key)
	}
	s.operators, err = operators.Start(ctx, options)
	return err
}

// close ends what plays the site. The servers are killed: their data is thrown away.
func (s *Site) close(ctx context.Context) error {
	var failures []error
	if s.operators != nil {
		failures = append(failures, s.operators.Close())
	}
	if s.cluster != nil {
		for _, node := range s.cluster.Nodes() {
			failures = append(failures, node.Kill())
		}
	}
	if s.kubelet != nil {
		failures = append(failures, s.kubelet.Close(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, client := range s.clients {
		client.Close()
	}
	return errors.Join(failures...)
}

// Clients are REST clients of the data endpoints of the servers that run now, as user developer, in
// the order of Nodes.
func (s *Site) Clients() ([]*Client, error) {
	var all []*Client
	for _, node := range s.Nodes() {
		client, err := s.Client(node)
		if err != nil {
			return nil, err
		}
		all = append(all, client)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no server of %s runs", s.Name)
	}
	return all, nil
}

// Client is a REST client of the data endpoint of one server. It is kept as long as the server runs.
func (s *Site) Client(node *Node) (*Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, client := range s.clients {
		select {
		case <-old.Done():
			client.Close()
			delete(s.clients, old)
		default:
		}
	}
	if client := s.clients[node]; client != nil {
		return client, nil
	}
	client, err := rest.New(node.RestURL(DataPort), s.developer.User, s.developer.Password, s.cluster.CA())
	if err != nil {
		return nil, err
	}
	s.clients[node] = client
	return client, nil
}

// answering is a server of the site that answers now, with a client of its data endpoint. A server that
// is starting, or frozen, is passed over.
func (s *Site) answering(ctx context.Context) (*Node, *Client, error) {
	for _, node := range s.Nodes() {
		if node.Ready(ctx) {
			client, err := s.Client(node)
			return node, client, err
		}
	}
	return nil, nil, fmt.Errorf("no server of %s answers", s.Name)
}

// Relay finds the server that speaks for the site, the only one that knows the view of sites (V50),
// and what it says of itself. A server that does not answer within two seconds is passed over.
func (s *Site) Relay(ctx context.Context) (*Client, Info, error) {
	clients, err := s.Clients()
	if err != nil {
		return nil, Info{}, err
	}
	var failures []error
	for _, client := range clients {
		quick, cancel := context.WithTimeout(ctx, probeTimeout)
		info, err := client.ContainerInfo(quick)
		cancel()
		if err == nil && info.RelayNode {
			return client, info, nil
		}
		failures = append(failures, err)
	}
	return nil, Info{}, errors.Join(append([]error{fmt.Errorf("%s has no relay node", s.Name)}, failures...)...)
}

// WaitReady waits until every Infinispan pod of the site is Ready and its server sees all the others.
func (s *Site) WaitReady(ctx context.Context) error {
	want := s.pair.o.NodesPerSite
	return poll(ctx, fmt.Sprintf("all %d servers of %s are ready", want, s.Name), func(ctx context.Context) (bool, error) {
		pods, err := s.readyPods(ctx, "app=infinispan-pod")
		if err != nil || pods != want {
			return false, err
		}
		clients, err := s.Clients()
		if err != nil {
			return false, err
		}
		for _, client := range clients {
			quick, cancel := context.WithTimeout(ctx, probeTimeout)
			info, err := client.ContainerInfo(quick)
			cancel()
			if err != nil || len(info.Members) != want {
				return false, err
			}
		}
		return len(clients) == want, nil
	})
}

func (s *Site) readyPods(ctx context.Context, selector string) (int, error) {
	pods, err := s.kube.CoreV1().Pods(Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return 0, fmt.Errorf("list the pods of %s: %w", s.Context, err)
	}
	ready := 0
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil {
				ready++
			}
		}
	}
	return ready, nil
}
