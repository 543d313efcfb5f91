package plugin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// unknown stands for what could not be read.
const unknown = "?"

// statusText shows both sites beside each other, and their caches.
func statusText(s *api.Status, v view) string {
	var b strings.Builder
	switch {
	case s.InSync:
		b.WriteString(coloured("IN SYNC", green, v) + ", as far as sizes and flags tell; diff compares the contents\n")
	default:
		b.WriteString(coloured("NOT IN SYNC", red, v) + "\n")
		for _, f := range s.Findings {
			writeWrapped(&b, "  - ", printable(f.Message), v.width())
		}
	}
	b.WriteString("\n")
	writeSites(&b, s, v)
	if len(s.Caches) > 0 {
		b.WriteString("\n" + statusCaches(s, v).fit(v))
		for _, note := range cacheNotes(s) {
			writeWrapped(&b, "  - ", note, v.width())
		}
	}
	writeRuns(&b, s, v)
	p, sec := siteNames(s)
	for _, one := range []struct {
		name string
		site api.StatusSite
	}{{p, s.Primary}, {sec, s.Secondary}} {
		for i, line := range one.site.Unknown {
			if i == 0 {
				b.WriteString("\n")
			}
			writeWrapped(&b, "unknown on "+one.name+": ", printable(line), v.width())
		}
	}
	writeNext(&b, s.Findings, v)
	return b.String()
}

// writeNext writes each way to go on once, however many findings it helps with. Commands are whole, each on a line, to be copied.
func writeNext(b *strings.Builder, findings []api.StatusFinding, v view) {
	var ways []api.StatusNext
	for _, finding := range findings {
		for _, way := range finding.Next {
			if slices.Contains(ways, way) {
				continue
			}
			if ways = append(ways, way); len(ways) == 1 {
				b.WriteString("\nWhat to do\n")
			}
			writeWrapped(b, "  - ", printable(way.What)+":", v.width())
			b.WriteString("    " + printable(way.Command) + "\n")
		}
	}
}

// coloured lays a colour on a word where the screen has colours.
func coloured(word, colour string, v view) string {
	if !v.colour {
		return word
	}
	return colour + word + plain
}

// siteNames names the two sites: as their servers do, else as the other one does, else by their roles.
func siteNames(s *api.Status) (primary, secondary string) {
	name := func(here, other api.StatusSite, role xsite.Role) string {
		return printable(cmp.Or(here.Name, other.OtherName, string(role)))
	}
	return name(s.Primary, s.Secondary, xsite.Primary), name(s.Secondary, s.Primary, xsite.Secondary)
}

// writeSites writes the two sites beside each other, or below each other where there is no room.
func writeSites(b *strings.Builder, s *api.Status, v view) {
	left, right := siteFields(s.Primary, v), siteFields(s.Secondary, v)
	p, sec := siteNames(s)
	titles := [2]string{p + " (primary)", sec + " (secondary)"}
	t := newTable(column{}, column{title: titles[0]}, column{title: titles[1]})
	for i := range left {
		if left[i][1] != "" || right[i][1] != "" {
			t.row(left[i][0], dash(left[i][1]), dash(right[i][1]))
		}
	}
	text := t.text()
	if !v.terminal || t.width() < v.columns {
		b.WriteString(text)
		return
	}
	for i, fields := range [][][2]string{left, right} {
		b.WriteString(titles[i] + "\n")
		for _, field := range fields {
			if field[1] != "" {
				writeWrapped(b, "  "+pad(field[0], len("infinispan"))+"  ", field[1], v.width())
			}
		}
	}
}

// siteFields says how one site stands, line by line, the same lines for every site.
func siteFields(s api.StatusSite, v view) [][2]string {
	fields := [][2]string{{"context", printable(s.Context)}}
	if v.wide {
		fields = append(fields, [2]string{"namespace", printable(s.Namespace)}, [2]string{"infinispan", printable(s.Infinispan)})
	}
	version := printable(s.Version)
	if !s.Reachable {
		version = unknown
	}
	fields = append(fields, [2]string{"reachable", yesOr(s.Reachable)}, [2]string{"version", version})
	sees := unknown
	if s.SeesOther != nil {
		sees = yesOr(*s.SeesOther)
	}
	health := unknown
	if s.Health != "" {
		health = printable(s.Health)
	}
	ready, restarts := 0, int32(0)
	var relay string
	for _, server := range s.Servers {
		if server.Ready && server.Problem == "" {
			ready++
		}
		restarts += server.Restarts
		if server.Relay {
			relay = server.Pod
		}
	}
	servers := unknown
	if len(s.Servers) > 0 {
		servers = fmt.Sprintf("%d of %d answer", ready, len(s.Servers))
	}
	fields = append(fields, [2]string{"sees other", sees}, [2]string{"health", health}, [2]string{"servers", servers})
	if v.wide {
		fields = append(fields, [2]string{"relay", printable(relay)}, [2]string{"restarts", strconv.Itoa(int(restarts))})
	}
	return append(fields, [2]string{"keycloak", keycloakText(s.Keycloaks)}, [2]string{"lease", leaseText(s.Lease)})
}

