package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// readyWord is what the daemon says through its pipe when the sites are up; anything else is an error.
const readyWord = "ready"

func newDaemon(where *place) *cobra.Command {
	flags := &pairFlags{}
	command := &cobra.Command{
		Use: daemonName, Hidden: true, Short: "Keep a pair of sites up (started by up)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := flags.complete()
			if err != nil {
				return err
			}
			if options.Dir, err = where.folder(); err != nil {
				return err
			}
			options.Log = cmd.ErrOrStderr()
			// The first file after the standard ones. Were it handed on, up would wait for its end as
			// long as any process of the sites runs.
			const inherited = 3
			syscall.CloseOnExec(inherited)
			pipe := os.NewFile(inherited, "ready")
			err = daemon(cmd.Context(), options, pipe)
			if err != nil {
				// Not heard once up has gone; then the log has it.
				_, _ = pipe.WriteString(err.Error())
			}
			return errors.Join(err, ignoreClosed(pipe.Close()))
		},
	}
	flags.add(command.Flags())
	return command
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// daemon keeps a pair up until ctx ends or it is told to go down.
func daemon(ctx context.Context, options sites.Options, ready io.WriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	file := filepath.Join(options.Dir, daemonFile)
	if err := proc.WriteRecord(file, daemonName, os.Getpid()); err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()

	var running atomic.Pointer[sites.Pair]
	served := make(chan error, 1)
	go func() {
		served <- control.Serve(ctx, options.Dir, func(asked context.Context, request control.Request, say func(string, ...any)) error {
			if request.Verb == control.Down {
				cancel()
				return nil
			}
			pair := running.Load()
			if pair == nil {
				return errors.New("the sites are still coming up")
			}
			return handle(asked, pair, request, say)
		})
		cancel()
	}()
	pair, err := sites.Up(ctx, options)
	if err != nil {
		cancel()
		return errors.Join(err, <-served)
	}
	running.Store(pair)
	if _, err := io.WriteString(ready, readyWord); err != nil {
		// Nobody waits any more; the sites stay up all the same.
		_, _ = fmt.Fprintln(options.Log, "nobody heard that the sites are ready:", err)
	}
	if err := ready.Close(); err != nil {
		return err
	}
	err = <-served
	end, done := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer done()
	return errors.Join(err, pair.Down(end))
}
