package plugin

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// newAbortCommand makes the command that goes back from an unfinished run.
func newAbortCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("abort", pflag.ContinueOnError)
	own.SortFlags = false
	discardSessions := own.Bool("discard-sessions", false,
		"Start Keycloak of the secondary although its caches were cleared and not filled again; its users log in again.")
	discardJournal := own.String("discard-journal", "",
		"Only remove the record of this run, which can neither be continued nor gone back from; nothing is put back.")
	return newSideCommand(deps, side{
		use:   "abort --primary-context NAME --secondary-context NAME",
		short: "Go back from a run that did not finish",
		long: `
			Go back from a run that did not finish: flags, state-transfer modes and the number of Keycloak
			instances are set to what they were before it, and the run is closed.

			What was cleared does not come back. Once the stale data of the secondary is gone, continuing the
			run is the better way: the command that began it does. To start Keycloak of the secondary on its
			empty or incomplete caches all the same takes --discard-sessions.

			The roles are those of the run; with the two contexts swapped it is refused.`,
		example: `
			# Show what would be put back
			kubectl ispn-resync abort --primary-context site-a --secondary-context site-b --dry-run

			# Put it back
			kubectl ispn-resync abort --primary-context site-a --secondary-context site-b

			# Remove a record that cannot be read, after looking at what is shown
			kubectl ispn-resync abort --primary-context site-a --secondary-context site-b --discard-journal 1f2e3d4c`,
		story:  "Going back from the recovery",
		shared: append(sharedFlags(), reportFlag),
		own:    own,
		validate: func() error {
			if err := refuseNoName(own, "discard-journal"); err != nil {
				return err
			}
			if *discardSessions && *discardJournal != "" {
				return usagef("--discard-sessions goes back from a run, --discard-journal only removes its record; give one of them")
			}
			return nil
		},
		object: func(ctx context.Context, o *sideOptions) (api.Object, error) {
			if *discardJournal != "" {
				report, err := o.deps.DiscardJournal(ctx, xsite.DiscardOptions{Options: o.engine, Agree: o.agree, RunID: *discardJournal})
				return o.undertaking(api.CommandDiscardJournal, report), err
			}
			report, err := o.deps.Abort(ctx, xsite.AbortOptions{Options: o.engine, Agree: o.agree, DiscardSessions: *discardSessions})
			return o.undertaking(api.CommandAbort, report), err
		},
	})
}
