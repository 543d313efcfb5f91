package plugin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// newHistoryCommand makes the command that lists earlier runs, or shows one of them, with prune below it.
func newHistoryCommand(deps Deps) *cobra.Command {
	var named string
	cmd := newSideCommand(deps, side{
		use:   "history [RUN] --primary-context NAME --secondary-context NAME",
		short: "List earlier runs, and one that did not finish",
		long: `
			List the runs of which a record lies in either cluster, the newest first. The last ten that are
			over are kept, and every one that did not finish. With the name of a run, or the beginning of it, show
			all that is recorded of that one. Nothing is changed.`,
		example: `
			kubectl ispn-resync history --primary-context site-a --secondary-context site-b

			# Everything about one of them
			kubectl ispn-resync history 1f2e3d4c --primary-context site-a --secondary-context site-b`,
		args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArguments(cmd, args[1:])
			}
			if len(args) == 1 && strings.Trim(args[0], "0123456789abcdef") != "" { // the name of no run
				return noArguments(cmd, args)
			}
			named = strings.Join(args, "")
			return nil
		},
		words: func(o *sideOptions) cobra.CompletionFunc { return o.completeRuns },
		object: func(ctx context.Context, o *sideOptions) (api.Object, error) {
			runs, err := xsite.History(ctx, o.engine.PrimaryCluster, o.engine.SecondaryCluster)
			if err != nil {
				return nil, err
			}
			history := historyObject(runs, o.pair.name())
			if named == "" {
				return history, nil
			}
			return runNamed(history, named)
		},
	})
	cmd.AddCommand(newPruneCommand(deps))
	return cmd
}

// runNamed finds a run by its name or the beginning of it.
func runNamed(history *api.History, named string) (api.Object, error) {
	found := -1
	names := []string{"prune"}
	for i, run := range history.Runs {
		names = append(names, run.RunID)
		if run.RunID == named {
			found = i
			break
		}
		if !strings.HasPrefix(run.RunID, named) {
			continue
		}
		if found >= 0 {
			return nil, usagef("%q begins the names of several runs, %s and %s among them", named, history.Runs[found].RunID, run.RunID)
		}
		found = i
	}
	if found >= 0 {
		run := history.Runs[found]
		return &api.Run{Header: api.NewHeader(api.KindRun, run.RunID), RunContent: run}, nil
	}
	if near, ok := nearest(named, names); ok {
		return nil, usagef("there is no record of a run %q; did you mean %s?", named, near)
	}
	return nil, usagef("there is no record of a run %q; history without a name lists them all", named)
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
		object: func(ctx context.Context, o *sideOptions) (api.Object, error) {
			report, err := o.deps.Prune(ctx, xsite.PruneOptions{Options: o.engine, Agree: o.agree})
			return o.undertaking(api.CommandPrune, report), err
		},
	})
}

// cachesCell says how many caches of a run came furthest, and how far.
func cachesCell(caches []api.RunCache) string {
	for _, step := range []struct {
		word string
		at   func(api.RunCache) time.Time
	}{
		{"compared", func(c api.RunCache) time.Time { return c.Verified }},
		{"pushed", func(c api.RunCache) time.Time { return c.Pushed }},
		{"cleared", func(c api.RunCache) time.Time { return c.Cleared }},
	} {
		came := 0
		for _, c := range caches {
			if !step.at(c).IsZero() {
				came++
			}
		}
		if came > 0 {
			return fmt.Sprintf("%d of %d %s", came, len(caches), step.word)
		}
	}
	return ""
}

// historyText is the table of runs.
func historyText(history *api.History, v view) string {
	if len(history.Runs) == 0 {
		return "No run has left a record in either cluster.\n"
	}
	columns := []column{
		{title: "RUN"}, {title: "BEGUN"}, {title: "BY"}, {title: "KEPT"}, {title: "DISCARDED"}, {title: "CAME TO"}, {title: "END"},
	}
	if v.wide {
		columns = append(columns, column{title: "CACHES"}, column{title: "IN"}, column{title: "TOOL"}, column{title: "REASON"})
	}
	t := newTable(columns...)
	unfinished := false
	for _, run := range history.Runs {
		begun, end := "-", run.End
		if !run.Started.IsZero() {
			begun = run.Started.UTC().Format("2006-01-02 15:04Z")
		}
		switch end {
		case api.EndUnfinished:
			unfinished = true
			end = strings.ToUpper(end)
		case api.EndUnreadable:
			end = "CANNOT BE READ"
		}
		cells := []string{run.RunID, begun, run.Who, run.Kept, run.Discarded, run.Phase, end}
		if v.wide {
			cells = append(cells, cachesCell(run.Caches), strings.Join(run.Contexts, ","), run.Tool, run.Reason)
		}
		for i, cell := range cells {
			cells[i] = dash(printable(cell))
		}
		t.row(cells...)
	}
	var b strings.Builder
	b.WriteString(t.fit(v))
	if unfinished {
		b.WriteString("\n")
		writeWrapped(&b, "", "A run that is UNFINISHED is continued by the command that began it, or gone back from with abort.", v.width())
	}
	return b.String()
}

// dash stands for what is not known or does not apply.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// stamp writes a time, and nothing for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// clock writes the time of day, and nothing for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("15:04:05Z")
}
