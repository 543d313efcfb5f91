package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const killSignal = syscall.SIGKILL

// Process is one started process. Its methods may be called from any goroutine.
type Process struct {
	spec    Spec
	cmd     *exec.Cmd
	pidFile string
	done    chan struct{}
	err     error // how it ended; readable after done
}

// Name is the name given at the start.
func (p *Process) Name() string { return p.spec.Name }

// Pid is the process id, which is also the id of the process's group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Resident is the process's memory in bytes, 0 when it cannot be read.
func (p *Process) Resident() int64 { return resident(p.Pid()) }

// LogFile is the file that holds both output streams.
func (p *Process) LogFile() string { return p.spec.LogFile }

// Done is closed when the process has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended: nil for exit code 0, an *exec.ExitError otherwise. Before Done is
// closed it is nil.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Stop asks the process to end (TERM) and kills its whole group when it has not done so within the
// grace of its Spec or before ctx ends. A frozen process is thawed first, or TERM would wait. Stop
// returns when the process is gone, whatever its exit code; on one that has ended it is harmless.
func (p *Process) Stop(ctx context.Context) error {
	grace := time.NewTimer(p.spec.Grace)
	defer grace.Stop()
	if err := errors.Join(p.signalGroup(syscall.SIGTERM), p.signalGroup(syscall.SIGCONT)); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
	case <-grace.C:
	}
	return p.Kill()
}

// Kill ends the process and its group at once, as a crash would, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.signalGroup(killSignal); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Freeze halts the process and its group (STOP) and returns when every thread of it stands still: the
// signal alone takes effect some time after it was sent, and a server answers meanwhile. A process that
// has ended is os.ErrProcessDone.
func (p *Process) Freeze() error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		still, err := standsStill(p.Pid())
		if still {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("freeze %s: %w", p.spec.Name, os.ErrProcessDone)
		case <-patience.C:
			return errors.Join(fmt.Errorf("%s (pid %d) does not stand still though it was stopped", p.spec.Name, p.Pid()), err)
		case <-tick.C:
		}
	}
}

// Thaw lets a frozen process go on (CONT).
func (p *Process) Thaw() error { return p.Signal(syscall.SIGCONT) }

// Signal sends sig to the process's group. A process that has ended is os.ErrProcessDone.
func (p *Process) Signal(sig syscall.Signal) error {
	select {
	case <-p.done:
		return fmt.Errorf("signal %s: %w", p.spec.Name, os.ErrProcessDone)
	default:
		return p.signalGroup(sig)
	}
}

// signalGroup does nothing once the process was reaped: its number may be someone else's by then.
func (p *Process) signalGroup(sig syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	err := syscall.Kill(-p.Pid(), sig)
	if err == nil || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return fmt.Errorf("send %v to %s (pid %d): %w", sig, p.spec.Name, p.Pid(), err)
}

// wait reaps the process, calls reaped and closes Done: whoever waited for the end of the process finds
// everything done that reaped does.
func (p *Process) wait(reaped func()) {
	p.err = p.cmd.Wait()
	// What the process started must not outlive it.
	if err := p.signalGroup(killSignal); err != nil {
		p.err = errors.Join(p.err, err)
	}
	// The record goes first: after it the number may belong to anyone.
	if err := os.Remove(p.pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		p.err = errors.Join(p.err, err)
	}
	reaped()
	close(p.done)
}
