package plugin

import (
	"fmt"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// summaryText tells what became of a recovery that succeeded, and what is left to do.
func summaryText(result xsite.Result) string {
	const columns = 79
	p, s := printable(result.Plan.Primary.Name), printable(result.Plan.Secondary.Name)
	var b strings.Builder
	var discarded, kept int64
	bySize := false
	caches := newTable(
		column{title: "CACHE"}, column{title: "DISCARDED", right: true}, column{title: "PUSHED", right: true},
		column{title: "NOW ON " + s, right: true}, column{title: "PUSHES", right: true}, column{title: "TOOK", right: true},
		column{title: "COMPARED BY"},
	)
	for i := range result.Caches {
		c := &result.Caches[i]
		discarded += c.Discarded
		kept += c.PrimaryEntries
		bySize = bySize || c.Compared == xsite.VerifySizes
		compared := printable(string(c.Compared))
		if c.Extra > 0 {
			compared += fmt.Sprintf(", %s more", count(c.Extra))
		}
		caches.row(printable(c.Name), count(c.Discarded), count(c.PrimaryEntries), count(c.SecondaryEntries),
			count(c.Pushes), took(c.PushTook), compared)
	}
	writeWrapped(&b, "", fmt.Sprintf("%s holds the data of %s: %s discarded, %s pushed and compared in %s, %s in all.",
		s, p, plural(discarded, "entry"), plural(kept, "entry"), plural(len(result.Caches), "cache"), took(result.Took)), columns)
	b.WriteString("\n" + caches.text() + "\n")

	phases := newTable(column{title: "PHASE"}, column{title: "TOOK", right: true})
	for _, phase := range result.Phases {
		phases.row(string(phase.Phase), took(phase.Took))
	}
	b.WriteString(phases.text())

	if bySize {
		b.WriteString("\n")
		writeWrapped(&b, "WARNING: ", "caches compared by sizes have as many entries on both sites; "+
			"that they are the same entries was not proved", columns)
	}
	writeList(&b, "Remarks", result.Remarks, columns)
	writeList(&b, "Left to do", []string{
		"Aurora and Route 53: nothing, the procedure does not touch them.",
		"Load balancer: put " + result.Plan.Secondary.Name + " back if it was taken out.",
		"Lifespans: nothing, but those of the entries on " + result.Plan.Secondary.Name +
			" began anew with the push, so they expire there a little later than on " + result.Plan.Primary.Name + ".",
	}, columns)
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
