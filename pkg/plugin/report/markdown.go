package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/legible"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// moment writes a time as people read it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// moments is how many points of time the table of entries shows.
const moments = 12

// md collects Markdown.
type md struct{ b strings.Builder }

// writeMarkdown writes a report for a ticket or a wiki.
func writeMarkdown(out io.Writer, report api.Report) error {
	m := &md{}
	v := viewOf(report)
	m.line("# " + markdown(v.Title))
	m.line("")
	m.line("**" + markdown(v.Verdict) + "** " + markdown(v.Summary))
	m.list("How both sites stand", v.Standing)
	m.section("Run")
	m.table([]string{"", ""}, nil, v.Facts)
	m.section("Sites")
	m.table(v.SiteColumns, nil, v.Sites)
	if len(report.Caches) > 0 {
		m.section("Caches")
		m.table(v.CacheColumns, v.CacheNumbers, v.Caches)
		m.entries(report, v)
	}
	m.section("Phases")
	rows := make([][]string, 0, len(v.Phases))
	for i := range v.Phases {
		p := &v.Phases[i]
		rows = append(rows, []string{p.Name, p.Status, p.Begins, p.Took})
	}
	m.table([]string{"Phase", "Status", "Begins", "Took"}, []bool{false, false, true, true}, rows)
	m.list("Warnings", v.Warnings)
	m.list("Remarks", v.Remarks)
	m.steps(v)
	if report.Error != "" {
		m.section("Error")
		m.code(report.Error)
	}
	_, err := io.WriteString(out, m.b.String())
	return err
}

// entries writes the numbers of entries at both sites at some points of time.
func (m *md) entries(report api.Report, v view) {
	primary, secondary := total(report.Caches, xsite.Primary), total(report.Caches, xsite.Secondary)
	if len(secondary) < 2 {
		return
	}
	begin, end := secondary[0].at, secondary[len(secondary)-1].at
	if n := len(primary); n > 0 {
		end = max(end, primary[n-1].at)
	}
	m.section("Entries over time")
	var rows [][]string
	for i := range moments {
		at := begin + (end-begin)*float64(i)/(moments-1)
		row := []string{legible.Took(api.Seconds(at).Duration())}
		for _, s := range []series{primary, secondary} {
			text := "-"
			if n, known := s.at(at); known {
				text = legible.Count(n)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	m.table([]string{"After", v.PrimaryName, v.SecondaryName}, []bool{true, true, true}, withoutRepeats(rows))
}

// withoutRepeats leaves out rows that stand between two others with the same numbers.
func withoutRepeats(rows [][]string) [][]string {
	var kept [][]string
	for i, row := range rows {
		inside := i > 0 && i < len(rows)-1
		if inside && slices.Equal(row[1:], rows[i-1][1:]) && slices.Equal(row[1:], rows[i+1][1:]) {
			continue
		}
		kept = append(kept, row)
	}
	return kept
}

// steps writes the tree of steps.
func (m *md) steps(v view) {
	m.section("Steps")
	for i := range v.Phases {
		p := &v.Phases[i]
		m.line(fmt.Sprintf("- **%s** %s%s", markdown(p.Name), markdown(p.Status), took(p.Took)))
		for j := range p.Steps {
			s := &p.Steps[j]
			text := s.Mark + " " + markdown(s.Text)
			if s.Guard != "" {
				text = s.Mark + " **" + markdown(s.Guard) + "** " + markdown(s.Text)
			}
			m.line("  - " + text + took(s.Took))
		}
	}
}

// took writes a duration behind a text.
func took(duration string) string {
	if duration == "" {
		return ""
	}
	return " (" + duration + ")"
}

// line writes a line.
func (m *md) line(text string) { m.b.WriteString(text + "\n") }

// section begins a section.
func (m *md) section(title string) { m.line("\n## " + markdown(title) + "\n") }

// list writes a section with a list, if there is anything in it.
func (m *md) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	m.section(title)
	for _, item := range items {
		m.line("- " + markdown(item))
	}
}

// table writes a table; numbers says which columns hold numbers.
func (m *md) table(columns []string, numbers []bool, rows [][]string) {
	row := func(cells []string) {
		for _, cell := range cells {
			m.b.WriteString("| " + markdown(cell) + " ")
		}
		m.line("|")
	}
	row(columns)
	for i := range columns {
		rule := "| --- "
		if i < len(numbers) && numbers[i] {
			rule = "| ---: "
		}
		m.b.WriteString(rule)
	}
	m.line("|")
	for _, cells := range rows {
		row(cells)
	}
}

// code writes a text of several lines as it is, indented, so that nothing in it can end the block.
func (m *md) code(text string) {
	for line := range strings.Lines(text) {
		m.line("    " + legible.Text(strings.TrimSuffix(line, "\n")))
	}
}

// markdown makes one line of text mean itself: nothing in it is a link, HTML, a cell's end or a mention.
func markdown(text string) string {
	var b strings.Builder
	for i, r := range legible.Text(text) {
		switch {
		case strings.ContainsRune("\\`*_[]|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '<', r == '>', r == '&', r == '@':
			fmt.Fprintf(&b, "&#%d;", r)
		case i == 0 && strings.ContainsRune("#+-=", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case i == 0 && r >= '0' && r <= '9' && startsItem(text):
			fmt.Fprintf(&b, "&#%d;", r)
		case i == 0 && r == ' ':
			b.WriteString("&#32;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// startsItem says whether a text that begins with a digit would begin a numbered list.
func startsItem(text string) bool {
	rest := strings.TrimLeft(text, "0123456789")
	return rest == "." || rest == ")" || strings.HasPrefix(rest, ". ") || strings.HasPrefix(rest, ") ")
}
