package plugin

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// siteFlags are kubectl's connection flags for one site: the whole set under the site's prefix, without shorthands.
// The two sites share no pointer, so that neither can fall back to the settings of the other.
type siteFlags struct {
	role   xsite.Role
	config *genericclioptions.ConfigFlags
	flags  *pflag.FlagSet
	// tried says that it was tried before to connect to the site.
	tried bool
}

// newSiteFlags makes the flags of one site.
func newSiteFlags(role xsite.Role) *siteFlags {
	s := &siteFlags{
		role:   role,
		config: genericclioptions.NewConfigFlags(true),
		flags:  pflag.NewFlagSet(string(role), pflag.ContinueOnError),
	}
	s.config.WrapConfigFn = func(config *rest.Config) *rest.Config { // discovery too, whose client kubectl's flags make
		config.UserAgent = version.Get().UserAgent()
		return config
	}
	own := pflag.NewFlagSet("kubectl", pflag.ContinueOnError)
	s.config.AddFlags(own)
	own.VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "cache-dir" {
			flag.DefValue = "" // the default is below the home directory, which is nobody's business in a help text
		}
		flag.Name = s.name(flag.Name)
		flag.Shorthand = ""
		s.flags.AddFlag(flag)
	})
	return s
}

// name gives the site's form of a flag of kubectl's.
func (s *siteFlags) name(flag string) string { return string(s.role) + "-" + flag }

// context gives the name of the kubeconfig context.
func (s *siteFlags) context() string { return *s.config.Context }

// kubectl gives the call of kubectl for the site, with the same connection.
func (s *siteFlags) kubectl(words string) string {
	own := func(name string) string { return strings.TrimPrefix(name, s.name("")) }
	return strings.Join(append(append([]string{"kubectl"}, flagWords(s.flags, own)...), words), " ")
}

// validate judges the flags of one site without contacting it. An error shows an example of the same command: another one, the
// recovery at worst, would do what nobody asked for.
//
// The context of the other site, if there is one, is never what was meant: the site to keep would be offered as the one to discard.
func (s *siteFlags) validate(example string, other ...*siteFlags) error {
	if s.context() == "" {
		return usagef("--%s is required: name the kubeconfig context of the %s site, e.g.\n  %s", s.name("context"), s.role, example)
	}
	if limit := *s.config.Timeout; limit != "" { // a text to kubectl's flags, so that only who uses it finds it wrong
		if _, err := clientcmd.ParseTimeout(limit); err != nil {
			return wrongDuration("--"+s.name("request-timeout"), limit)
		}
	}
	config, err := s.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		given := ""
		if s.flags.Changed(s.name("kubeconfig")) {
			given = ", given with --" + s.name("kubeconfig")
		}
		return usagef("reading the kubeconfig of the %s%s: %w", s.role, given, err)
	}
	contexts := slices.Sorted(maps.Keys(config.Contexts))
	meant := slices.DeleteFunc(slices.Clone(contexts), func(name string) bool {
		return slices.ContainsFunc(other, func(o *siteFlags) bool { return o.context() == name })
	})
	return cmp.Or(
		s.inKubeconfig("context", s.context(), contexts, meant),
		s.inKubeconfig("cluster", *s.config.ClusterName, slices.Sorted(maps.Keys(config.Clusters)), nil),
		s.inKubeconfig("user", *s.config.AuthInfoName, slices.Sorted(maps.Keys(config.AuthInfos)), nil),
	)
}

// inKubeconfig judges a flag that names something of the kubeconfig, where it was given. Of the names that are there, the
// nearest of those that may be meant is offered; nil for all.
func (s *siteFlags) inKubeconfig(flag, name string, there, meant []string) error {
	if name == "" || slices.Contains(there, name) {
		return nil
	}
	if meant == nil {
		meant = there
	}
	hint := "; there are: " + strings.Join(there, ", ")
	if len(there) == 0 {
		hint = "; there is none at all in " + s.kubeconfigFiles() + ", see --" + s.name("kubeconfig")
	} else if near, ok := nearest(name, meant); ok {
		hint = "; did you mean " + near + "?"
	}
	return usagef("--%s: the kubeconfig has no %s %q%s", s.name(flag), flag, name, hint)
}

