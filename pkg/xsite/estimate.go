package xsite

import "time"

// What the estimate reckons with. Each figure is of the slow side of what was measured; an estimate that is beaten is
// better than one that is not.
const (
	// entriesPerSecond of a push of one cache, with the guide's chunk of 16 (V23: 4,000 to 7,700).
	entriesPerSecond = 4000
	// keycloakStop and keycloakStart are per pod: pods of a StatefulSet go and come one after the other.
	keycloakStop  = 10 * time.Second
	keycloakStart = 30 * time.Second
	// KeycloakPod is what one pod of Keycloak is reckoned with, most of a short downtime; it is said beside the estimate,
	// for a Keycloak that is known to be faster or slower.
	KeycloakPod = keycloakStop + keycloakStart
	// ownSteps is what all other phases take together.
	ownSteps = 5 * time.Second
)

// estimate reckons how long Keycloak of the secondary is down and how long the push takes.
func estimate(p Plan) Estimate {
	push := time.Duration(p.Primary.Entries) * time.Second / entriesPerSecond
	push = max(push, time.Second).Round(time.Second)
	pods := 0
	for _, count := range p.Secondary.StartCounts {
		pods += count
	}
	return Estimate{Push: push, Downtime: time.Duration(pods)*KeycloakPod + ownSteps + max(push, p.Settle)}
}
