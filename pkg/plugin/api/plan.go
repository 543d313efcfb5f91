package api

import "k8s.io/apimachinery/pkg/runtime"

// KindPlan is the kind of Plan.
const KindPlan = "Plan"

// Plan is what a dry run found and a run would do. Nothing was changed.
type Plan struct {
	Header      `json:",inline"`
	PlanContent `json:",inline"`
}

// DeepCopyObject implements runtime.Object.
func (p *Plan) DeepCopyObject() runtime.Object { return deepCopy(p) }

// PlanContent is what is done, complete before the first change.
type PlanContent struct {
	// RunID names the run in the journal and in messages; absent when only checks were made and no run is open.
	RunID string `json:"runID,omitempty"`
	// Primary is the site whose data is kept.
	Primary PlanSite `json:"primary"`
	// Secondary is the site whose data is discarded.
	Secondary PlanSite `json:"secondary"`
	// Caches are the caches whose contents the secondary loses and gets anew, sorted by name.
	Caches []PlanCache `json:"caches"`
	// StalePushes are pushes of others, which are ended first.
	StalePushes []StalePush `json:"stalePushes,omitempty"`
	// LeftAlone are caches with backups that are not part of the plan, sorted by name.
	LeftAlone []LeftAlone `json:"leftAlone"`
	// Verify is how contents are compared: keys, entries or sizes.
	Verify string `json:"verify"`
	// SettleSeconds is how long the secondary stays silent after the clear; 0 when all backups are SYNC.
	SettleSeconds Seconds `json:"settleSeconds"`
	// Estimate is the expected duration.
	Estimate Estimate `json:"estimate"`
	// Warnings are findings that do not stop the run, in the order found.
	Warnings []string `json:"warnings"`
}

// PlanSite is one site of a plan.
type PlanSite struct {
	// Name is the site's name as its Infinispan servers tell it.
	Name string `json:"name"`
	// Place is where it is.
	Place Place `json:"place"`
	// Version is the version of its Infinispan servers.
	Version string `json:"version"`
	// Pods are the Infinispan pods, sorted by name.
	Pods []string `json:"pods"`
	// Entries is the number of entries in the caches of the plan.
	Entries int64 `json:"entries"`
	// Keycloaks are the Keycloaks that use this Infinispan.
	Keycloaks []Keycloak `json:"keycloaks"`
}

// Place says where a site lives.
type Place struct {
	// Context is the kubeconfig context.
	Context string `json:"context"`
	// Server is the URL of the API server.
	Server string `json:"server"`
	// Namespace is that of the Infinispan resource.
	Namespace string `json:"namespace"`
	// Infinispan is the resource as TYPE/NAME.
	Infinispan string `json:"infinispan"`
}

// Keycloak is a Keycloak workload.
type Keycloak struct {
	// Ref is TYPE/NAME.
	Ref string `json:"ref"`
	// Namespace is where it lives.
	Namespace string `json:"namespace"`
	// Instances is the wanted count.
	Instances int `json:"instances"`
	// ReadyPods counts the pods that are ready.
	ReadyPods int `json:"readyPods"`
	// StartWith is the count it is started with at the end of a run; only for the secondary of a plan.
	StartWith *int `json:"startWith,omitempty"`
	// Recorded is the count that a run left on the object; absent when there is none.
	Recorded *int `json:"recorded,omitempty"`
}

// PlanCache is one cache of a plan.
type PlanCache struct {
	// Name is the cache on the primary.
	Name string `json:"name"`
	// SecondaryName is the cache on the secondary.
	SecondaryName string `json:"secondaryName"`
	// Strategy is that of the secondary's backup to the primary: SYNC or ASYNC.
	Strategy string `json:"strategy"`
	// ChunkSize is the primary's chunk size of state transfer.
	ChunkSize int `json:"chunkSize"`
	// Bounded is true when the cache may drop entries at either site.
	Bounded bool `json:"bounded"`
	// PrimaryEntries is the number of entries that are kept.
	PrimaryEntries int64 `json:"primaryEntries"`
	// SecondaryEntries is the number of entries that are discarded.
	SecondaryEntries int64 `json:"secondaryEntries"`
}

// StalePush is a push of somebody else.
type StalePush struct {
	// From is the role of the site that sends: primary or secondary.
	From string `json:"from"`
	// Cache is that site's name of the cache.
	Cache string `json:"cache"`
	// To is the site it sends to.
	To string `json:"to"`
}

// LeftAlone is a cache that is not part of a plan.
type LeftAlone struct {
	// Cache is its name on the primary.
	Cache string `json:"cache"`
	// Reason is why.
	Reason string `json:"reason"`
}

// Estimate is the expected duration of a run.
type Estimate struct {
	// DowntimeSeconds is from stopping Keycloak of the secondary to starting it again.
	DowntimeSeconds Seconds `json:"downtimeSeconds"`
	// PushSeconds is the part of it in which the servers transfer state.
	PushSeconds Seconds `json:"pushSeconds"`
}