// kubeconfigFiles names the files that contexts are read from, and says which of them are missing.
func (s *siteFlags) kubeconfigFiles() string {
	access := s.config.ToRawKubeConfigLoader().ConfigAccess()
	files := access.GetLoadingPrecedence()
	if access.IsExplicitFile() {
		files = []string{access.GetExplicitFile()}
	}
	var told []string
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			file += " (which cannot be read)"
		}
		told = append(told, file)
	}
	return strings.Join(told, ", ")
}

// sameAs says whether two sites' flags lead to the same context of the same kubeconfig, at the same server.
func (s *siteFlags) sameAs(other *siteFlags) bool {
	kubeconfig := func(f *siteFlags) string {
		if *f.config.KubeConfig == "" {
			return ""
		}
		return filepath.Clean(*f.config.KubeConfig)
	}
	return s.context() == other.context() && kubeconfig(s) == kubeconfig(other) &&
		*s.config.ClusterName == *other.config.ClusterName && *s.config.APIServer == *other.config.APIServer
}

// mayPrompt says whether connecting may ask the user for something: a credential plugin can.
func (s *siteFlags) mayPrompt() bool {
	config, err := s.config.ToRESTConfig()
	return err != nil || config.ExecProvider != nil || config.AuthProvider != nil
}

// pairFlags are the connection flags of both sites, and the bare ones, which are refused.
type pairFlags struct {
	primary, secondary *siteFlags
	bare               *pflag.FlagSet
}

// newPairFlags makes the flags of both sites.
func newPairFlags() *pairFlags {
	p := &pairFlags{
		primary:   newSiteFlags(xsite.Primary),
		secondary: newSiteFlags(xsite.Secondary),
		bare:      pflag.NewFlagSet("bare", pflag.ContinueOnError),
	}
	// kubectl's own names are parsed, so that what is said about them is ours, and their values go nowhere.
	genericclioptions.NewConfigFlags(false).AddFlags(p.bare)
	p.bare.VisitAll(func(flag *pflag.Flag) { flag.Hidden = true })
	return p
}

// Contexts as they stand in examples.
const (
	examplePrimary = " --primary-context site-a"
	examplePair    = examplePrimary + " --secondary-context site-b"
)

// validate judges the flags that a command has of both sites without contacting either.
func (p *pairFlags) validate(command string) error {
	if err := p.refuseBare(p.primary, p.secondary); err != nil {
		return err
	}
	for _, site := range []*siteFlags{p.primary, p.secondary} {
		if err := site.validate(command+examplePair, p.primary, p.secondary); err != nil {
			return err
		}
	}
	if p.primary.sameAs(p.secondary) {
		return usagef("both sites are context %q: the site whose data is discarded would be the one whose data is kept; "+
			"name two contexts (for two namespaces of one cluster, make a context for each)", p.primary.context())
	}
	return nil
}

// validatePrimary judges the flags of a command that works on the primary only.
func (p *pairFlags) validatePrimary(command string) error {
	if err := p.refuseBare(p.primary); err != nil {
		return err
	}
	return p.primary.validate(command + examplePrimary)
}

// name names the pair, for objects that are about both sites.
func (p *pairFlags) name() string { return p.primary.context() + "." + p.secondary.context() }

// validateGiven judges the flags of those sites whose context is given.
func (p *pairFlags) validateGiven(command string) error {
	if err := p.refuseBare(p.primary, p.secondary); err != nil {
		return err
	}
	for _, site := range []*siteFlags{p.primary, p.secondary} {
		if site.context() == "" {
			continue
		}
		if err := site.validate(command+examplePair, p.primary, p.secondary); err != nil {
			return err
		}
	}
	return nil
}

// mayPrompt says whether connecting to either of the given sites may ask the user for something.
func (p *pairFlags) mayPrompt() bool {
	return slices.ContainsFunc([]*siteFlags{p.primary, p.secondary}, func(s *siteFlags) bool { return s.context() != "" && s.mayPrompt() })
}

// refuseBare names what to use in the place of a flag that would be meant for which of the two sites?
func (p *pairFlags) refuseBare(sites ...*siteFlags) error {
	var refused error
	p.bare.VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed || refused != nil {
			return
		}
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", " + name
		}
		var own []string
		for _, site := range sites {
			own = append(own, "--"+site.name(flag.Name))
		}
		refused = usagef("%s does not say which of the two sites it is for: use %s", name, strings.Join(own, " and "))
	})
	return refused
}
