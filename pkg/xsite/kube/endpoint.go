package kube

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

const (
	// portData is the port that Keycloak uses, portAdmin the operator's own, with REST for its own user over plain
	// HTTP. In the Helm chart the latter number is that of the metrics.
	portData  = 11222
	portAdmin = 11223

	schemeHTTP  = "http"
	schemeHTTPS = "https"
)

// endpoint is how the REST endpoint of every server is spoken to.
type endpoint struct {
	scheme      string
	port        int
	credentials infinispan.Credentials
	tls         *tls.Config
	// secrets names the Secrets that were read, for Access.
	secrets []string
}

// security is what an Infinispan resource says about its data port.
type security struct {
	open       bool   // no authentication
	secret     string // the Secret with its users
	encrypted  bool
	certSecret string
	clientCert bool
}

// findEndpoint chooses the port and reads the credentials for it.
//
// With the operator that is its admin port with its own user, which works whatever was configured for the data port;
// then the data port with the users in the endpoint's Secret. Without the operator it is the data port with the users of
// the Helm chart. A Secret that was named is used and no other.
func (s *Site) findEndpoint(ctx context.Context) (endpoint, error) {
	if scheme := s.opts.Scheme; scheme != "" && scheme != schemeHTTP && scheme != schemeHTTPS {
		return endpoint{}, &RefError{Flag: "--infinispan-scheme", Value: scheme, Problem: "use http or https"}
	}
	if !s.server.managed() {
		set, err := s.statefulSet(ctx, s.place.Namespace, s.server.name)
		if err != nil {
			return endpoint{}, err
		}
		return s.chartEndpoint(ctx, set)
	}
	object, err := s.infinispanResource(ctx)
	if err != nil {
		return endpoint{}, err
	}
	config := securityOf(object)
	operatorSecret := s.server.name + "-generated-operator-secret"
	if s.opts.Secret != "" {
		if s.opts.Secret == operatorSecret {
			return s.adminEndpoint(ctx, operatorSecret)
		}
		config.secret, config.open = s.opts.Secret, false
		return s.dataEndpoint(ctx, config)
	}
	if s.opts.Port != 0 && s.opts.Port != portAdmin {
		return s.dataEndpoint(ctx, config)
	}
	admin, adminErr := s.adminEndpoint(ctx, operatorSecret)
	if adminErr == nil || s.opts.Port == portAdmin || !unavailable(adminErr) {
		return admin, adminErr
	}
	data, dataErr := s.dataEndpoint(ctx, config)
	if dataErr != nil {
		return endpoint{}, fmt.Errorf("no credentials for %s: %w; %w", s.server.ref, adminErr, dataErr)
	}
	return data, nil
}

// unavailable reports whether a Secret is missing or withheld, so that another one may do. Any other failure is final:
// a Secret that is there and wrong must be seen.
func unavailable(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsForbidden(err)
}

// adminEndpoint is the operator's own port. Its user's name is read, not assumed: it differs with client certificates.
func (s *Site) adminEndpoint(ctx context.Context, secret string) (endpoint, error) {
	credentials, err := s.credentials(ctx, secret, "the operator's own credentials for Infinispan")
	if err != nil {
		return endpoint{}, err
	}
	e := endpoint{scheme: schemeHTTP, port: portAdmin, credentials: credentials, secrets: []string{secret}}
	return s.override(ctx, e, "")
}

// dataEndpoint is the port that Keycloak uses, of an Infinispan with an operator.
func (s *Site) dataEndpoint(ctx context.Context, config security) (endpoint, error) {
	e := endpoint{scheme: schemeHTTP, port: portData}
	if config.clientCert {
		return endpoint{}, &AnswerError{Ref: s.server.ref, Problem: "its data port asks for a client certificate, which is not supported; " +
			"grant access to the Secret " + s.server.name + "-generated-operator-secret, whose user needs none"}
	}
	if !config.open {
		credentials, err := s.credentials(ctx, config.secret, "the credentials of Infinispan's data port")
		if err != nil {
			return endpoint{}, err
		}
		e.credentials = credentials
		e.secrets = append(e.secrets, config.secret)
	}
	if config.encrypted {
		e.scheme = schemeHTTPS
	}
	return s.override(ctx, e, config.certSecret)
}

