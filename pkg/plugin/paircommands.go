package plugin

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// pairCommands writes commands for the pair that a command was given, with all that it was told about where things are.
type pairCommands struct {
	pair   *pairFlags
	target *targetFlags
}

// both writes a command that works on both sites; swapped is for a run whose roles are the other way round.
func (c pairCommands) both(command string, swapped bool) string {
	return c.write(command, swapped, roleNames(swapped))
}

// primary writes a command that works on the primary only; swapped makes the secondary that.
func (c pairCommands) primary(command string, swapped bool) string {
	named := roleNames(swapped)
	return c.write(command, swapped, func(name string) string {
		if name = named(name); strings.HasPrefix(name, "secondary-") {
			return ""
		}
		return name
	})
}

// write writes a command with the flags under the names that they have in it, those of its primary first.
func (c pairCommands) write(command string, swapped bool, named func(name string) string) string {
	words, first, second := []string{command}, c.pair.primary, c.pair.secondary
	if swapped {
		first, second = second, first
	}
	for _, set := range []*pflag.FlagSet{first.flags, second.flags, c.target.flags} {
		words = append(words, flagWords(set, named)...)
	}
	return strings.Join(words, " ")
}

// pods writes the command of kubectl's own that lists the pods of a site; the namespace is for a context without one.
func (c pairCommands) pods(role xsite.Role, namespace string) string {
	site := c.pair.primary
	if role == xsite.Secondary {
		site = c.pair.secondary
	}
	if namespace != "" && !site.flags.Changed(site.name("namespace")) {
		return site.kubectl("--namespace " + shellQuote(namespace) + " get pods")
	}
	return site.kubectl("get pods")
}

// roleNames gives the names of flags; swapped, those that say for the other site what they say for one.
func roleNames(swapped bool) func(name string) string {
	return func(name string) string {
		primary, secondary := "primary-", "secondary-"
		switch {
		case swapped && strings.HasPrefix(name, primary):
			return secondary + strings.TrimPrefix(name, primary)
		case swapped && strings.HasPrefix(name, secondary):
			return primary + strings.TrimPrefix(name, secondary)
		default:
			return name
		}
	}
}
