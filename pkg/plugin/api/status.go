package api

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// KindStatus is the kind of Status.
const KindStatus = "Status"

// Status is how both sites stand, by sizes and flags. What could not be read is absent, and told in unknown.
type Status struct {
	Header        `json:",inline"`
	StatusContent `json:",inline"`
}

// DeepCopyObject implements runtime.Object.
func (s *Status) DeepCopyObject() runtime.Object { return deepCopy(s) }

// StatusContent is how both sites of a pair stand.
type StatusContent struct {
	// InSync is true when nothing was found that speaks against it. Contents are not compared; diff does that.
	InSync bool `json:"inSync"`
	// Findings are the reasons why the sites are not known to be in sync.
	Findings []StatusFinding `json:"findings"`
	// Primary is the site whose data a recovery would keep.
	Primary StatusSite `json:"primary"`
	// Secondary is the site whose data a recovery would discard.
	Secondary StatusSite `json:"secondary"`
	// Caches are those that back up to the other site from either side, sorted by name.
	Caches []StatusCache `json:"caches"`
	// OpenRuns are the runs that did not finish, the newest first.
	OpenRuns []RunContent `json:"openRuns"`
	// Fences are the records of fences that nothing has ended yet, the newest first.
	Fences []RunContent `json:"fences"`
}

// StatusFinding is one reason why the sites are not known to be in sync.
type StatusFinding struct {
	// Kind is a word to compare with.
	Kind string `json:"kind" jsonschema:"enum=unreachable,enum=unknown,enum=servers,enum=health,enum=view,enum=caches,enum=offline,enum=push,enum=drift,enum=run"`
	// Site is the role of the site it was found on; absent when it concerns both.
	Site string `json:"site,omitempty" jsonschema:"enum=primary,enum=secondary"`
	// Message says it for people.
	Message string `json:"message"`
	// Next are the ways to go on, the most urgent first. Findings with one cause share theirs.
	Next []StatusNext `json:"next,omitempty"`
}

// StatusNext is a way to go on.
type StatusNext struct {
	// What says for people what it is for, and when.
	What string `json:"what"`
	// Command is the whole command, with the contexts that the status was asked with; values of secret flags are left out.
	Command string `json:"command"`
}

// StatusSite is one site.
type StatusSite struct {
	// Context is the kubeconfig context.
	Context string `json:"context"`
	// Namespace is that of the Infinispan resource.
	Namespace string `json:"namespace,omitempty"`
	// Infinispan is the resource as TYPE/NAME.
	Infinispan string `json:"infinispan,omitempty"`
	// Reachable is false when none of its Infinispan servers answers.
	Reachable bool `json:"reachable"`
	// Problem says why it is not reachable.
	Problem string `json:"problem,omitempty"`
	// Name is the site's name as its servers tell it.
	Name string `json:"name,omitempty"`
	// OtherName is the name of the other site, also where only this one was heard.
	OtherName string `json:"otherName,omitempty"`
	// Version is that of its Infinispan servers; several are joined by commas.
	Version string `json:"version,omitempty"`
	// Health is that of the Infinispan cluster.
	Health string `json:"health,omitempty"`
	// View are the sites that it sees, itself among them.
	View []string `json:"view,omitempty"`
	// SeesOther says whether it sees the other site.
	SeesOther *bool `json:"seesOther,omitempty"`
	// Servers are the Infinispan pods, sorted by name.
	Servers []StatusServer `json:"servers"`
	// Keycloaks are the Keycloaks that use this Infinispan; absent when they could not be read.
	Keycloaks []Keycloak `json:"keycloaks,omitzero"`
	// Lease is who holds the lease of the site; absent when nobody does, or when it could not be read.
	Lease *Lease `json:"lease,omitempty"`
	// Unknown says what could not be read, and why.
	Unknown []string `json:"unknown"`
}

// StatusServer is one Infinispan server.
type StatusServer struct {
	// Pod is its pod.
	Pod string `json:"pod"`
	// Ready is that of the pod.
	Ready bool `json:"ready"`
	// Restarts counts those of the pod.
	Restarts int32 `json:"restarts"`
	// Version is what the server says.
	Version string `json:"version,omitempty"`
	// Relay is true for the server that speaks to the other site.
	Relay bool `json:"relay"`
	// Problem says why it does not answer.
	Problem string `json:"problem,omitempty"`
}

// Lease is who holds the lease of a site.
type Lease struct {
	// RunID is the run it is held for.
	RunID string `json:"runID"`
	// Who is user@host.
	Who string `json:"who"`
	// Role is the role of the site in that run.
	Role string `json:"role"`
	// Since is when it was taken, by the clock of the holder.
	Since time.Time `json:"since,omitzero"`
	// Renewed is when it was renewed last, by the clock of the holder.
	Renewed time.Time `json:"renewed,omitzero"`
}

// StatusCache is one cache at both sites.
type StatusCache struct {
	// Name is the cache on the primary.
	Name string `json:"name"`
	// Primary is the cache there, with its backup to the secondary.
	Primary StatusBackup `json:"primary"`
	// Secondary is the cache there, with its backup to the primary.
	Secondary StatusBackup `json:"secondary"`
	// Drift is how many entries more the secondary holds.
	Drift *int64 `json:"drift,omitempty"`
}

// StatusBackup is a cache at one site, with its backup to the other.
type StatusBackup struct {
	// Cache is its name at this site.
	Cache string `json:"cache"`
	// Missing is true when the site has no such cache.
	Missing bool `json:"missing,omitempty"`
	// NoBackup is true when it does not back up to the other site.
	NoBackup bool `json:"noBackup,omitempty"`
	// Strategy is that of the backup.
	Strategy string `json:"strategy,omitempty" jsonschema:"enum=SYNC,enum=ASYNC"`
	// OtherSite is what this site has the other one marked as; mixed when its servers differ.
	OtherSite string `json:"otherSite,omitempty" jsonschema:"enum=online,enum=offline,enum=mixed"`
	// ByPod is the mark of each pod when they differ.
	ByPod map[string]string `json:"byPod,omitempty"`
	// Mode is the state-transfer mode.
	Mode string `json:"mode,omitempty" jsonschema:"enum=MANUAL,enum=AUTO"`
	// Push is the state of the push from this site to the other.
	Push string `json:"push,omitempty" jsonschema:"enum=IDLE,enum=SENDING,enum=OK,enum=ERROR,enum=CANCELED"`
	// Entries is the number of entries.
	Entries *int64 `json:"entries,omitempty"`
}
