package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by [Group.Start] and [Group.Ports] after [Group.Close].
var ErrClosed = errors.New("the process group was closed")

// Group owns a set of processes and the loopback ports they were given.
type Group struct {
	dir string

	spawn  chan func()
	thread chan struct{} // closed when the spawning thread has ended
	ports  *portPool

	adopted atomic.Int64

	mu        sync.Mutex
	closed    bool
	processes []*Process
}

// Spec describes one process to start.
type Spec struct {
	// Name names the process in logs and errors, and its pid file (NAME.pid in the group's folder).
	// It is unique among the running processes of the group.
	Name string
	// Path is the program, absolute or to be found in PATH. Args are its arguments without argv[0];
	// they are readable by every user of the machine, so no secret belongs there.
	Path string
	Args []string
	// Env is the whole environment; nil means that of the harness.
	Env []string
	// Dir is the working folder, the group's folder when empty.
	Dir string
	// LogFile receives both output streams, appended; it is made when missing.
	LogFile string
	// Grace is how long Stop waits after TERM before it sends KILL; 10 s when zero.
	Grace time.Duration
}

// NewGroup makes dir, where the pid files of the group's processes will lie, and starts the thread
// that will be the parent of them all. Close ends it.
func NewGroup(dir string) (*Group, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of pid files: %w", err)
	}
	pool, err := newPortPool()
	if err != nil {
		return nil, err
	}
	g := &Group{dir: dir, spawn: make(chan func()), thread: make(chan struct{}), ports: pool}
	go g.runThread()
	return g, nil
}

// runThread starts processes for as long as the group lives. Pdeathsig fires when the thread that
// started a process ends, not when the program does, and Go ends idle threads as it likes: so
// every start happens on one thread that is locked to this goroutine.
func (g *Group) runThread() {
	defer close(g.thread)
	runtime.LockOSThread()
	for start := range g.spawn {
		start()
	}
	// Not unlocked: the thread ends with the goroutine, when no process is left that depends on it.
}

// Start starts the process that spec describes and writes its pid file. The process is the caller's
// to watch (Done) and to stop; Close stops what still runs.
func (g *Group) Start(spec Spec) (*Process, error) {
	if spec.Grace == 0 {
		spec.Grace = 10 * time.Second
	}
	if spec.Dir == "" {
		spec.Dir = g.dir
	}
	log, err := os.OpenFile(spec.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", spec.Name, err)
	}
	// The child holds its own copy of the descriptor from its start on.
	defer func() { _ = log.Close() }()

	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env, cmd.Dir = spec.Env, spec.Dir
	cmd.Stdout, cmd.Stderr = log, log
	return g.start(spec, cmd)
}

// Adopt starts cmd, whose streams and environment the caller has set, as a process of the group. Its
// pid file is named after name and a number of its own. The Process waits for cmd; the caller must not.
func (g *Group) Adopt(name string, cmd *exec.Cmd) (*Process, error) {
	name = fmt.Sprintf("%s-%d", name, g.adopted.Add(1))
	return g.start(Spec{Name: name, Grace: 10 * time.Second}, cmd)
}

func (g *Group) start(spec Spec, cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = childAttributes()
	p := &Process{spec: spec, cmd: cmd, done: make(chan struct{}), pidFile: filepath.Join(g.dir, spec.Name+".pid")}
	// The lock is held over the start: Close must either see the process or refuse it.
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fmt.Errorf("start %s: %w", spec.Name, ErrClosed)
	}
	started := make(chan error, 1)
	g.spawn <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	if err := writeRecord(p.pidFile, spec.Name, cmd.Process.Pid); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return nil, errors.Join(err, p.signalGroup(killSignal), cmd.Wait())
	}
	g.processes = append(g.processes, p)
	go p.wait(func() { g.forget(p) })
	return p, nil
}

// Processes are those that run now, the oldest first.
func (g *Group) Processes() []*Process {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.processes)
}

// Ports reserves n loopback TCP ports that nothing listens on. No other group on this machine gets
// them until they are released or the group is closed, not even after a crash of this program.
func (g *Group) Ports(n int) ([]int, error) { return g.ports.take(n) }

// Release gives ports back that Ports had reserved.
func (g *Group) Release(ports ...int) { g.ports.release(ports...) }

// Close stops every process that still runs, the youngest first, and gives all ports back. It is
// safe to call it again. The error names what could not be stopped.
func (g *Group) Close(ctx context.Context) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		<-g.thread
		return nil
	}
	g.closed = true
	running := slices.Clone(g.processes)
	close(g.spawn)
	g.mu.Unlock()

	slices.Reverse(running)
	failures := make([]error, len(running))
	var all sync.WaitGroup
	for i, p := range running {
		// All at once: each takes seconds, and none of them needs another to end well.
		all.Go(func() { failures[i] = p.Stop(ctx) })
	}
	all.Wait()
	g.ports.close()
	<-g.thread
	return errors.Join(failures...)
}

func (g *Group) forget(p *Process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.processes = slices.DeleteFunc(g.processes, func(other *Process) bool { return other == p })
}
