package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/report"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// resyncOptions are what the root command was asked to do.
type resyncOptions struct {
	deps   Deps
	pair   *pairFlags
	target *targetFlags
	run    *runFlags
	output *outputFlags
	// turn keeps the two sites' credential plugins from asking at once.
	turn *kube.Turn
	// lookOnly says that nothing will be changed, so that less needs to be found.
	lookOnly bool
	// oneIsEnough says that a site is tried also when the other could not be connected to.
	oneIsEnough bool
	// patience is how long connecting to one site may take; 0 for as long as it takes.
	patience time.Duration
	// all are the flags of the command, path is its name, once complete.
	all  *pflag.FlagSet
	path string
	// sister gives another command of the tool for the same sites, once complete.
	sister func(words string) string
}

// newResyncOptions makes the options with their flags.
func newResyncOptions(deps Deps) *resyncOptions {
	return &resyncOptions{deps: deps, pair: newPairFlags(), target: newTargetFlags(), run: newRunFlags(), output: newOutputFlags(), turn: kube.NewTurn()}
}

// Complete brings the flags to the form in which they are used.
func (o *resyncOptions) Complete(cmd *cobra.Command) error {
	o.all, o.path = cmd.Flags(), cmd.CommandPath()
	var one sync.Mutex // finding a command among all of them is not for two at a time
	o.sister = func(words string) string {
		one.Lock()
		defer one.Unlock()
		return sister(cmd.Root(), words, o.all, flagNames(o.output.flags)...)
	}
	return o.run.complete()
}

// Validate judges the flags and the kubeconfigs; nothing is contacted. Every error is a usage error.
func (o *resyncOptions) Validate() error {
	if err := o.pair.validate(o.path); err != nil {
		return err
	}
	if err := o.target.validate(); err != nil {
		return err
	}
	if err := o.output.validate(); err != nil {
		return err
	}
	return o.run.validate()
}

// Run connects to both sites, recovers the secondary, and writes what became of it.
func (o *resyncOptions) Run(ctx context.Context) error {
	s := story{title: "Recovery", command: commandLine(o.path, o.all), phases: xsite.Phases(), done: report.OutcomeSucceeded}
	if o.run.dryRun {
		s.title, s.phases, s.done = "Dry run: Recovery", s.phases[:1], report.OutcomeChecked
	}
	reporting, err := o.beginReport(s)
	if err != nil {
		return err
	}
	return reporting.end(o.recover(ctx, reporting))
}

// recover is Run without the report.
func (o *resyncOptions) recover(ctx context.Context, reporting *reporting) error {
	return o.engage(ctx, reporting, func(ctx context.Context, e *engaged) error {
		result, err := o.deps.Recover(ctx, e.options)
		e.ended(err)
		reporting.gave(result)
		if err != nil {
			return &failure{err: err, again: commandLine(o.path, o.all)}
		}
		return o.writeResult(result)
	})
}

// engaged is a pair of connected sites with all that a run on them needs.
type engaged struct {
	primary, secondary Site
	// options are the engine's, with the sites, the question and the observers in them.
	options xsite.Options
	// told tells the story on the sites; only, where set, are the phases that the question is about.
	told *teller
	only []xsite.Phase
	// ended is called when the engine has returned.
	ended func(err error)
}

// engage connects to both sites and lets do have the engine work on them.
func (o *resyncOptions) engage(ctx context.Context, reporting *reporting, do func(ctx context.Context, e *engaged) error) error {
	ctx, deadline, stop := withTimeout(ctx, o.run.timeout)
	defer stop()
	o.warnOfFlags()
	primary, secondary, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer primary.Close()
	defer secondary.Close()

	shown := o.newProgress()
	defer shown.Close()
	e := &engaged{primary: primary, secondary: secondary, options: o.run.options()}
	e.told = newTeller(ctx, o.deps.Who(), o.run.reason, time.Now, primary, secondary)
	e.options.PrimaryCluster, e.options.SecondaryCluster = primary, secondary
	e.options.NoKeycloak = slices.Equal(o.target.keycloaks(xsite.Secondary), []string{noKeycloak})
	e.options.Observer = observers{shown, reporting, e.told}
	e.options.Who, e.options.Tool = o.deps.Who(), version.Get().Tool()
	e.options.Command = o.sister
	e.options.Confirm = func(ctx context.Context, plan xsite.Plan) error {
		deadline.pause()
		defer deadline.resume()
		shown.Pause()
		defer shown.Resume()
		answered := reporting.asking()
		err := o.confirmation(e.only).ask(ctx, plan)
		answered(err)
		return err
	}
	cancelled := context.AfterFunc(ctx, func() {
		e.options.Observer.Observe(xsite.Event{Time: time.Now(), Kind: xsite.Noted, Message: context.Cause(ctx).Error() +
			"; finishing the current call and stopping at a safe place (once more ends at once)"})
	})
	e.ended = func(err error) {
		cancelled()
		shown.Close()
		o.endTelling(e.told, err)
	}
	return do(ctx, e)
}

