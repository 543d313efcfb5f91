package plugin

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// flagMistake turns what the parser says of a command line into a usage error, with the flag that was most likely meant.
func flagMistake(cmd *cobra.Command, err error) error {
	meant := ""
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if strings.Contains(unknown.GetSpecifiedName(), " ") {
			return usagef("%w\nthe shell passed several flags as one word: zsh and fish do not split what is in a variable; "+
				"write the flags out, or have them in an array", err)
		}
		if strings.HasPrefix(otherName(specified(unknown)), "secondary-") && cmd.Flags().Lookup("primary-context") != nil &&
			cmd.Flags().Lookup("secondary-context") == nil {
			return usagef("%w: %s contacts the primary only; leave it out", err, cmd.CommandPath())
		}
		if does := insteadOf(cmd, specified(unknown)); does != "" {
			return usagef("%w: %s\nsee %s --help", err, does, cmd.CommandPath())
		}
		if flags := meantFlags(unknown, cmd.Flags()); len(flags) > 0 {
			meant = "; did you mean --" + strings.Join(flags, " or --") + "?"
		}
		meant += foreignFlag(cmd, unknown)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if invalid.GetFlag().Name == "dry-run" {
			return dryRunMistake(invalid.GetValue())
		}
		err = badValue(invalid)
		if invalid.GetFlag().Name == verbosityFlag { // as of -verbose
			meant = "; " + tellMore()
		}
	}
	return usagef("%w%s\nsee %s --help", err, meant, cmd.CommandPath())
}

// dryRunMistake answers who gives --dry-run a value, as kubectl's own commands take it.
func dryRunMistake(value string) error {
	if value == "none" {
		return usagef("--dry-run=none: --dry-run takes no value; leave it out to have the work done")
	}
	return usagef("--dry-run=%s: --dry-run takes no value: it always reads both sites and changes nothing; write --dry-run alone", value)
}

// foreignFlag names the commands that a flag belongs to which is unknown where it was given; empty when no command has it.
func foreignFlag(cmd *cobra.Command, unknown *pflag.NotExistError) string {
	name := strings.ReplaceAll(unknown.GetSpecifiedName(), "_", "-")
	short := unknown.GetSpecifiedShortnames()
	var owners []string
	var walk func(one *cobra.Command)
	walk = func(one *cobra.Command) {
		flag := one.Flags().Lookup(name)
		if len(short) == 1 {
			flag = one.Flags().ShorthandLookup(short)
		}
		if flag != nil && !flag.Hidden && one != cmd {
			name = flag.Name
			owners = append(owners, one.CommandPath())
		}
		for _, sub := range one.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
	}
	walk(cmd.Root())
	if len(owners) == 0 {
		return ""
	}
	return "\n--" + name + " is a flag of " + strings.Join(owners, ", ")
}

// specified gives the name of an unknown flag as it was written: one dash too few makes a group of letters of a long name.
func specified(unknown *pflag.NotExistError) string {
	return cmp.Or(unknown.GetSpecifiedShortnames(), unknown.GetSpecifiedName())
}

// meantFlags gives the flag of a command that an unknown one most likely meant, or the two of both sites; none when none is near.
func meantFlags(unknown *pflag.NotExistError, flags *pflag.FlagSet) []string {
	name := specified(unknown)
	var names, bare []string
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden { // kubectl's own, which does not say which site it is for
			bare = append(bare, flag.Name)
		} else {
			names = append(names, flag.Name)
		}
	})
	if other := otherName(name); slices.Contains(names, other) {
		return []string{other}
	}
	if len(name) == 1 {
		return nil // every flag of few letters would be near
	}
	if near, ok := nearest(name, names); ok {
		return []string{near}
	}
	near, _ := nearest(name, bare)
	return slices.DeleteFunc([]string{"primary-" + near, "secondary-" + near}, func(flag string) bool { return !slices.Contains(names, flag) })
}

// otherName gives this tool's name of a flag that other tools, or Keycloak's guides, call otherwise; a name that it does
// not know comes back as it is.
func otherName(name string) string {
	switch name = strings.ReplaceAll(name, "_", "-"); name {
	case "y", "yes", "assume-yes", "auto-approve":
		return "confirm"
	case "plan", "what-if", "check", "dry", "simulate":
		return "dry-run"
	case "all", "A":
		return "all-caches"
	case "o", "format":
		return "output"
	case "w":
		return "watch"
	case "replicas", "instances":
		return "keycloak-instances"
	}
	for short, long := range map[string]string{"-ctx": "-context", "-ns": "-namespace", "-config": "-kubeconfig"} {
		if side, ok := strings.CutSuffix(name, short); ok {
			name = side + long
		}
	}
	for _, side := range []struct {
		role  xsite.Role
		words []string
	}{
		{xsite.Primary, []string{"primary", "active", "keep", "source", "src", "from"}},
		{xsite.Secondary, []string{"secondary", "passive", "stale", "offline", "discard", "destination", "dest", "dst", "target", "to"}},
	} {
		for _, word := range side.words {
			if name == word { // the site is known by its context
				return string(side.role) + "-context"
			}
			if rest, ok := strings.CutPrefix(name, word+"-"); ok {
				return string(side.role) + "-" + rest
			}
		}
	}
	return name
}

// unknownValue is the usage error for a flag whose value is none of those there are, with the nearest of them.
func unknownValue(flag, value string, there []string) error {
	if meant := meantValues(value, there); len(meant) > 0 {
		return usagef("--%s %q is not known; did you mean %s?", flag, value, strings.Join(meant, " or "))
	}
	return usagef("--%s %q is not known; there are: %s", flag, value, strings.Join(there, ", "))
}

// meantValues gives those of the values that begin with what was given, or else the nearest; none when none is near.
func meantValues(value string, there []string) []string {
	value = strings.ToLower(value)
	var meant []string
	for _, one := range there {
		if value != "" && strings.HasPrefix(one, value) {
			meant = append(meant, one)
		}
	}
	if near, ok := nearest(value, there); ok && len(meant) == 0 {
		meant = []string{near}
	}
	return meant
}

// nearest gives the candidate that a mistyped word most likely meant, and false when none is near enough.
func nearest(word string, candidates []string) (string, bool) {
	best, bestDistance := "", min(1+max(2, len(word)/3), len(word)) // of a word of two letters one has to be there
	for _, candidate := range candidates {
		if d := distance(word, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best, best != ""
}

// distance is the number of single-character insertions, removals and replacements between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			replace := previous[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(previous[j+1]+1, row[j]+1, replace)
		}
	}
	return row[len(b)]
}
