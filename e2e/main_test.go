package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// version is the Infinispan version of the sites; any that sites.Up knows.
var version = flag.String("infinispan", "", "Infinispan version of the sites")

// transport is the way to the servers that every command of the plugin is told to take.
var transport = flag.String("transport", "", "way to the servers for every command (port-forward or exec); empty is none, so that the plugin chooses")

// full runs every combination of what a test combines; without it one of each kind.
var full = flag.Bool("full", false, "run every combination of phase, site and moment, which takes an hour")

// What TestMain makes and all tests share: the plugin as users get it, and one pair of sites. Tests run one after the
// other and begin with fresh.
var (
	binary string
	pair   *sites.Pair
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

// run brings everything up, runs the tests, and takes everything down.
func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "ispn-resync-e2e-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary, err = buildPlugin(ctx, dir); err != nil {
		return failed(err)
	}
	if pair, err = sites.Up(ctx, sites.Options{Version: *version, Log: os.Stderr}); err != nil {
		return failed(err)
	}
	// An interrupt takes the sites down, which tests that wait for them would never notice.
	finished := context.AfterFunc(ctx, func() {
		_ = takeDown(ctx)
		os.Exit(failed(context.Cause(ctx)))
	})
	code := m.Run()
	finished()
	if err := takeDown(ctx); err != nil {
		return failed(err)
	}
	return code
}

// takeDown takes the sites down even when ctx has ended.
func takeDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return pair.Down(ctx)
}

// buildPlugin builds the plugin and makes it what kubectl finds as `kubectl ispn-resync`.
func buildPlugin(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "kubectl-ispn_resync")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "../cmd/kubectl-ispn_resync")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build the plugin: %w", err)
	}
	return path, nil
}

func failed(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}
