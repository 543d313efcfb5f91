package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// preflight reads both sites, checks everything that can be checked without changing anything, and completes the plan.
// A dry run does exactly this.
func (r *run) preflight(ctx context.Context) error {
	if err := r.passAll(ctx, func(check) bool { return true }); err != nil {
		return err
	}
	if err := r.inOrder(ctx); err != nil {
		return err
	}
	r.completePlan()
	return nil
}

// recheckAfter is how long the question may stand before both sites are looked at again.
const recheckAfter = 2 * time.Second

// recheck repeats the checks on what others may have changed while the question stood: what was confirmed must still be
// what is there. The plan stays as it was confirmed.
func (r *run) recheck(ctx context.Context) error {
	confirmed, observer := r.plan, r.opts.Observer
	r.plan.Caches = slices.Clone(confirmed.Caches)
	r.opts.Observer = ObserverFunc(func(Event) {}) // said once already
	defer func() { r.plan, r.opts.Observer = confirmed, observer }()
	if err := r.both(ctx, func(ctx context.Context, s *site) error { return s.survey(ctx) }); err != nil {
		return err
	}
	if err := r.passAll(ctx, func(c check) bool { return c.again }); err != nil {
		return err
	}
	changed := func(what string) error {
		return &Stop{
			Guard: GuardChecksFirst, Found: what + " changed while the question stood",
			Because: "what was confirmed is not what is there any more", Next: "run the same command again and look at the plan anew",
		}
	}
	if !maps.Equal(confirmed.Secondary.StartCounts, r.plan.Secondary.StartCounts) {
		return changed("Keycloak of the secondary")
	}
	for i, c := range confirmed.Caches {
		if c.Original != r.plan.Caches[i].Original {
			return changed("flags or modes of cache " + c.Name)
		}
	}
	return r.guardSameCaches(ctx)
}

// both calls do for the two sites at the same time and returns the first error.
func (r *run) both(ctx context.Context, do func(context.Context, *site) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range []*site{r.primary, r.secondary} {
		group.Go(func() error { return do(ctx, s) })
	}
	return group.Wait()
}

// checkAccess asks both API servers whether the user may do all that a run does.
func (r *run) checkAccess(ctx context.Context) error {
	return errors.Join(r.accessTo(ctx, r.primary), r.accessTo(ctx, r.secondary))
}

// accessTo is checkAccess for one site.
func (r *run) accessTo(ctx context.Context, s *site) error {
	answers, err := s.cluster.Access(ctx, s.role)
	if err != nil {
		return fmt.Errorf("ask what this user may do in the %s: %w", s, err)
	}
	var denied []string
	spared := 0
	for _, a := range answers {
		switch what := a.describe(); {
		case a.Allowed:
		case a.Required:
			denied = append(denied, what)
		default:
			spared++
			r.warned(GuardChecksFirst, "%s: this user may not %s", s, what)
		}
	}
	if len(denied) > 0 {
		return &Stop{
			Guard: GuardChecksFirst, Found: "this user may not " + joined(denied), Where: s.String(),
			Because: "the run would stop half-way, with Keycloak down",
			Next:    "have that granted in a Role of that namespace, as kubectl ispn-resync rbac prints it, then run the same command again",
		}
	}
	if spared > 0 {
		r.passed(GuardChecksFirst, "%s: %d of %d permissions are there, among them all that a run cannot do without", s, len(answers)-spared, len(answers))
		return nil
	}
	r.passed(GuardChecksFirst, "%s: all %d permissions are there", s, len(answers))
	return nil
}

// describe gives a permission as an administrator reads it, with what it is for.
func (a Access) describe() string {
	text := a.Verb + " " + a.Resource
	if a.Name != "" {
		text += "/" + a.Name
	}
	text += " in namespace " + a.Namespace + " (" + a.Why + ")"
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}

// checkServers asks every server of both sites who it is.
func (r *run) checkServers(ctx context.Context) error {
	return r.onBoth(ctx, func(ctx context.Context, s *site) error { return s.survey(ctx) })
}

// checkIdentity holds the identity guard on what was surveyed.
func (r *run) checkIdentity(context.Context) error {
	if err := guardIdentity(r.primary, r.secondary); err != nil {
		return err
	}
	for _, s := range []*site{r.primary, r.secondary} {
		p := r.planOf(s)
		p.Role, p.Place, p.Name, p.Version = s.role, s.place, s.name, s.version
	}
	r.passed(GuardIdentity, "primary is site %s (Infinispan %s), secondary is site %s (Infinispan %s)",
		r.primary.name, r.primary.version, r.secondary.name, r.secondary.version)
	return nil
}

// checkVersions warns of sites that run different versions.
func (r *run) checkVersions(context.Context) error {
	if r.primary.version != r.secondary.version {
		r.warned(GuardIdentity, "the sites run different versions of Infinispan: %s and %s", r.primary.version, r.secondary.version)
	}
	return nil
}

// checkReachable holds the reachable guard for the first time.
func (r *run) checkReachable(ctx context.Context) error {
	if err := r.guardReachable(ctx); err != nil {
		return err
	}
	r.passed(GuardReachable, "sites %s and %s see each other", r.primary.name, r.secondary.name)
	return nil
}

// checkEntries counts the entries of every cache of the plan at both sites.
func (r *run) checkEntries(ctx context.Context) error {
	counted, err := r.withEntries(ctx, r.plan)
	if err != nil {
		return err
	}
	r.plan = counted
	r.warnOfOldCanary()
	return nil
}

// withEntries gives a plan with the entries that its caches have now, at both sites.
func (r *run) withEntries(ctx context.Context, p Plan) (Plan, error) {
	p.Caches = slices.Clone(p.Caches)
	index := map[string]int{}
	for i, c := range p.Caches {
		index[c.Name] = i
	}
	err := eachCache(ctx, p.Caches, func(ctx context.Context, c CachePlan) (err error) {
		counted := &p.Caches[index[c.Name]]
		if counted.PrimaryEntries, err = r.primary.relay().node.Size(ctx, c.Name); err != nil {
			return fmt.Errorf("count its entries on the %s: %w", r.primary, err)
		}
		if counted.SecondaryEntries, err = r.secondary.relay().node.Size(ctx, c.RemoteName); err != nil {
			return fmt.Errorf("count its entries on the %s: %w", r.secondary, err)
		}
		return nil
	})
	p.Primary.Entries, p.Secondary.Entries = 0, 0
	for _, c := range p.Caches {
		p.Primary.Entries += c.PrimaryEntries
		p.Secondary.Entries += c.SecondaryEntries
	}
	return p, err
}

// completePlan fills in what is computed from what the checks found.
func (r *run) completePlan() {
	r.plan.RunID = r.id
	if r.over() && !r.isOpen() { // it ends here without a record, so that nobody could find a run by that name
		r.plan.RunID = ""
	}
	r.planned = r.primary.identity()
	for _, s := range []*site{r.primary, r.secondary} {
		p := r.planOf(s)
		p.Pods = nil
		for _, m := range s.members {
			p.Pods = append(p.Pods, m.pod)
		}
	}
	r.plan.Settle = settleTime(r.plan.Caches, r.secondary.version)
	r.plan.Estimate = estimate(r.plan)
	r.result.Plan = r.plan
	plan := r.plan
	r.emit(Event{Kind: Planned, Plan: &plan})
}

// planOf returns the part of the plan that is about a site.
func (r *run) planOf(s *site) *SitePlan {
	if s.role == Primary {
		return &r.plan.Primary
	}
	return &r.plan.Secondary
}
