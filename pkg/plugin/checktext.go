package plugin

import (
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// checkReportText lists the checks by group, with what did not pass in full.
func checkReportText(report *api.CheckReport, v view) string {
	var b strings.Builder
	writeWrapped(&b, "primary (kept):        ", checkedSite(report.Primary), v.width())
	writeWrapped(&b, "secondary (discarded): ", checkedSite(report.Secondary), v.width())
	group := ""
	for _, check := range report.Checks {
		if check.Group != group {
			group = check.Group
			b.WriteString("\n" + printable(group) + "\n")
		}
		b.WriteString(checkText(check, v))
	}
	b.WriteString("\n")
	c := report.Counts
	writeWrapped(&b, "", strings.ToUpper(printable(report.Status))+": "+count(c.Passed)+" passed, "+plural(c.Warning, "warning")+", "+
		count(c.Failed)+" failed, "+count(c.Skipped)+" skipped in "+took(report.TookSeconds.Duration())+"; "+nothingChanged+".", v.width())
	if report.Interrupted != "" {
		writeWrapped(&b, "", "Not all checks were made: "+printable(report.Interrupted)+".", v.width())
	}
	return b.String()
}

// checkedSite names a site as far as it was found.
func checkedSite(site api.CheckSite) string {
	if site.Name == "" {
		return "not known, context " + printable(site.Place.Context)
	}
	p := site.Place
	return printable(site.Name) + ", Infinispan " + printable(site.Version) + ", context " + printable(p.Context) +
		", namespace " + printable(p.Namespace) + ", " + printable(p.Infinispan)
}

// checkMark is how an end of a check is marked, where only ASCII can be shown and elsewhere, and its colour.
func checkMark(status string, v view) string {
	mark, ascii, colour := "-", "skip", ""
	switch xsite.CheckStatus(status) {
	case xsite.CheckPass:
		mark, ascii, colour = "✓", "ok", green
	case xsite.CheckWarn:
		mark, ascii, colour = "!", "WARN", yellow
	case xsite.CheckFail:
		mark, ascii, colour = "✗", "FAIL", red
	case xsite.CheckSkip:
	}
	if !v.utf8 {
		mark = pad(ascii, len("skip"))
	}
	if !v.colour || colour == "" {
		return mark
	}
	return colour + mark + plain
}

// checkText tells one check, with what it found.
func checkText(check api.CheckContent, v view) string {
	var b strings.Builder
	indent := strings.Repeat(" ", len("skip "))
	if v.utf8 {
		indent = "  "
	}
	line := printable(check.Title)
	switch {
	case check.TimedOut:
		line += " (timed out after " + took(check.TookSeconds.Duration()) + ")"
	case check.Status != string(xsite.CheckSkip):
		line += " (" + took(check.TookSeconds.Duration()) + ")"
	}
	for i, part := range wrap(line, max(v.width()-len(indent), narrowest)) {
		if i == 0 {
			b.WriteString(checkMark(check.Status, v) + " " + part + "\n")
		} else {
			b.WriteString(indent + part + "\n")
		}
	}
	tell := func(label, text string) {
		if text != "" {
			writeWrapped(&b, indent+label, printable(text), v.width())
		}
	}
	if v.wide {
		tell("check ", check.ID+", guard "+check.Guard)
		for _, note := range check.Notes {
			tell("", note)
		}
	}
	for _, warning := range check.Warnings {
		tell("warning: ", warning)
	}
	if len(check.SkippedFor) > 0 {
		tell("", "skipped, because "+strings.Join(check.SkippedFor, " and ")+" failed")
	} else if check.Status == string(xsite.CheckSkip) {
		tell("", "skipped, because the checks were interrupted")
	}
	for _, finding := range check.Findings {
		if label := finding.Guard; label != "" {
			tell(printable(label)+": ", finding.Found)
		} else {
			tell("", finding.Found)
		}
		tell("  where: ", finding.Where)
		tell("  why it matters: ", finding.Why)
		tell("  next: ", finding.Next)
	}
	if slices.ContainsFunc(check.Findings, func(f api.CheckFinding) bool { return f.Next == "" }) {
		tell("hint: ", check.Hint)
	}
	if len(check.Findings)+len(check.Warnings) > 0 {
		b.WriteString(indent + "see " + printable(check.Doc) + "\n") // whole: a terminal lets one open what is not broken
	}
	return b.String()
}
