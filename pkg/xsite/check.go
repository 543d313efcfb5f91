package xsite

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// CheckID names one check of preflight, the same in messages, in docs/checks.md and in scripts.
type CheckID string

// The checks, in the order in which they are made.
const (
	CheckSitesFound       CheckID = "sites-found"
	CheckPermissions      CheckID = "permissions"
	CheckServersAnswer    CheckID = "servers-answer"
	CheckSiteNames        CheckID = "site-names"
	CheckSameVersion      CheckID = "same-version"
	CheckOtherRuns        CheckID = "other-runs"
	CheckUnfinishedRun    CheckID = "unfinished-run"
	CheckInfinispanHealth CheckID = "infinispan-health"
	CheckSitesView        CheckID = "sites-view"
	CheckLinked           CheckID = "linked"
	CheckCaches           CheckID = "caches"
	CheckCacheHealth      CheckID = "cache-health"
	CheckCacheFlags       CheckID = "cache-flags"
	CheckPushes           CheckID = "pushes"
	CheckEntries          CheckID = "entries"
	CheckChunkSize        CheckID = "chunk-size"
	CheckKeycloak         CheckID = "keycloak"
	CheckRoles            CheckID = "roles"
	CheckContenders       CheckID = "contenders"
	CheckOperator         CheckID = "infinispan-operator"
	CheckAutoscalers      CheckID = "autoscalers"
	CheckGitOps           CheckID = "gitops"
	CheckKeycloakOperator CheckID = "keycloak-operator"
	CheckOtherKeycloaks   CheckID = "other-keycloaks"
	CheckOtherClients     CheckID = "other-clients"
	CheckSiteHealth       CheckID = "site-health"
	CheckOwnPush          CheckID = "own-push"
	CheckCredentials      CheckID = "credentials"
)

// CheckGroup is what checks are about.
type CheckGroup string

// The groups, in the order in which they are shown.
const (
	GroupAccess    CheckGroup = "access"
	GroupIdentity  CheckGroup = "identity"
	GroupRuns      CheckGroup = "runs"
	GroupHealth    CheckGroup = "health"
	GroupLink      CheckGroup = "link"
	GroupCaches    CheckGroup = "caches"
	GroupKeycloak  CheckGroup = "keycloak"
	GroupDirection CheckGroup = "direction"
	// GroupContenders is what else acts on the sites while a run does.
	GroupContenders CheckGroup = "contenders"
)

// CheckInfo is what is known of a check before it is made.
type CheckInfo struct {
	ID    CheckID    `json:"id"`
	Group CheckGroup `json:"group"`
	// Title is a statement that is true when the check passed.
	Title string `json:"title"`
	// Guard is the rule that the check is a part of.
	Guard Guard `json:"guard"`
	// Needs are the checks whose findings this one works on. It can be made only after each of them passed.
	Needs []CheckID `json:"needs,omitempty"`
	// Hint says what to do in general when it fails; what was found may say more.
	Hint string `json:"hint"`
	// Heed says what to do about a warning of it, or why nothing need be done; empty where that is the hint, or where it never
	// warns.
	Heed string `json:"heed,omitempty"`
}

// Doc is where the check is described.
func (c CheckInfo) Doc() string { return "docs/checks.md#" + string(c.ID) }

// check is one check of preflight. It reads and changes nothing; what it finds it leaves in the run. What it found wrong is
// one error for each finding, joined.
type check struct {
	CheckInfo

	// again is true for what others may change while the question stands: it is checked once more after that.
	again bool
	// waits is how long it may wait for others beside asking.
	waits time.Duration
	do    func(*run, context.Context) error
}

// Checks lists all checks in the order in which they are made.
func Checks() []CheckInfo {
	var list []CheckInfo
	for _, c := range checks() {
		list = append(list, c.CheckInfo)
	}
	return list
}

// pass makes the checks of these names, in the order of the table, and ends with the first that fails.
func (r *run) pass(ctx context.Context, ids ...CheckID) error {
	return r.passAll(ctx, func(c check) bool { return slices.Contains(ids, c.ID) })
}

// passAll is pass for the checks that are picked.
func (r *run) passAll(ctx context.Context, pick func(check) bool) error {
	defer func() { r.checking = "" }()
	for _, c := range checks() {
		if !pick(c) {
			continue
		}
		r.checking = c.ID
		if err := c.do(r, ctx); err != nil {
			return err
		}
	}
	return nil
}

// onBoth calls do for the two sites at the same time, and gives what it found at both: what one site finds does not end the
// check of the other.
func (r *run) onBoth(ctx context.Context, do func(context.Context, *site) error) error {
	var found [2]error
	var both sync.WaitGroup
	for i, s := range []*site{r.primary, r.secondary} {
		both.Go(func() { found[i] = do(ctx, s) })
	}
	both.Wait()
	return errors.Join(found[:]...)
}
