package plugin

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// completionTimeout bounds how long a press of the tab key may wait for a cluster.
const completionTimeout = 3 * time.Second

// withCompletions registers the completion of those flags that the command has, by their names.
func withCompletions(cmd *cobra.Command, functions map[string]cobra.CompletionFunc) {
	for flag, function := range functions {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(flag, function); err != nil {
			panic(err) // one that was registered before; every test that builds the command would show it
		}
	}
}

// words completes one of a few words.
func words(candidates ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return startingWith(prefix, candidates), cobra.ShellCompDirectiveNoFileComp
	}
}

// listed completes the last word of a list with commas between, from candidates that are asked for once they are needed. A
// word that the list has is not offered again. What fails is silent: the word stays as it is.
func listed(candidates func(cmd *cobra.Command) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var has []string
		begun := prefix
		if comma := strings.LastIndex(prefix, ","); comma >= 0 {
			has, begun = strings.Split(prefix[:comma], ","), prefix[comma+1:]
		}
		var found []cobra.Completion
		for _, candidate := range startingWith(begun, candidates(cmd)) {
			if !slices.Contains(has, candidate) {
				found = append(found, strings.TrimSuffix(prefix, begun)+candidate)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// files completes the name of any file.
func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completions are those of one site's flags.
func (s *siteFlags) completions() map[string]cobra.CompletionFunc {
	functions := map[string]cobra.CompletionFunc{
		s.name("context"):   s.completeFrom(func(c *clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.Contexts)) }),
		s.name("cluster"):   s.completeFrom(func(c *clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.Clusters)) }),
		s.name("user"):      s.completeFrom(func(c *clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.AuthInfos)) }),
		s.name("namespace"): s.completeNamespaces,
	}
	for _, file := range []string{"kubeconfig", "cache-dir", "certificate-authority", "client-certificate", "client-key"} {
		functions[s.name(file)] = files
	}
	return functions
}

// completeFrom offers names of the site's own kubeconfig.
func (s *siteFlags) completeFrom(names func(*clientcmdapi.Config) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		config, err := s.config.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return startingWith(prefix, names(&config)), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNamespaces offers the namespaces of the site's cluster; where they cannot be listed, those that the contexts
// of its kubeconfig name.
func (s *siteFlags) completeNamespaces(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := s.listNamespaces(cmd.Context())
	if err != nil {
		names = s.contextNamespaces()
	}
	return startingWith(prefix, names), cobra.ShellCompDirectiveNoFileComp
}

// unattended has credential plugins run without standard input, as nobody can answer a question while a word is being
// completed, and no call wait long. One that must ask fails, and the word stays as it is.
func (s *siteFlags) unattended() {
	s.config.WrapConfigFn = func(config *rest.Config) *rest.Config {
		config.Timeout = completionTimeout
		if config.ExecProvider != nil {
			config.ExecProvider.StdinUnavailable = true
			config.ExecProvider.StdinUnavailableMessage = "a command line is being completed"
		}
		return config
	}
}

// listNamespaces asks the API server.
func (s *siteFlags) listNamespaces(ctx context.Context) ([]string, error) {
	s.unattended()
	config, err := s.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names, nil
}

// contextNamespaces lists the namespaces that contexts of the site's kubeconfig name, sorted.
func (s *siteFlags) contextNamespaces() []string {
	config, err := s.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil
	}
	var names []string
	for _, c := range config.Contexts {
		if c.Namespace != "" && !slices.Contains(names, c.Namespace) {
			names = append(names, c.Namespace)
		}
	}
	slices.Sort(names)
	return names
}

// startingWith selects the candidates with a prefix.
func startingWith(prefix string, candidates []string) []cobra.Completion {
	var found []cobra.Completion
	for _, candidate := range candidates {
		if strings.HasPrefix(candidate, prefix) {
			found = append(found, candidate)
		}
	}
	return found
}
