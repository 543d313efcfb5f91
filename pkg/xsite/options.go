package xsite

import (
	"context"
	"time"
)

// Sign is something found that speaks against the run, above all against the roles the user gave. Each can be accepted by
// its name, one by one; there is no way to accept all.
type Sign string

// The signs.
const (
	// SignPrimaryKeycloakNotReady: Keycloak of the primary has no ready pod.
	SignPrimaryKeycloakNotReady Sign = "primary-keycloak-not-ready"
	// SignPrimaryHeldOffline: the secondary has taken the primary offline and its Keycloak serves; that is what one
	// does with a site that is stale.
	SignPrimaryHeldOffline Sign = "primary-held-offline"
	// SignPrimarySmaller: the primary holds far fewer entries than the secondary.
	SignPrimarySmaller Sign = "primary-smaller"
	// SignOtherClients: other clients than Keycloak are connected to the secondary (guard quiet).
	SignOtherClients Sign = "other-clients"
	// SignOtherKeycloaks: a Keycloak that is not stopped by the run uses the secondary's Infinispan (guard quiet).
	SignOtherKeycloaks Sign = "other-keycloaks"
	// SignAutoscaler: an autoscaler starts Keycloak of the secondary by itself (guard stopped).
	SignAutoscaler Sign = "autoscaler"
	// SignGitOps: a tool puts back the count of the secondary's Keycloak (guard stopped).
	SignGitOps Sign = "gitops"
	// SignKeycloakUpdate: the Keycloak operator updates the secondary's Keycloak (guard stopped).
	SignKeycloakUpdate Sign = "keycloak-update"
	// SignInfinispanUnsettled: the Infinispan operator is at work on a site (guard checks-first).
	SignInfinispanUnsettled Sign = "infinispan-unsettled"
)

// Signs lists all signs.
func Signs() []Sign {
	return []Sign{
		SignPrimaryKeycloakNotReady, SignPrimaryHeldOffline, SignPrimarySmaller, SignOtherClients,
		SignOtherKeycloaks, SignAutoscaler, SignGitOps, SignKeycloakUpdate, SignInfinispanUnsettled,
	}
}

// Verification is how contents are compared at the end.
type Verification string

// The ways to compare.
const (
	// VerifyKeys compares the keys of both sites; values only where a server cannot list keys alone (V40).
	VerifyKeys Verification = "keys"
	// VerifyEntries compares keys and values.
	VerifyEntries Verification = "entries"
	// VerifySizes compares the numbers of entries only. It cannot tell a stale entry from a fresh one.
	VerifySizes Verification = "sizes"
)

// Options is what a run is made of. The zero value of every field but the two clusters is usable.
type Options struct {
	// PrimaryCluster and SecondaryCluster are the two sites, in the roles the user gave.
	PrimaryCluster, SecondaryCluster Cluster
	// Confirm is asked once, with the finished plan, before the first change. An error, best one that wraps
	// ErrNotConfirmed, ends the run with nothing changed. Nil refuses.
	Confirm func(ctx context.Context, plan Plan) error
	// Observer takes the events; nil drops them.
	Observer Observer
	// Clock is the time; nil is the WallClock.
	Clock Clock

	// DryRun ends the run with the plan after every check.
	DryRun bool
	// Caches narrows the plan to these caches of the primary; empty means all that it backs up to the secondary.
	Caches []string
	// AllCaches admits caches to the plan that Keycloak does not know.
	AllCaches bool
	// Accept names the contrary signs that the user knows about and takes responsibility for.
	Accept []Sign
	// CancelStalePush ends pushes that run or are stuck and are not this run's, once the plan is confirmed.
	CancelStalePush bool
	// NoPrimaryLease leaves the primary's Lease alone, for users who have no right to it. Mirrored runs
	// then see each other by their journals alone.
	NoPrimaryLease bool
	// Linked is the secondary's site name when the user vouches for the link because it cannot be probed.
	Linked string
	// KeycloakInstances is the count to start with when Keycloak of the secondary is at 0 and nothing is recorded.
	KeycloakInstances *int
	// NoKeycloak says that the secondary has no Keycloak to stop.
	NoKeycloak bool
	// Verify is the way to compare; empty is VerifyKeys.
	Verify Verification
	// VerifyLimit is the number of bytes of one cache listing per site beyond which only sizes are compared; 0 = 4 GiB.
	VerifyLimit int64
	// MaxPushes is how many caches are pushed at the same time; 0 = all at once (V56).
	MaxPushes int

	// StepTimeout bounds each wait for something to become true, e.g. for Keycloak's pods to be gone; 0 = 10 min.
	StepTimeout time.Duration
	// StallTimeout is how long a push may make no progress; 0 = 60 s for SYNC, 330 s for ASYNC backups (V58, F1).
	StallTimeout time.Duration
	// PollInterval is the pause between two looks at something that is being waited for; 0 = 250 ms.
	PollInterval time.Duration

	// Command gives another command of the tool for the same sites as a user would type it, e.g. for "fence"; nil names no flags.
	Command func(words string) string

	// Who, Reason and Tool go into the journal: user@host, the reason given by the user, name and version of the tool.
	Who, Reason, Tool string
}

// Defaults of Options.
const (
	defaultStepTimeout  = 10 * time.Minute
	defaultPollInterval = 250 * time.Millisecond
	defaultVerifyLimit  = int64(4) << 30
	stallTimeoutSync    = 60 * time.Second
	stallTimeoutAsync   = 330 * time.Second
)

// withDefaults returns the options with every unset field at its default.
func (o Options) withDefaults() Options {
	if o.Observer == nil {
		o.Observer = ObserverFunc(func(Event) {})
	}
	if o.Clock == nil {
		o.Clock = WallClock{}
	}
	if o.Confirm == nil {
		o.Confirm = func(context.Context, Plan) error { return ErrNotConfirmed }
	}
	if o.Command == nil {
		o.Command = func(words string) string { return "kubectl ispn-resync " + words + ", with the same contexts" }
	}
	if o.Verify == "" {
		o.Verify = VerifyKeys
	}
	if o.VerifyLimit == 0 {
		o.VerifyLimit = defaultVerifyLimit
	}
	if o.StepTimeout == 0 {
		o.StepTimeout = defaultStepTimeout
	}
	if o.PollInterval == 0 {
		o.PollInterval = defaultPollInterval
	}
	return o
}
