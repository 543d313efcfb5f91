package infinispan

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Strategy says whether a cache backs up while the writer waits, or later.
type Strategy string

// The backup strategies.
const (
	StrategySync  Strategy = "SYNC"
	StrategyAsync Strategy = "ASYNC"
)

// FailurePolicy says what becomes of a local write whose SYNC backup fails.
type FailurePolicy string

// The failure policies.
const (
	FailureIgnore FailurePolicy = "IGNORE"
	FailureWarn   FailurePolicy = "WARN"
	FailureFail   FailurePolicy = "FAIL"
	FailureCustom FailurePolicy = "CUSTOM"
)

// CacheKind is how a cache spreads its entries over the nodes.
type CacheKind string

// The kinds of caches.
const (
	KindLocal        CacheKind = "local"
	KindReplicated   CacheKind = "replicated"
	KindDistributed  CacheKind = "distributed"
	KindInvalidation CacheKind = "invalidation"
	KindScattered    CacheKind = "scattered"
)

// What the server leaves out of a configuration because it is the default.
const (
	defaultBackupTimeout = 15 * time.Second
	defaultChunkSize     = 512
	defaultOwners        = 2
)

// CacheConfig is what a recovery needs to know of a cache's configuration.
type CacheConfig struct {
	// Kind is how the cache spreads its entries.
	Kind CacheKind
	// Owners is the number of copies of a distributed cache, 2 by default; 0 for other kinds.
	Owners int
	// Transactional says whether writes take part in transactions.
	Transactional bool
	// Statistics says whether the cache keeps the counters of Stats.
	Statistics bool
	// Encoding are the media types of keys and values; empty where none are set.
	Encoding Encoding
	// Backups are the sites the cache backs up to, by site name; never nil.
	Backups map[string]BackupConfig
	// BackupFor names the cache elsewhere that this one is the backup of; nil where the names are the same.
	BackupFor *BackupFor
	// Stores are the cache stores, in the order of their kinds' names.
	Stores []StoreConfig
	// MaxCount bounds the number of entries; 0 means unbounded.
	MaxCount int64
	// MaxSize bounds the memory, as configured, for instance "1GB"; empty means unbounded.
	MaxSize string
}

// Bounded reports whether the cache may drop entries to stay within a bound.
func (c CacheConfig) Bounded() bool {
	return c.MaxCount > 0 || c.MaxSize != ""
}

// Encoding are the media types of a cache, such as "application/x-protostream".
type Encoding struct {
	Key   string
	Value string
}

// BackupConfig is a cache's backup to one site, with the server's defaults filled in.
type BackupConfig struct {
	// Strategy is ASYNC by default.
	Strategy Strategy
	// Timeout bounds one request to the site; 15 s by default.
	Timeout time.Duration
	// FailurePolicy is WARN by default.
	FailurePolicy FailurePolicy
	// TwoPhaseCommit says whether a SYNC backup of a transactional cache commits in two phases.
	TwoPhaseCommit bool
	// ChunkSize is the number of entries in one request of a push; 512 by default (V56: what 16 costs).
	ChunkSize int
	// Mode is MANUAL by default; AUTO is possible with ASYNC only (V8).
	Mode Mode
}

// BackupFor names a cache of another site.
type BackupFor struct {
	// Site is the remote site.
	Site string
	// Cache is the name there.
	Cache string
}

// StoreConfig is one cache store.
type StoreConfig struct {
	// Kind is the configuration's element, for instance "file-store".
	Kind string
	// Class is the store's class where the element names one.
	Class string
	// Shared says that all nodes use the same store.
	Shared bool
	// Remote says that the data is not known to lie in the node's own files: everything but the stores of files.
	// Clearing the cache clears such a store as well, and another site may depend on it.
	Remote bool
}

// CacheConfig asks for a cache's configuration. A missing cache is ErrNotFound.
func (c *Client) CacheConfig(ctx context.Context, cache string) (CacheConfig, error) {
	p, err := cachePath(cache)
	if err != nil {
		return CacheConfig{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p, query: "action=config", private: true})
	var call *CallError
	if errors.As(err, &call) && call.Status == http.StatusInternalServerError {
		// 15.0.21 answers 500 with a null pointer for a cache that it does not have.
		if exists, asked := c.CacheExists(ctx, cache); asked == nil && !exists {
			call.Err = ErrNotFound
		}
	}
	if err != nil {
		return CacheConfig{}, err
	}
	return parseConfig(a, cache)
}
