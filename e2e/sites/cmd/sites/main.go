// Command sites keeps a pair of real sites on this machine for trying things out: "sites up" brings it
// up in the background, the other commands act on it, "sites down" takes it down.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) //nolint:forbidigo // this is main
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sites:", err)
		os.Exit(codeOf(err)) //nolint:forbidigo // this is main
	}
}
