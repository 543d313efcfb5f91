package plugin

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// cachesAskedAtOnce is how many caches one server is asked about at the same time for a completion.
const cachesAskedAtOnce = 8

// completions are those of all flags that a command can have in common with the recovery.
func (o *resyncOptions) completions() map[string]cobra.CompletionFunc {
	all := map[string]cobra.CompletionFunc{
		"infinispan-scheme": words("http", "https"),
		"transport":         words(transports()...),
		"verify":            words(verifications()...),
		"accept":            listed(func(*cobra.Command) []string { return signNames() }),
		reportFlag:          completeReport,
		"cache":             listed(o.cacheNames),
		"discard-journal":   o.completeRuns,
	}
	for _, s := range []struct {
		prefix string
		site   func() *siteFlags
	}{{"", o.givenSite}, {"primary-", func() *siteFlags { return o.pair.primary }}, {"secondary-", func() *siteFlags { return o.pair.secondary }}} {
		all[s.prefix+"infinispan"] = o.completeResources(s.site, o.deps.Infinispans)
		all[s.prefix+"keycloak"] = o.completeResources(s.site, o.deps.Keycloaks)
	}
	maps.Copy(all, o.output.completions())
	maps.Copy(all, o.pair.primary.completions())
	maps.Copy(all, o.pair.secondary.completions())
	return all
}

// givenSite is the first of the sites whose context is given: a flag for both sites is completed by what one has.
func (o *resyncOptions) givenSite() *siteFlags {
	if o.pair.primary.context() == "" {
		return o.pair.secondary
	}
	return o.pair.primary
}

// completeResources offers resources of a site's namespace.
func (o *resyncOptions) completeResources(site func() *siteFlags, list Lister) cobra.CompletionFunc {
	return listed(func(cmd *cobra.Command) []string {
		flags := site()
		if flags.context() == "" || list == nil {
			return nil
		}
		flags.unattended()
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		return inTime(ctx, func() []string {
			refs, err := list(ctx, o.target.options(flags))
			if err != nil {
				return nil
			}
			return refs
		})
	})
}

// inTime gives what a function does, or nothing when the context ends first; client-go's discovery knows no context.
func inTime(ctx context.Context, do func() []string) []string {
	done := make(chan []string, 1)
	go func() { done <- do() }()
	select {
	case names := <-done:
		return names
	case <-ctx.Done():
		return nil
	}
}

// look connects to a site for a completion; nil when that cannot be done in time, or without asking somebody something.
func (o *resyncOptions) look(ctx context.Context, flags *siteFlags) Site {
	if flags.context() == "" {
		return nil
	}
	flags.unattended()
	site, err := o.connectOne(ctx, flags)
	if err != nil {
		return nil
	}
	return site
}

// quietly has nothing written but completions, and a site connected to with no more rights than those to look.
func (o *resyncOptions) quietly() {
	o.deps.Streams.ErrOut = io.Discard
	o.lookOnly = true
}

// cacheNames lists the caches of the primary that back up to another site, less Infinispan's own, sorted.
func (o *resyncOptions) cacheNames(cmd *cobra.Command) []string {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	o.quietly()
	primary := o.look(ctx, o.pair.primary)
	if primary == nil {
		return nil
	}
	defer primary.Close()
	pods, err := primary.Pods(ctx)
	if err != nil || len(pods) == 0 {
		return nil
	}
	node, err := primary.Node(ctx, pods[0])
	if err != nil {
		return nil
	}
	names, err := node.CacheNames(ctx)
	if err != nil {
		return nil
	}
	var mu sync.Mutex
	var found []string
	var all errgroup.Group
	all.SetLimit(cachesAskedAtOnce)
	for _, name := range names {
		all.Go(func() error {
			// One that does not say is offered: the run itself tells whether it is one to name.
			if sites, err := node.BackupSites(ctx, name); err == nil && len(sites) == 0 || printable(name) != name {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			found = append(found, name)
			return nil
		})
	}
	_ = all.Wait() // none fails
	slices.Sort(found)
	return found
}

// completeRuns offers the runs of which a record lies in either cluster, with what became of them.
func (o *resyncOptions) completeRuns(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	o.quietly()
	var primary, secondary Site
	var both sync.WaitGroup
	both.Go(func() { primary = o.look(ctx, o.pair.primary) })
	both.Go(func() { secondary = o.look(ctx, o.pair.secondary) })
	both.Wait()
	if primary != nil {
		defer primary.Close()
	}
	if secondary != nil {
		defer secondary.Close()
	}
	if primary == nil || secondary == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	runs, err := xsite.History(ctx, primary, secondary)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var found []cobra.Completion
	for _, run := range historyObject(runs, "").Runs {
		if strings.HasPrefix(run.RunID, prefix) && printable(run.RunID) == run.RunID {
			about := printable(strings.TrimSpace(stamp(run.Started) + " " + run.Who + " " + run.End))
			found = append(found, cobra.CompletionWithDesc(run.RunID, about))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
