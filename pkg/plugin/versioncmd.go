package plugin

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
)

// versionOptions are what the command version was asked to do.
type versionOptions struct {
	streams genericiooptions.IOStreams
	output  string
}

// newVersionCommand makes the command that says which build this is.
func newVersionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &versionOptions{streams: streams}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Long:  "Show which build this is. No cluster is contacted.",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run()
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "json or yaml; a line of text otherwise.")
	cmd.SetHelpFunc(helpFunc(nil))
	return withCompletions(cmd, map[string]cobra.CompletionFunc{"output": words("json", "yaml")})
}

// validate judges the flags.
func (o *versionOptions) validate() error {
	switch o.output {
	case "", "json", "yaml":
		return nil
	default:
		return usagef("--output %q is neither json nor yaml", o.output)
	}
}

// run writes the build.
func (o *versionOptions) run() error {
	info := version.Get()
	text := fmt.Sprintf("%s (commit %s, %s, %s)\n", info.Version, info.Commit, info.Go, info.Platform)
	var err error
	var encoded []byte
	switch o.output {
	case "json":
		encoded, err = json.MarshalIndent(info, "", "  ")
		text = string(encoded) + "\n"
	case "yaml":
		encoded, err = yaml.Marshal(info)
		text = string(encoded)
	}
	if err != nil {
		return fmt.Errorf("encoding the version: %w", err)
	}
	if _, err := fmt.Fprint(o.streams.Out, text); err != nil {
		return fmt.Errorf("writing the version: %w", err)
	}
	return nil
}
