package plugin

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"
)

const (
	resyncLong = `
		Recover an out-of-sync secondary site of a two-site Keycloak.

		The primary holds the truth: its data is kept. The secondary fell out of sync: what its Infinispan
		caches hold is DISCARDED and replaced by the data of the primary. This is the whole of Keycloak's
		procedure "Recover from an out-of-sync passive site": Keycloak of the secondary is stopped, the
		sites stop backing up to each other, the caches of the secondary are cleared, the primary pushes
		its state, the contents of both sites are compared, the sites back up to each other again, and
		Keycloak is started with as many instances as before.

		Every check on both sites is made, and the plan is shown and confirmed, before anything is
		changed. Interrupted runs are continued by the same command.

		Keycloak's newer guides call the primary the active site, or the site to keep, and the secondary
		the offline, or stale, site. To switch back after a failover, reverse the roles: the site that
		served meanwhile is the primary, whatever it is called.`

	resyncExample = `
		# Run every check and show the plan; nothing is changed
		kubectl ispn-resync --primary-context site-a --secondary-context site-b --dry-run

		# Discard the data of site-b and replace it by that of site-a; asks for confirmation
		kubectl ispn-resync --primary-context site-a --secondary-context site-b

		# The same in a script: the name of the site whose data is discarded confirms it
		kubectl ispn-resync --primary-context site-a --secondary-context site-b --confirm site-b

		# Switch back: site-b served while site-a was away, so its data is kept and that of site-a discarded
		kubectl ispn-resync --primary-context site-b --secondary-context site-a

		# Two kubeconfig files, and other namespaces than those of the contexts
		kubectl ispn-resync --primary-kubeconfig a.yaml --primary-context admin --primary-namespace sso \
		--secondary-kubeconfig b.yaml --secondary-context admin --secondary-namespace sso`
)

// newResyncCommand makes the root command: the whole procedure.
func newResyncCommand(deps Deps) *cobra.Command {
	o := newResyncOptions(deps)
	cmd := &cobra.Command{
		Use:     binaryName + " --primary-context NAME --secondary-context NAME",
		Short:   "Recover an out-of-sync secondary site of a two-site Keycloak",
		Long:    templates.LongDesc(resyncLong),
		Example: templates.Examples(resyncExample),
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Complete(cmd); err != nil {
				return err
			}
			if err := o.Validate(); err != nil {
				return err
			}
			return o.Run(cmd.Context())
		},
	}
	o.addFlags(cmd)
	return cmd
}

// addFlags gives a command all flags of a recovery, with their help and completion.
func (o *resyncOptions) addFlags(cmd *cobra.Command) {
	for _, flags := range []*pflag.FlagSet{
		o.pair.primary.flags, o.pair.secondary.flags, o.pair.bare, o.target.flags, o.run.scope, o.run.safety, o.run.pace, o.output.flags,
	} {
		cmd.Flags().AddFlagSet(flags)
	}
	setHelp(cmd, []flagGroup{
		{title: "What is confirmed, and checks", flags: o.run.safety},
		{title: "What is recovered", flags: o.run.scope},
		{title: "Where things are", flags: o.target.flags},
		{title: "How contents are compared, pace and time limits", flags: o.run.pace},
		{title: "Output", flags: o.output.flags},
		{title: "Connection to the primary", flags: o.pair.primary.flags},
		{
			title: "Connection to the secondary",
			note:  "The same flags with --secondary- in the place of --primary-, e.g. --secondary-context.",
		},
	})
	withCompletions(cmd, o.completions())
}
