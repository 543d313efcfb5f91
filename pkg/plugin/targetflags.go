package plugin

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// noKeycloak is the value of --keycloak for a site without one.
const noKeycloak = "none"

// sided is one setting for both sites, with a form for each where they differ.
type sided[T any] struct{ both, primary, secondary T }

// of gives the setting of one site: its own form where that was given.
func (s *sided[T]) of(role xsite.Role, given func(T) bool) T {
	own := s.primary
	if role == xsite.Secondary {
		own = s.secondary
	}
	if given(own) {
		return own
	}
	return s.both
}

// targetFlags name the resources of the sites and the way to Infinispan's servers.
type targetFlags struct {
	infinispan sided[string]
	keycloak   sided[[]string]
	secret     sided[string]
	user       string
	port       int
	scheme     string
	transport  string
	insecure   bool
	flags      *pflag.FlagSet
}

// newTargetFlags makes the flags.
func newTargetFlags() *targetFlags {
	t := &targetFlags{flags: pflag.NewFlagSet("target", pflag.ContinueOnError)}
	t.flags.SortFlags = false
	text := func(value *sided[string], name, usage string) {
		t.flags.StringVar(&value.both, name, "", usage)
		t.flags.StringVar(&value.primary, "primary-"+name, "", "The same for the primary, where the sites differ.")
		t.flags.StringVar(&value.secondary, "secondary-"+name, "", "The same for the secondary, where the sites differ.")
	}
	text(&t.infinispan, "infinispan", "Infinispan as TYPE/NAME (infinispan/NAME or statefulset/NAME); "+
		"found by itself when there is one in the namespace.")
	const keycloak = "Keycloak as TYPE/NAME (keycloak/NAME, statefulset/NAME or deployment/NAME; NAMESPACE/TYPE/NAME in another namespace), repeatable; " +
		"'none' for a site without; found by itself when there is one."
	t.flags.StringSliceVar(&t.keycloak.both, "keycloak", nil, keycloak)
	t.flags.StringSliceVar(&t.keycloak.primary, "primary-keycloak", nil, "The same for the primary, where the sites differ.")
	t.flags.StringSliceVar(&t.keycloak.secondary, "secondary-keycloak", nil, "The same for the secondary, where the sites differ.")
	text(&t.secret, "infinispan-secret", "Secret with the credentials for Infinispan; "+
		"found by itself where the operator or the Helm chart made it.")
	t.flags.StringVar(&t.user, "infinispan-user", "", "Which user of that Secret, where it holds several.")
	t.flags.IntVar(&t.port, "infinispan-port", 0, "Port of the servers' REST endpoint; 0 finds it.")
	t.flags.StringVar(&t.scheme, "infinispan-scheme", "", "http or https for that port; found by itself.")
	t.flags.StringVar(&t.transport, "transport", "", "The way to the servers through the API server: "+strings.Join(transports(), " or ")+
		"; empty takes the first that this user may take.")
	t.flags.BoolVar(&t.insecure, "insecure-skip-tls-verify-infinispan", false,
		"Trust any certificate of the Infinispan servers. Whoever can answer in their place then gets the credentials.")
	return t
}

// validate judges the flags without contacting anything.
func (t *targetFlags) validate() error {
	for _, refs := range [][]string{t.keycloak.both, t.keycloak.primary, t.keycloak.secondary} {
		if slices.Contains(refs, noKeycloak) && len(refs) > 1 {
			return usagef("--keycloak none says that a site has no Keycloak, but another is named besides: %s", strings.Join(refs, ", "))
		}
	}
	for _, site := range []xsite.Role{xsite.Primary, xsite.Secondary} {
		named := t.infinispan.of(site, func(s string) bool { return s != "" })
		if err := kube.CheckRefs(named, t.keycloaks(site)); err != nil {
			return err
		}
	}
	if t.port < 0 || t.port > 65535 {
		return usagef("--infinispan-port %d is not a valid port", t.port)
	}
	if !slices.Contains([]string{"", "http", "https"}, t.scheme) {
		return usagef("--infinispan-scheme %q is neither http nor https", t.scheme)
	}
	if t.transport != "" && !slices.Contains(transports(), t.transport) {
		return unknownValue("transport", t.transport, transports())
	}
	return nil
}

// transports lists the ways to the servers.
func transports() []string {
	names := make([]string, 0, len(kube.Transports()))
	for _, way := range kube.Transports() {
		names = append(names, string(way))
	}
	return names
}

// options gives what is needed to connect to one site.
func (t *targetFlags) options(site *siteFlags) kube.Options {
	text := func(s string) bool { return s != "" }
	return kube.Options{
		Getter:      site.config,
		ContextName: site.context(),
		Infinispan:  t.infinispan.of(site.role, text),
		Keycloaks:   t.keycloaks(site.role),
		Secret:      t.secret.of(site.role, text),
		SecretUser:  t.user,
		Port:        t.port,
		Scheme:      t.scheme,
		Transport:   kube.Transport(t.transport),
		UserAgent:   version.Get().UserAgent(),

		InsecureSkipTLSVerifyInfinispan: t.insecure,
	}
}

// keycloaks are the references to a site's Keycloaks; "none" alone says that it has none.
func (t *targetFlags) keycloaks(role xsite.Role) []string {
	return t.keycloak.of(role, func(refs []string) bool { return len(refs) > 0 })
}
