package plugin

import (
	"strconv"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// sideBySide is the width from which on the two sites stand beside each other.
const sideBySide = 72

// Colours of the headings; they are laid on after everything was measured.
const (
	green = "\x1b[1;32m"
	red   = "\x1b[1;31m"
	plain = "\x1b[0m"
)

// boxSide is one site in the box.
type boxSide struct {
	title, colour string
	fields        [][2]string
}

// boxSides gives what the box says about both sites.
func boxSides(plan xsite.Plan) (kept, discarded boxSide) {
	side := func(title, colour string, site xsite.SitePlan) boxSide {
		wanted := 0
		for i := range site.Keycloaks {
			wanted += site.Keycloaks[i].Instances
		}
		keycloak := "none"
		if len(site.Keycloaks) > 0 {
			keycloak = strconv.Itoa(site.ReadyKeycloakPods) + " of " + plural(wanted, "pod") + " ready"
		}
		return boxSide{title: title, colour: colour, fields: [][2]string{
			{"site", site.Name},
			{"context", site.Place.Context},
			{"server", site.Place.Server},
			{"namespace", site.Place.Namespace},
			{"resource", site.Place.Infinispan},
			{"version", site.Version},
			{"entries", count(site.Entries)},
			{"keycloak", keycloak},
		}}
	}
	return side("DATA KEPT (primary)", green, plan.Primary), side("DATA DISCARDED (secondary)", red, plan.Secondary)
}

// lines gives the site's fields as lines of a width; long values are broken, never cut.
func (s boxSide) lines(field [2]string, columns int) []string {
	const label = 10
	var lines []string
	for i, part := range wrap(printable(field[1]), columns-label) {
		name := field[0]
		if i > 0 {
			name = ""
		}
		lines = append(lines, pad(pad(name, label)+part, columns))
	}
	return lines
}

// heading gives the site's title, filled up to a width.
func (s boxSide) heading(columns int, colour bool) string {
	if !colour {
		return pad(s.title, columns)
	}
	return s.colour + s.title + plain + strings.Repeat(" ", max(columns-width(s.title), 0))
}

// writeBox draws both sites beside each other, or below each other where there is no room.
func writeBox(b *strings.Builder, plan xsite.Plan, view planView) {
	kept, discarded := boxSides(plan)
	if view.columns < sideBySide {
		writeStacked(b, kept, view)
		writeStacked(b, discarded, view)
		return
	}
	inner := (view.columns - len("|  |  |")) / 2
	rule := strings.Repeat("-", inner+2)
	rule = "+" + rule + "+" + rule + "+\n"
	row := func(left, right string) { b.WriteString("| " + left + " | " + right + " |\n") }
	b.WriteString(rule)
	row(kept.heading(inner, view.colour), discarded.heading(inner, view.colour))
	b.WriteString(rule)
	for i := range kept.fields {
		left, right := kept.lines(kept.fields[i], inner), discarded.lines(discarded.fields[i], inner)
		for j := range max(len(left), len(right)) {
			row(lineOr(left, j, inner), lineOr(right, j, inner))
		}
	}
	b.WriteString(rule)
}

// writeStacked draws one site as wide as the screen.
func writeStacked(b *strings.Builder, side boxSide, view planView) {
	b.WriteString(side.heading(width(side.title), view.colour) + "\n")
	for _, field := range side.fields {
		for _, line := range side.lines(field, view.columns-2) {
			b.WriteString("  " + strings.TrimRight(line, " ") + "\n")
		}
	}
}

// lineOr gives a line, or an empty one where there is none.
func lineOr(lines []string, i, columns int) string {
	if i < len(lines) {
		return lines[i]
	}
	return strings.Repeat(" ", columns)
}
