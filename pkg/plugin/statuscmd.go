package plugin

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// statusFlags are those of the command status.
type statusFlags struct {
	caches    []string
	watch     bool
	interval  time.Duration
	limit     time.Duration
	exitCode  bool
	tolerance float64
	flags     *pflag.FlagSet
}

// newStatusFlags makes the flags.
func newStatusFlags() *statusFlags {
	f := &statusFlags{flags: pflag.NewFlagSet("status", pflag.ContinueOnError)}
	f.flags.SortFlags = false
	f.flags.BoolVarP(&f.watch, "watch", "w", false, "Look again and again until Ctrl-C: redrawn on a terminal, elsewhere a line for each change.")
	f.flags.DurationVar(&f.interval, "interval", 10*time.Second, "The pause between two looks with --watch.")
	f.flags.BoolVar(&f.exitCode, "exit-code", false, "End with exit code 10 when the sites are not in sync, or not known to be.")
	f.flags.Float64Var(&f.tolerance, "tolerance", 1,
		"Per cent by which numbers of entries may differ, at least 10 entries; 0 allows none. Sites in use differ by what is under way.")
	f.flags.StringSliceVar(&f.caches, "cache", nil, "Only this cache of the primary, repeatable.")
	f.flags.DurationVar(&f.limit, "timeout", 20*time.Second, "How long one look may take; what was not answered by then is unknown.")
	return f
}

// validate judges the flags.
func (f *statusFlags) validate() error {
	if err := refuseNoName(f.flags, "cache"); err != nil {
		return err
	}
	switch {
	case f.interval < time.Second:
		return usagef("--interval %s is too short; 1s is the least", f.interval)
	case f.limit <= 0:
		return usagef("--timeout %s is too short", f.limit)
	case !(f.tolerance >= 0 && f.tolerance <= 100): // NaN is neither
		return usagef("--tolerance %g is not a percentage: write a number from 0 to 100, e.g. --tolerance 2.5", f.tolerance)
	}
	return nil
}

// allowed gives the tolerance for a number of entries.
func (f *statusFlags) allowed(entries int64) int64 {
	const least = 10
	if f.tolerance == 0 {
		return 0
	}
	return max(int64(float64(entries)*f.tolerance/100), least)
}

// newStatusCommand makes the command that shows both sites beside each other.
func newStatusCommand(deps Deps) *cobra.Command {
	flags := newStatusFlags()
	return newSideCommand(deps, side{
		use:   "status --primary-context NAME --secondary-context NAME",
		short: "Show both sites side by side",
		long: `
			Show both sites side by side: whether they see each other, health, Keycloak, and for each cache whether
			each site has the other online, how many entries both hold and by how many they differ, and whether a
			run is open. With -o wide also strategies, state-transfer modes and the states of pushes.

			Nothing is changed. Only sizes and flags are read, so that it can be called every minute; contents are
			compared by diff. One site that cannot be reached is said to be so, and the other is shown. What the
			user may not read is shown as ?. Last come the commands that help with what was found.`,
		example: `
			# How do the two sites stand?
			kubectl ispn-resync status --primary-context site-a --secondary-context site-b

			# Look on while somebody recovers
			kubectl ispn-resync status --primary-context site-a --secondary-context site-b --watch

			# In a script: exit code 10 when they are not in sync
			kubectl ispn-resync status --primary-context site-a --secondary-context site-b --exit-code -o json`,
		own: flags.flags, validate: flags.validate, lookOnly: true, writes: true,
		act: func(ctx context.Context, o *sideOptions) error {
			l := &statusLook{o: o, flags: flags}
			if flags.watch {
				return l.watch(ctx)
			}
			defer l.close()
			if err := l.connectMissing(ctx); err != nil {
				return err
			}
			if err := l.noneConnected(); err != nil {
				return err
			}
			status := l.once(ctx)
			if err := o.output.write(o.deps.Streams.Out, status, o.outView()); err != nil {
				return err
			}
			return l.verdict(status)
		},
	})
}

// statusLook looks at a pair, as often as it is asked to.
type statusLook struct {
	o                  *sideOptions
	flags              *statusFlags
	primary, secondary Site
	unconnected        map[xsite.Role]error
}

// connectMissing connects to the sites that are not connected yet. One that cannot be is no error; one that is wrongly named is.
func (l *statusLook) connectMissing(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.flags.limit, errors.New("it did not answer within --timeout"))
	defer cancel()
	l.primary, l.secondary, l.unconnected = l.o.connectEach(ctx, l.primary, l.secondary)
	for _, err := range l.unconnected {
		if _, misnamed := errors.AsType[*kube.RefError](err); misnamed {
			return err
		}
	}
	return nil
}

// noneConnected gives the errors of both sites when neither could be connected to: there is nothing to show.
func (l *statusLook) noneConnected() error {
	if l.primary != nil || l.secondary != nil {
		return nil
	}
	return errors.Join(l.unconnected[xsite.Primary], l.unconnected[xsite.Secondary])
}

// close ends the connections.
func (l *statusLook) close() {
	for _, site := range []Site{l.primary, l.secondary} {
		if site != nil {
			site.Close()
		}
	}
}

// once looks once.
func (l *statusLook) once(ctx context.Context) *api.Status {
	options := xsite.StatusOptions{Unconnected: l.unconnected, Caches: l.flags.caches, Limit: l.flags.limit, Tolerance: l.flags.allowed}
	if l.primary != nil {
		options.PrimaryCluster = l.primary
	}
	if l.secondary != nil {
		options.SecondaryCluster = l.secondary
	}
	return statusObject(l.o.deps.Status(ctx, options), l.o.pair, l.o.target)
}

// verdict is the end of a look: with --exit-code a pair that is not in sync has a code of its own.
func (l *statusLook) verdict(status *api.Status) error {
	if l.flags.exitCode && !status.InSync {
		return &verdictError{ExitOutOfSync}
	}
	return nil
}
