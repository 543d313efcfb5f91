package plugin

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// cliDocs is where the pages of the commands lie.
const cliDocs = "../../docs/cli"

// TestThePagesOfTheCommandsSayWhatTheirHelpSays compares docs/cli with the help of every command; -update writes it.
func TestThePagesOfTheCommandsSayWhatTheirHelpSays(t *testing.T) {
	pages := map[string]string{}
	var out bytes.Buffer
	root := NewCommand(Deps{Streams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &out, ErrOut: &out}, Terminal: fakeTerminal{}})
	addPages(root, &out, pages)
	pages["README.md"] = indexPage(root)
	if flag.Lookup("update").Value.String() == "true" {
		writePages(t, pages)
		return
	}
	files, err := filepath.Glob(filepath.Join(cliDocs, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(pages) {
		t.Errorf("%d pages for %d commands and an index; run go test ./pkg/plugin -update", len(files), len(pages)-1)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(cliDocs, name))
		if err != nil {
			t.Errorf("%v; run go test ./pkg/plugin -update", err)
			continue
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("%s is not what the help says; run go test ./pkg/plugin -update (-page +help):\n%s", name, diff)
		}
	}
}

// writePages writes all pages, and removes those of commands that are gone.
func writePages(t *testing.T, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(cliDocs); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cliDocs, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(cliDocs, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pageOf names the page of a command.
func pageOf(cmd *cobra.Command) string {
	return strings.ReplaceAll(strings.TrimPrefix(cmd.CommandPath(), "kubectl "), " ", "_") + ".md"
}

// addPages makes the page of a command and of those below it.
func addPages(cmd *cobra.Command, out *bytes.Buffer, pages map[string]string) {
	out.Reset()
	cmd.HelpFunc()(cmd, nil)
	pages[pageOf(cmd)] = "# " + cmd.CommandPath() + "\n\n" + markdown(out.String())
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			addPages(sub, out, pages)
		}
	}
}

// indexPage lists all commands.
func indexPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade of the help of each command.\n\n| command | what it does |\n|---|---|\n")
	var row func(cmd *cobra.Command)
	row = func(cmd *cobra.Command) {
		b.WriteString("| [" + cmd.CommandPath() + "](" + pageOf(cmd) + ") | " + cmd.Short + " |\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				row(sub)
			}
		}
	}
	row(root)
	return b.String()
}

var (
	sectionTitle = regexp.MustCompile(`^([A-Z][^:]*):$`)
	flagTitle    = regexp.MustCompile(`^ {4}(-.*):$`)
)

// markdown lays out a help text: its first paragraphs as they are, then a heading for each section; flags become a list, what is
// indented a block, and sentences stay what they are.
func markdown(help string) string {
	var b strings.Builder
	var block []string
	flags := false
	end := func() {
		text := strings.TrimRight(strings.Trim(strings.Join(block, "\n"), "\n"), " ")
		block = nil
		switch {
		case text == "":
		case flags:
			b.WriteString(strings.ReplaceAll(text, " \n", "\n") + "\n\n")
		default:
			b.WriteString("```text\n" + dedent(text) + "\n```\n\n")
		}
		flags = false
	}
	intro, said := true, false
	for line := range strings.Lines(help) {
		line = strings.TrimRight(line, " \n")
		if m := sectionTitle.FindStringSubmatch(line); m != nil {
			if said {
				b.WriteString("\n")
			}
			end()
			intro, said = false, false
			b.WriteString("## " + m[1] + "\n\n")
			continue
		}
		switch m := flagTitle.FindStringSubmatch(line); {
		case intro:
			b.WriteString(line + "\n")
		case m != nil:
			if !flags {
				end()
			}
			flags = true
			block = append(block, "- `"+m[1]+"`")
		case flags:
			block[len(block)-1] += " " + strings.TrimSpace(line)
		case line != "" && !strings.HasPrefix(line, " "):
			end()
			b.WriteString(sentence(line))
			said = true
		default:
			if said { // the paragraph is over
				b.WriteString("\n")
				said = false
			}
			block = append(block, line)
		}
	}
	if said {
		b.WriteString("\n")
	}
	end()
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// sentence is a line of a section that is none of its commands; cobra writes headings into some.
func sentence(line string) string {
	if heading, ok := strings.CutPrefix(line, "#### "); ok {
		line = "### " + strings.TrimSuffix(heading, ":")
	}
	return line + "\n"
}

// dedent takes from every line the blanks that the first one begins with.
func dedent(text string) string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	return strings.TrimPrefix(strings.ReplaceAll(text, "\n"+indent, "\n"), indent)
}

func TestASentenceBelowAHeadingOfAPageStandsInNoBlock(t *testing.T) {
	help := "Intro.\n\nOnce:\n\n    a command\n    another\n\nTo load it always, add\nthis.\n\nEver:\n\n#### Linux:\n\n  a command\n"
	want := "Intro.\n\n## Once\n\n```text\na command\nanother\n```\n\nTo load it always, add\nthis.\n\n## Ever\n\n### Linux\n\n```text\na command\n```\n"
	if diff := cmp.Diff(want, markdown(help)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
