// Command mutants takes each guard out of the program in turn, at build time, and demands that some test fails.
//
// The guards are those of pkg/xsite/guard.go. Where each is enforced is found in the code: every place that makes a Stop is a
// mutant, and so is every line marked with a comment //mutate:GUARD. A guard that is enforced nowhere is an error, so a new
// one cannot be forgotten. The program that is shipped has no switch for any of this: a mutant is an overlay of one file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"
)

// engine is the package whose guards are taken out; packages are searched for marked lines too.
const engine = "pkg/xsite"

func packages() []string { return []string{engine, "pkg/xsite/infinispan", "pkg/xsite/kube"} }

func main() {
	short := flag.Bool("short", false, "only the first mutant of each guard")
	guard := flag.String("guard", "", "only the mutants of this guard")
	list := flag.Bool("list", false, "list the mutants and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *short, *guard, *list)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run finds the mutants and tests them.
func run(ctx context.Context, out io.Writer, short bool, only string, list bool) error {
	found, err := find(".")
	if err != nil {
		return err
	}
	chosen := choose(found, short, only)
	if len(chosen) == 0 {
		return fmt.Errorf("no mutant of guard %q", only)
	}
	if list {
		for _, m := range chosen {
			_, _ = fmt.Fprintln(out, m)
		}
		return nil
	}
	began := time.Now()
	survived := 0
	for _, m := range chosen {
		v, err := judge(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
		_, _ = fmt.Fprintf(out, "%-60s %s\n", m, v)
		if !v.killed {
			survived++
		}
	}
	_, _ = fmt.Fprintf(out, "%d mutants, %d survived, in %s\n", len(chosen), survived, time.Since(began).Round(time.Second))
	if survived > 0 {
		return errors.New("a guard can be taken out without a test that fails")
	}
	return nil
}

// choose picks the mutants to be tested.
func choose(all []mutant, short bool, only string) []mutant {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(m mutant) bool {
		skip := (only != "" && m.guard != only) || (short && seen[m.guard])
		seen[m.guard] = seen[m.guard] || !skip
		return skip
	})
}
