package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// checkKeycloak reads Keycloak on both sites and settles with which counts the secondary's is started again. A count of
// 0 with nothing recorded is never taken for the original: the guide's own second step may have been done by hand.
func (r *run) checkKeycloak(ctx context.Context) error {
	for _, s := range []*site{r.primary, r.secondary} {
		p := r.planOf(s)
		var err error
		if p.Keycloaks, p.ReadyKeycloakPods, err = keycloaksOf(ctx, s); err != nil {
			return err
		}
	}
	if len(r.plan.Secondary.Keycloaks) == 0 && !r.opts.NoKeycloak {
		return &Stop{
			Guard: GuardStopped, Found: "no Keycloak was found that uses this Infinispan", Where: r.secondary.String(),
			Because: "a Keycloak that runs during the recovery would serve and spread stale sessions",
			Next:    "name it with --keycloak TYPE/NAME, or say --keycloak none when this site has none",
		}
	}
	refs := make([]string, 0, len(r.plan.Secondary.Keycloaks))
	for _, k := range r.plan.Secondary.Keycloaks {
		refs = append(refs, k.Ref)
	}
	if err := r.guardSamePlan("Keycloaks", slices.Collect(maps.Keys(r.journal.record.KeycloakInstances)), refs); err != nil {
		return err
	}
	r.plan.Secondary.StartCounts = map[string]int{}
	var found []error
	for _, k := range r.plan.Secondary.Keycloaks {
		count, err := r.startCount(k)
		if err != nil {
			found = append(found, err)
			continue
		}
		r.plan.Secondary.StartCounts[k.Ref] = count
		r.passed(GuardRecorded, "%s of site %s has %d instances, %d pods ready; it is started again with %d",
			k.Ref, r.secondary.name, k.Instances, k.ReadyPods, count)
	}
	return errors.Join(found...)
}

// startCount finds the original count of a Keycloak: what an unfinished run recorded in the journal, else
// what the object wants now, else what a run left on the object, else what the user says.
func (r *run) startCount(k Keycloak) (int, error) {
	if count, ok := r.journal.record.KeycloakInstances[k.Ref]; ok && r.journal.found {
		return count, nil
	}
	switch {
	case k.Instances > 0:
		return k.Instances, nil
	case k.Recorded != nil:
		return *k.Recorded, nil
	case r.opts.KeycloakInstances != nil:
		return *r.opts.KeycloakInstances, nil
	}
	return 0, &Stop{
		Guard: GuardRecorded, Found: k.Ref + " has 0 instances already, and no run recorded how many it had",
		Where:   fmt.Sprintf("namespace %s of the %s", k.Namespace, r.secondary),
		Because: "Keycloak would stay down at the end: there is no count to start it with",
		Next:    "add --keycloak-instances N with the count it should have after the recovery",
	}
}

// keycloaksOf reads the Keycloaks of a site, and how many ready pods they have together.
func keycloaksOf(ctx context.Context, s *site) (keycloaks []Keycloak, ready int, err error) {
	keycloaks, err = s.cluster.Keycloaks(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read Keycloak of the %s: %w", s, err)
	}
	for _, k := range keycloaks {
		ready += k.ReadyPods
	}
	return keycloaks, ready, nil
}
