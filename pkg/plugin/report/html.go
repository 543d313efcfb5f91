package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/legible"
)

// The page and its style, which the page carries in itself: it asks for nothing from anywhere and runs no script.
var (
	//go:embed page.html.tmpl
	page string
	//go:embed page.css
	style string
)

// pageView is what the page shows.
type pageView struct {
	view

	Report api.Report
	Style  template.CSS
	Tone   string
	Chart  *chart
	Sparks []spark
	Bars   []bar
	Began  string
}

// bar is the time of a phase in percent of the run.
type bar struct{ Left, Width float64 }

// writeHTML writes a report for people.
func writeHTML(out io.Writer, report api.Report) error {
	functions := template.FuncMap{
		"legible": legible.Text,
		"lines":   func(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") },
		"moment":  moment,
		"percent": func(p float64) string { return fmt.Sprintf("%.2f", p) },
	}
	parsed, err := template.New("page").Funcs(functions).Parse(page)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	v := viewOf(report)
	p := pageView{
		view: v, Report: report, Chart: chartOf(report, v), Began: moment(report.Started),
		Style: template.CSS(style), //nolint:gosec // it is a file of this package
		Tone:  tone(v),
	}
	for i := range report.Caches {
		p.Sparks = append(p.Sparks, sparkOf(report, &report.Caches[i], v))
	}
	for i := range v.Phases {
		end := endOf(report)
		p.Bars = append(p.Bars, bar{Left: v.Phases[i].begin / end * 100, Width: v.Phases[i].length / end * 100})
	}
	return parsed.Execute(out, p)
}

// tone is the class of how it ended.
func tone(v view) string {
	switch {
	case v.Good:
		return "good"
	case v.Bad:
		return "bad"
	default:
		return "idle"
	}
}
