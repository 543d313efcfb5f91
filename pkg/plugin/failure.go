package plugin

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
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

// writeError tells what went wrong: for a run that had changed something, first how both sites stand and what to do
// now, then the cause. A stream that cannot be written to leaves nobody to tell.
func writeError(out io.Writer, err error) {
	var b strings.Builder
	run, ok := errors.AsType[*xsite.RunError](err)
	if ok {
		writeRunError(&b, err, run)
	} else {
		writeLabelled(&b, "error: ", printableLines(err.Error()))
	}
	said := ok && slices.Contains(run.State, nothingChanged)
	if code := CodeOf(err); !said && (code == ExitRefused || code == ExitNotConfirmed) {
		b.WriteString(nothingChanged + "\n")
	}
	_, _ = io.WriteString(out, b.String())
}

// writeRunError writes state, risk, next step and cause of a run that did not succeed.
func writeRunError(b *strings.Builder, err error, run *xsite.RunError) {
	var state []string
	for _, line := range run.State {
		state = append(state, printable(line))
	}
	writeLabelled(b, "state: ", state)
	if run.DataAtRisk != "" {
		writeLabelled(b, "data at risk: ", printableLines(run.DataAtRisk))
	}
	next := run.Next
	var f *failure
	if next == "" && errors.As(err, &f) && run.Outcome != xsite.Refused && run.Outcome != xsite.Held && run.Outcome != xsite.NotConfirmed {
		next = "to go on: " + f.again
	}
	if next != "" {
		writeLabelled(b, "next: ", printableLines(next))
	}
	cause := "error: " + strings.ReplaceAll(string(run.Outcome), "-", " ") + " in phase " + string(run.Phase) + ": "
	if run.Err != nil {
		cause += run.Err.Error()
	}
	writeLabelled(b, "", printableLines(cause))
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
