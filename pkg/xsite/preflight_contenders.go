package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settles is how long the status of an Infinispan resource may lag behind its pods, and settleLook the pause between two
// looks at it.
const (
	settles    = 10 * time.Second
	settleLook = 2 * time.Second
)

// checkContenders looks for whatever else acts on the two sites by itself. The checks after it judge what was found. What
// this user may not look at is a warning: the rights are optional, and the guards that watch the run remain.
func (r *run) checkContenders(ctx context.Context) error {
	r.contenders = map[Role]Contenders{}
	for _, s := range []*site{r.primary, r.secondary} {
		found, err := s.cluster.Contenders(ctx, s.role)
		if err != nil {
			return fmt.Errorf("look for what else acts on the %s: %w", s, err)
		}
		r.contenders[s.role] = found
		for _, unseen := range found.Unseen {
			r.warned(GuardChecksFirst, "%s: %s could not be looked at: %s", s, unseen.What, unseen.Why)
		}
	}
	return nil
}

// checkOperator: the Infinispan operator is not at work on either site, by its own definition of a usable cluster.
func (r *run) checkOperator(ctx context.Context) error {
	var found []error
	for _, s := range []*site{r.primary, r.secondary} {
		unsettled, err := r.unsettledAt(ctx, s)
		if err == nil && len(unsettled) > 0 {
			err = r.unlessAccepted(SignInfinispanUnsettled, &Stop{
				Guard: GuardChecksFirst, Found: "the Infinispan operator is at work, or Infinispan is not whole: " + joined(unsettled), Where: s.String(),
				Because: "servers that the operator stops, starts or replaces in the middle lose flags and pushes, and with them what was proved",
				Next:    "wait until `kubectl get infinispan` shows it WellFormed, then run the same command again",
			})
		}
		found = append(found, err)
	}
	return errors.Join(found...)
}

// unsettledAt lists what speaks against a usable cluster at a site. The status of the resource is written a moment after the
// pods are ready, so it is given a moment.
func (r *run) unsettledAt(ctx context.Context, s *site) ([]string, error) {
	for waited := time.Duration(0); ; waited += settleLook {
		unsettled := r.contenders[s.role].Operator.unsettled(len(s.members))
		if len(unsettled) == 0 || waited >= settles {
			return unsettled, nil
		}
		r.emit(Event{Kind: Waiting, Role: s.role, Message: "the Infinispan operator to settle: " + joined(unsettled)})
		if err := r.opts.Clock.Wait(ctx, settleLook); err != nil {
			return nil, err
		}
		found, err := s.cluster.Contenders(ctx, s.role)
		if err != nil {
			return nil, fmt.Errorf("look for what else acts on the %s: %w", s, err)
		}
		r.contenders[s.role] = found
	}
}

// unsettled lists what speaks against a usable cluster, by the rule that the operator itself uses; members is how many
// servers there are. Without an operator nothing does.
func (v *OperatorView) unsettled(members int) []string {
	if v == nil {
		return nil
	}
	var found []string
	for _, kind := range []string{"Upgrade", "Stopping", "GracefulShutdown", "ScalingUp", "ScalingDown"} {
		if c := v.condition(kind); c.holds() {
			found = append(found, c.describe())
		}
	}
	if c := v.condition("WellFormed"); !c.holds() {
		found = append(found, c.describe())
	}
	if v.Phase != "" && !strings.EqualFold(v.Phase, "Running") {
		found = append(found, "its operand is "+v.Phase)
	}
	if v.Replicas != members {
		found = append(found, fmt.Sprintf("%d servers are wanted and %d are there", v.Replicas, members))
	}
	return found
}

// condition finds a condition; one that is not there is False.
func (v *OperatorView) condition(kind string) Condition {
	for _, c := range v.Conditions {
		if strings.EqualFold(c.Type, kind) {
			return c
		}
	}
	return Condition{Type: kind, Status: "False"}
}

// holds reports whether a condition is True.
func (c Condition) holds() bool { return strings.EqualFold(c.Status, "True") }

// describe gives a condition with its message.
func (c Condition) describe() string {
	text := c.Type + " is " + c.Status
	if c.Message != "" {
		text += " (" + c.Message + ")"
	}
	return text
}

