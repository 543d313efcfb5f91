package plugin

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCommandThatADocumentShowsIsUnderstood parses what users copy from the documents, as that of the help.
func TestEveryCommandThatADocumentShowsIsUnderstood(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range shownCommands(string(text)) {
			count++
			if strings.Contains(line, "--primary-contxt") { // which a document shows the answer to
				continue
			}
			if err := understood(line); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(document), line, err)
			}
		}
	}
	if count < 60 {
		t.Errorf("%d commands were found", count)
	}
}

// shownCommands gives the command lines of this plugin that a page shows: in blocks, where they are typed, and within a line of
// text. What stands in for something, as a variable or a name in capitals, is put in.
func shownCommands(page string) []string {
	page = strings.NewReplacer(`"${A[@]}"`, strings.TrimSpace(examplePair), "$P", "site-a", `"$role"`, "primary", " NAME", " stop", "\\\n", " ").Replace(page)
	var found []string
	add := func(text string) {
		if at := strings.Index(text, displayName); at >= 0 {
			found = append(found, upToItsEnd(text[at:]))
		}
	}
	const fence = "```"
	for i, part := range strings.Split(page, fence) {
		kind, block, _ := strings.Cut(part, "\n")
		switch {
		case i%2 == 0:
			for _, code := range regexp.MustCompile("`[^`\n]+`").FindAllString(part, -1) {
				if code = strings.Trim(code, "`"); strings.HasPrefix(code, displayName) {
					add(code)
				}
			}
		case kind == "console":
			for _, typed := range strings.Split("\n"+block, "\n$ ")[1:] {
				add(typed)
			}
		case kind == "sh":
			for line := range strings.Lines(block) {
				add(line)
			}
		}
	}
	return found
}

// upToItsEnd cuts a command off where its line, or its part of the line, ends outside of quotes.
func upToItsEnd(text string) string {
	quote := rune(0)
	for i, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case strings.ContainsRune("\n|<>&#;", c) || strings.HasPrefix(text[i:], "2>"):
			return strings.TrimSpace(text[:i])
		}
	}
	return strings.TrimSpace(text)
}
