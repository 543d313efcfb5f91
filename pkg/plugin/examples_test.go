package plugin

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryExampleOfTheHelpIsUnderstood parses what users copy: a flag that was renamed, or an argument that is no longer taken,
// must not stay in an example.
func TestEveryExampleOfTheHelpIsUnderstood(t *testing.T) {
	count := 0
	visit(NewCommand(Deps{}), func(shown *cobra.Command) {
		for _, line := range exampleLines(shown.Example) {
			count++
			t.Run(line, func(t *testing.T) {
				if err := understood(line); err != nil {
					t.Error(err)
				}
			})
		}
	})
	if count < 20 {
		t.Errorf("%d examples were found", count)
	}
}

// understood parses a command line; nothing is done.
func understood(line string) error {
	cmd, rest, err := NewCommand(Deps{}).Find(shellWords(line)[2:])
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	return err
}

// visit calls act for a command and all below it.
func visit(cmd *cobra.Command, act func(*cobra.Command)) {
	act(cmd)
	for _, sub := range cmd.Commands() {
		visit(sub, act)
	}
}

// exampleLines gives the command lines of this plugin in an example, continued lines joined, up to a pipe or a redirection.
func exampleLines(example string) []string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(example, "\\\n", " ")) {
		line = strings.Join(strings.Fields(line), " ")
		if !strings.HasPrefix(line, displayName+" ") {
			continue
		}
		for _, end := range []string{" |", " >", " &&"} {
			line, _, _ = strings.Cut(line, end)
		}
		lines = append(lines, line)
	}
	return lines
}

// shellWords splits a command line at spaces outside of quotes.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote := rune(0)
	for _, c := range line + " " {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == 0 && c == ' ':
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(c)
		}
	}
	return words
}