// writeResult writes the plan of a dry run, or the summary of a recovery, to standard output.
func (o *resyncOptions) writeResult(result xsite.Result) error {
	verify := xsite.Verification(o.run.verify)
	var object api.Object = resultObject(result, verify)
	if result.DryRun {
		object = planObject(result.Plan, o.pair.name(), verify)
	}
	if err := o.output.write(o.deps.Streams.Out, object, o.outView()); err != nil {
		return fmt.Errorf("the run succeeded, but its result could not be written: %w", err)
	}
	return nil
}

// outView is how a text is shown on standard output.
func (o *resyncOptions) outView() view {
	v := viewOf(screenOf(o.deps, o.deps.Streams.Out))
	v.wide = o.output.wide()
	return v
}

// confirmation makes the question that stands before the first change, of a run that does only these phases, where there are any.
func (o *resyncOptions) confirmation(only []xsite.Phase) confirmation {
	streams := o.deps.Streams
	return confirmation{
		in:          streams.In,
		out:         streams.ErrOut,
		interactive: o.deps.Terminal.IsTerminal(streams.In) && o.deps.Terminal.IsTerminal(streams.ErrOut),
		view:        viewOf(screenOf(o.deps, streams.ErrOut)),
		verify:      xsite.Verification(o.run.verify),
		given:       o.run.confirm,
		again:       commandLine(o.path, o.all, "confirm"),
		only:        only,
	}
}

// connect connects to both sites.
func (o *resyncOptions) connect(ctx context.Context) (primary, secondary Site, err error) {
	primary, secondary, failed := o.connectEach(ctx, nil, nil)
	if err := errors.Join(failed[xsite.Primary], failed[xsite.Secondary]); err != nil {
		for _, site := range []Site{primary, secondary} {
			if site != nil {
				site.Close()
			}
		}
		return nil, nil, err
	}
	return primary, secondary, nil
}

// connectEach connects to those of both sites that are nil, and gives the error of each that cannot be connected to: at
// the same time, unless a credential plugin may ask something, since nobody can answer two questions at once.
func (o *resyncOptions) connectEach(ctx context.Context, primary, secondary Site) (p, s Site, failed map[xsite.Role]error) {
	var primaryErr, secondaryErr error
	connectPrimary := func() {
		if primary == nil {
			primary, primaryErr = o.connectOne(ctx, o.pair.primary)
		}
	}
	connectSecondary := func() {
		if secondary == nil {
			secondary, secondaryErr = o.connectOne(ctx, o.pair.secondary)
		}
	}
	if o.pair.primary.mayPrompt() || o.pair.secondary.mayPrompt() {
		connectPrimary()
		if primaryErr == nil || o.oneIsEnough {
			connectSecondary()
		}
	} else {
		var both sync.WaitGroup
		both.Go(connectPrimary)
		both.Go(connectSecondary)
		both.Wait()
	}
	failed = map[xsite.Role]error{}
	if primaryErr != nil {
		failed[xsite.Primary] = primaryErr
	}
	if secondaryErr != nil {
		failed[xsite.Secondary] = secondaryErr
	}
	return primary, secondary, failed
}

// warnOfFlags says loudly what some flags give up.
func (o *resyncOptions) warnOfFlags() {
	if o.target.insecure {
		o.warn("--insecure-skip-tls-verify-infinispan: the Infinispan servers are NOT authenticated; " +
			"whoever can answer in their place gets the credentials and decides what is kept")
	}
	if o.run.noPrimaryLease {
		o.warn("--no-primary-lease: a run with mirrored roles, or one of somebody who swapped the two contexts, is kept away by the journals alone; " +
			"make sure that nobody else works on this pair")
	}
}

// warn writes a warning to standard error; there is nowhere to tell that this failed.
func (o *resyncOptions) warn(message string) {
	_, _ = fmt.Fprintln(o.deps.Streams.ErrOut, "warning:", printable(message))
}

// note writes a remark to standard error; there is nowhere to tell that this failed.
func (o *resyncOptions) note(message string) {
	_, _ = fmt.Fprintln(o.deps.Streams.ErrOut, printable(message))
}
