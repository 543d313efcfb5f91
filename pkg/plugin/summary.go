package plugin

import (
	"fmt"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// summaryText tells what became of a recovery that succeeded, and what is left to do.
func summaryText(result *api.Result, v view) string {
	p, s := printable(result.Plan.Primary.Name), printable(result.Plan.Secondary.Name)
	var b strings.Builder
	var discarded, kept int64
	bySize := false
	caches := newTable(
		column{title: "CACHE"}, column{title: "DISCARDED", right: true}, column{title: "PUSHED", right: true},
		column{title: "NOW ON " + s, right: true}, column{title: "PUSHES", right: true}, column{title: "TOOK", right: true},
		column{title: "COMPARED BY"},
	)
	for _, c := range result.Caches {
		discarded += c.Discarded
		kept += c.PrimaryEntries
		bySize = bySize || c.Compared == string(xsite.VerifySizes)
		compared := printable(c.Compared)
		if c.Extra > 0 {
			compared += fmt.Sprintf(", %s more", count(c.Extra))
		}
		caches.row(printable(c.Name), count(c.Discarded), count(c.PrimaryEntries), count(c.SecondaryEntries),
			count(c.Pushes), took(c.PushTookSeconds.Duration()), compared)
	}
	writeWrapped(&b, "", fmt.Sprintf("%s holds the data of %s: %s discarded, %s pushed and compared in %s, %s in all.",
		s, p, plural(discarded, "entry"), plural(kept, "entry"), plural(len(result.Caches), "cache"), took(result.TookSeconds.Duration())), v.width())
	b.WriteString("\n" + caches.fit(v) + "\n")

	phases := newTable(column{title: "PHASE"}, column{title: "TOOK", right: true})
	for _, phase := range result.Phases {
		phases.row(printable(phase.Phase), took(phase.TookSeconds.Duration()))
	}
	b.WriteString(phases.fit(v))

	if bySize {
		b.WriteString("\n")
		writeWrapped(&b, "WARNING: ", "caches compared by sizes have as many entries on both sites; "+
			"that they are the same entries was not proved", v.width())
	}
	writeList(&b, "Remarks", result.Remarks, v.width())
	writeList(&b, "Left to do", result.LeftToDo, v.width())
	return b.String()
}

// writeList writes a titled list of sentences, if there are any.
func writeList(b *strings.Builder, title string, items []string, columns int) {
	if len(items) == 0 {
		return
	}
	b.WriteString("\n" + title + ":\n")
	for _, item := range items {
		writeWrapped(b, "  - ", printable(item), columns)
	}
}
