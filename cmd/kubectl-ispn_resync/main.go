// Command kubectl-ispn_resync is the kubectl plugin ispn-resync: it recovers an out-of-sync secondary site of a
// two-site Keycloak. Called as kubectl_complete-ispn_resync (a link will do) it completes kubectl's command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that kubeconfigs of cloud providers name

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin"
)

func main() { os.Exit(int(run())) }

// run is main with defers that are run.
func run() plugin.ExitCode {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		first := <-signals
		cancel(errors.New("stopped by signal: " + first.String()))
		<-signals
		fmt.Fprintln(os.Stderr, "\nended at once by a second signal; the same command finds out how the sites stand, and goes on")
		os.Exit(int(plugin.ExitInterrupted))
	}()
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	return plugin.Execute(ctx, plugin.RealDeps(streams), os.Args)
}