// chartEndpoint is the port that Keycloak uses, of an Infinispan without an operator.
func (s *Site) chartEndpoint(ctx context.Context, set *appsv1.StatefulSet) (endpoint, error) {
	mounted := mountedSecrets(set)
	secret := s.opts.Secret
	if secret == "" {
		secret = s.server.name + "-generated-secret"
		for _, volume := range set.Spec.Template.Spec.Volumes {
			if volume.Name == "identities-volume" && volume.Secret != nil {
				secret = volume.Secret.SecretName // where the chart puts a Secret of the user's own
			}
		}
	}
	credentials, err := s.credentials(ctx, secret, "Infinispan's credentials; another Secret can be named with "+flagSecret)
	if err != nil {
		return endpoint{}, err
	}
	e := endpoint{scheme: probeScheme(set), port: portData, credentials: credentials, secrets: []string{secret}}
	certs := slices.DeleteFunc(mounted, func(name string) bool { return name == secret })
	cert := ""
	if len(certs) == 1 {
		cert = certs[0]
	}
	return s.override(ctx, e, cert)
}

// override applies the flags for scheme and port and prepares TLS.
func (s *Site) override(ctx context.Context, e endpoint, certSecret string) (endpoint, error) {
	if s.opts.Port != 0 {
		e.port = s.opts.Port
	}
	if s.opts.Scheme != "" {
		e.scheme = s.opts.Scheme
	}
	if e.scheme != schemeHTTPS {
		return e, nil
	}
	config, read, err := s.tlsConfig(ctx, certSecret)
	if err != nil {
		return endpoint{}, err
	}
	e.tls = config
	e.secrets = append(e.secrets, read...)
	return e, nil
}

// securityOf reads spec.security with the operator's defaults.
func securityOf(object *unstructured.Unstructured) security {
	name := object.GetName()
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(object.Object, append([]string{"spec", "security"}, path...)...)
		return value
	}
	config := security{secret: text("endpointSecretName"), certSecret: text("endpointEncryption", "certSecretName")}
	if config.secret == "" {
		config.secret = name + "-generated-secret"
	}
	if authenticated, ok, _ := unstructured.NestedBool(object.Object, "spec", "security", "endpointAuthentication"); ok && !authenticated {
		config.open = true
	}
	if kind := text("endpointEncryption", "type"); kind != "" && kind != "None" {
		config.encrypted = true
		if config.certSecret == "" {
			config.certSecret = name + "-cert-secret"
		}
	}
	if client := text("endpointEncryption", "clientCert"); config.encrypted && client != "" && client != "None" {
		config.clientCert = true
	}
	return config
}

// probeScheme is how the kubelet asks the server whether it is well, which is how anybody does.
func probeScheme(set *appsv1.StatefulSet) string {
	for _, container := range set.Spec.Template.Spec.Containers {
		for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe} {
			if probe != nil && probe.HTTPGet != nil && probe.HTTPGet.Scheme == corev1.URISchemeHTTPS {
				return schemeHTTPS
			}
		}
	}
	return schemeHTTP
}

// mountedSecrets names the Secrets that the pods of a StatefulSet mount, once each.
func mountedSecrets(set *appsv1.StatefulSet) []string {
	var names []string
	for _, volume := range set.Spec.Template.Spec.Volumes {
		if volume.Secret != nil && !slices.Contains(names, volume.Secret.SecretName) {
			names = append(names, volume.Secret.SecretName)
		}
	}
	return names
}

// errNoCertificate says that a Secret holds no certificate in a form that can be used.
var errNoCertificate = errors.New("no certificate in PEM form in tls.crt or ca.crt, and no keystore.p12")
