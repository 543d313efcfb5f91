package proc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PROC_TEST_ABANDON"); dir != "" {
		abandon(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// abandon is the crashing harness of TestCleanEndsWhatACrashLeft: it starts a child, says so and
// waits to be killed.
func abandon(dir string) {
	g, err := NewGroup(dir)
	if err != nil {
		panic(err)
	}
	p, err := g.Start(Spec{Name: "child", Path: "sleep", Args: []string{"600"}, LogFile: filepath.Join(dir, "log")})
	if err != nil {
		panic(err)
	}
	if _, err := fmt.Fprintln(os.Stdout, p.Pid()); err != nil {
		panic(err)
	}
	<-p.Done()
}

func newGroup(t *testing.T) *Group {
	t.Helper()
	g, err := NewGroup(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return g
}

func start(t *testing.T, g *Group, name, script string) *Process {
	t.Helper()
	p, err := g.Start(Spec{
		Name: name, Path: "bash", Args: []string{"-c", script},
		LogFile: filepath.Join(t.TempDir(), "log"), Grace: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// waitFor polls a condition of a real process.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatal("waited in vain until " + what)
		case <-tick.C:
		}
	}
}

func logSays(p *Process, word string) func() bool {
	return func() bool {
		data, err := os.ReadFile(p.LogFile())
		return err == nil && strings.Contains(string(data), word)
	}
}

func TestStopEndsWhatIgnoresTermAndIsFrozen(t *testing.T) {
	for _, c := range []struct {
		name, script string
		freeze       bool
	}{
		{"ends on TERM", "trap 'exit 0' TERM; echo up; while :; do read -t 0.01 < <(:); done", false},
		{"ignores TERM", "trap '' TERM; echo up; while :; do read -t 1 <> <(:); done", false},
		{"frozen", "echo up; exec sleep 600", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, newGroup(t), "p", c.script)
			waitFor(t, "the script runs", logSays(p, "up"))
			if c.freeze {
				if err := p.Signal(syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			select {
			case <-p.Done():
			default:
				t.Fatal("Stop returned before the process had ended")
			}
			if err := p.Signal(syscall.SIGCONT); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("a signal to what has ended: %v, want os.ErrProcessDone", err)
			}
			if err := p.Stop(t.Context()); err != nil {
				t.Errorf("a second Stop: %v", err)
			}
		})
	}
}

func TestAFrozenProcessStandsStillWhenFreezeReturns(t *testing.T) {
	p := start(t, newGroup(t), "busy", "echo up; while :; do :; done")
	waitFor(t, "the script runs", logSays(p, "up"))
	for range 20 {
		if err := p.Freeze(); err != nil {
			t.Fatal(err)
		}
		if still, err := standsStill(p.Pid()); !still || err != nil {
			t.Fatalf("it still runs, %v", err)
		}
		if err := p.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProcessTakesItsOwnChildrenWithIt(t *testing.T) {
	p := start(t, newGroup(t), "parent", "sleep 600 & echo child=$!; wait")
	waitFor(t, "the grandchild runs", logSays(p, "child="))
	data, err := os.ReadFile(p.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscanf(string(data), "child=%d", &child); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the grandchild is gone", func() bool { _, err := startStamp(child); return err != nil })
}

func TestNoProcessOfTheGroupRunsOnceItsEndIsKnown(t *testing.T) {
	g := newGroup(t)
	for range 100 {
		p := start(t, g, "short", "exit 0")
		<-p.Done()
		for _, running := range g.Processes() {
			t.Fatalf("%s (pid %d) is done and still among those that run", running.Name(), running.Pid())
		}
	}
}

func TestCloseStopsAllAndLeavesNoPidFile(t *testing.T) {
	dir := t.TempDir()
	g, err := NewGroup(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, b := start(t, g, "a", "exec sleep 600"), start(t, g, "b", "exec sleep 600")
	if _, err := ReadRecord(filepath.Join(dir, "a.pid")); err != nil {
		t.Errorf("the pid file of a running process: %v", err)
	}
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-a.Done()
	<-b.Done()
	left, err := filepath.Glob(filepath.Join(dir, "*.pid*"))
	if err != nil || len(left) > 0 {
		t.Errorf("pid files left behind: %v, %v", left, err)
	}
	if _, err := g.Start(Spec{Name: "late", Path: "true", LogFile: filepath.Join(dir, "log")}); !errors.Is(err, ErrClosed) {
		t.Errorf("a start after Close: %v, want ErrClosed", err)
	}
}

func TestCleanNeverKillsAStrangerWithAnOldNumber(t *testing.T) {
	dir := t.TempDir()
	p := start(t, newGroup(t), "stranger", "exec sleep 600")
	file := filepath.Join(dir, "old.pid")
	old := fmt.Sprintf(`{"name":"old","pid":%d,"start":"another boot/1"}`, p.Pid())
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	killed, err := Clean(dir)
	if err != nil || len(killed) > 0 {
		t.Fatalf("killed %v, %v", killed, err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale pid file is still there: %v", err)
	}
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Errorf("the stranger does not run any more: %v", err)
	}
}

func TestCleanEndsWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	p := start(t, newGroup(t), "orphan", "exec sleep 600")
	if err := WriteRecord(filepath.Join(dir, "orphan.pid"), "orphan", p.Pid()); err != nil {
		t.Fatal(err)
	}
	killed, err := Clean(dir)
	if err != nil || len(killed) != 1 || killed[0].Name != "orphan" {
		t.Fatalf("killed %v, %v", killed, err)
	}
	<-p.Done()
	if killed, err := Clean(dir); err != nil || len(killed) > 0 {
		t.Errorf("a second Clean: %v, %v", killed, err)
	}
}

func TestTheKernelKillsTheChildrenOfAKilledHarness(t *testing.T) {
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "PROC_TEST_ABANDON="+t.TempDir())
	out, err := harness.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	if err := harness.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the child is gone", func() bool { _, err := startStamp(child); return err != nil })
	if err := harness.Wait(); err == nil {
		t.Error("the killed harness reports success")
	}
}

func TestNoPortIsGivenTwice(t *testing.T) {
	a, b := newGroup(t), newGroup(t)
	seen := map[int]bool{}
	for _, g := range []*Group{a, b, a, b} {
		ports, err := g.Ports(50)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range ports {
			if seen[port] {
				t.Fatalf("port %d was given twice", port)
			}
			seen[port] = true
		}
	}
	ports, err := a.Ports(1)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0]))
	if err != nil {
		t.Fatalf("a reserved port cannot be listened on: %v", err)
	}
	a.Release(ports...)
	if _, err := b.ports.lock(ports[0]); !errors.Is(err, errTaken) {
		t.Errorf("a port in use was reserved: %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	lock, err := b.ports.lock(ports[0])
	if lock == nil || err != nil {
		t.Fatalf("a released port cannot be reserved: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAProgramThatIsNotThereIsSaidByName(t *testing.T) {
	g := newGroup(t)
	_, err := g.Start(Spec{Name: "etcd", Path: "/nowhere/etcd", LogFile: filepath.Join(t.TempDir(), "log")})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "start etcd") {
		t.Errorf("error %v", err)
	}
}
