package xsite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// checkAutoscalers: no autoscaler starts Keycloak of the secondary during the run (guard stopped), and none fights the count
// that it is started with.
func (r *run) checkAutoscalers(context.Context) error {
	r.autoscaled = map[string]Autoscaler{}
	var found []error
	for _, a := range r.contenders[Secondary].Autoscalers {
		if !a.Paused && a.HeldAt == nil {
			r.autoscaled[a.Keycloak] = a
		}
		var err error
		switch {
		case a.Kind == AutoscalerHPA && a.Min == 0:
			err = r.scalesUp(a, "it may scale up from 0, since its minReplicas is 0", "set its minReplicas to 1, with which it rests while Keycloak is at 0")
		case a.Kind == AutoscalerHPA:
			r.passed(GuardStopped, "%s rests while %s is at 0, and goes on when it is started", a.Ref, a.Keycloak)
		case a.HeldAt != nil && *a.HeldAt == 0:
			r.warned(GuardStopped, "%s holds %s at 0; it would do so to the end of the run as well, so that Keycloak is not ready: "+
				"before that, or now, let it only pause: %s", a.Ref, a.Keycloak, r.kubectl(a.Pause))
		case a.HeldAt != nil:
			err = r.scalesUp(a, "it is told to keep "+strconv.Itoa(*a.HeldAt)+" instances", "let it only pause: "+r.kubectl(a.Pause)+
				"; afterwards: "+r.kubectl(a.Unpause))
		case a.Paused:
			r.passed(GuardStopped, "%s is paused; afterwards: %s", a.Ref, r.kubectl(a.Unpause))
		default:
			err = r.scalesUp(a, "it puts a count of 0 back within its polling interval", "pause it: "+r.kubectl(a.Pause)+"; afterwards: "+r.kubectl(a.Unpause))
		}
		found = append(found, err)
		r.clip(a)
	}
	return errors.Join(found...)
}

// scalesUp is the refusal for an autoscaler that starts Keycloak by itself.
func (r *run) scalesUp(a Autoscaler, how, next string) error {
	return r.unlessAccepted(SignAutoscaler, &Stop{
		Guard: GuardStopped, Found: fmt.Sprintf("%s %s scales %s: %s", a.Kind, a.Ref, a.Keycloak, how), Where: r.secondary.String(),
		Because: "Keycloak would come up in the middle of the run and serve and write stale or partial sessions",
		Next:    next,
	})
}

// clip keeps the count to start with inside what the autoscaler keeps to: it would change another at once.
func (r *run) clip(a Autoscaler) {
	counts := r.plan.Secondary.StartCounts
	count, planned := counts[a.Keycloak]
	if !planned || a.Max < 1 || a.Paused || a.HeldAt != nil {
		return
	}
	clipped := min(max(count, a.Min), a.Max)
	if clipped != count {
		counts[a.Keycloak] = clipped
		r.warned(GuardRecorded, "%s keeps %s between %d and %d instances: it is started with %d instead of %d", a.Ref, a.Keycloak, a.Min, a.Max, clipped, count)
	}
}

// checkManagers: no tool that applies Keycloak from somewhere else puts its count back during the run (guard stopped).
func (r *run) checkManagers(context.Context) error {
	var found []error
	for _, m := range r.contenders[Secondary].Managers {
		sets := fmt.Sprintf("%s sets %s of %s", m.Name, m.Field, m.Keycloak)
		if !m.Owns {
			sets = fmt.Sprintf("%s applies %s, as far as can be seen without %s", m.Name, m.Keycloak, m.Field)
		}
		switch {
		case m.Reverts == RevertsNot:
			text := sets + "; it leaves it alone for now: " + m.Because
			if m.Unpause != "" {
				text += "; afterwards: " + r.kubectl(m.Unpause)
			}
			r.passed(GuardStopped, "%s", text)
		case m.Reverts == RevertsByHand:
			r.passed(GuardStopped, "%s; do not run it before the run has ended", sets)
		case m.Reverts == RevertsSoon && m.Owns:
			found = append(found, r.putsBack(m, sets))
		case m.Reverts == RevertsUnknown:
			r.warned(GuardStopped, "%s; whether it puts 0 back could not be looked at: %s; pause it until the run has ended", sets, m.Because)
		default:
			r.warned(GuardStopped, "%s; it may put 0 back during the run: %s", sets, m.Because)
		}
	}
	return errors.Join(found...)
}

// putsBack is the refusal for a tool that undoes what the run does to Keycloak.
func (r *run) putsBack(m Manager, sets string) error {
	next := "pause it until the run has ended"
	if m.Pause != "" {
		next = "pause it: " + r.kubectl(m.Pause) + "; afterwards: " + r.kubectl(m.Unpause)
	}
	return r.unlessAccepted(SignGitOps, &Stop{
		Guard: GuardStopped, Found: sets + " and puts it back when it changes: " + m.Because, Where: r.secondary.String(),
		Because: "Keycloak would come up in the middle of the run and serve and write stale or partial sessions",
		Next:    next,
	})
}

// checkKeycloakWork: the Keycloak operator is not updating the secondary's Keycloak, for it then scales it by itself. The
// import of a realm is a warning: its job is none of the pods that serve.
func (r *run) checkKeycloakWork(context.Context) error {
	var found []error
	for _, w := range r.contenders[Secondary].Work {
		if w.Import {
			r.warned(GuardStopped, "%s: %s: its job writes to the database, and the operator restarts Keycloak when it has ended; better wait for it",
				w.Keycloak, w.What)
			continue
		}
		found = append(found, r.unlessAccepted(SignKeycloakUpdate, &Stop{
			Guard: GuardStopped, Found: fmt.Sprintf("the Keycloak operator is updating %s: %s", w.Keycloak, w.What), Where: r.secondary.String(),
			Because: "it stops and starts Keycloak by itself until it has ended, also in the middle of the run",
			Next:    "wait until it has ended, then run the same command again",
		}))
	}
	return errors.Join(found...)
}

// kubectl gives a command for the secondary's context.
func (r *run) kubectl(args string) string {
	return "kubectl --context " + r.secondary.place.Context + " " + args
}
