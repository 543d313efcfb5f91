package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/legible"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// view is a report in the words in which people read it, the same in Markdown and HTML. Its strings are not escaped.
type view struct {
	Title, Verdict, Summary string
	// Good, Bad and Idle say how it ended; none of them is a run that changed nothing.
	Good, Bad bool
	// Standing says how both sites stand.
	Standing []string
	// Facts are pairs of a name and a value, Sites rows of a name and both sites' values.
	Facts, Sites [][]string

	PrimaryName, SecondaryName string
	// SiteColumns head Sites; what they say of the data holds for a run that was stopped before it touched any.
	SiteColumns       []string
	CacheColumns      []string
	CacheNumbers      []bool
	Caches            [][]string
	Phases            []phaseView
	Warnings, Remarks []string
}

// HasSteps reports whether any phase has a step to show.
func (v view) HasSteps() bool {
	return slices.ContainsFunc(v.Phases, func(p phaseView) bool { return len(p.Steps) > 0 })
}

// phaseView is one phase.
type phaseView struct {
	Name, Status, Mark, Begins, Took string
	Steps                            []stepView
	// begin and length are those of its bar, in seconds.
	begin, length float64
}

// stepView is one step.
type stepView struct {
	Mark, Status, Guard, Text, Site, Begins, Took string
	Warning                                       bool
}

// marks are the signs of the statuses; words stand beside them where there is room.
func mark(s api.ReportStatus) string {
	switch s {
	case api.ReportPassed:
		return "✓"
	case api.ReportFailed:
		return "✗"
	case api.ReportSkipped:
		return "–"
	case api.ReportCanceled:
		return "⊘"
	default:
		return "…"
	}
}

// verdicts say in a few words how it ended.
func verdict(outcome string) string {
	switch outcome {
	case OutcomeSucceeded:
		return "Succeeded."
	case OutcomePhaseDone:
		return "The phase is done."
	case OutcomeChecked:
		return "Every check passed; nothing was changed."
	case OutcomeUnfinished:
		return "Not finished when this was written."
	case string(xsite.Refused):
		return "Refused; nothing was changed."
	case string(xsite.NotConfirmed):
		return "Not confirmed; nothing was changed."
	case string(xsite.Held):
		return "Another run is at work; nothing was changed."
	case string(xsite.Interrupted):
		return "Interrupted."
	case string(xsite.NotReady):
		return "Contents proved, but Keycloak was not ready in time."
	default:
		return "Failed."
	}
}

// viewOf puts a report into words.
func viewOf(r api.Report) view {
	v := view{
		Verdict: verdict(r.Outcome), Warnings: r.Warnings, Remarks: r.Remarks, Standing: slices.Clone(r.State),
		Good: slices.Contains([]string{OutcomeSucceeded, OutcomePhaseDone, OutcomeChecked}, r.Outcome),
		Bad:  slices.Contains([]string{string(xsite.Failed), string(xsite.NotReady), string(xsite.Interrupted), OutcomeUnexpected}, r.Outcome),
	}
	v.PrimaryName, v.SecondaryName = named(r.Primary, "primary"), named(r.Secondary, "secondary")
	v.Title = r.Title + " of " + v.SecondaryName + " from " + v.PrimaryName
	v.Summary = summary(r, v)
	if r.DataAtRisk != "" {
		v.Standing = append(v.Standing, "Data at risk: "+r.DataAtRisk)
	}
	if r.Next != "" {
		v.Standing = append(v.Standing, "Next: "+r.Next)
	}
	v.Facts = facts(r)
	v.Sites, v.SiteColumns = sites(r), []string{"", "Primary: the data to keep", "Secondary: the data to replace"}
	v.CacheColumns = []string{"Cache", "Primary before", "Secondary before", "Pushes", "Push took", "Compared by", "Missing", "Extra", "State"}
	v.CacheNumbers = []bool{false, true, true, true, true, false, true, true, false}
	for i := range r.Caches {
		v.Caches = append(v.Caches, cacheRow(&r.Caches[i]))
	}
	for i := range r.Phases {
		v.Phases = append(v.Phases, phaseOf(r, &r.Phases[i]))
	}
	return v
}

// named is what a site is called; as long as its servers were not asked, its context, then its role.
func named(s api.ReportSite, role string) string { return cmp.Or(s.Name, s.Context, role) }

