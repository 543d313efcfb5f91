package plugin

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// runFlags say what a run is to do and how long it may take.
type runFlags struct {
	caches            []string
	allCaches         bool
	keycloakInstances int
	accept            []string
	linked            string
	noPrimaryLease    bool
	cancelStalePush   bool
	confirm           string
	dryRun            bool
	reason            string
	reports           []string

	verify      string
	verifyLimit string
	maxPushes   int

	timeout, stepTimeout, stallTimeout, pollInterval time.Duration

	// scope, safety and pace are the flags by what they are about.
	scope, safety, pace *pflag.FlagSet
	// limit is verifyLimit in bytes, once complete.
	limit int64
}

// newRunFlags makes the flags.
func newRunFlags() *runFlags {
	r := &runFlags{}
	set := func(name string) *pflag.FlagSet {
		flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
		flags.SortFlags = false
		return flags
	}

	r.scope = set("scope")
	r.scope.StringSliceVar(&r.caches, "cache", nil,
		"Only this cache of the primary, repeatable; all that it backs up to the secondary otherwise.")
	r.scope.BoolVar(&r.allCaches, "all-caches", false, "Also caches that Keycloak does not know, e.g. of another application.")
	r.scope.IntVar(&r.keycloakInstances, "keycloak-instances", 0,
		"How many instances of the secondary's Keycloak to start at the end, when it is at 0 already and nothing is recorded.")

	r.safety = set("safety")
	r.safety.BoolVar(&r.dryRun, "dry-run", false, "Run every check on both sites, show the plan, change nothing.")
	r.safety.StringVar(&r.confirm, "confirm", "",
		"Name of the site whose data is discarded, as its servers give it, for scripts; on a terminal it is asked for.")
	r.safety.StringSliceVar(&r.accept, "accept", nil,
		"Something that speaks against the run and is known and all right, repeatable: "+strings.Join(signNames(), ", ")+".")
	r.safety.StringVar(&r.linked, "linked", "",
		"Name of the secondary's site, to vouch that the contexts are one pair where that cannot be proved.")
	r.safety.BoolVar(&r.cancelStalePush, "cancel-stale-push", false,
		"End pushes that run or are stuck and are not this run's, e.g. another operator's, once the plan is confirmed.")
	r.safety.BoolVar(&r.noPrimaryLease, "no-primary-lease", false,
		"Do not hold the Lease of the primary, for users who have no right to it; only the journals then keep two runs with mirrored roles apart.")
	r.safety.StringVar(&r.reason, "reason", "", "Why this is done, for the journal.")
	addReportFlag(r.safety, &r.reports)

	r.pace = set("pace")
	r.pace.StringVar(&r.verify, "verify", string(xsite.VerifyKeys),
		"How contents are compared: keys, entries (values too), or sizes, which cannot tell a stale entry from a fresh one.")
	r.pace.StringVar(&r.verifyLimit, "verify-limit", "4Gi",
		"Bytes of one cache's listing per site beyond which only sizes are compared.")
	r.pace.IntVar(&r.maxPushes, "max-pushes", 0, "How many caches are pushed at the same time; 0 is all at once, which is fastest.")
	r.pace.DurationVar(&r.timeout, "timeout", 0, "How long the whole run may take, without the time the question took; 0 is no limit.")
	r.pace.DurationVar(&r.stepTimeout, "step-timeout", 10*time.Minute, "How long to wait for one thing, e.g. for Keycloak's pods to be gone.")
	r.pace.DurationVar(&r.stallTimeout, "stall-timeout", 0,
		"How long a push may make no progress; 0 is 60s for SYNC and 330s for ASYNC backups.")
	r.pace.DurationVar(&r.pollInterval, "poll-interval", 250*time.Millisecond, "The pause between two looks at what is waited for.")
	return r
}

// signNames lists the signs by name.
func signNames() []string {
	names := make([]string, 0, len(xsite.Signs()))
	for _, sign := range xsite.Signs() {
		names = append(names, string(sign))
	}
	return names
}

// complete reads the quantity.
func (r *runFlags) complete() error {
	quantity, err := resource.ParseQuantity(r.verifyLimit)
	if err != nil || quantity.Value() <= 0 {
		return usagef("--verify-limit %q is not a number of bytes; write 500Mi or 4Gi, say", r.verifyLimit)
	}
	r.limit = quantity.Value()
	return nil
}

// validate judges the flags without contacting anything.
func (r *runFlags) validate() error {
	for _, sign := range r.accept {
		if !slices.Contains(signNames(), sign) {
			return unknownValue("accept", sign, signNames())
		}
	}
	if !slices.Contains(verifications(), r.verify) {
		return unknownValue("verify", r.verify, verifications())
	}
	if err := refuseNoName(r.scope, "cache"); err != nil {
		return err
	}
	if r.scope.Changed("keycloak-instances") && r.keycloakInstances < 1 {
		return usagef("--keycloak-instances %d: at least 1 is started; a site without Keycloak is --secondary-keycloak none", r.keycloakInstances)
	}
	if r.maxPushes < 0 {
		return usagef("--max-pushes %d is negative; 0 is all at once", r.maxPushes)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
		zero  bool // whether 0 means something
	}{
		{"timeout", r.timeout, true},
		{"step-timeout", r.stepTimeout, false},
		{"stall-timeout", r.stallTimeout, true},
		{"poll-interval", r.pollInterval, false},
	} {
		if d.value < 0 || (d.value == 0 && !d.zero) {
			return usagef("--%s %s is too short", d.flag, d.value)
		}
	}
	return nil
}

// verifications lists the ways to compare.
func verifications() []string {
	return []string{string(xsite.VerifyKeys), string(xsite.VerifyEntries), string(xsite.VerifySizes)}
}

// options gives the engine's options as far as these flags decide them.
func (r *runFlags) options() xsite.Options {
	options := xsite.Options{
		DryRun:         r.dryRun,
		Caches:         r.caches,
		AllCaches:      r.allCaches,
		Linked:         r.linked,
		NoPrimaryLease: r.noPrimaryLease, CancelStalePush: r.cancelStalePush,
		Verify:       xsite.Verification(r.verify),
		VerifyLimit:  r.limit,
		MaxPushes:    r.maxPushes,
		StepTimeout:  r.stepTimeout,
		StallTimeout: r.stallTimeout,
		PollInterval: r.pollInterval,
		Reason:       r.reason,
	}
	for _, sign := range r.accept {
		options.Accept = append(options.Accept, xsite.Sign(sign))
	}
	if r.scope.Changed("keycloak-instances") {
		options.KeycloakInstances = &r.keycloakInstances
	}
	return options
}
