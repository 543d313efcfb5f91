package plugin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// runText tells one run in full: who and why, how far it came, and what it found before its first change.
func runText(run *api.Run, v view) string {
	var b strings.Builder
	for _, field := range [][2]string{
		{"run", run.RunID},
		{"begun", stamp(run.Started)},
		{"last noted", stamp(run.Updated)},
		{"by", run.Who},
		{"reason", run.Reason},
		{"tool", run.Tool},
		{"kept", run.Kept},
		{"discarded", run.Discarded},
		{"came to", cameTo(run)},
		{"end", run.End},
		{"caches", cachesCell(run.Caches)},
		{"DATA LOST", run.Leaked},
		{"unreadable", run.Unreadable},
		{"keycloak", originalKeycloaks(run)},
		{"recorded in", strings.Join(run.Contexts, ", ")},
	} {
		if field[1] != "" {
			writeWrapped(&b, pad(field[0], len("recorded in  ")), printable(field[1]), v.width())
		}
	}
	if len(run.Caches) == 0 {
		return b.String()
	}
	p, s := printable(cmp.Or(run.Kept, "primary")), printable(cmp.Or(run.Discarded, "secondary"))
	columns := []column{{title: "CACHE"}, {title: "CLEARED"}, {title: "PUSHED"}, {title: "COMPARED"}, {title: "TO " + s}, {title: "TO " + p}}
	if v.wide {
		columns = append(columns, column{title: "SERVERS"})
	}
	t := newTable(columns...)
	t.gap = 2
	for _, c := range run.Caches {
		cells := []string{
			printable(c.Name), dash(clock(c.Cleared)), dash(clock(c.Pushed)), dash(clock(c.Verified)),
			original(c.PrimaryOriginal), original(c.SecondaryOriginal),
		}
		if v.wide {
			cells = append(cells, dash(printable(strings.Join(c.Nodes, ","))))
		}
		t.row(cells...)
	}
	b.WriteString("\n" + t.fit(v))
	writeWrapped(&b, "", "Backups TO a site are shown as they were before the run.", v.width())
	return b.String()
}

// cameTo says how far a run came.
func cameTo(run *api.Run) string {
	if run.Phase == "" {
		return ""
	}
	text := run.Phase
	switch {
	case run.Verified:
		text += "; the contents were proved equal"
	case run.Cleared:
		text += "; caches of " + run.Discarded + " were cleared, the contents are not proved"
	default:
		text += "; nothing was cleared"
	}
	return text
}

// originalKeycloaks says how many instances each Keycloak had.
func originalKeycloaks(run *api.Run) string {
	var parts []string
	for _, ref := range slices.Sorted(maps.Keys(run.KeycloakInstances)) {
		parts = append(parts, fmt.Sprintf("%s had %s", ref, plural(run.KeycloakInstances[ref], "instance")))
	}
	return strings.Join(parts, ", ")
}

// original says how a backup was before the run: its mark, and a mode that is not the usual one.
func original(b api.RunBackup) string {
	text := dash(printable(b.OtherSite))
	if b.Mode != "" && b.Mode != "MANUAL" {
		text += ", " + printable(b.Mode)
	}
	return text
}
