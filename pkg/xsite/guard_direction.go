package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// smallerBy is how many entries the secondary must hold more than the primary, beside twice as many, before that speaks
// against the roles. Below it a handful of sessions would decide.
const smallerBy = 50

// checkDirection: every sign agrees with the roles that the user gave, or was accepted by its name. A healthy pair looks
// the same both ways, so what can be told apart must agree.
func (r *run) checkDirection(context.Context) error {
	for _, found := range guardDirection(r.plan) {
		if slices.Contains(r.opts.Accept, found.sign) {
			r.warned(GuardDirection, "%s (accepted)", found.stop.Found)
		}
	}
	if against := r.unaccepted(r.plan); len(against) > 0 {
		return errors.Join(against...)
	}
	r.passed(GuardDirection, "nothing speaks against keeping site %s and discarding site %s", r.primary.name, r.secondary.name)
	return nil
}

// unaccepted returns a stop for each sign against the roles that was not accepted by its name.
func (r *run) unaccepted(p Plan) []error {
	var against []error
	for _, found := range guardDirection(p) {
		if slices.Contains(r.opts.Accept, found.sign) {
			continue
		}
		found.stop.Next = fmt.Sprintf("if the roles are swapped, swap the two contexts; if they are right, add --accept %s", found.sign)
		against = append(against, found.stop)
	}
	return against
}

// contrary is one sign against the roles.
type contrary struct {
	sign Sign
	stop *Stop
}

// guardDirection reads the signs against the roles from what was found.
func guardDirection(p Plan) []contrary {
	var found []contrary
	const because = "the data of the site that is right would be discarded"
	where := fmt.Sprintf("primary %s (%s), secondary %s (%s)", p.Primary.Name, p.Primary.Place, p.Secondary.Name, p.Secondary.Place)
	add := func(sign Sign, format string, args ...any) {
		found = append(found, contrary{sign, &Stop{Guard: GuardDirection, Found: fmt.Sprintf(format, args...), Where: where, Because: because}})
	}
	if len(p.Primary.Keycloaks) > 0 && p.Primary.ReadyKeycloakPods == 0 {
		add(SignPrimaryKeycloakNotReady, "Keycloak of the primary %s has no ready pod: it does not look like the site that serves", p.Primary.Name)
	}
	if held := heldOffline(p.Caches); len(held) > 0 && p.Secondary.ReadyKeycloakPods > 0 {
		add(SignPrimaryHeldOffline, "site %s has taken the primary %s offline (%s) while its own Keycloak serves: that is what one does with a stale site",
			p.Secondary.Name, p.Primary.Name, joined(held))
	}
	here, there := p.Primary.Entries, p.Secondary.Entries
	if (here == 0 && there > 0) || (there > 2*here && there-here > smallerBy) {
		add(SignPrimarySmaller, "the primary %s holds %d entries, the secondary %s holds %d", p.Primary.Name, here, p.Secondary.Name, there)
	}
	return found
}

// heldOffline returns the caches for which the secondary had the primary offline before the run.
func heldOffline(caches []CachePlan) []string {
	var names []string
	for _, c := range caches {
		if c.Original.SecondaryHoldsPrimary == infinispan.FlagOffline {
			names = append(names, c.Name)
		}
	}
	return names
}
