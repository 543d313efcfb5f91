package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// newHistoryCommand makes the command that lists earlier runs, with prune below it.
func newHistoryCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("history", pflag.ContinueOnError)
	output := own.StringP("output", "o", "", "json; a table otherwise.")
	cmd := newSideCommand(deps, side{
		use:   "history --primary-context NAME --secondary-context NAME",
		short: "List earlier runs, and one that did not finish",
		long: `
			List the runs of which a record lies in either cluster, the newest first. The last ten that are
			over are kept, and every one that did not finish. Nothing is changed.`,
		example: `
			kubectl ispn-resync history --primary-context site-a --secondary-context site-b`,
		own: own,
		validate: func() error {
			if *output != "" && *output != "json" {
				return usagef("--output %q is not json", *output)
			}
			return nil
		},
		do: func(ctx context.Context, o *sideOptions) (string, error) {
			runs, err := xsite.History(ctx, o.engine.PrimaryCluster, o.engine.SecondaryCluster)
			if err != nil || *output == "" {
				return historyText(runs), err
			}
			text, err := json.MarshalIndent(map[string]any{"runs": runs}, "", "  ")
			if err != nil {
				return "", fmt.Errorf("encode the runs: %w", err)
			}
			return string(text) + "\n", nil
		},
	})
	withCompletions(cmd, map[string]cobra.CompletionFunc{"output": words("json")})
	cmd.AddCommand(newPruneCommand(deps))
	return cmd
}

// newPruneCommand makes the command that removes what runs left.
func newPruneCommand(deps Deps) *cobra.Command {
	return newSideCommand(deps, side{
		use:   "prune --primary-context NAME --secondary-context NAME",
		short: "Remove what earlier runs left in both clusters",
		long: `
			Remove what earlier runs left in both clusters: the records of runs that are over, counts on
			Keycloak and probe caches of runs that died. Nothing of a run that did not finish is touched.`,
		example: `
			# Show what would be removed
			kubectl ispn-resync history prune --primary-context site-a --secondary-context site-b --dry-run`,
		shared: sharedFlags(),
		do: func(ctx context.Context, o *sideOptions) (string, error) {
			report, err := o.deps.Prune(ctx, xsite.PruneOptions{Options: o.engine, Agree: o.agree})
			return reportText(report, o.engine.DryRun), err
		},
	})
}

// historyText is the table of runs.
func historyText(runs []xsite.PastRun) string {
	if len(runs) == 0 {
		return "No run has left a record in either cluster.\n"
	}
	rows := [][]string{{"RUN", "BEGUN", "BY", "KEPT", "DISCARDED", "CAME TO", "END", "IN"}}
	for _, run := range runs {
		end := run.Closed
		if end == "" {
			end = "UNFINISHED"
		}
		if run.Unreadable != "" && run.Who == "" {
			rows = append(rows, []string{run.RunID, "-", "-", "-", "-", "-", "CANNOT BE READ", strings.Join(run.Contexts, ",")})
			continue
		}
		rows = append(rows, []string{
			run.RunID, run.Started.UTC().Format(time.RFC3339), run.Who, run.Kept, run.Discarded, string(run.Phase), end, strings.Join(run.Contexts, ","),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
			widths[i] = max(widths[i], len([]rune(row[i])))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-len([]rune(cell))+2))
			}
		}
		b.WriteString("\n")
	}
	if slices.ContainsFunc(runs, func(r xsite.PastRun) bool { return r.Closed == "" && r.Unreadable == "" }) {
		b.WriteString("\nA run that is UNFINISHED is continued by the command that began it, or gone back from with abort.\n")
	}
	return b.String()
}
