package kube

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Requests to the API server per second, and at once. A run makes a few per poll; the limits are there for the server's
// sake and high enough that client-go never reports throttling.
const (
	requestsPerSecond = 50
	requestsAtOnce    = 100
)

// clients are the ways into one API server.
type clients struct {
	contextName string
	server      string
	namespace   string
	config      *rest.Config
	http        *http.Client
	kube        kubernetes.Interface
	dynamic     dynamic.Interface
	mapper      meta.RESTMapper
	token       *tokenWatch
}

// newClients makes the clients of one side from its getter. It does not talk to the server.
func newClients(options Options) (*clients, error) {
	if options.Getter == nil {
		return nil, errors.New("no kubeconfig given")
	}
	original, err := options.Getter.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("load the kubeconfig: %w", err)
	}
	loader := options.Getter.ToRawKubeConfigLoader()
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("read the namespace from the kubeconfig: %w", err)
	}
	name := options.ContextName
	if name == "" {
		raw, err := loader.RawConfig()
		if err != nil {
			return nil, fmt.Errorf("load the kubeconfig: %w", err)
		}
		name = raw.CurrentContext
	}
	config := rest.CopyConfig(original)
	config.QPS, config.Burst, config.RateLimiter = requestsPerSecond, requestsAtOnce, nil
	config.WarningHandlerWithContext = nil
	config.WarningHandler = warner(options.Warn)
	if options.UserAgent != "" {
		config.UserAgent = options.UserAgent
	}
	c := &clients{contextName: name, namespace: namespace, config: config, token: &tokenWatch{}}
	config.Wrap(c.token.wrap)
	if options.WrapTransport != nil {
		config.Wrap(options.WrapTransport)
		config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, "" // who looks at what passes can read it
	}
	if c.server, err = serverURL(config); err != nil {
		return nil, err
	}
	if c.mapper, err = options.Getter.ToRESTMapper(); err != nil {
		return nil, fmt.Errorf("ask %s for its API groups: %w", c.server, err)
	}
	turns := options.Turn != nil && config.ExecProvider != nil
	if turns {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &givesTurnBack{next} })
	}
	if c.http, err = rest.HTTPClientFor(config); err != nil {
		return nil, fmt.Errorf("prepare the connection to %s: %w", c.server, err)
	}
	if turns {
		c.http.Transport = &waitsForTurn{options.Turn, c.http.Transport}
	}
	if c.kube, err = kubernetes.NewForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("prepare the connection to %s: %w", c.server, err)
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("prepare the connection to %s: %w", c.server, err)
	}
	return c, nil
}

// close gives back idle connections.
func (c *clients) close() {
	utilnet.CloseIdleConnectionsFor(c.http.Transport)
}

// serverURL gives the API server's URL without user information.
func serverURL(config *rest.Config) (string, error) {
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return "", fmt.Errorf("read the server's URL from the kubeconfig: %w", err)
	}
	clean := url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path}
	return clean.String(), nil
}

// warner passes on the warnings of the API server, for instance that a version is deprecated.
type warner func(string)

// HandleWarningHeader takes one warning; code 299 is the only one that carries text for users.
func (w warner) HandleWarningHeader(code int, _, text string) {
	if code == 299 && text != "" {
		w("the API server warns: " + text)
	}
}
