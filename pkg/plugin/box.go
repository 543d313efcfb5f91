package plugin

import (
	"strconv"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// sideBySide is the width from which on the two sites stand beside each other.
const sideBySide = 72

// Colours of the headings; they are laid on after everything was measured.
const (
	green  = "\x1b[1;32m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	plain  = "\x1b[0m"
)

// boxSide is one site in the box.
type boxSide struct {
	title, colour string
	fields        [][2]string
}

// boxSides gives what the box says about both sites.
func boxSides(plan api.PlanContent) (kept, discarded boxSide) {
	side := func(title, colour string, site api.PlanSite) boxSide {
		wanted, ready := 0, 0
		for _, k := range site.Keycloaks {
			wanted += k.Instances
			ready += k.ReadyPods
		}
		keycloak := "none"
		if len(site.Keycloaks) > 0 {
			keycloak = strconv.Itoa(ready) + " of " + plural(wanted, "pod") + " ready"
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
func writeBox(b *strings.Builder, plan api.PlanContent, v view) {
	kept, discarded := boxSides(plan)
	if v.width() < sideBySide {
		writeStacked(b, kept, v)
		writeStacked(b, discarded, v)
		return
	}
	inner := (v.width() - len("|  |  |")) / 2
	rule := strings.Repeat("-", inner+2)
	rule = "+" + rule + "+" + rule + "+\n"
	row := func(left, right string) { b.WriteString("| " + left + " | " + right + " |\n") }
	b.WriteString(rule)
	row(kept.heading(inner, v.colour), discarded.heading(inner, v.colour))
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
func writeStacked(b *strings.Builder, side boxSide, v view) {
	b.WriteString(side.heading(width(side.title), v.colour) + "\n")
	for _, field := range side.fields {
		for _, line := range side.lines(field, v.width()-2) {
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
