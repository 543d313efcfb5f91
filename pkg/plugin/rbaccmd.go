package plugin

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// newRBACCommand makes the command that prints the Roles for the users of both sites.
func newRBACCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("rbac", pflag.ContinueOnError)
	own.SortFlags = false
	noOptional := own.Bool("no-optional", false, "Leave out what a run can do without.")
	var only string
	own.StringVar(&only, "only", "", "primary or secondary: print the Roles of this site only.")
	cmd := newSideCommand(deps, side{
		use:   "rbac --primary-context NAME --secondary-context NAME",
		short: "Print the least Roles that a recovery needs",
		long: `
			Print for each site the least Role with which a user can run the recovery, as YAML. Where Keycloak
			is in another namespace than Infinispan it is one Role for each.

			Both clusters are read to find the names of the objects, so this is for an administrator. The
			Roles are for the options given: what is named with --infinispan or --keycloak needs no right to
			list, --no-primary-lease none on leases of the primary, and --transport exec one on pods/exec in the
			place of pods/portforward. Nothing is changed.`,
		example: `
			# Look at the Roles of both sites
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b

			# The Roles of a user who reaches the servers by exec
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b --transport exec

			# Make those of the secondary
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b --only secondary |
			kubectl --context site-b apply -f -`,
		shared: []string{"no-primary-lease"},
		own:    own,
		validate: func() error {
			if only != "" && only != string(xsite.Primary) && only != string(xsite.Secondary) {
				return usagef("--only %q is neither primary nor secondary", only)
			}
			return nil
		},
		do: func(_ context.Context, o *sideOptions) (string, error) {
			var b strings.Builder
			for _, site := range o.sites {
				if only != "" && only != string(site.role) {
					continue
				}
				text, err := site.Roles(site.role, !*noOptional)
				if err != nil {
					return "", err
				}
				fmt.Fprintf(&b, "# %s, context %s\n%s", site.role, printable(site.context), text)
			}
			return b.String(), nil
		},
	})
	withCompletions(cmd, map[string]cobra.CompletionFunc{"only": words(string(xsite.Primary), string(xsite.Secondary))})
	return cmd
}
