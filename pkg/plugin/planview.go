package plugin

import (
	"fmt"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// planText shows a plan: the two sites, the caches, the warnings, and what will be done.
func planText(plan api.PlanContent, v view) string {
	var b strings.Builder
	b.WriteString("\n")
	writeBox(&b, plan, v)
	b.WriteString("\n")
	b.WriteString(cacheTable(plan).fit(v))
	for _, left := range plan.LeftAlone {
		writeWrapped(&b, "", "left alone: "+printable(left.Cache)+": "+printable(left.Reason), v.width())
	}
	if len(plan.Warnings) > 0 {
		b.WriteString("\n")
	}
	for _, warning := range plan.Warnings {
		writeWrapped(&b, "WARNING: ", printable(warning), v.width())
	}
	writeSteps(&b, plan, v)
	return b.String()
}

// cacheTable lists the caches with what is kept and discarded of each.
func cacheTable(plan api.PlanContent) *table {
	t := newTable(
		column{title: plural(len(plan.Caches), "cache")},
		column{title: "KEPT (" + printable(plan.Primary.Name) + ")", right: true},
		column{title: "DISCARDED (" + printable(plan.Secondary.Name) + ")", right: true},
		column{title: "BACKUP"},
	)
	for _, cache := range plan.Caches {
		name := printable(cache.Name)
		if cache.SecondaryName != "" && cache.SecondaryName != cache.Name {
			name += " -> " + printable(cache.SecondaryName)
		}
		t.row(name, count(cache.PrimaryEntries), count(cache.SecondaryEntries), printable(cache.Strategy))
	}
	return t
}

// writeSteps says what will be done, in order, and how long it will take.
func writeSteps(b *strings.Builder, plan api.PlanContent, v view) {
	p, s := printable(plan.Primary.Name), printable(plan.Secondary.Name)
	caches := plural(len(plan.Caches), "cache")
	settle := ""
	if plan.SettleSeconds > 0 {
		settle = "; then " + s + " stays silent for at least " + took(plan.SettleSeconds.Duration()) + ", so that nothing queued there reaches " + p
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
		{xsite.PhasePush, p, "send " + plural(plan.Primary.Entries, "entry") + " to " + s + " (" + about(plan.Estimate.PushSeconds.Duration()) + ")"},
		{xsite.PhaseVerify, "both", "compare the contents by " + printable(plan.Verify)},
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
		writeWrapped(b, label, step.what, v.width())
	}
	summary := downtimeText(plan)
	if plan.RunID != "" {
		summary += " Run " + printable(plan.RunID) + "."
	}
	writeWrapped(b, "", summary, v.width())
	if plan.Verify == string(xsite.VerifySizes) {
		writeWrapped(b, "WARNING: ", "only numbers of entries are compared: a stale entry cannot be told from a fresh one", v.width())
	}
}

// downtimeText says how long it takes, and what most of that is reckoned with.
func downtimeText(plan api.PlanContent) string {
	pods := 0
	for _, keycloak := range plan.Secondary.Keycloaks {
		if keycloak.StartWith != nil {
			pods += *keycloak.StartWith
		}
	}
	takes := about(plan.Estimate.DowntimeSeconds.Duration())
	if pods == 0 {
		return "It takes " + takes + "."
	}
	return fmt.Sprintf("Keycloak of %s is down for %s, %s of it for %s to stop and start.",
		printable(plan.Secondary.Name), takes, trimZero(time.Duration(pods)*xsite.KeycloakPod), plural(pods, "pod"))
}

// stopText says which Keycloak is stopped.
func stopText(site api.PlanSite) string {
	var parts []string
	for _, keycloak := range site.Keycloaks {
		if keycloak.Instances == 0 { // as after a run that did not finish
			parts = append(parts, printable(keycloak.Ref)+" to 0 instances, as it is,")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s from %s to 0", printable(keycloak.Ref), plural(keycloak.Instances, "instance")))
	}
	if len(parts) == 0 {
		return "no Keycloak to stop"
	}
	return "set " + strings.Join(parts, ", ") + " and wait until its pods are gone"
}

// startText says which Keycloak is started again.
func startText(site api.PlanSite) string {
	var parts []string
	for _, keycloak := range site.Keycloaks {
		if keycloak.StartWith != nil {
			parts = append(parts, fmt.Sprintf("%s to %s", printable(keycloak.Ref), plural(*keycloak.StartWith, "instance")))
		}
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
