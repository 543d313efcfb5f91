package plugin

import (
	"io"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// failure is a run that did not succeed, with the command that goes on.
type failure struct {
	err   error
	again string
}

// Error gives the error of the run.
func (f *failure) Error() string { return f.err.Error() }

// Unwrap returns it.
func (f *failure) Unwrap() error { return f.err }

// writeError tells what went wrong. A stream that cannot be written to leaves nobody to tell.
func writeError(out io.Writer, err error) {
	object, jsonErr := api.ThroughJSON(failureObject(err))
	failed, ok := object.(*api.Failure)
	if jsonErr != nil || !ok {
		failed = failureObject(err)
	}
	_, _ = io.WriteString(out, failureText(failed))
}

// failureText tells what went wrong: for a run that had changed something, first how both sites stand and what to do
// now, then the cause.
func failureText(f *api.Failure) string {
	var b strings.Builder
	said := false
	var state []string
	for _, line := range f.State {
		said = said || line == nothingChanged
		state = append(state, printable(line))
	}
	atRisk := func() {
		if f.DataAtRisk != "" {
			writeLabelled(&b, "data at risk: ", printableLines(f.DataAtRisk))
		}
	}
	lost := !strings.HasPrefix(f.DataAtRisk, "none")
	if lost { // which is the most urgent
		atRisk()
	}
	writeLabelled(&b, "state: ", state)
	if !lost {
		atRisk()
	}
	if f.Next != "" {
		writeLabelled(&b, "next: ", printableLines(f.Next))
	}
	if f.Phase != "" {
		outcome := strings.ReplaceAll(f.Outcome, "-", " ")
		writeLabelled(&b, "", printableLines("error: "+outcome+" in phase "+f.Phase+": "+strings.TrimPrefix(f.Error, outcome+": ")))
	} else {
		writeLabelled(&b, "error: ", printableLines(f.Error))
	}
	if f.NothingChanged && !said && f.Outcome != api.OutcomeUsage {
		b.WriteString(nothingChanged + "\n")
	}
	return b.String()
}

// writeLabelled writes lines below each other, the first after a label.
func writeLabelled(b *strings.Builder, label string, lines []string) {
	for i, line := range lines {
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		b.WriteString(label + line + "\n")
	}
}
