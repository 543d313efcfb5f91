package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// callTimeout bounds every call to the API server that is not a watch or a stream.
const callTimeout = 30 * time.Second

// Options say which context to use and what in it. Only Getter is needed.
type Options struct {
	// Getter gives the connection of this side. Two sides must not share one, nor pointers inside one.
	Getter genericclioptions.RESTClientGetter
	// ContextName is the kubeconfig context as the user named it; empty means the kubeconfig's current one.
	ContextName string
	// Infinispan is NAME or TYPE/NAME, TYPE infinispan or statefulset; empty means the only one there is.
	Infinispan string
	// Keycloaks are TYPE/NAME, NAMESPACE/TYPE/NAME or NAME (of a Keycloak resource), TYPE keycloak, statefulset or
	// deployment; empty means the Keycloak resources that use this Infinispan; "none" alone means that there is none.
	Keycloaks []string
	// Secret names the Secret with Infinispan's credentials, in Infinispan's namespace; empty means to find it.
	Secret string
	// SecretUser picks a user of that Secret; empty means the first one with the role or group admin, else the first.
	SecretUser string
	// Port is the REST port of the pods; 0 means 11223 with the operator's credentials, else 11222.
	Port int
	// Scheme is http or https; empty means what the resource says.
	Scheme string
	// InsecureSkipTLSVerifyInfinispan accepts any certificate from Infinispan's servers.
	InsecureSkipTLSVerifyInfinispan bool
	// NoPrimaryLease says that the Lease is not used when this is the primary, so that its permissions may lack.
	NoPrimaryLease bool
	// Transport is the way to the pods' REST port; empty means the first of Transports that the user may take.
	Transport Transport
	// SPDYForPortForward and SPDYForExec say not to try WebSockets first, as in kubectl.
	SPDYForPortForward, SPDYForExec bool
	// Turn keeps credential plugins from running at the same time as those of other sites with the same Turn; nil for none.
	Turn *Turn
	// LookOnly is for who only looks: Keycloaks that cannot be found, or not be read, are an error of the method Keycloaks
	// and not of Connect.
	LookOnly bool
	// UserAgent is sent to the API server and to Infinispan.
	UserAgent string
	// ObserveCall is told about every call to Infinispan; nil for nobody.
	ObserveCall func(infinispan.CallRecord)
	// WrapTransport, where set, wraps the transport of every call to the API server but those of discovery and port-forwards.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// Warn takes remarks for the user, with raw strings from the cluster in them; nil drops them.
	Warn func(string)
	// Note takes what the user should know and need not mind, likewise; nil drops it.
	Note func(string)
}

// Site is one kubeconfig context with the Infinispan and the Keycloaks found in it. It implements xsite.Cluster and is
// safe for concurrent use. Close ends its connections.
type Site struct {
	searched

	opts  Options
	api   *clients
	clock xsite.Clock
	// watchTries is how often a broken watch is resumed in a row, a second apart.
	watchTries int
	place      xsite.Place
	server     server
	door       endpoint
	targets    []workload
	// noTargets says why there are none to look at.
	noTargets error
	// served are the kinds that are only looked at, by PLURAL.GROUP.
	served map[string]serving
	log    serverLog

	told      told
	transport Transport
	forward   *forwarder
	mu        sync.Mutex
	nodes     map[string]*node // by pod UID
	closed    bool
}

// serverLog is what was read of the first server's log; it is read once.
type serverLog struct {
	mu   sync.Mutex
	read bool
	// pod is the pod whose log says that data was recovered, err why the log could not be read.
	pod string
	err error
}

// searched tells which objects were found by a list instead of by their name; the list is a permission of its own.
type searched struct {
	infinispan, keycloaks bool
}

var _ xsite.Cluster = (*Site)(nil)

// Connect finds Infinispan, its credentials and its Keycloaks in the context. Nothing is changed, and no connection to
// Infinispan is made yet.
//
// Errors: *NotFoundError, *AmbiguousError, *RefError, *ForbiddenError, *SecretError, or what the API server said. ctx
// bounds the discovery only; the Site lives until Close.
func Connect(ctx context.Context, options Options) (*Site, error) {
	return connect(ctx, options, xsite.WallClock{})
}

// connect is Connect with a clock.
func connect(ctx context.Context, options Options, clock xsite.Clock) (*Site, error) {
	if options.Warn == nil {
		options.Warn = func(string) {}
	}
	if options.Note == nil {
		options.Note = func(string) {}
	}
	s, err := bareSite(ctx, options, clock)
	if err != nil {
		return nil, err
	}
	if err := s.discover(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// bareSite is a site of which nothing was found yet; nothing is contacted but what the getter asks for API groups.
func bareSite(ctx context.Context, options Options, clock xsite.Clock) (*Site, error) {
	api, err := newClients(options)
	if err != nil {
		return nil, fmt.Errorf("context %s: %w", options.ContextName, err)
	}
	s := &Site{
		opts:  options,
		api:   api,
		clock: clock, watchTries: watchTries,
		place: xsite.Place{Context: api.contextName, Server: api.server, Namespace: api.namespace},
		nodes: map[string]*node{},
	}
	s.forward = newForwarder(newReach(context.WithoutCancel(ctx), s))
	return s, nil
}

// discover fills the site.
func (s *Site) discover(ctx context.Context) error {
	found, err := s.findInfinispan(ctx)
	if err != nil {
		return err
	}
	s.server = found
	s.place.Infinispan = found.ref
	s.place.InfinispanUID = string(found.uid)
	if s.targets, err = s.findKeycloaks(ctx); err != nil {
		if _, misnamed := errors.AsType[*RefError](err); misnamed || !s.opts.LookOnly {
			return err
		}
		s.noTargets = err
	}
	s.findServed()
	if s.door, err = s.findEndpoint(ctx); err != nil {
		return err
	}
	return s.chooseTransport(ctx)
}

// Place says where this is.
func (s *Site) Place() xsite.Place { return s.place }

// String gives the place and nothing else, so that a formatted Site shows no secret.
func (s *Site) String() string { return s.place.String() }

// GoString gives the place and nothing else.
func (s *Site) GoString() string { return "kube.Site(" + s.place.String() + ")" }

// KubernetesVersion asks the API server for its version, e.g. v1.33.2.
func (s *Site) KubernetesVersion(ctx context.Context) (string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	body, err := s.api.kube.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", s.failed(attempt{"get", "/version", "", ""}, err)
	}
	var found version.Info
	if err := json.Unmarshal(body, &found); err != nil || found.GitVersion == "" {
		return "", &AnswerError{Ref: "/version", Problem: "it names no version"}
	}
	return found.GitVersion, nil
}

// KubernetesVersion asks the API server of the context for its version, likewise, where there is no Site: it needs no Infinispan.
func KubernetesVersion(ctx context.Context, options Options) (string, error) {
	s, err := unconnected(ctx, options)
	if err != nil {
		return "", err
	}
	defer s.Close()
	return s.KubernetesVersion(ctx)
}

// Close ends all connections to pods. Nodes of this Site fail from then on.
func (s *Site) Close() {
	s.mu.Lock()
	s.closed = true
	nodes := s.nodes
	s.nodes = map[string]*node{}
	s.mu.Unlock()
	for _, n := range nodes {
		n.close()
	}
	s.forward.close()
	s.api.close()
}

// bounded gives a call its deadline.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
