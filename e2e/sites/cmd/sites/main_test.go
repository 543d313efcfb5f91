package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// TestMain makes the test program answer as the command itself, which also starts itself as daemon.
func TestMain(m *testing.M) {
	if os.Getenv("SITES_TEST_AS_COMMAND") != "" {
		main()
		return
	}
	m.Run()
}

// command is the command on a pair in dir.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], append(args, "--dir", dir)...)
	cmd.Env = append(os.Environ(), "SITES_TEST_AS_COMMAND=1")
	return cmd
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("sites %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// pairDir is a folder short enough for a socket, taken down at the end whatever happens.
func pairDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "up") //nolint:usetesting // the test's own folder is too deep for a socket
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "p")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := errors.Join(down(ctx, dir, false, &bytes.Buffer{}), os.RemoveAll(parent)); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// records are the processes of the pair in dir that its pid files name, the daemon's too.
func records(t *testing.T, dir string) []proc.Record {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "run", "*.pid"))
	if err != nil {
		t.Fatal(err)
	}
	var all []proc.Record
	for _, file := range append(files, filepath.Join(dir, daemonFile)) {
		record, err := proc.ReadRecord(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, record)
	}
	return all
}

// gone waits until none of the processes runs.
func gone(t *testing.T, all []proc.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for _, record := range all {
		for record.Alive() {
			select {
			case <-ctx.Done():
				t.Fatalf("%s (pid %d) still runs", record.Name, record.PID)
			case <-tick.C:
			}
		}
	}
}

func TestUpActDownLeavesNothing(t *testing.T) {
	dir := pairDir(t)
	if out := run(t, dir, "up", "--nodes", "1", "--caches", "four"); !strings.Contains(out, "export KUBECONFIG="+dir) {
		t.Errorf("up does not say what to try:\n%s", out)
	}
	processes := records(t, dir)
	if len(processes) != 2+2+1+2+2+1 {
		t.Errorf("processes %v", processes)
	}
	if out, err := command(t, dir, "up").CombinedOutput(); err == nil || !strings.Contains(string(out), "already up") {
		t.Errorf("a second up: %v\n%s", err, out)
	}
	run(t, dir, "fill", "work", "--count", "30")
	if out := run(t, dir, "status"); !strings.Contains(out, "sees site-a, site-b") || strings.Count(out, "30 entries") != 2 {
		t.Errorf("status:\n%s", out)
	}
	if out := run(t, dir, "compare"); !strings.Contains(out, "hold the same keys and values in 4 caches") {
		t.Errorf("compare:\n%s", out)
	}
	run(t, dir, "offline", "site-a")
	if out := run(t, dir, "remove", "work", "--site", "site-a", "--first", "25", "--count", "10"); !strings.Contains(out, "work: 5 entries removed on site-a") {
		t.Errorf("remove:\n%s", out)
	}
	run(t, dir, "fill", "work", "--site", "site-a", "--count", "3", "--size", "300")
	out, err := command(t, dir, "compare", "work").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "DIFFERENT: 5 only on site-b, 3 with another value") {
		t.Errorf("compare after changes on one site: %v\n%s", err, out)
	}
	if out := strings.TrimSpace(run(t, dir, "kubectl")); filepath.Base(out) != "kubectl" {
		t.Errorf("kubectl %q", out)
	}
	if out := run(t, dir, "caches", "--reset", "none") + run(t, dir, "caches"); out != "site-a: \nsite-b: \n" {
		t.Errorf("caches after a reset to none:\n%s", out)
	}
	if out := strings.TrimSpace(run(t, dir, "kubeconfig", "--user", "guest")); filepath.Base(out) != "guest.kubeconfig" {
		t.Errorf("kubeconfig %q", out)
	}
	run(t, dir, "delay", "--by", "5ms")
	run(t, dir, "cut", "--wait")
	run(t, dir, "heal", "--wait")
	run(t, dir, "freeze", "site-a")
	run(t, dir, "thaw", "site-a", "infinispan-0")
	if out, err := command(t, dir, "kill", "site-c", "infinispan-0").CombinedOutput(); err == nil || !strings.Contains(string(out), `no site "site-c"`) {
		t.Errorf("an unknown site: %v\n%s", err, out)
	}
	run(t, dir, "down")
	gone(t, processes)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if out := run(t, dir, "down"); !strings.Contains(out, "nothing to take down") {
		t.Errorf("a second down: %s", out)
	}
}

func TestACrashOfTheDaemonLeavesNoProcess(t *testing.T) {
	dir := pairDir(t)
	run(t, dir, "up", "--nodes", "1", "--caches", "none")
	processes := records(t, dir)
	daemon := processes[len(processes)-1]
	if daemon.Name != daemonName {
		t.Fatalf("the last record is %v", daemon)
	}
	if err := syscall.Kill(daemon.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, processes)
	if out, err := command(t, dir, "status").CombinedOutput(); err == nil || !strings.Contains(string(out), "sites up") {
		t.Errorf("status after a crash: %v\n%s", err, out)
	}
	run(t, dir, "down")
}

func TestAnInterruptedUpLeavesNothingRunning(t *testing.T) {
	dir := pairDir(t)
	up := command(t, dir, "up", "--nodes", "1")
	out, err := up.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 1)
	for all := ""; !strings.Contains(all, "starting etcd"); all += string(said) {
		if _, err := out.Read(said); err != nil {
			t.Fatalf("%v after %q", err, all)
		}
	}
	processes := records(t, dir)
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	if _, err := rest.ReadFrom(out); err != nil {
		t.Fatal(err)
	}
	if err := up.Wait(); err == nil || !strings.Contains(rest.String(), "interrupted; nothing was left running") {
		t.Errorf("interrupted: %v\n%s", err, rest.String())
	}
	gone(t, processes)
	gone(t, records(t, dir))
}
