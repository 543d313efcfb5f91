package plugin

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"
)

// helpColumns is how wide help is, whatever the terminal, so that it reads the same in documents.
const helpColumns = 90

// flagGroup is a part of a command's flags under a heading of the help.
type flagGroup struct {
	title string
	// note stands below the heading, in the place of flags that are not listed one by one.
	note  string
	flags *pflag.FlagSet
}

// setHelp makes the help of a command: in kubectl's style, with its flags under the headings of groups; without groups they
// stand under one heading. So do those of commands below it that have no help of their own.
func setHelp(owner *cobra.Command, groups []flagGroup) {
	owner.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		groups := groups
		if cmd != owner {
			groups = nil
		}
		var b strings.Builder
		for line := range strings.Lines(strings.TrimSpace(cmd.Long)) {
			if line = strings.TrimRight(line, " \n"); strings.HasPrefix(line, "\t") { // a command
				b.WriteString("    " + strings.TrimSpace(line) + "\n")
				continue
			}
			writeWrapped(&b, "", strings.TrimSpace(line), helpColumns)
		}
		b.WriteString("\n")
		fmt.Fprintf(&b, "Usage:\n  %s\n\n", cmd.UseLine())
		if cmd.HasExample() {
			b.WriteString("Examples:\n" + cmd.Example + "\n\n")
		}
		writeSubcommands(&b, cmd)
		if groups == nil {
			groups = []flagGroup{{title: "Options", flags: cmd.LocalNonPersistentFlags()}}
		}
		for _, group := range groups {
			writeFlagGroup(&b, group)
		}
		writeFlagGroup(&b, flagGroup{title: "Every command", flags: everyCommand(cmd)})
		if !cmd.HasParent() {
			writeExitCodes(&b)
		}
		if _, err := io.WriteString(cmd.OutOrStdout(), b.String()); err != nil {
			cmd.PrintErrln("writing the help:", err)
		}
	})
}

// newHelpCommand makes the command that shows the help of another one. Cobra's own answers a command that there is not with the
// help of the root, and says that all is well.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		Long:  "Show the help of a command, or of the recovery itself.",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, left, err := cmd.Root().Find(args)
			if err != nil {
				return usagef("%w", err)
			}
			if len(left) > 0 { // what the command itself would take, e.g. the name of a phase, is no mistake
				if err := about.ValidateArgs(left); err != nil {
					return err
				}
			}
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			about, left, err := cmd.Root().Find(args)
			if err != nil || len(left) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []cobra.Completion
			for _, sub := range about.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// everyCommand gives the flags that all commands have.
func everyCommand(cmd *cobra.Command) *pflag.FlagSet {
	return cmd.Root().PersistentFlags()
}

// writeSubcommands lists the commands below a command, those of no group at the end.
func writeSubcommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	for _, group := range append(slices.Clone(cmd.Groups()), &cobra.Group{Title: "Other commands"}) {
		b.WriteString(group.Title + ":\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.GroupID == group.ID {
				fmt.Fprintf(b, "  %s  %s\n", pad(sub.Name(), sub.NamePadding()), sub.Short)
			}
		}
		b.WriteString("\n")
	}
}

// writeFlagGroup writes the flags of a group as kubectl does.
func writeFlagGroup(b *strings.Builder, group flagGroup) {
	if group.note == "" && !anyListed(group.flags) {
		return
	}
	b.WriteString(group.title + ":\n")
	for _, line := range wrap(group.note, helpColumns-4) {
		if line != "" {
			b.WriteString("  " + line + "\n")
		}
	}
	if group.flags == nil {
		b.WriteString("\n")
		return
	}
	var flags strings.Builder
	printer := templates.NewHelpFlagPrinter(&flags, helpColumns)
	group.flags.VisitAll(func(flag *pflag.Flag) {
		if listedFlag(flag) {
			printer.PrintHelpFlag(flag)
		}
	})
	b.WriteString(strings.ReplaceAll(strings.TrimRight(flags.String(), "\n"), "\n\n", "\n") + "\n\n")
}

// listedFlag tells whether the help lists a flag.
func listedFlag(flag *pflag.Flag) bool { return !flag.Hidden && flag.Name != "help" }

// anyListed tells whether the help lists any of them.
func anyListed(flags *pflag.FlagSet) bool {
	found := false
	flags.VisitAll(func(flag *pflag.Flag) { found = found || listedFlag(flag) })
	return found
}

// writeExitCodes writes the table of exit codes.
func writeExitCodes(b *strings.Builder) {
	const indent = 4
	b.WriteString("Exit codes:\n")
	for _, code := range exitCodes() {
		for i, line := range wrap(code.Meaning, helpColumns-indent) {
			label := ""
			if i == 0 {
				label = fmt.Sprintf("  %d", code.Code)
			}
			b.WriteString(pad(label, indent) + " " + line + "\n")
		}
	}
}
