package plugin

import (
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// Widths of texts, in columns.
const (
	narrowest = 36
	widest    = 100
)

// view is how a text is shown.
type view struct {
	// columns is the width of the screen; terminal says that there is one.
	columns  int
	terminal bool
	colour   bool
	// utf8 says that more than ASCII can be shown.
	utf8 bool
	// wide asks for more columns.
	wide bool
}

// viewOf is how a text is shown on a screen.
func viewOf(s screen) view {
	columns, _ := s.size()
	return view{columns: columns, terminal: s.live, colour: s.colour, utf8: s.utf8}
}

// width is the width of running text.
func (v view) width() int { return min(max(v.columns-1, narrowest), widest) }

// textOf writes an object for people. It is given the object as its JSON tells it. Everything in it that came from a
// server is escaped.
func textOf(object api.Object, v view) (string, error) {
	switch o := object.(type) {
	case *api.Plan:
		return planText(o.PlanContent, v) + "\nEvery check passed. This was a dry run: " + nothingChanged + ".\n", nil
	case *api.Result:
		return summaryText(o, v), nil
	case *api.PhaseResult:
		return phaseText(o, v), nil
	case *api.Status:
		return statusText(o, v), nil
	case *api.Diff:
		return diffText(o, v), nil
	case *api.Failure:
		return failureText(o), nil
	case *api.History:
		return historyText(o, v), nil
	case *api.Run:
		return runText(o, v), nil
	case *api.CheckReport:
		return checkReportText(o, v), nil
	case *api.Check:
		return checkText(o.CheckContent, v), nil
	case *api.Undertaking:
		return undertakenText(o), nil
	case *api.Version:
		return versionText(o, v), nil
	default:
		return "", fmt.Errorf("there is no text for a %T", object)
	}
}
