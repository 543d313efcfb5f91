package plugin

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
)

// newVersionCommand makes the command that says which build this is.
func newVersionCommand(deps Deps) *cobra.Command {
	output := newOutputFlags()
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Long:  "Show which build this is. No cluster is contacted.",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := output.validate(); err != nil {
				return err
			}
			return output.write(deps.Streams.Out, versionObject(version.Get()), viewOf(screenOf(deps, deps.Streams.Out)))
		},
	}
	cmd.Flags().AddFlagSet(output.flags)
	setHelp(cmd, []flagGroup{{title: "Output", flags: output.flags}})
	return withCompletions(cmd, output.completions())
}

// versionText says which build this is, in a line.
func versionText(v *api.Version) string {
	return fmt.Sprintf("%s (commit %s, %s, %s)\n",
		printable(v.Client.Version), printable(v.Client.Commit), printable(v.Client.GoVersion), printable(v.Client.Platform))
}
