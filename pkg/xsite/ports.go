package xsite

import (
	"context"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Cluster is one site's Kubernetes, as the engine needs it. Package kube implements it for a kubeconfig context.
//
// Every method reads or changes the live cluster; nothing is cached but connections. All are safe for concurrent use.
type Cluster interface {
	// Place says where this is. It never fails: discovery is over when a Cluster exists.
	Place() Place

	// Access asks the API server whether this user may do what a run does to this site in the given role.
	Access(ctx context.Context, role Role) ([]Access, error)

	// Contenders looks for whatever else acts on this site by itself and could fight a run in which it has the given role.
	// What the cluster does not serve is not there; what this user may not look at is in Unseen.
	Contenders(ctx context.Context, role Role) (Contenders, error)

	// Pods lists the Infinispan server pods, sorted by name.
	Pods(ctx context.Context) ([]Pod, error)
	// Node gives the REST client of the server in that very pod. The connection is bound to the pod's UID: when the pod
	// is gone, calls fail with an error that wraps ErrPodGone, never reaching a successor of the same name (V55). It lives on
	// when ctx has ended.
	Node(ctx context.Context, pod Pod) (Node, error)

	// Keycloaks lists the Keycloak workloads of this site, sorted by Ref.
	Keycloaks(ctx context.Context) ([]Keycloak, error)
	// ScaleKeycloak sets the wanted count, with an optimistic lock on the object.
	ScaleKeycloak(ctx context.Context, ref string, instances int) error
	// WatchKeycloak reports every Keycloak pod that exists or appears, by name, until ctx ends. A watch that breaks is
	// resumed with a fresh list, so no pod that lives longer than the gap is missed; when it cannot be resumed it
	// sends a final WatchLost and closes the channel.
	WatchKeycloak(ctx context.Context) (<-chan PodSighting, error)
	// RecordInstances leaves the original count on the scaled object, unless one is recorded there already.
	RecordInstances(ctx context.Context, ref string, instances int) error
	// ForgetInstances removes what RecordInstances left; nothing to remove is fine.
	ForgetInstances(ctx context.Context, ref string) error

	// Journals lists the records of earlier runs in this site, newest first.
	Journals(ctx context.Context) ([]StoredJournal, error)
	// PutJournal writes a record; version is that of the record it replaces ("" to create). It returns the new version.
	// A record that changed meanwhile is an error that wraps ErrConflict.
	PutJournal(ctx context.Context, id, version string, record []byte) (string, error)
	// DeleteJournal removes a record; a missing one is fine.
	DeleteJournal(ctx context.Context, id string) error

	// Lease reads the Lease of this Infinispan; the zero LeaseRecord when there is none.
	Lease(ctx context.Context) (LeaseRecord, error)
	// PutLease writes the Lease in place of that of the record's Version ("" to create) and returns the new version. One
	// that changed meanwhile, or was removed, is an error that wraps ErrConflict.
	PutLease(ctx context.Context, record LeaseRecord) (string, error)
	// DeleteLease removes the Lease of that version; a missing one is fine, another version an error that wraps ErrConflict.
	DeleteLease(ctx context.Context, version string) error

	// ForgetCaches removes the Cache resources that the operator's config listener may have mirrored for caches that this
	// tool made, whose names begin with prefix. It returns the names of these caches; nothing to remove is fine.
	ForgetCaches(ctx context.Context, prefix string) ([]string, error)
}

// PodSighting is one message of WatchKeycloak: the name of a pod that exists, or the reason why the watch was lost.
type PodSighting struct {
	Pod  string
	Lost error
}

// StoredJournal is a journal record as a site keeps it.
type StoredJournal struct {
	ID      string
	Version string
	Record  []byte
}

// Node is the REST client of one Infinispan server. *infinispan.Client is one.
type Node interface {
	Info(ctx context.Context) (infinispan.NodeInfo, error)
	Health(ctx context.Context) (infinispan.Health, error)
	CacheNames(ctx context.Context) ([]string, error)
	CacheConfig(ctx context.Context, cache string) (infinispan.CacheConfig, error)
	BackupSites(ctx context.Context, cache string) (map[string]infinispan.SiteStatus, error)
	NodeFlags(ctx context.Context, cache, site string) (map[string]infinispan.Flag, error)
	TakeOffline(ctx context.Context, cache, site string) error
	BringOnline(ctx context.Context, cache, site string) error
	StateTransferMode(ctx context.Context, cache, site string) (infinispan.Mode, error)
	SetStateTransferMode(ctx context.Context, cache, site string, mode infinispan.Mode) error
	StartPush(ctx context.Context, cache, site string) error
	CancelPush(ctx context.Context, cache, site string) error
	CancelReceive(ctx context.Context, cache, site string) error
	PushStatus(ctx context.Context, cache string) (map[string]infinispan.PushStatus, error)
	ClearPushStatus(ctx context.Context, cache string) error
	Clear(ctx context.Context, cache string) error
	Size(ctx context.Context, cache string) (int64, error)
	Stats(ctx context.Context, cache string) (infinispan.CacheStats, error)
	SendQueues(ctx context.Context) (map[string]infinispan.SendQueue, error)
	Connections(ctx context.Context) ([]infinispan.Connection, error)
	CreateCache(ctx context.Context, cache string, config []byte) error
	DeleteCache(ctx context.Context, cache string) error
	CacheExists(ctx context.Context, cache string) (bool, error)
	Put(ctx context.Context, cache, key, value string) error
	Get(ctx context.Context, cache, key string) (value []byte, found bool, err error)
	Keys(ctx context.Context, cache string, visit func(key []byte) error) error
	Entries(ctx context.Context, cache string, visit func(key, value []byte) error) error
	EntriesWithMetadata(ctx context.Context, cache string, limit int, visit func(infinispan.Entry) error) error
}

// Clock gives the time and the waits of a run, so that tests can hold both.
type Clock interface {
	Now() time.Time
	// Wait returns nil after d, or the context's error when it ends first.
	Wait(ctx context.Context, d time.Duration) error
	// Every calls do again and again with a pause of d, from one goroutine at a time, until stop is called; stop waits for
	// the call under way.
	Every(ctx context.Context, d time.Duration, do func(ctx context.Context)) (stop func())
}
