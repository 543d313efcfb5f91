package plugin

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// secretFlags are the ends of names of flags whose values must not be shown; the URL of a proxy may hold a password.
func secretFlags() []string { return []string{"token", "password", "proxy-url"} }

// commandLine gives a command with the flags that it was called with, for a message that tells to call it again; the values of
// secret flags are left out, and the flags named in without.
func commandLine(path string, flags *pflag.FlagSet, without ...string) string {
	return strings.Join(append([]string{path}, flagWords(flags, func(name string) string {
		if slices.Contains(without, name) {
			return ""
		}
		return name
	})...), " ")
}

// flagWords writes the flags that were given, each under the name that it has in the command it is for; empty leaves it out.
func flagWords(flags *pflag.FlagSet, named func(name string) string) []string {
	var words []string
	flags.VisitAll(func(flag *pflag.Flag) {
		name := named(flag.Name)
		if !flag.Changed || name == "" {
			return
		}
		for _, value := range flagValues(flag) {
			words = append(words, flagWord(flag, name, value))
		}
	})
	return words
}

// sister gives another command of the tool for the same sites: words, e.g. "abort --discard-journal 7f3a", with those flags of this
// command that the other has too. What belongs to one call only is left out.
func sister(root *cobra.Command, words string, flags *pflag.FlagSet, once ...string) string {
	without := append([]string{"dry-run", "lift", reportFlag}, once...)
	other, _, err := root.Find(strings.Fields(words))
	for _, name := range changedFlags(flags) {
		if err != nil || other.Flags().Lookup(name) == nil {
			without = append(without, name)
		}
	}
	return commandLine(root.CommandPath()+" "+words, flags, without...)
}

// flagValues gives each value of a flag that may be repeated, or its only one.
func flagValues(flag *pflag.Flag) []string {
	if slice, ok := flag.Value.(pflag.SliceValue); ok {
		return slice.GetSlice()
	}
	return []string{flag.Value.String()}
}

// flagWord writes a flag under a name, with its value as a shell takes it.
func flagWord(flag *pflag.Flag, name, value string) string {
	for _, secret := range secretFlags() {
		if flag.Name == secret || strings.HasSuffix(flag.Name, "-"+secret) {
			return "--" + name + "=..."
		}
	}
	if flag.Value.Type() == "bool" {
		if value == "true" {
			return "--" + name
		}
		return "--" + name + "=" + value
	}
	return "--" + name + " " + shellQuote(value)
}

// shellQuote quotes a word where a POSIX shell needs it.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,=", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// flagNames lists flags.
func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

// changedFlags lists the flags that were given.
func changedFlags(flags *pflag.FlagSet) []string {
	var names []string
	flags.Visit(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}
