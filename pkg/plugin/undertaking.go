package plugin

import (
	"context"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// agree shows an undertaking and gets the name of the site that confirms it.
func (o *sideOptions) agree(ctx context.Context, what xsite.Undertaking) error {
	o.shown.Pause()
	defer o.shown.Resume()
	c := o.confirmation(nil)
	answered := o.reporting.asking()
	err := c.agree(ctx, question{
		text: undertakingText(what), name: what.Site, purpose: "go on with", subject: "the site that it is about",
		prompt: "Type the name of the site (" + printable(what.Site) + ") to go on: ",
	})
	answered(err)
	return err
}

// undertakingText is what stands above the question.
func undertakingText(what xsite.Undertaking) string {
	var b strings.Builder
	b.WriteString(printable(what.Title) + "\n")
	for _, part := range []struct {
		title string
		lines []string
	}{{"Found", what.Found}, {"This will", what.Does}} {
		if len(part.lines) == 0 {
			continue
		}
		b.WriteString("\n" + part.title + ":\n")
		for _, line := range part.lines {
			b.WriteString("  - " + printable(line) + "\n")
		}
	}
	if what.Loses != "" {
		b.WriteString("\nLOST by it: " + printable(what.Loses) + "\n")
	}
	return b.String() + "\n"
}

// undertaking publishes what was done, or would be.
func (o *sideOptions) undertaking(command string, done xsite.Report) *api.Undertaking {
	name := o.pair.name()
	if o.side.primaryOnly {
		name = o.pair.primary.context()
	}
	return &api.Undertaking{
		Header: api.NewHeader(api.KindUndertaking, name), Command: command, DryRun: o.engine.DryRun, Did: list(done.Did),
	}
}

// undertakenText writes what was done, or would be.
func undertakenText(u *api.Undertaking) string {
	var b strings.Builder
	if u.DryRun {
		b.WriteString("This would be done; it was a dry run: " + nothingChanged + ".\n")
	}
	for _, line := range u.Did {
		b.WriteString("- " + printable(line) + "\n")
	}
	if len(u.Did) == 0 {
		b.WriteString("There was nothing to do.\n")
	}
	return b.String()
}
