package plugin

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// otherCommand is what a word stands for that is no command.
type otherCommand struct {
	// words are the command; none for the recovery.
	words string
	// does says what it does, where that is not plain.
	does string
}

// otherCommands gives what does the work of a command that other tools have, or that is named like a phase; none for a word
// that it does not know.
func otherCommands(word string) []otherCommand {
	recovery := otherCommand{does: "the whole recovery; it also continues a run that did not finish"}
	switch word = strings.ToLower(word); word {
	case "plan", "simulate", "dry", "dry-run", "dryrun", "what-if":
		return []otherCommand{{words: "--dry-run"}}
	case "run", "recover", "recovery", "resync", "sync", "repair", "fix", "heal", "resume", "continue", "retry":
		return []otherCommand{recovery}
	case string(xsite.PhaseStart):
		return []otherCommand{{words: "phase " + word, does: "the last phase, which starts Keycloak of the secondary"}, recovery}
	case "preflight", "doctor", "validate":
		return []otherCommand{{words: "check"}}
	case "undo", "rollback", "revert", "cancel":
		return []otherCommand{{words: "abort"}}
	case "runs", "log", "logs", "list", "report":
		return []otherCommand{{words: "history"}}
	case "compare":
		return []otherCommand{{words: "diff"}}
	case "watch", "monitor":
		return []otherCommand{{words: "status --watch"}}
	case "permissions", "roles", "auth":
		return []otherCommand{{words: "rbac"}}
	case "lift", "unfence":
		return []otherCommand{{words: "fence --lift"}}
	case "prune", "clean", "cleanup":
		return []otherCommand{{words: "history prune"}}
	case "take-offline":
		return []otherCommand{{words: "phase offline"}}
	case "bring-online":
		return []otherCommand{{words: "phase online"}}
	case "push-state", "transfer":
		return []otherCommand{{words: "phase push"}}
	}
	if slices.Contains(phaseNames(), word) {
		return []otherCommand{{words: "phase " + word}}
	}
	return nil
}

// with writes the command with the flags that were given to another, as far as it takes them. --confirm is left out: that another
// command was meant than the one that was confirmed is for its question.
func (o otherCommand) with(cmd *cobra.Command) string {
	root := cmd.Root()
	without := []string{"confirm"}
	for word := range strings.FieldsSeq(o.words) {
		without = append(without, strings.TrimPrefix(word, "--"))
	}
	target, _, err := root.Find(strings.Fields(o.words))
	for _, name := range changedFlags(cmd.Flags()) {
		if err != nil || target.Flags().Lookup(name) == nil {
			without = append(without, name)
		}
	}
	line := commandLine(strings.TrimSuffix(root.CommandPath()+" "+o.words, " "), cmd.Flags(), without...)
	if o.words == "" && line == root.CommandPath() {
		line += " without a command"
	}
	if target == root && !cmd.Flags().Changed("primary-context") {
		line += ", with the contexts of both sites"
	}
	return line
}

// meantCommands says which commands a word was most likely meant for, one on a line; empty when none is near. cmd is the command
// that the word was given to.
func meantCommands(cmd *cobra.Command, word string) string {
	if !cmd.HasParent() {
		if others := otherCommands(word); len(others) > 0 {
			var lines []string
			for _, other := range others {
				line := other.with(cmd)
				if other.does != "" {
					line += ": " + other.does
				}
				lines = append(lines, line)
			}
			return "you probably want " + strings.Join(lines, "\nor ")
		}
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if !cmd.HasParent() {
		names = append(names, phaseNames()...)
	}
	near := meantValues(word, names)
	if word = strings.ToLower(word); (word == "pwsh" || word == "ps1") && slices.Contains(names, "powershell") {
		near = []string{"powershell"}
	}
	var meant []string
	for _, name := range near {
		if !cmd.HasParent() && slices.Contains(phaseNames(), name) {
			name = "phase " + name
		}
		meant = append(meant, cmd.CommandPath()+" "+name)
	}
	if len(meant) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(meant, " or ") + "?"
}
