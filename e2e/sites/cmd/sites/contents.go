package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
)

// uncomparedError is a comparison that could not be made, as opposed to one that found a difference.
type uncomparedError struct{ err error }

// Error gives the cause.
func (e *uncomparedError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *uncomparedError) Unwrap() error { return e.err }

// codeOf is the exit code for an error: 1, also for sites that differ; 2 where they could not be compared.
func codeOf(err error) int {
	if uncompared := (*uncomparedError)(nil); errors.As(err, &uncompared) {
		return 2
	}
	return 1
}

func newCompare(where *place) *cobra.Command {
	request := control.Request{Verb: control.Compare}
	return &cobra.Command{
		Use:   "compare [CACHE...]",
		Short: "Compare keys and values of both sites (of all caches when none is named)",
		Long: "Compare keys and values of both sites (of all caches when none is named).\n\n" +
			"This is a witness of its own: it reads both sites over REST and shares nothing with the plugin.\n" +
			"Exit code 0: equal. 1: different. 2: they could not be compared.",
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Caches = args
			err := send(cmd, where, request)
			if err != nil && !errors.Is(err, control.ErrUnequal) {
				return &uncomparedError{err}
			}
			return err
		},
	}
}

func newRemove(where *place) *cobra.Command {
	request := control.Request{Verb: control.Remove}
	command := &cobra.Command{
		Use:   "remove --site SITE [CACHE...]",
		Short: "Remove entries from caches of one site, as logouts do (from all of them when none is named)",
		Long: "Remove entries from caches of one site, as logouts do (from all of them when none is named).\n\n" +
			"The keys are those that fill writes with the same --prefix, --first and --count. The removals are backed up to\n" +
			"the other site when that is online.",
		Example: "  sites remove sessions --site site-a --first 100 --count 50",
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Caches = args
			return send(cmd, where, request)
		},
	}
	flags := command.Flags()
	flags.StringVar(&request.Site, "site", "", "the site to remove from")
	flags.IntVar(&request.Count, "count", 100, "entries for each cache")
	flags.IntVar(&request.First, "first", 0, "number of the first entry")
	flags.StringVar(&request.Prefix, "prefix", "key-", "what the keys begin with")
	_ = command.MarkFlagRequired("site") // fails for unknown flags only
	return command
}

func newKubectl(where *place) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl",
		Short: "Print the path of a kubectl of the control plane's version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return send(cmd, where, control.Request{Verb: control.Kubectl})
		},
	}
}

func handleRemove(ctx context.Context, pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	if request.Count < 1 {
		return errors.New("the count must be at least 1")
	}
	site, err := pair.Site(request.Site)
	if err != nil {
		return err
	}
	caches := request.Caches
	if len(caches) == 0 {
		if caches, err = site.Caches(ctx); err != nil {
			return err
		}
	}
	entries := sites.Entries{Prefix: request.Prefix, First: request.First, Count: request.Count}
	for _, cache := range caches {
		began := time.Now()
		there, err := site.Remove(ctx, cache, entries)
		if err != nil {
			return err
		}
		say("%s: %d entries removed on %s in %v", cache, there, site.Name, time.Since(began).Round(100*time.Millisecond))
	}
	return nil
}

func handleCompare(ctx context.Context, pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	found, err := pair.Compare(ctx, request.Caches...)
	if err != nil {
		return err
	}
	text, equal := comparisonTable(pair.A.Name, pair.B.Name, found)
	say("%s", text)
	if !equal {
		return control.ErrUnequal
	}
	return nil
}

// comparisonTable shows a comparison of sites a and b, and tells whether they are equal.
func comparisonTable(a, b string, found []sites.Comparison) (text string, equal bool) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 4, 3, ' ', 0)
	// The writer keeps everything until Flush, and a strings.Builder takes everything.
	line := func(cells ...any) {
		_, _ = fmt.Fprintln(table, strings.TrimRight(strings.Join(words(cells), "\t"), "\t"))
	}
	line("CACHE", a, b, "")
	different := 0
	for _, c := range found {
		line(c.Cache, c.A, c.B, verdict(a, b, c))
		if !c.Equal() {
			different++
		}
	}
	_ = table.Flush()
	if different == 0 {
		fmt.Fprintf(&out, "%s and %s hold the same keys and values in %d caches\n", a, b, len(found))
		return out.String(), true
	}
	fmt.Fprintf(&out, "%s and %s differ in %d of %d caches\n", a, b, different, len(found))
	return out.String(), false
}

func words(cells []any) []string {
	all := make([]string, len(cells))
	for i, cell := range cells {
		all[i] = fmt.Sprint(cell)
	}
	return all
}

// verdict says how the contents of one cache differ.
func verdict(a, b string, c sites.Comparison) string {
	if c.Equal() {
		return "equal"
	}
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{{c.Missing, "only on " + a}, {c.Extra, "only on " + b}, {c.Different, "with another value"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	return "DIFFERENT: " + strings.Join(parts, ", ")
}
