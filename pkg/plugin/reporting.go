package plugin

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/report"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// reportFlag is the flag that names the files of a report.
const reportFlag = "report"

// addReportFlag adds the flag.
func addReportFlag(flags *pflag.FlagSet, paths *[]string) {
	flags.StringArrayVar(paths, reportFlag, nil,
		"File for a report of this run, repeatable; its ending chooses the format: .html, .md or .json. It is written however the run ends.")
}

// completeReport offers the files that a report can be.
func completeReport(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return report.Endings(), cobra.ShellCompDirectiveFilterFileExt
}

// reportFiles judges the paths of a report. Nothing is left behind by that.
func reportFiles(paths []string) ([]*report.File, error) {
	var files []*report.File
	for i, path := range paths {
		if slices.Contains(paths[:i], path) {
			return nil, usagef("--%s %q is given twice", reportFlag, path)
		}
		file, err := report.NewFile(path)
		if err != nil {
			return nil, usagef("--%s: %w", reportFlag, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// reporting writes the report of a run while it goes on, so that a run that is killed leaves one too. Nil writes none.
type reporting struct {
	*report.Recorder

	files  []*report.File
	errOut io.Writer
	story  story
	wrote  sync.WaitGroup
	// dirty asks for the report as it is now, until it is ended.
	mu    sync.Mutex
	dirty chan struct{}
	ended bool
	// result is what the engine gave.
	result xsite.Result
}

// story is what a report tells beside the run's events.
type story struct {
	// title is what is done, command the command line.
	title, command string
	phases         []xsite.Phase
	// done is the outcome of a success.
	done string
}

// beginReport begins the report that the user asked for.
func (o *resyncOptions) beginReport(s story) (*reporting, error) {
	files, err := reportFiles(o.run.reports)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	build := version.Get()
	r := &reporting{files: files, errOut: o.deps.Streams.ErrOut, story: s, dirty: make(chan struct{}, 1)}
	r.Recorder = report.NewRecorder(time.Now, report.Begin{
		Title: s.title, Command: s.command, Who: o.deps.Who(), Reason: o.run.reason, Tool: build.Tool(), Platform: build.Platform,
		PrimaryContext: o.pair.primary.context(), SecondaryContext: o.pair.secondary.context(), Phases: s.phases,
	})
	for _, file := range files {
		aside, err := file.SetAside()
		if err != nil {
			return nil, usagef("--%s: %w", reportFlag, err)
		}
		if aside != "" {
			o.warn(fmt.Sprintf("%s is there already; it is now %s", file.Path(), aside))
		}
	}
	r.wrote.Go(func() {
		for range r.dirty {
			_ = r.write(r.Snapshot()) // the last time tells
		}
	})
	return r, nil
}

// Observe implements xsite.Observer. At each end of a phase, and whatever is of importance, the file is brought up to date.
func (r *reporting) Observe(e xsite.Event) {
	if r == nil {
		return
	}
	r.Recorder.Observe(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || e.Kind != xsite.PhaseStarted && e.Kind != xsite.PhaseEnded && e.Kind != xsite.Noted {
		return
	}
	select {
	case r.dirty <- struct{}{}:
	default: // it is being asked for already
	}
}

// asking notes that the question stands, until the function it returns is called with its answer.
func (r *reporting) asking() func(error) {
	if r == nil {
		return func(error) {}
	}
	r.Asked()
	return r.Answered
}

// gave keeps what the engine gave.
func (r *reporting) gave(result xsite.Result) {
	if r != nil {
		r.result = result
	}
}

// end writes the report for the last time. A run that succeeded and whose report cannot be written is no success: the
// record that was asked for is missing.
func (r *reporting) end(err error) error {
	if r == nil {
		return err
	}
	r.mu.Lock()
	r.ended = true
	close(r.dirty)
	r.mu.Unlock()
	r.wrote.Wait()
	failed := r.write(r.End(r.outcome(err)))
	switch {
	case failed == nil:
		for _, file := range r.files {
			r.say("report: " + file.Path())
		}
	case err == nil:
		return fmt.Errorf("the run succeeded, but its report could not be written: %w", failed)
	default:
		r.say("warning: " + failed.Error())
	}
	return err
}

// say writes a line to standard error; there is nowhere to tell that this failed.
func (r *reporting) say(line string) { _, _ = fmt.Fprintln(r.errOut, printable(line)) }

// outcome says how the run ended.
func (r *reporting) outcome(err error) report.End {
	end := report.End{Outcome: r.story.done, ExitCode: int(CodeOf(err)), Result: r.result, Err: err}
	run, ok := errors.AsType[*xsite.RunError](err)
	again, known := errors.AsType[*failure](err)
	switch {
	case ok:
		end.Outcome = string(run.Outcome)
		if known && !slices.Contains([]xsite.Outcome{xsite.Refused, xsite.Held, xsite.NotConfirmed}, run.Outcome) {
			end.Next = "to go on: " + again.again
		}
	case len(connectErrors(err)) > 0 && CodeOf(err) != ExitUsage: // a site could not be found or reached
		end.Outcome, end.Next = outcomeOfCode(CodeOf(err)), nextAfterConnecting(err)
	case err != nil:
		end.Outcome = report.OutcomeUnexpected
	}
	return end
}

// write writes the report into its files.
func (r *reporting) write(now api.Report) error {
	var problems []error
	for _, file := range r.files {
		problems = append(problems, file.Write(now))
	}
	return errors.Join(problems...)
}

// observers hand an event to each of them, in order.
type observers []xsite.Observer

// Observe implements xsite.Observer.
func (all observers) Observe(e xsite.Event) {
	for _, o := range all {
		o.Observe(e)
	}
}
