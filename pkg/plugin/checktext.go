package plugin

import (
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// checkReportText lists the checks by group, with what did not pass in full. In a short one those that were skipped are a line
// for each reason.
func checkReportText(report *api.CheckReport, v view) string {
	var b strings.Builder
	writeWrapped(&b, "primary (kept):        ", checkedSite(report.Primary), v.width())
	writeWrapped(&b, "secondary (discarded): ", checkedSite(report.Secondary), v.width())
	group := ""
	var skipped []api.CheckContent
	for _, check := range report.Checks {
		if report.Short && check.Status == string(xsite.CheckSkip) {
			skipped = append(skipped, check)
			continue
		}
		if check.Group != group {
			group = check.Group
			b.WriteString("\n" + printable(group) + "\n")
		}
		b.WriteString(checkText(check, v))
	}
	b.WriteString(skippedText(skipped, v) + "\n")
	c := report.Counts
	writeWrapped(&b, "", strings.ToUpper(printable(report.Status))+": "+count(c.Passed)+" passed, "+plural(c.Warning, "warning")+", "+
		count(c.Failed)+" failed, "+count(c.Skipped)+" skipped in "+took(report.TookSeconds.Duration())+"; "+nothingChanged+".", v.width())
	if report.Interrupted != "" {
		writeWrapped(&b, "", "Not all checks were made: "+printable(report.Interrupted)+".", v.width())
	}
	for _, advice := range advicesOfSkips(report.Checks) {
		writeWrapped(&b, "", "What was skipped: "+printable(advice)+".", v.width())
	}
	return b.String()
}

// skippedText folds the checks that were skipped: a line for each reason, with their ids where more is asked for.
func skippedText(skipped []api.CheckContent, v view) string {
	if len(skipped) == 0 {
		return ""
	}
	var reasons []string
	ids := map[string][]string{}
	for _, check := range skipped {
		reason := whySkipped(check)
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
		ids[reason] = append(ids[reason], check.ID)
	}
	var b strings.Builder
	b.WriteString("\nskipped\n")
	for _, reason := range reasons {
		writeMarked(&b, string(xsite.CheckSkip), plural(len(ids[reason]), "check")+", because "+printable(reason), v)
		if v.wide {
			writeWrapped(&b, markIndent(v), printable(strings.Join(ids[reason], ", ")), v.width())
		}
	}
	return b.String()
}

// whySkipped is why a check was not made, after a "because".
func whySkipped(check api.CheckContent) string {
	switch xsite.SkipReason(check.Skipped) {
	case xsite.SkippedForTime:
		return "the time of --timeout ran out"
	case xsite.SkippedForInterrupt:
		return "the checks were interrupted"
	case xsite.SkippedForFailure:
	}
	return strings.Join(check.SkippedFor, " and ") + " failed"
}

// advicesOfSkips are what to do about the checks that were skipped, each said once.
func advicesOfSkips(checks []api.CheckContent) []string {
	var advices []string
	for _, check := range checks {
		if check.Status == string(xsite.CheckSkip) && check.Hint != "" && !slices.Contains(advices, check.Hint) {
			advices = append(advices, check.Hint)
		}
	}
	return advices
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

// markIndent is as wide as a mark and the space behind it.
func markIndent(v view) string {
	if v.utf8 {
		return "  "
	}
	return strings.Repeat(" ", len("skip "))
}

// writeMarked writes a line behind the mark of how a check ended, broken where it is too long.
func writeMarked(b *strings.Builder, status, line string, v view) {
	indent := markIndent(v)
	for i, part := range wrap(line, max(v.width()-len(indent), narrowest)) {
		if i == 0 {
			b.WriteString(checkMark(status, v) + " " + part + "\n")
		} else {
			b.WriteString(indent + part + "\n")
		}
	}
}

// checkText tells one check, with what it found. The id of one that did not pass stands before it, as its section in
// docs/checks.md is called.
func checkText(check api.CheckContent, v view) string {
	var b strings.Builder
	indent := markIndent(v)
	line := printable(check.Title)
	if v.wide || check.Status != string(xsite.CheckPass) {
		line = "[" + printable(check.ID) + "] " + line
	}
	switch {
	case check.TimedOut:
		line += " (timed out after " + took(check.TookSeconds.Duration()) + ")"
	case check.Status != string(xsite.CheckSkip):
		line += " (" + took(check.TookSeconds.Duration()) + ")"
	}
	writeMarked(&b, check.Status, line, v)
	tell := func(label, text string) {
		if text != "" {
			writeWrapped(&b, indent+label, printable(text), v.width())
		}
	}
	if v.wide {
		tell("guard ", check.Guard)
		for _, note := range check.Notes {
			tell("", note)
		}
	}
	for _, warning := range check.Warnings {
		tell("warning: ", warning)
	}
	if check.Status == string(xsite.CheckSkip) {
		tell("", "skipped, because "+whySkipped(check))
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
	if check.Status == string(xsite.CheckWarn) || slices.ContainsFunc(check.Findings, func(f api.CheckFinding) bool { return f.Next == "" }) {
		tell("hint: ", check.Hint)
	}
	if len(check.Findings)+len(check.Warnings) > 0 {
		b.WriteString(indent + "see " + printable(check.Doc) + "\n") // whole: a terminal lets one open what is not broken
	}
	return b.String()
}
