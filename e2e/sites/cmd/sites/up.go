package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

const (
	logFile    = "sites.log"
	daemonFile = "daemon.pid"
	daemonName = "daemon"
)

// pairFlags are the options of up, given on to the daemon.
type pairFlags struct {
	options  sites.Options
	names    []string
	caches   string
	strategy string
	keycloak int
}

func (f *pairFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.options.Version, "infinispan", "", "version of the Infinispan servers (default 15.0.21.Final)")
	flags.IntVar(&f.options.NodesPerSite, "nodes", 2, "servers in each site")
	flags.IntVar(&f.options.HeapMB, "heap", 384, "heap of a server in MiB")
	flags.IntVar(&f.keycloak, "keycloak-instances", 2, "instances in the Keycloak CRs")
	flags.StringSliceVar(&f.names, "sites", []string{"site-a", "site-b"}, "names of the sites in Infinispan")
	flags.StringVar(&f.options.ContextPrefix, "context-prefix", "", "put before the sites' names to name the kubeconfig contexts")
	flags.StringVar(&f.caches, "caches", string(sites.Eight), "caches to make: eight, four or none")
	flags.StringVar(&f.strategy, "strategy", string(sites.Sync), "backup strategy of the caches: SYNC or ASYNC")
	flags.BoolVar(&f.options.TLS, "tls", false, "put the data endpoints behind certificates")
	flags.BoolVar(&f.options.OperatorDetection, "operator-detection", false, "notice a lost site as late as the operator's settings do (some 40 s)")
}

func (f *pairFlags) complete() (sites.Options, error) {
	if len(f.names) != 2 {
		return sites.Options{}, fmt.Errorf("--sites needs two names, not %d", len(f.names))
	}
	o := f.options
	o.SiteNames = [2]string{f.names[0], f.names[1]}
	o.Caches, o.Strategy, o.KeycloakInstances = sites.CacheSet(f.caches), sites.Strategy(strings.ToUpper(f.strategy)), &f.keycloak
	return o, nil
}

func newUp(where *place) *cobra.Command {
	flags := &pairFlags{}
	command := &cobra.Command{
		Use:   "up",
		Short: "Bring a pair of sites up in the background, and wait until it is ready",
		Long: "Bring a pair of sites up in the background, and wait until it is ready.\n\n" +
			"The first time the control plane is built, which takes 5 to 15 minutes; later the sites are there within a minute.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := flags.complete(); err != nil {
				return err
			}
			dir, err := where.folder()
			if err != nil {
				return err
			}
			var given []string
			cmd.Flags().Visit(func(f *pflag.Flag) {
				if f.Name != "dir" && f.Name != "name" {
					given = append(given, "--"+f.Name+"="+strings.Trim(f.Value.String(), "[]"))
				}
			})
			return up(cmd.Context(), dir, given, cmd.ErrOrStderr(), cmd.OutOrStdout())
		},
	}
	flags.add(command.Flags())
	return command
}

// up starts the daemon and shows what it says until it is ready. When ctx ends first, the daemon is told
// to end.
func up(ctx context.Context, dir string, flags []string, progress, out io.Writer) error {
	if record, err := proc.ReadRecord(filepath.Join(dir, daemonFile)); err == nil && record.Alive() {
		return fmt.Errorf("%s: %w (sites status shows it, sites down ends it)", dir, sites.ErrAlreadyUp)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the sites' folder: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_RDWR|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the daemon's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	ready, err := startDaemon(dir, flags, log)
	if err != nil {
		return err
	}
	if err := follow(ctx, log.Name(), ready, progress); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `
The sites are up. To try them:

  export KUBECONFIG=%s
  kubectl --context site-a get pods
  kubectl --context site-a port-forward pod/infinispan-0 11223
  go run ./e2e/sites/cmd/sites status
  go run ./e2e/sites/cmd/sites fill --count 10000
  go run ./e2e/sites/cmd/sites cut --wait
  go run ./e2e/sites/cmd/sites down
`, filepath.Join(dir, "kubernetes", "kubeconfig"))
	return err
}

// startDaemon starts this program again, in a session of its own, with a pipe that tells its start's end.
func startDaemon(dir string, flags []string, log *os.File) (<-chan string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe to the daemon: %w", err)
	}
	defer func() { _ = write.Close() }()
	daemon := exec.Command(self, append([]string{daemonName, "--dir", dir}, flags...)...)
	daemon.Stdout, daemon.Stderr, daemon.ExtraFiles = log, log, []*os.File{write}
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := daemon.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the daemon: %w", err), read.Close())
	}
	ready := make(chan string, 1)
	go func() {
		defer func() { _ = read.Close() }()
		// Without a word: the daemon died.
		word, err := io.ReadAll(read)
		if err != nil {
			word = nil
		}
		ready <- string(word)
		_ = daemon.Process.Release()
	}()
	return ready, nil
}

// follow copies the log as it grows until the daemon has said how its start ended.
func follow(ctx context.Context, path string, ready <-chan string, to io.Writer) error {
	log, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the daemon's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	interrupted := ctx.Done()
	for {
		if _, err := io.Copy(to, log); err != nil {
			return fmt.Errorf("show the daemon's log: %w", err)
		}
		select {
		case word := <-ready:
			switch {
			case ctx.Err() != nil:
				return errors.New("interrupted; nothing was left running")
			case word == "":
				return fmt.Errorf("the daemon died while the sites came up; its log is %s", path)
			case word != readyWord:
				return fmt.Errorf("the sites did not come up: %s", strings.TrimSpace(word))
			}
			if _, err := io.Copy(to, log); err != nil {
				return fmt.Errorf("show the daemon's log: %w", err)
			}
			return nil
		case <-interrupted:
			interrupted = nil
			record, err := proc.ReadRecord(filepath.Join(filepath.Dir(path), daemonFile))
			if err == nil && record.Alive() {
				err = syscall.Kill(record.PID, syscall.SIGTERM)
			}
			if err != nil {
				return fmt.Errorf("end the daemon: %w", err)
			}
		case <-tick.C:
		}
	}
}
