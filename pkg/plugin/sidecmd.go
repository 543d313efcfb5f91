package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/report"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// side describes a command beside the recovery, which works on the same two sites.
type side struct {
	use, short, long, example string
	// story is what a report of it is about, e.g. "Abort"; empty for a command without a report.
	story string
	// shared names the flags of the recovery that this command has too.
	shared []string
	// usage is what some of them say here, where it is not what they say for the recovery.
	usage map[string]string
	// own are the flags that only this command has; nil for none.
	own *pflag.FlagSet
	// primaryOnly says that the secondary is not contacted.
	primaryOnly bool
	// within is how long connecting to one site may take; nil for as long as it takes.
	within *time.Duration
	// anyway says that it is done also without a site that cannot be connected to.
	anyway bool
	// byHand says what to do instead when the primary cannot be connected to; nil for nothing.
	byHand func(o *sideOptions) string
	// validate judges own flags; nil for nothing to judge.
	validate func() error
	// do does it with both sites connected (the secondary is nil for primaryOnly) and gives what goes to standard output.
	do func(ctx context.Context, o *sideOptions) (string, error)
	// object is do for a command with an object to write, which has the flags of output.
	object func(ctx context.Context, o *sideOptions) (api.Object, error)
	// verdict judges the object once it is written; nil for a command whose success is 0.
	verdict func(object api.Object) error
	// act is do for a command that connects and writes by itself.
	act func(ctx context.Context, o *sideOptions) error
	// writes says that it writes an object, so that it has the flags of output.
	writes bool
	// pairOptional says that either context may be left out.
	pairOptional bool
	// args names what it may be given besides flags; nil for nothing.
	args cobra.PositionalArgs
	// words completes that.
	words func(o *sideOptions) cobra.CompletionFunc
	// lookOnly says that it only looks, with fewer rights than a run.
	lookOnly bool
}

// sideOptions are what such a command was asked to do.
type sideOptions struct {
	*resyncOptions

	side side
	// engine are the engine's options, with the sites in them.
	engine xsite.Options
	// sites are those that are connected, the primary first.
	sites []roleSite
	// absent are the errors of sites that could not be connected to.
	absent map[xsite.Role]error
	// connecting is how long connecting to the sites took.
	connecting time.Duration
	shown      progress
	// reporting writes the report, where the command has one.
	reporting *reporting
}

// roleSite is a connected site in its role.
type roleSite struct {
	Site

	role    xsite.Role
	context string
}

// newSideCommand makes a command beside the recovery.
func newSideCommand(deps Deps, s side) *cobra.Command {
	s.writes = s.writes || s.object != nil
	if s.args == nil {
		s.args = noArguments
	}
	o := &sideOptions{resyncOptions: newResyncOptions(deps), side: s}
	o.lookOnly, o.oneIsEnough = s.lookOnly, s.lookOnly || s.anyway
	cmd := &cobra.Command{
		Use: s.use, Short: s.short, Long: templates.LongDesc(s.long), Example: templates.Examples(s.example),
		Args: s.args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Complete(cmd); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return err
			}
			return o.report(cmd.Context())
		},
	}
	options := pflag.NewFlagSet("options", pflag.ContinueOnError)
	options.SortFlags = false
	if s.own != nil {
		options.AddFlagSet(s.own)
	}
	for _, set := range []*pflag.FlagSet{o.resyncOptions.run.safety, o.resyncOptions.run.scope, o.resyncOptions.run.pace} {
		set.VisitAll(func(flag *pflag.Flag) {
			if slices.Contains(s.shared, flag.Name) {
				flag.Usage = s.usageOf(flag)
				options.AddFlag(flag)
			}
		})
	}
	if s.writes {
		options.AddFlagSet(o.output.flags)
	}
	target := o.target.flags
	if s.primaryOnly {
		target = withoutSecondary(target)
	}
	groups := []flagGroup{
		{title: "Options", flags: options},
		{title: "Where things are", flags: target},
		{title: "Connection to the primary", flags: o.pair.primary.flags},
	}
	sets := []*pflag.FlagSet{options, target, o.pair.primary.flags, o.pair.bare}
	if !s.primaryOnly {
		sets = append(sets, o.pair.secondary.flags)
		groups = append(groups, flagGroup{
			title: "Connection to the secondary",
			note:  "The same flags with --secondary- in the place of --primary-, e.g. --secondary-context.",
		})
	}
	for _, set := range sets {
		cmd.Flags().AddFlagSet(set)
	}
	setHelp(cmd, groups)
	withCompletions(cmd, o.completions())
	if s.words != nil {
		cmd.ValidArgsFunction = s.words(o)
	}
	return cmd
}

// typed is the command with those of its own flags that say what it is to do: fence --lift is the opposite of fence.
func (o *sideOptions) typed() string {
	command := o.path
	if o.side.own != nil {
		o.side.own.VisitAll(func(flag *pflag.Flag) {
			if flag.Changed && flag.Value.Type() == "bool" {
				command += " --" + flag.Name
			}
		})
	}
	return command
}

// sideUsage is what flags of the recovery say in a command beside it, which discards no data.
func sideUsage() map[string]string {
	return map[string]string{
		"dry-run": "Look, say what would be done, change nothing.",
		"confirm": "Name of the site that the question asks for, which is not asked then. For scripts.",
	}
}

// usageOf is what a flag of the recovery says in this command.
func (s *side) usageOf(flag *pflag.Flag) string {
	for _, usages := range []map[string]string{s.usage, sideUsage()} {
		if usage, ok := usages[flag.Name]; ok {
			return usage
		}
	}
	return flag.Usage
}