// checkOtherKeycloaks: no further Keycloak of the namespace uses the secondary's Infinispan (guard quiet).
func (r *run) checkOtherKeycloaks(context.Context) error {
	var running []string
	for _, k := range r.contenders[Secondary].OtherKeycloaks {
		if k.Instances > 0 {
			running = append(running, k.Ref)
		}
	}
	if len(running) == 0 {
		return nil
	}
	return r.unlessAccepted(SignOtherKeycloaks, &Stop{
		Guard: GuardQuiet, Found: "further Keycloaks use this Infinispan and are not stopped by this run: " + joined(running), Where: r.secondary.String(),
		Because: "they serve and write stale sessions while the caches are cleared and filled anew",
		Next:    "name each of them with --secondary-keycloak too",
	})
}

// checkSiteHealth warns of Keycloak's own site health, in which the Keycloak that serves takes the other site offline.
func (r *run) checkSiteHealth(context.Context) error {
	if on := r.contenders[Primary].SiteHealth; len(on) > 0 {
		r.warned(GuardReachable, "%s of the primary %s has Keycloak's own site health on: it may take site %s offline again while the push runs; "+
			"that is noticed and the caches are pushed again, at most three times", joined(on), r.primary.name, r.secondary.name)
	}
	if on := r.contenders[Secondary].SiteHealth; len(on) > 0 {
		r.passed(GuardReachable, "%s of the secondary %s has Keycloak's own site health on; it does nothing while it is stopped", joined(on), r.secondary.name)
	}
	return nil
}

// checkOwnPush warns of the Infinispan operator's own push: as long as the log of a site's first server has ISPN000643, the
// operator starts one to each site that is online, at any of its reconciles.
func (r *run) checkOwnPush(context.Context) error {
	for _, s := range []*site{r.primary, r.secondary} {
		pod := r.contenders[s.role].DataRecovered
		if pod == "" {
			continue
		}
		consequence := "a push of its own in the middle of this run's makes that fail (V15); it is then repeated"
		if s.role == Secondary {
			consequence = fmt.Sprintf("it would put the stale entries of site %s on site %s (V63); a restart of that pod ends it", s.name, r.primary.name)
		}
		r.warned(GuardOneSender, "the log of pod %s of the %s has ISPN000643: the Infinispan operator may push from site %s to site %s by itself at any time: %s",
			pod, s, s.name, r.peerOf(s).name, consequence)
	}
	return nil
}

// checkExpiry warns of credentials that end before the run is expected to.
func (r *run) checkExpiry(context.Context) error {
	plan := r.plan
	plan.Settle = settleTime(plan.Caches, r.secondary.version)
	takes := estimate(plan).Downtime
	now := r.opts.Clock.Now()
	for _, s := range []*site{r.primary, r.secondary} {
		expiry := r.contenders[s.role].Expiry
		if expiry == nil || expiry.At.Sub(now) >= takes {
			continue
		}
		then := "log in anew before the run"
		if expiry.Renewed {
			then = "the client then asks for new ones; see that this works without you"
		}
		r.warned(GuardChecksFirst, "%s: %s ends at %s, in %s, and the run takes about %s: %s", s, expiry.What,
			expiry.At.UTC().Format(time.RFC3339), expiry.At.Sub(now).Round(time.Second), takes.Round(time.Second), then)
	}
	return nil
}

// unlessAccepted makes a warning of a refusal whose sign the user accepted, and names the sign in it otherwise. What may
// start Keycloak is no reason against a run that has nothing left to do but that.
func (r *run) unlessAccepted(sign Sign, stop *Stop) error {
	if stop.Guard == GuardStopped && r.onlyStarts() {
		r.warned(stop.Guard, "%s: %s", stop.Where, stop.Found)
		return nil
	}
	if slices.Contains(r.opts.Accept, sign) {
		r.warned(stop.Guard, "%s: %s (accepted)", stop.Where, stop.Found)
		return nil
	}
	stop.Next += fmt.Sprintf("; or add --accept %s to go on all the same", sign)
	return stop
}
