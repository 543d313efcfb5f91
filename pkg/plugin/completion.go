package plugin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// completionTimeout bounds how long a press of the tab key may wait for an API server.
const completionTimeout = 2 * time.Second

// withCompletions registers the completion of flags, by their names.
func withCompletions(cmd *cobra.Command, functions map[string]cobra.CompletionFunc) {
	for flag, function := range functions {
		if err := cmd.RegisterFlagCompletionFunc(flag, function); err != nil {
			panic(err) // a flag that this very package misspelt; every test that builds the command would show it
		}
	}
}

// words completes one of a few words.
func words(candidates ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return startingWith(prefix, candidates), cobra.ShellCompDirectiveNoFileComp
	}
}

// completions are those of one site's flags.
func (s *siteFlags) completions() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		s.name("context"):   s.completeContexts,
		s.name("namespace"): s.completeNamespaces,
	}
}

// completeContexts offers the contexts of the site's own kubeconfig.
func (s *siteFlags) completeContexts(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := s.contexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return startingWith(prefix, names), cobra.ShellCompDirectiveNoFileComp
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

// listNamespaces asks the API server. A credential plugin that would prompt is not started for a completion.
func (s *siteFlags) listNamespaces(ctx context.Context) ([]string, error) {
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
