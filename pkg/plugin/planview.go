package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// Widths of the plan, in columns.
const (
	narrowest = 40
	widest    = 100
)

// planView is how a plan is shown.
type planView struct {
	// columns is the width of the screen.
	columns int
	colour  bool
	// verify is the way in which contents will be compared.
	verify xsite.Verification
}

// planText shows a plan: the two sites, the caches, the warnings, and what will be done. All of it that came from the
// sites is escaped.
func planText(plan xsite.Plan, view planView) string {
	view.columns = min(max(view.columns-1, narrowest), widest)
	var b strings.Builder
	b.WriteString("\n")
	writeBox(&b, plan, view)
	b.WriteString("\n")
	b.WriteString(cacheTable(plan).text())
	for _, name := range slices.Sorted(maps.Keys(plan.LeftAlone)) {
		writeWrapped(&b, "", "left alone: "+printable(name)+": "+printable(plan.LeftAlone[name]), view.columns)
	}
	if len(plan.Warnings) > 0 {
		b.WriteString("\n")
	}
	for _, warning := range plan.Warnings {
		writeWrapped(&b, "WARNING: ", printable(warning), view.columns)
	}
	writeSteps(&b, plan, view)
	return b.String()
}

// cacheTable lists the caches with what is kept and discarded of each.
func cacheTable(plan xsite.Plan) *table {
	t := newTable(
		column{title: plural(len(plan.Caches), "cache")},
		column{title: "KEPT (" + printable(plan.Primary.Name) + ")", right: true},
		column{title: "DISCARDED (" + printable(plan.Secondary.Name) + ")", right: true},
		column{title: "BACKUP"},
	)
	for i := range plan.Caches {
		cache := &plan.Caches[i]
		name := printable(cache.Name)
		if cache.RemoteName != "" && cache.RemoteName != cache.Name {
			name += " -> " + printable(cache.RemoteName)
		}
		t.row(name, count(cache.PrimaryEntries), count(cache.SecondaryEntries), printable(string(cache.Strategy)))
	}
	return t
}

// writeSteps says what will be done, in order, and how long it will take.
func writeSteps(b *strings.Builder, plan xsite.Plan, view planView) {
	p, s := printable(plan.Primary.Name), printable(plan.Secondary.Name)
	caches := plural(len(plan.Caches), "cache")
	settle := ""
	if plan.Settle > 0 {
		settle = "; then " + s + " stays silent for " + took(plan.Settle) + ", so that nothing queued there reaches " + p
	}
	steps := []struct {
		phase xsite.Phase
		where string
		what  string
	}{
		{xsite.PhaseProbe, "both", "make a tiny cache, see an entry cross to " + s + ", delete it again"},
		{xsite.PhaseStop, s, stopText(plan.Secondary)},
		{xsite.PhaseOffline, "both", "take the backups between the sites offline, both ways, for " + caches},
		{xsite.PhaseClear, s, "DISCARD " + plural(plan.Secondary.Entries, "entry") + " in " + caches + settle},
		{xsite.PhasePush, p, "send " + plural(plan.Primary.Entries, "entry") + " to " + s + " (" + about(plan.Estimate.Push) + ")"},
		{xsite.PhaseVerify, "both", "compare the contents by " + string(view.verify)},
		{xsite.PhaseOnline, s, "bring " + p + " online again"},
		{xsite.PhaseStart, s, startText(plan.Secondary)},
	}
	b.WriteString("\nWhat will be done:\n")
	columns := 0
	for _, step := range steps {
		columns = max(columns, width(step.where))
	}
	for i, step := range steps {
		label := fmt.Sprintf("  %d  %-7s  %s  ", i+1, step.phase, pad(step.where, columns))
		writeWrapped(b, label, step.what, view.columns)
	}
	fmt.Fprintf(b, "Keycloak of %s is down for %s. Run %s.\n", s, about(plan.Estimate.Downtime), printable(plan.RunID))
	if view.verify == xsite.VerifySizes {
		writeWrapped(b, "WARNING: ", "only numbers of entries are compared: a stale entry cannot be told from a fresh one", view.columns)
	}
}

// stopText says which Keycloak is stopped.
func stopText(site xsite.SitePlan) string {
	var parts []string
	for i := range site.Keycloaks {
		keycloak := &site.Keycloaks[i]
		parts = append(parts, fmt.Sprintf("%s from %s to 0", printable(keycloak.Ref), plural(keycloak.Instances, "instance")))
	}
	if len(parts) == 0 {
		return "no Keycloak to stop"
	}
	return "set " + strings.Join(parts, ", ") + " and wait until its pods are gone"
}

// startText says which Keycloak is started again.
func startText(site xsite.SitePlan) string {
	var parts []string
	for _, ref := range slices.Sorted(maps.Keys(site.StartCounts)) {
		parts = append(parts, fmt.Sprintf("%s to %s", printable(ref), plural(site.StartCounts[ref], "instance")))
	}
	if len(parts) == 0 {
		return "no Keycloak to start"
	}
	return "set " + strings.Join(parts, ", ") + " and wait until ready"
}

// writeWrapped writes a text after a label, its further lines below its beginning.
func writeWrapped(b *strings.Builder, label, text string, columns int) {
	const least = 20
	for i, line := range wrap(text, max(columns-width(label), least)) {
		if i > 0 {
			label = strings.Repeat(" ", width(label))
		}
		b.WriteString(label + line + "\n")
	}
}
