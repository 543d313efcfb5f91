package xsite

import (
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Plan is what a run is going to do, complete before the first change. It is plain data: what is confirmed is what is
// done, and a change of either site that would alter it ends the run.
type Plan struct {
	// RunID names the run in the journal and in messages; empty when only the plan is wanted and no run is open.
	RunID string `json:"runID"`
	// Primary and Secondary are the two sites as they were found.
	Primary   SitePlan `json:"primary"`
	Secondary SitePlan `json:"secondary"`
	// Caches are the caches whose contents the secondary loses and gets anew, sorted by name.
	Caches []CachePlan `json:"caches"`
	// StalePushes are pushes of others, which are ended first.
	StalePushes []StalePush `json:"stalePushes,omitempty"`
	// LeftAlone names caches that exist with backups and are not part of the plan, with the reason.
	LeftAlone map[string]string `json:"leftAlone,omitempty"`
	// Settle is how long the secondary must stay silent after the clear (guard settle); 0 when all backups are SYNC.
	Settle time.Duration `json:"settle"`
	// Estimate is the expected duration, from the numbers of entries and the times of this tool's own phases.
	Estimate Estimate `json:"estimate"`
	// Warnings are the findings that do not stop the run, in the order found.
	Warnings []string `json:"warnings,omitempty"`
}

// SitePlan is one site of a plan.
type SitePlan struct {
	Role  Role  `json:"role"`
	Place Place `json:"place"`
	// Name is the site name as Infinispan's servers tell it.
	Name string `json:"name"`
	// Version is the Infinispan version of the site's servers.
	Version string `json:"version"`
	// Pods are the Infinispan pods, sorted by name.
	Pods []Pod `json:"pods"`
	// Keycloaks are the Keycloak workloads of the site as they were found.
	Keycloaks []Keycloak `json:"keycloaks"`
	// ReadyKeycloakPods is the sum over Keycloaks.
	ReadyKeycloakPods int `json:"readyKeycloakPods"`
	// StartCounts maps Keycloak refs to the count they are started with at the end; only for the secondary.
	StartCounts map[string]int `json:"startCounts,omitempty"`
	// Entries is the number of entries in the caches of the plan.
	Entries int64 `json:"entries"`
}

// CachePlan is one cache of a plan.
type CachePlan struct {
	// Name is the cache on the primary, RemoteName on the secondary (they differ only with backup-for).
	Name       string `json:"name"`
	RemoteName string `json:"remoteName"`
	// Strategy and Timeout are those of the secondary's backup to the primary, which decide what could leak.
	Strategy infinispan.Strategy `json:"strategy"`
	Timeout  time.Duration       `json:"timeout"`
	// ChunkSize is the primary's state-transfer chunk size (V56).
	ChunkSize int `json:"chunkSize"`
	// Bounded is true when the cache may drop entries at either site; then keys of the primary may be missing.
	Bounded bool `json:"bounded,omitempty"`
	// Entries are the numbers of entries at both sites when the plan was made.
	PrimaryEntries   int64 `json:"primaryEntries"`
	SecondaryEntries int64 `json:"secondaryEntries"`
	// Original is what the run changes and puts back.
	Original CacheOriginal `json:"original"`
}

// CacheOriginal is the state of one cache's backups before the first change.
type CacheOriginal struct {
	// SecondaryHoldsPrimary is the flag of the primary on the secondary; PrimaryHoldsSecondary the reverse.
	SecondaryHoldsPrimary infinispan.Flag `json:"secondaryHoldsPrimary"`
	PrimaryHoldsSecondary infinispan.Flag `json:"primaryHoldsSecondary"`
	// SecondaryMode and PrimaryMode are the state-transfer modes.
	SecondaryMode infinispan.Mode `json:"secondaryMode"`
	PrimaryMode   infinispan.Mode `json:"primaryMode"`
}

// Estimate is the expected duration of a run.
type Estimate struct {
	// Downtime is from stopping Keycloak of the secondary to starting it again; Push is the part of it in which the
	// servers transfer state.
	Downtime time.Duration `json:"downtime"`
	Push     time.Duration `json:"push"`
}

// Result is what a run that succeeded (or a dry run) has to tell.
type Result struct {
	Plan Plan `json:"plan"`
	// DryRun is true when nothing was changed because only the plan was wanted.
	DryRun bool `json:"dryRun,omitempty"`
	// Phases are the durations of the phases, in order.
	Phases []PhaseTime `json:"phases"`
	// Caches say what became of each cache, in the order of the plan.
	Caches []CacheResult `json:"caches,omitempty"`
	// Took is the duration of the whole run, without the time the confirmation took.
	Took time.Duration `json:"took"`
	// Remarks are findings that do not lessen the success, e.g. entries that are on the secondary only because
	// lifespans began anew there (V61).
	Remarks []string `json:"remarks,omitempty"`
}

// PhaseTime is the duration of one phase.
type PhaseTime struct {
	Phase Phase         `json:"phase"`
	Took  time.Duration `json:"took"`
}

// CacheResult says what became of one cache.
type CacheResult struct {
	Name string `json:"name"`
	// Discarded is the number of entries the secondary held before the clear.
	Discarded int64 `json:"discarded"`
	// PrimaryEntries and SecondaryEntries are the numbers of entries when the contents were compared.
	PrimaryEntries   int64 `json:"primaryEntries"`
	SecondaryEntries int64 `json:"secondaryEntries"`
	// Compared is the way the contents were compared: keys, entries or sizes.
	Compared Verification `json:"compared"`
	// Missing is the number of keys only on the primary: 0, but for a bounded cache, which may drop any.
	Missing int64 `json:"missing,omitempty"`
	// Extra is the number of keys only on the secondary, each explained by expiry or live traffic.
	Extra int64 `json:"extra"`
	// Pushes is how many pushes it took.
	Pushes int `json:"pushes"`
	// PushTook is the duration of the last push.
	PushTook time.Duration `json:"pushTook"`
}
