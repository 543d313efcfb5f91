package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/report"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

const (
	phaseLong = `
		Do one phase of a recovery and stop after it, so that you can look for yourself before the next.

		The phases are, in order: preflight, probe, stop, offline, clear, push (with verify), online, start. Each is
		done under the same checks, the same confirmation and the same guards as in a whole run; a phase that fails
		is answered as it is there. The run stays open between the commands, with its plan, in the journals of both
		sites. The next phase continues it, and so does kubectl ispn-resync without "phase", which does all that is
		left. Give the same flags each time.

		A phase that is not the next is refused, with the name of the one that is. One that is done already is not
		repeated. Between two commands nobody watches the sites: what the phases before have done is looked at
		anew each time, and the phase whose work does not stand any more is the next again.

		push and verify are done together. preflight and probe record nothing and may be asked for before any phase;
		each of the others makes the checks of preflight too, and the probe as long as the contents are not proved.
		start ends the run. docs/phases.md describes the phases, and how both sites stand between them.`

	phaseExample = `
		# Make every check; nothing is changed
		kubectl ispn-resync phase preflight --primary-context site-a --secondary-context site-b

		# Begin: record how both sites are, and stop Keycloak of site-b
		kubectl ispn-resync phase stop --primary-context site-a --secondary-context site-b

		# Go on, one by one; each tells which is next
		kubectl ispn-resync phase offline --primary-context site-a --secondary-context site-b
		kubectl ispn-resync phase clear --primary-context site-a --secondary-context site-b
		kubectl ispn-resync phase push --primary-context site-a --secondary-context site-b
		kubectl ispn-resync phase online --primary-context site-a --secondary-context site-b
		kubectl ispn-resync phase start --primary-context site-a --secondary-context site-b

		# Do all that is left at once
		kubectl ispn-resync --primary-context site-a --secondary-context site-b`
)

// phaseOptions are what the command phase was asked to do.
type phaseOptions struct {
	*resyncOptions

	phase xsite.Phase
	// root is the name of the whole command.
	root string
}

// newPhaseCommand makes the command that does one phase of a run.
func newPhaseCommand(deps Deps) *cobra.Command {
	o := &phaseOptions{resyncOptions: newResyncOptions(deps)}
	cmd := &cobra.Command{
		Use:     "phase NAME --primary-context NAME --secondary-context NAME",
		Short:   "Do one phase of a recovery",
		Long:    templates.LongDesc(phaseLong),
		Example: templates.Examples(phaseExample),
		Args:    onePhase,
		ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return startingWith(prefix, phaseNames()), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(cmd, xsite.Phase(args[0])); err != nil {
				return err
			}
			if err := o.Validate(); err != nil {
				return err
			}
			return o.Run(cmd.Context())
		},
	}
	o.addFlags(cmd)
	return cmd
}

// phaseNames lists the phases in order.
func phaseNames() []string {
	names := make([]string, 0, len(xsite.Phases()))
	for _, phase := range xsite.Phases() {
		names = append(names, string(phase))
	}
	return names
}

// onePhase demands the name of one phase.
func onePhase(cmd *cobra.Command, args []string) error {
	names := phaseNames()
	switch {
	case len(args) == 0:
		return usagef("name the phase: %s %s", cmd.CommandPath(), strings.Join(names, "|"))
	case len(args) > 1:
		return usagef("%d phases are named; one is done at a time, and kubectl ispn-resync without \"phase\" does all", len(args))
	case slices.Contains(names, args[0]):
		return nil
	}
	if near, ok := nearest(args[0], names); ok {
		return usagef("there is no phase %q; did you mean %s %s?", args[0], cmd.CommandPath(), near)
	}
	return usagef("there is no phase %q; there are: %s", args[0], strings.Join(names, ", "))
}

// Complete brings the flags to the form in which they are used.
func (o *phaseOptions) Complete(cmd *cobra.Command, phase xsite.Phase) error {
	if err := o.resyncOptions.Complete(cmd); err != nil {
		return err
	}
	o.phase, o.root = phase, cmd.Root().CommandPath()
	o.path += " " + string(phase)
	return nil
}

// Run connects to both sites, does the phase, and writes what became of it.
func (o *phaseOptions) Run(ctx context.Context) error {
	s := story{
		title: "Phase " + string(o.phase) + " of the recovery", command: commandLine(o.path, o.all), phases: o.phase.With(),
		done: report.OutcomePhaseDone,
	}
	switch {
	case o.run.dryRun:
		s.title, s.phases, s.done = "Dry run: "+s.title, s.phases[:1], report.OutcomeChecked
	case o.phase == xsite.PhasePreflight:
		s.done = report.OutcomeChecked
	case o.phase == xsite.PhaseStart:
		s.done = report.OutcomeSucceeded
	}
	reporting, err := o.beginReport(s)
	if err != nil {
		return err
	}
	return reporting.end(o.do(ctx, reporting))
}

// do is Run without the report.
func (o *phaseOptions) do(ctx context.Context, reporting *reporting) error {
	return o.engage(ctx, reporting, func(ctx context.Context, e *engaged) error {
		e.only = o.phase.With()[1:]
		e.told.step = o.phase
		step, err := o.deps.RunPhase(ctx, o.phase, e.options)
		e.ended(err)
		reporting.gave(step.Result)
		if err != nil {
			return &failure{err: err, again: commandLine(o.path, o.all)}
		}
		object := phaseObject(step, o.pair.name(), o.names(step), xsite.Verification(o.run.verify))
		if !onlyChecked(step) {
			status := statusContent(o.deps.Status(ctx, xsite.StatusOptions{
				PrimaryCluster: e.primary, SecondaryCluster: e.secondary, Caches: o.run.caches,
			}), o.pair)
			object.Status = &status
		}
		if err := o.output.write(o.deps.Streams.Out, object, o.outView()); err != nil {
			return fmt.Errorf("phase %s succeeded, but its result could not be written: %w", o.phase, err)
		}
		return nil
	})
}

// onlyChecked tells whether nothing but checks was made.
func onlyChecked(step xsite.StepResult) bool {
	return step.DryRun || step.Phase == xsite.PhasePreflight
}

// phaseCommands are the commands that are named after a phase.
type phaseCommands struct{ next, rest, abort string }

// names gives the commands by which the run goes on.
func (o *phaseOptions) names(step xsite.StepResult) phaseCommands {
	var c phaseCommands
	once := append(flagNames(o.output.flags), "dry-run", reportFlag)
	if step.Next != "" {
		c.next = commandLine(o.root+" phase "+string(step.Next), o.all, once...)
		c.rest = commandLine(o.root, o.all, once...)
	}
	if step.Open && !step.Verified {
		c.abort = o.sister("abort")
		if step.Cleared {
			c.abort += " --discard-sessions"
		}
	}
	return c
}