// summary says what was done in one sentence.
func summary(r api.Report, v view) string {
	var kept, discarded int64
	for i := range r.Caches {
		kept += r.Caches[i].Kept
		discarded += r.Caches[i].Discarded
	}
	took := legible.Took(r.TookSeconds.Duration())
	switch {
	case r.Outcome == OutcomeSucceeded && len(r.Caches) > 0:
		return v.SecondaryName + " holds the data of " + v.PrimaryName + ": " + legible.Plural(discarded, "entry") + " discarded, " +
			legible.Plural(kept, "entry") + " pushed and compared in " + legible.Plural(len(r.Caches), "cache") + ", " + took + " in all."
	case r.Stop != nil:
		return "The guard " + r.Stop.Guard + " stopped it after " + took + ": " + r.Stop.Found
	case r.Error != "":
		first, _, _ := strings.Cut(r.Error, "\n")
		return "It ended after " + took + ": " + first
	default:
		return "It took " + took + "."
	}
}

// facts are who, why and how.
func facts(r api.Report) [][]string {
	var rows [][]string
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	if r.Metadata.Name != pairOf(r.Primary.Context, r.Secondary.Context) { // no run had begun
		add("Run", r.Metadata.Name)
	}
	add("By", r.Who)
	add("Reason", r.Reason)
	add("Began", moment(r.Started))
	if r.ExitCode != nil {
		add("Exit code", legible.Count(*r.ExitCode)+" ("+r.Outcome+")")
	} else {
		add("Written", moment(r.Written)+", while the run was going on")
	}
	add("Tool", r.Tool+", "+r.Platform)
	add("Command", r.Command)
	return rows
}

// sites are both sites side by side.
func sites(r api.Report) [][]string {
	var rows [][]string
	add := func(name string, value func(api.ReportSite) string) {
		if row := []string{name, value(r.Primary), value(r.Secondary)}; row[1] != "" || row[2] != "" {
			rows = append(rows, row)
		}
	}
	add("Site", func(s api.ReportSite) string { return s.Name })
	add("Context", func(s api.ReportSite) string { return s.Context })
	add("API server", func(s api.ReportSite) string { return s.Server })
	add("Namespace", func(s api.ReportSite) string { return s.Namespace })
	add("Infinispan", func(s api.ReportSite) string { return strings.TrimSpace(s.Infinispan + " " + s.Version) })
	add("Servers", func(s api.ReportSite) string { return strings.Join(s.Pods, ", ") })
	add("Keycloak before", func(s api.ReportSite) string {
		var all []string
		for _, k := range s.Keycloaks {
			all = append(all, k.Ref+": "+legible.Count(k.ReadyPods)+" of "+legible.Plural(k.Instances, "instance")+" ready")
		}
		if len(all) == 0 && s.Name != "" {
			return "none"
		}
		return strings.Join(all, ", ")
	})
	if len(r.Caches) > 0 { // else they were not counted
		add("Entries before", func(s api.ReportSite) string { return legible.Count(s.Entries) })
	}
	return rows
}

// cacheRow is a row of the table of caches.
func cacheRow(c *api.ReportCache) []string {
	name := c.Name
	if c.SecondaryName != "" && c.SecondaryName != c.Name {
		name += " -> " + c.SecondaryName
	}
	compared, missing, extra := "not yet", "", ""
	if c.Compared != "" {
		compared, missing, extra = c.Compared, legible.Count(c.Missing), legible.Count(c.Extra)
	}
	tookPush := ""
	if c.PushTookSeconds > 0 {
		tookPush = legible.Took(c.PushTookSeconds.Duration())
	}
	return []string{
		name, legible.Count(c.Kept), legible.Count(c.Discarded), legible.Count(c.Pushes), tookPush, compared, missing, extra, c.State,
	}
}

// phaseOf puts a phase into words.
func phaseOf(r api.Report, p *api.ReportPhase) phaseView {
	v := phaseView{Name: p.Name, Status: string(p.Status), Mark: mark(p.Status)}
	if p.Started == nil {
		return v
	}
	v.begin, v.length = p.Started.Sub(r.Started).Seconds(), float64(p.TookSeconds)
	v.Begins, v.Took = "+"+legible.Took(p.Started.Sub(r.Started)), legible.Took(p.TookSeconds.Duration())
	for i := range p.Steps {
		s := &p.Steps[i]
		step := stepView{
			Mark: mark(s.Status), Status: string(s.Status), Guard: s.Guard, Text: s.Text, Site: s.Site, Warning: s.Warning,
			Begins: "+" + legible.Took(s.Started.Sub(r.Started)),
		}
		switch {
		case s.Kind == KindWait:
			step.Text = "waited for " + s.Text
		case s.Kind == KindNote:
			step.Mark = "·"
		case s.Warning:
			step.Mark, step.Text = "⚠", "warning: "+s.Text
		}
		if s.Attempt > 1 {
			step.Text += " (push " + legible.Count(s.Attempt) + ")"
		}
		if s.TookSeconds >= tellingSeconds {
			step.Took = legible.Took(s.TookSeconds.Duration())
		}
		v.Steps = append(v.Steps, step)
	}
	return v
}

// tellingSeconds is from when on the duration of a step is worth reading.
const tellingSeconds = 0.05
