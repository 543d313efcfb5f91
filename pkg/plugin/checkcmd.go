package plugin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// failOns lists what --fail-on takes: the least that ends the command with an exit code other than 0.
func failOns() []string { return []string{string(xsite.CheckFail), string(xsite.CheckWarn)} }

// newCheckCommand makes the command that makes every check of a recovery and nothing else.
func newCheckCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("check", pflag.ContinueOnError)
	own.SortFlags = false
	failOn := own.String("fail-on", string(xsite.CheckFail), "What ends with an exit code other than 0: failed, or warning as well (exit code 8).")
	short := own.Bool("short", false, "Only the checks that did not pass; of those that were skipped one line for each reason.")
	each := own.Duration("check-timeout", time.Minute, "How long one check may take.")
	cmd := newSideCommand(deps, side{
		use:   "check --primary-context NAME --secondary-context NAME",
		short: "Make every check of a recovery on both sites, and change nothing",
		long: `
			Make every check that a recovery makes before it changes anything, on both sites. Where a recovery
			ends with the first that fails, this makes all that can be made and lists them with what they found.
			A check that needs what another one finds is skipped when that one failed.

			Nothing is changed, and no lease is taken. docs/checks.md has a section for each check. Whether an
			entry crosses from one site to the other cannot be seen without a change; the recovery probes it.`,
		example: `
			# Look whether a recovery of site-b could begin
			kubectl ispn-resync check --primary-context site-a --secondary-context site-b

			# In a script: only what is wrong, and warnings count
			kubectl ispn-resync check --primary-context site-a --secondary-context site-b --short --fail-on warning

			# The names of the checks that failed
			kubectl ispn-resync check --primary-context site-a --secondary-context site-b \
			-o jsonpath='{.checks[?(@.status=="failed")].id}'`,
		shared: []string{"accept", "linked", "cancel-stale-push", "no-primary-lease", "cache", "all-caches", "keycloak-instances", "timeout", "poll-interval"},
		usage: map[string]string{
			"cancel-stale-push": "Check for a recovery with this flag, which ends pushes that run or are stuck and are not its own: they are no reason to refuse it.",
			"timeout":           "How long everything may take, connecting to both sites included; 0 is no limit.",
			"no-primary-lease":  "Check for a recovery with this flag, which needs no right to the Lease of the primary. No check holds a Lease.",
		},
		own: own, within: each, anyway: true,
		validate: func() error {
			if !slices.Contains(failOns(), *failOn) {
				return unknownValue("fail-on", *failOn, failOns())
			}
			if *each <= 0 {
				return usagef("--check-timeout %s is too short", *each)
			}
			return nil
		},
		object: func(ctx context.Context, o *sideOptions) (api.Object, error) {
			options := xsite.CheckOptions{Options: o.engine, Absent: map[xsite.Role]xsite.AbsentSite{}, Connecting: o.connecting, Each: *each}
			for role, err := range o.absent {
				flags := o.pair.primary
				if role == xsite.Secondary {
					flags = o.pair.secondary
				}
				if connect, ok := errors.AsType[*connectError](err); ok {
					err = connect.err // the check names the site itself
				}
				options.Absent[role] = xsite.AbsentSite{Place: xsite.Place{Context: flags.context()}, Err: err}
			}
			return checkReportObject(o.deps.Check(ctx, options), o.pair.name(), *short), nil
		},
		verdict: func(object api.Object) error {
			if report, ok := object.(*api.CheckReport); ok {
				return verdictOfChecks(report.Status, *failOn)
			}
			return nil
		},
	})
	withCompletions(cmd, map[string]cobra.CompletionFunc{"fail-on": words(failOns()...)})
	return cmd
}

// verdictOfChecks gives the exit code for a status of all checks, as an error unless it is 0.
func verdictOfChecks(status, failOn string) error {
	switch status {
	case string(xsite.CheckFail):
		return &verdictError{ExitRefused}
	case api.StatusInterrupted:
		return &verdictError{ExitInterrupted}
	case string(xsite.CheckWarn):
		if failOn == string(xsite.CheckWarn) {
			return &verdictError{ExitWarned}
		}
	}
	return nil
}
