package plugin

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/completer"
)

// The names of the executable, as kubectl and krew look for them, and as users call it.
const (
	binaryName  = "kubectl-ispn_resync"
	displayName = "kubectl ispn-resync"
)

// Execute runs the command line args (args[0] is the name the program was called by) and gives the exit code. Called as
// kubectl_complete-ispn_resync it answers kubectl's completion instead. What went wrong has been told on the error
// stream when it returns.
func Execute(ctx context.Context, deps Deps, args []string) ExitCode {
	cmd := NewCommand(deps) //nolint:contextcheck // completions take the context of the command, which ExecuteContext sets
	cmd.SetArgs(args[1:])
	if strings.TrimSuffix(filepath.Base(args[0]), ".exe") == completer.Name {
		cmd.SetArgs(append([]string{cobra.ShellCompRequestCmd}, args[1:]...))
	}
	executed, err := cmd.ExecuteContextC(ctx)
	if err != nil {
		writeFailure(deps, executed, err)
	}
	return CodeOf(err)
}

// NewCommand builds the command tree. It contacts nothing and reads no file.
func NewCommand(deps Deps) *cobra.Command {
	cmd := newResyncCommand(deps)
	cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: displayName}
	cmd.SilenceErrors = true
	cmd.SilenceUsage = true
	cmd.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	cmd.SetIn(deps.Streams.In)
	cmd.SetOut(deps.Streams.Out)
	cmd.SetErr(deps.Streams.ErrOut)
	cmd.SetFlagErrorFunc(flagMistake)
	addVerbosity(cmd)
	addGroup(cmd, "Commands that look", newCheckCommand(deps), newDiffCommand(deps), newHistoryCommand(deps), newStatusCommand(deps))
	addGroup(cmd, "Commands that change something", newAbortCommand(deps), newFenceCommand(deps), newPhaseCommand(deps))
	cmd.AddCommand(newRBACCommand(deps), newVersionCommand(deps))
	addCompletion(cmd, deps)
	cmd.SetHelpCommand(newHelpCommand())
	return cmd
}

// addGroup adds commands that the help lists under a title of their own.
func addGroup(cmd *cobra.Command, title string, commands ...*cobra.Command) {
	cmd.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, one := range commands {
		one.GroupID = title
	}
	cmd.AddCommand(commands...)
}

// noArguments refuses arguments; above all, a mistyped command must not start a recovery.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if dry := cmd.Flags().Lookup("dry-run"); dry != nil && dry.Changed && slices.Contains([]string{"client", "server", "none"}, args[0]) {
		return dryRunMistake(args[0])
	}
	if meant := meantCommands(cmd, args[0]); meant != "" {
		return usagef("unknown command %q; %s", args[0], meant)
	}
	return usagef("unknown argument %q; see %s --help", args[0], cmd.CommandPath())
}