// yesOr writes yes, and a no that is seen.
func yesOr(yes bool) string {
	if yes {
		return "yes"
	}
	return "NO"
}

// keycloakText says how many pods of Keycloak are wanted and ready.
func keycloakText(keycloaks []api.Keycloak) string {
	if keycloaks == nil {
		return unknown
	}
	var parts []string
	for _, k := range keycloaks {
		text := fmt.Sprintf("%d of %d ready", k.ReadyPods, k.Instances)
		if len(keycloaks) > 1 {
			text = printable(k.Ref) + " " + text
		}
		if k.Recorded != nil {
			text += fmt.Sprintf(" (%d recorded)", *k.Recorded)
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// leaseText says who holds the lease.
func leaseText(l *api.Lease) string {
	if l == nil {
		return ""
	}
	return "run " + printable(l.RunID) + " of " + printable(l.Who)
}

// statusCaches is the table of caches.
func statusCaches(s *api.Status, v view) *table {
	p, sec := siteNames(s)
	columns := []column{
		{title: "CACHE"},
		{title: "TO " + sec},
		{title: "TO " + p},
		{title: "ON " + p, right: true},
		{title: "ON " + sec, right: true},
		{title: "DRIFT", right: true},
	}
	if v.wide {
		columns = append(columns, column{title: "STRATEGY"}, column{title: "MODE"}, column{title: "PUSH"})
	}
	t := newTable(columns...)
	t.gap = 2
	for _, c := range s.Caches {
		name := printable(c.Name)
		if c.Secondary.Cache != c.Name {
			name += " -> " + printable(c.Secondary.Cache)
		}
		cells := []string{name, backupText(c.Primary), backupText(c.Secondary), entriesText(c.Primary), entriesText(c.Secondary), driftText(c.Drift)}
		if v.wide {
			cells = append(cells, bothWays(c.Primary.Strategy, c.Secondary.Strategy), bothWays(c.Primary.Mode, c.Secondary.Mode),
				bothWays(c.Primary.Push, c.Secondary.Push))
		}
		t.row(cells...)
	}
	return t
}

// backupText says what a site has the other one marked as.
func backupText(b api.StatusBackup) string {
	switch {
	case b.Missing:
		return "NO CACHE"
	case b.NoBackup:
		return "NO BACKUP"
	case b.OtherSite == "":
		return unknown
	case b.OtherSite == "online":
		return b.OtherSite
	default:
		return strings.ToUpper(printable(b.OtherSite))
	}
}

// cacheNotes says what is not as usual with caches and has no room in the table.
func cacheNotes(s *api.Status) []string {
	var notes []string
	p, sec := siteNames(s)
	for _, c := range s.Caches {
		for _, one := range []struct {
			here, other string
			backup      api.StatusBackup
		}{
			{p, sec, c.Primary},
			{sec, p, c.Secondary},
		} {
			var parts []string
			for _, pod := range slices.Sorted(maps.Keys(one.backup.ByPod)) {
				parts = append(parts, printable(pod)+" has "+one.other+" "+printable(one.backup.ByPod[pod]))
			}
			if push := one.backup.Push; push != "" && push != "IDLE" && push != "OK" {
				parts = append(parts, "push to "+one.other+" "+printable(push))
			}
			if one.backup.Mode == "AUTO" {
				parts = append(parts, "state transfer to "+one.other+" is AUTO")
			}
			if len(parts) > 0 {
				notes = append(notes, printable(one.backup.Cache)+" on "+one.here+": "+strings.Join(parts, ", "))
			}
		}
	}
	return notes
}

// entriesText writes the number of entries.
func entriesText(b api.StatusBackup) string {
	if b.Entries == nil {
		return map[bool]string{true: "-", false: unknown}[b.Missing]
	}
	return count(*b.Entries)
}

// driftText writes how many entries more the secondary holds.
func driftText(drift *int64) string {
	switch {
	case drift == nil:
		return unknown
	case *drift > 0:
		return "+" + count(*drift)
	default:
		return count(*drift)
	}
}

// bothWays writes what is configured from the primary to the secondary and back, once where it is the same.
func bothWays(there, back string) string {
	if there == back {
		return dash(printable(there))
	}
	return dash(printable(there)) + " / " + dash(printable(back))
}

// writeRuns writes who is at work and what did not finish.
func writeRuns(b *strings.Builder, s *api.Status, v view) {
	if len(s.OpenRuns)+len(s.Fences) > 0 {
		b.WriteString("\n")
	}
	for _, run := range s.OpenRuns {
		text := fmt.Sprintf("run %s, begun %s by %s, keeps %s and discards %s; it came to %s", run.RunID, stamp(run.Started), run.Who,
			run.Kept, run.Discarded, run.Phase)
		if run.Unreadable != "" {
			text = "run " + run.RunID + " cannot be read: " + run.Unreadable
		}
		writeWrapped(b, "unfinished: ", printable(text), v.width())
	}
	for _, run := range s.Fences {
		writeWrapped(b, "fence: ", printable(fmt.Sprintf("set %s by %s, keeps %s apart from %s", stamp(run.Started), run.Who, run.Kept, run.Discarded)), v.width())
	}
}
