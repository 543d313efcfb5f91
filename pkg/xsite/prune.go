package xsite

import (
	"context"
	"fmt"
	"slices"
)

// PruneOptions is what a prune is made of.
type PruneOptions struct {
	// Options are those of the recovery; Confirm is not used.
	Options

	// Agree is asked before the first change.
	Agree Agree
}

// Prune removes what the tool left in both clusters: records of closed runs, and counts left on Keycloak and probe caches of
// runs that died. Nothing of an unfinished run is touched.
func Prune(ctx context.Context, options PruneOptions) (Report, error) {
	r := newRun(options.Options)
	var left []leftover
	return r.undertake(ctx, PhasePrune, options.Agree,
		func(ctx context.Context) (what Undertaking, err error) {
			if err := r.pass(ctx, CheckPermissions, CheckServersAnswer, CheckSiteNames, CheckSameVersion, CheckOtherRuns); err != nil {
				return what, err
			}
			if left, err = r.leftovers(ctx); err != nil {
				return what, err
			}
			what = Undertaking{Title: "Remove what earlier runs left in both clusters", Site: r.secondary.name}
			for _, one := range left {
				what.Does = append(what.Does, "remove "+one.what)
			}
			if len(left) == 0 {
				what.Found = []string{"nothing is left that could be removed"}
			}
			return what, nil
		},
		func(ctx context.Context) error {
			for _, one := range left {
				if err := one.remove(ctx); err != nil {
					return fmt.Errorf("remove %s: %w", one.what, err)
				}
				r.did("", "removed %s", one.what)
			}
			return nil
		},
		func(_ context.Context, e *RunError) {
			e.State = append(e.State, r.report.Did...)
			e.DataAtRisk = "none"
			e.Next = e.mended("run the same command again")
		})
}

// leftover is one thing that an earlier run left.
type leftover struct {
	what   string
	remove func(ctx context.Context) error
}

// leftovers lists what can be removed from both sites.
func (r *run) leftovers(ctx context.Context) ([]leftover, error) {
	past, err := History(ctx, r.primary.cluster, r.secondary.cluster)
	if err != nil {
		return nil, err
	}
	r.seenJournals = map[Role]map[string]string{}
	open := map[string]bool{}
	for _, one := range past {
		open[one.RunID] = one.Closed == "" || one.Closed == closedFence // a fence's record is its way back
	}
	unfinished := slices.ContainsFunc(past, func(p PastRun) bool { return p.Closed == "" })
	var left []leftover
	for _, s := range []*site{r.primary, r.secondary} {
		stored, err := s.cluster.Journals(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the journals of the %s: %w", s, err)
		}
		r.seenJournals[s.role] = journalVersions(stored)
		for _, one := range stored {
			if !open[one.ID] {
				left = append(left, leftover{
					fmt.Sprintf("the record of run %s from site %s", one.ID, s.name),
					func(ctx context.Context) error { return s.cluster.DeleteJournal(ctx, one.ID) },
				})
			}
		}
		more, err := r.strays(ctx, s, open, unfinished)
		if err != nil {
			return nil, err
		}
		left = append(left, more...)
	}
	return left, nil
}

// strays lists counts and probe caches that nobody will ask for any more.
func (r *run) strays(ctx context.Context, s *site, open map[string]bool, unfinished bool) ([]leftover, error) {
	var left []leftover
	keycloaks, err := s.cluster.Keycloaks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read Keycloak of the %s: %w", s, err)
	}
	for _, k := range keycloaks {
		// A count on a Keycloak that is at 0 may be the only memory of it.
		if s.role == Secondary && k.Recorded != nil && !unfinished && k.Instances > 0 {
			left = append(left, leftover{
				fmt.Sprintf("the recorded count %d from %s of site %s, which has %d instances", *k.Recorded, k.Ref, s.name, k.Instances),
				func(ctx context.Context) error { return s.cluster.ForgetInstances(ctx, k.Ref) },
			})
		}
	}
	probes, err := probeCaches(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, cache := range probes {
		if open[probeRun(cache)] {
			continue
		}
		left = append(left, leftover{
			fmt.Sprintf("the probe cache %s from site %s", cache, s.name),
			func(ctx context.Context) error { return dropProbe(ctx, s, cache) },
		})
	}
	return left, nil
}
