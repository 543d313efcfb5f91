package plugin

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// phaseObject publishes what one phase came to. It is named after the pair where there is no run.
func phaseObject(step xsite.StepResult, pair string, commands phaseCommands, verify xsite.Verification) *api.PhaseResult {
	result := resultObject(step.Result, verify)
	p := &api.PhaseResult{
		Header: api.NewHeader(api.KindPhaseResult, cmp.Or(step.Plan.RunID, pair)), Phase: string(step.Phase), Outcome: api.PhaseDone,
		RunOpen: step.Open, Cleared: step.Cleared, Verified: step.Verified, Next: string(step.Next),
		NextCommand: commands.next, RestCommand: commands.rest, AbortCommand: commands.abort,
		Plan: result.Plan, Phases: result.Phases, Caches: result.Caches, TookSeconds: result.TookSeconds, Remarks: result.Remarks,
		LeftToDo: []string{},
	}
	switch {
	case step.Already:
		p.Outcome = api.PhaseAlready
	case onlyChecked(step):
		p.Outcome = api.PhaseChecked
	case step.Next == "":
		p.LeftToDo = result.LeftToDo
	}
	return p
}

// onlyText says that a command does only a part of the plan; empty for all of it.
func onlyText(only []xsite.Phase, v view) string {
	if len(only) == 0 {
		return ""
	}
	if only[len(only)-1] == xsite.PhaseProbe {
		return "\nThis command only probes the link; nothing of it stays.\n"
	}
	words := make([]string, 0, len(only))
	for _, phase := range only {
		words = append(words, string(phase))
	}
	var b strings.Builder
	b.WriteString("\n")
	writeWrapped(&b, "", "This command does only this of it: "+strings.Join(words, ", ")+". The run stays open until start.", v.width())
	return b.String()
}

// phaseText tells what one phase came to, how both sites stand, and how it goes on.
func phaseText(p *api.PhaseResult, v view) string {
	var b strings.Builder
	phase := printable(p.Phase)
	switch p.Outcome {
	case api.PhaseChecked:
		b.WriteString(planText(p.Plan, v) + "\n")
		if p.Phase == string(xsite.PhasePreflight) {
			writeWrapped(&b, "", "Every check passed; "+nothingChanged+".", v.width())
		} else {
			writeWrapped(&b, "", "Every check passed, and phase "+phase+" is in order. This was a dry run: "+nothingChanged+".", v.width())
		}
	case api.PhaseAlready:
		writeWrapped(&b, "", "Phase "+phase+" of run "+printable(p.Metadata.Name)+" is done already, and what it did stands; "+nothingChanged+".", v.width())
	default:
		writeWrapped(&b, "", doneText(p), v.width())
	}
	if len(p.Caches) > 0 {
		compared := newTable(column{title: "CACHE"}, column{title: printable(p.Plan.Primary.Name), right: true},
			column{title: printable(p.Plan.Secondary.Name), right: true}, column{title: "COMPARED BY"})
		for _, c := range p.Caches {
			compared.row(printable(c.Name), count(c.PrimaryEntries), count(c.SecondaryEntries), printable(c.Compared))
		}
		b.WriteString("\n" + compared.fit(v))
	}
	if p.Status != nil {
		b.WriteString("\nHow both sites stand now:\n" + statusText(&api.Status{StatusContent: *p.Status}, v))
	}
	writeList(&b, "Remarks", p.Remarks, v.width())
	writeList(&b, "Left to do", p.LeftToDo, v.width())
	writeGoingOn(&b, p)
	return b.String()
}

// doneText says in a sentence what was done.
func doneText(p *api.PhaseResult) string {
	var words []string
	for _, phase := range p.Phases {
		if phase.Phase != string(xsite.PhasePreflight) && (phase.Phase != string(xsite.PhaseProbe) || p.Phase == phase.Phase) {
			words = append(words, printable(phase.Phase)+" ("+took(phase.TookSeconds.Duration())+")")
		}
	}
	text := "Done: " + strings.Join(words, ", ") + "."
	switch {
	case p.Next == "":
		text += fmt.Sprintf(" Run %s is over: %s holds the data of %s, and Keycloak is ready.",
			printable(p.Metadata.Name), printable(p.Plan.Secondary.Name), printable(p.Plan.Primary.Name))
	case p.RunOpen:
		text += " Run " + printable(p.Metadata.Name) + " is open."
	default:
		text += " Nothing of it is left, and no run is open."
	}
	return text
}

// writeGoingOn writes the commands by which the run goes on. They are whole, each on a line, to be copied.
func writeGoingOn(b *strings.Builder, p *api.PhaseResult) {
	for _, command := range []struct{ what, command string }{
		{"Next is " + printable(p.Next) + ":", p.NextCommand},
		{"All that is left at once:", p.RestCommand},
		{"To go back:", p.AbortCommand},
	} {
		if command.command != "" {
			b.WriteString("\n" + command.what + "\n  " + printable(command.command) + "\n")
		}
	}
	if p.Verified && p.RunOpen {
		b.WriteString("\nThere is no way back any more, and nothing better to go back to: both sites hold the same data.\n")
	}
	if p.Cleared && p.RunOpen && !p.Verified {
		b.WriteString("Keycloak then starts without the sessions that were cleared; going on is better.\n")
	}
}