// withoutSecondary gives the flags that are not about the secondary alone.
func withoutSecondary(flags *pflag.FlagSet) *pflag.FlagSet {
	rest := pflag.NewFlagSet("primary", pflag.ContinueOnError)
	rest.SortFlags = flags.SortFlags
	flags.VisitAll(func(flag *pflag.Flag) {
		if !strings.HasPrefix(flag.Name, "secondary-") {
			rest.AddFlag(flag)
		}
	})
	return rest
}

// validate judges the flags; nothing is contacted.
func (o *sideOptions) validate() error {
	pair := o.pair.validate
	switch {
	case o.side.primaryOnly:
		pair = o.pair.validatePrimary
	case o.side.pairOptional:
		pair = o.pair.validateGiven
	}
	if err := pair(o.typed()); err != nil {
		return err
	}
	for _, judge := range []func() error{o.target.validate, o.resyncOptions.run.validate, o.output.validate, o.side.validate} {
		if judge == nil {
			continue
		}
		if err := judge(); err != nil {
			return err
		}
	}
	return nil
}

// report does it, with the report that was asked for.
func (o *sideOptions) report(ctx context.Context) error {
	s := story{title: o.side.story, command: commandLine(o.path, o.all), done: report.OutcomeSucceeded}
	if o.resyncOptions.run.dryRun {
		s.title, s.done = "Dry run: "+s.title, report.OutcomeChecked
	}
	var err error
	if o.reporting, err = o.beginReport(s); err != nil {
		return err
	}
	return o.reporting.end(o.run(ctx))
}

// run connects, does it, and writes what there is to say.
func (o *sideOptions) run(ctx context.Context) (err error) {
	ctx, _, stop := withTimeout(ctx, o.resyncOptions.run.timeout)
	defer stop()
	o.warnOfFlags()
	if o.side.act != nil {
		return o.side.act(ctx, o)
	}
	primary, secondary, err := o.connectSide(ctx)
	if err != nil {
		return err
	}
	o.engine = o.resyncOptions.run.options()
	if primary != nil {
		defer primary.Close()
		o.engine.PrimaryCluster = primary
		o.sites = append(o.sites, roleSite{primary, xsite.Primary, o.pair.primary.context()})
	}
	if secondary != nil {
		defer secondary.Close()
		o.engine.SecondaryCluster = secondary
		o.sites = append(o.sites, roleSite{secondary, xsite.Secondary, o.pair.secondary.context()})
	}
	o.engine.NoKeycloak = slices.Equal(o.target.keycloaks(xsite.Secondary), []string{noKeycloak})
	o.engine.Who, o.engine.Tool = o.deps.Who(), version.Get().Tool()
	o.engine.Command = o.sister
	o.shown = o.newProgress()
	defer o.shown.Close()
	seeing := observers{o.shown, o.reporting}
	if o.side.story != "" {
		told := newTeller(ctx, o.deps.Who(), "", time.Now, primary, secondary)
		defer func() { o.endTelling(told, err) }()
		seeing = append(seeing, told)
	}
	o.engine.Observer = seeing
	write := o.writeText
	if o.side.object != nil {
		write = o.writeObject
	}
	return write(ctx)
}

// connectSide connects to the sites that the command works with.
func (o *sideOptions) connectSide(ctx context.Context) (primary, secondary Site, err error) {
	if o.side.within != nil {
		o.patience = *o.side.within
	}
	switch {
	case o.side.primaryOnly:
		primary, err = o.connectOne(ctx, o.pair.primary)
		if connect, ok := errors.AsType[*connectError](err); ok && o.side.byHand != nil {
			connect.byHand = o.side.byHand(o)
		}
		return primary, nil, err
	case !o.side.anyway:
		return o.connect(ctx)
	}
	began := o.deps.Clock.Now()
	primary, secondary, o.absent = o.connectEach(ctx, nil, nil)
	o.connecting = o.deps.Clock.Now().Sub(began)
	for _, err := range o.absent {
		if ref, wrong := errors.AsType[*kube.RefError](err); wrong { // a mistake on the command line, not of a site
			for _, site := range []Site{primary, secondary} {
				if site != nil {
					site.Close()
				}
			}
			return nil, nil, ref
		}
	}
	return primary, secondary, nil
}

// writeText does it and writes the text that comes of it.
func (o *sideOptions) writeText(ctx context.Context) error {
	text, err := o.side.do(ctx, o)
	o.shown.Close()
	if err != nil {
		return &failure{err: err, again: commandLine(o.path, o.all)}
	}
	if _, err := io.WriteString(o.deps.Streams.Out, text); err != nil {
		return fmt.Errorf("it is done, but the result could not be written: %w", err)
	}
	return nil
}

// writeObject does it and writes the object that comes of it.
func (o *sideOptions) writeObject(ctx context.Context) error {
	object, err := o.side.object(ctx, o)
	o.shown.Close()
	if err != nil {
		return &failure{err: err, again: commandLine(o.path, o.all)}
	}
	err = o.output.write(o.deps.Streams.Out, object, o.outView())
	if done, acts := object.(*api.Undertaking); acts && !done.DryRun && err != nil {
		return fmt.Errorf("it is done, but the result could not be written: %w", err)
	}
	if err != nil || o.side.verdict == nil {
		return err
	}
	return o.side.verdict(object)
}

// sharedFlags are the flags of the recovery that every command has which changes something.
func sharedFlags() []string {
	return []string{"confirm", "dry-run", "no-primary-lease", "step-timeout", "poll-interval"}
}
