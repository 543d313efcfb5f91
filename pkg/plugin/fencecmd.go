package plugin

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// newFenceCommand makes the command that keeps the primary's writes working while the link is down.
func newFenceCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("fence", pflag.ContinueOnError)
	own.SortFlags = false
	site := own.String("site", "", "The site to take offline; found by itself when caches back up to one only.")
	lift := own.Bool("lift", false, "The way back: bring online again what a fence took offline.")
	evenIfLinked := own.Bool("even-if-linked", false,
		"Fence although the two sites see each other, or nobody can tell; the other site misses every change from then on.")
	limit := firstAid
	return newSideCommand(deps, side{
		use:   "fence --primary-context NAME",
		short: "First aid while the link is down: keep the primary's writes working",
		long: `
			First aid while the link between the sites is down: take the other site offline on the primary, for
			every cache that backs up to it. With the backups of Keycloak's guide every write of the primary
			fails, or waits until it fails, as long as the other site is online for it and out of reach.

			Only the primary is contacted. What was online is recorded in its cluster. A server of it that does
			not answer holds nothing up: the others are fenced, and the end says what is not proved. When the
			link works again, recover the other site, which misses what was changed meanwhile; that ends the
			fence too. --lift brings it online again without recovering it, unless a recovery that has cleared it
			is unfinished. It watches the link for 50 seconds, because one that was cut in silence looks whole
			for that long, and fences again if it is lost.`,
		example: `
			# Show what would be taken offline
			kubectl ispn-resync fence --primary-context site-a --dry-run

			# Take it offline
			kubectl ispn-resync fence --primary-context site-a --confirm site-b

			# The way back
			kubectl ispn-resync fence --primary-context site-a --lift`,
		shared: []string{"confirm", "dry-run", "no-primary-lease", "reason", "step-timeout", "poll-interval"}, own: own, primaryOnly: true,
		within: &limit,
		byHand: func(o *sideOptions) string {
			if *lift {
				return "" // it can wait
			}
			return fenceByHand(cmp.Or(*site, o.resyncOptions.run.confirm))
		},
		validate: func() error {
			if *lift && *evenIfLinked {
				return usagef("--lift needs the two sites to see each other; --even-if-linked is for a fence")
			}
			return nil
		},
		object: func(ctx context.Context, o *sideOptions) (api.Object, error) {
			options := xsite.FenceOptions{Options: o.engine, Agree: o.agree, Site: *site, EvenIfLinked: *evenIfLinked}
			act, command := o.deps.Fence, api.CommandFence
			if *lift {
				act, command = o.deps.Lift, api.CommandLift
			}
			report, err := act(ctx, options)
			return o.undertaking(command, report), err
		},
	})
}

// fenceByHand says how a site is fenced without the API server of the primary; an empty name is one that is not known.
func fenceByHand(site string) string {
	name, known := "SECONDARY", "; SECONDARY is the name of the other site"
	if site != "" {
		name, known = shellQuote(site), ""
	}
	return "if users wait, take the other site offline by hand, in Infinispan's command line or console on a server of the primary: " +
		"site take-offline --all-caches --site=" + name + known + " (" + version.Get().Page("docs/runbook.md#"+withoutAPIServer) + ")"
}

// withoutAPIServer is the section of the runbook about it.
const withoutAPIServer = "7-one-of-the-clusters-has-no-working-api-server"
