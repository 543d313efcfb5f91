package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

func newDown(where *place) *cobra.Command {
	var keep bool
	command := &cobra.Command{
		Use:   "down",
		Short: "Take the pair down, also what a crash has left of it, and remove its folder",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := where.folder()
			if err != nil {
				return err
			}
			return down(cmd.Context(), dir, keep, cmd.OutOrStdout())
		},
	}
	command.Flags().BoolVar(&keep, "keep-logs", false, "leave the folder with its logs")
	return command
}

// down ends the daemon, by asking it, by TERM when it cannot be asked, by KILL when it does not end; then
// what a dead daemon left, and last the folder.
func down(ctx context.Context, dir string, keep bool, out io.Writer) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		_, err := fmt.Fprintln(out, "there is nothing to take down")
		return err
	}
	record, err := proc.ReadRecord(filepath.Join(dir, daemonFile))
	if err == nil && record.Alive() {
		if err := endDaemon(ctx, dir, record); err != nil {
			return err
		}
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	left, err := sites.Clean(dir)
	if err != nil {
		return fmt.Errorf("end what a crash has left: %w", err)
	}
	if len(left) > 0 {
		if _, err := fmt.Fprintln(out, "ended what a crash had left:", strings.Join(left, ", ")); err != nil {
			return err
		}
	}
	if !keep {
		if err := removePair(dir); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, "the sites are down")
	return err
}

func endDaemon(ctx context.Context, dir string, record proc.Record) error {
	if err := control.Send(ctx, dir, control.Request{Verb: control.Down}, io.Discard); err != nil {
		// A daemon that cannot be asked can be signalled.
		if err := syscall.Kill(record.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end the daemon (pid %d): %w", record.PID, err)
		}
	}
	patience := time.NewTimer(40 * time.Second)
	defer patience.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for record.Alive() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the daemon (pid %d) to end: %w", record.PID, ctx.Err())
		case <-patience.C:
			if err := syscall.Kill(record.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("kill the daemon (pid %d): %w", record.PID, err)
			}
		case <-tick.C:
		}
	}
	return nil
}

// removePair removes what a pair makes in its folder, and the folder when nothing else is in it.
func removePair(dir string) error {
	for _, name := range []string{"run", "kubernetes", "infinispan", "lock", "control.sock", logFile, daemonFile} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove the sites' folder: %w", err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		return fmt.Errorf("remove the sites' folder: %w", err)
	}
	return nil
}
