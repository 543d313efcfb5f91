package plugin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

const (
	// silentFor is how long connecting to a site is waited for until it is said.
	silentFor = 3 * time.Second
	// firstAid is how long a fence waits for the primary. It is made while users wait, and there is a way by hand.
	firstAid = 10 * time.Second
)

// connectOne connects to one site. It returns when the context ends, even where client-go's discovery, which knows no
// context, is still waiting for a server; what comes of that is closed.
func (o *resyncOptions) connectOne(ctx context.Context, flags *siteFlags) (Site, error) {
	if o.patience > 0 {
		within, stop := patiently(ctx, o.patience, o.turn.Watch)
		defer stop()
		ctx = within
	}
	options := o.connectOptions(flags)
	type connection struct {
		site Site
		err  error
	}
	done := make(chan connection)
	go func() {
		site, err := o.deps.Connect(ctx, options)
		select {
		case done <- connection{site, err}:
		case <-ctx.Done():
			if err == nil {
				site.Close()
			}
		}
	}()
	failed := func(err error) error {
		e := &connectError{role: flags.role, context: flags.context(), err: err, brokenOff: brokenOff(ctx), kubectl: flags.kubectl("get pods")}
		if o.sister != nil {
			e.fence = o.sister("fence")
		}
		return e
	}
	silent := flags.silence()
	for {
		select {
		case <-silent:
			o.note(fmt.Sprintf("waiting for the %s (context %s) to answer", flags.role, flags.context()))
		case <-ctx.Done():
			return nil, failed(context.Cause(ctx))
		case c := <-done:
			switch {
			case c.err != nil && ctx.Err() != nil: // it ended for that
				return nil, failed(context.Cause(ctx))
			case c.err != nil:
				return nil, failed(inPlainWords(c.err))
			}
			return c.site, nil
		}
	}
}

// connectOptions are what a site is connected to with.
func (o *resyncOptions) connectOptions(flags *siteFlags) kube.Options {
	options := o.target.options(flags)
	options.Warn = func(message string) { o.warn(string(flags.role) + ": " + message) }
	options.Note = func(message string) { o.note(string(flags.role) + ": " + message) }
	options.SPDYForPortForward, options.SPDYForExec = o.noSocket("KUBECTL_PORT_FORWARD_WEBSOCKETS"), o.noSocket("KUBECTL_REMOTE_COMMAND_WEBSOCKETS")
	options.Turn = o.turn
	trace := tracerFor(o.all)
	options.ObserveCall, options.WrapTransport = trace.infinispan(flags.role), trace.wrap(flags.role)
	options.NoPrimaryLease = o.run.noPrimaryLease
	options.LookOnly = o.lookOnly
	return options
}

// noSocket tells whether one of kubectl's own variables turns WebSockets off.
func (o *resyncOptions) noSocket(variable string) bool {
	value, _ := o.deps.LookupEnv(variable)
	return strings.EqualFold(value, "false")
}

// patiently derives the context of what may take a limited time. The time in which a credential plugin asks somebody something,
// which watch tells, does not count. The cause of its end is a noAnswerError; stop releases it.
func patiently(ctx context.Context, limit time.Duration, watch func(func(asking bool))) (within context.Context, stop func()) {
	within, d, end := withDeadline(ctx, limit, &noAnswerError{limit})
	watch(func(asking bool) {
		if asking {
			d.pause()
		} else {
			d.resume()
		}
	})
	return within, func() {
		watch(nil)
		end()
	}
}

// silence says, once for each site, that connecting to it takes its time. It is nil when that was said or tried before, so that
// one who looks on is not told it again and again.
func (s *siteFlags) silence() <-chan time.Time {
	if s.tried {
		return nil
	}
	s.tried = true
	return time.After(silentFor)
}
