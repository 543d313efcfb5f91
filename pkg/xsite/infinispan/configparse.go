package infinispan

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// parseConfig reads {"NAME":{"distributed-cache":{...}}}, or the inner object alone.
func parseConfig(a *answer, cache string) (CacheConfig, error) {
	var top map[string]json.RawMessage
	if err := a.decode(&top); err != nil {
		return CacheConfig{}, err
	}
	if inner, ok := top[cache]; ok && len(top) == 1 {
		var wrapped map[string]json.RawMessage
		if err := json.Unmarshal(inner, &wrapped); err != nil {
			return CacheConfig{}, a.unexpected("the cache's configuration is no object")
		}
		if _, known := kindOf(cache); !known || holdsKind(wrapped) {
			top = wrapped
		}
	}
	if len(top) != 1 {
		return CacheConfig{}, a.unexpected("not exactly one configuration")
	}
	for element, body := range top {
		kind, ok := kindOf(element)
		if !ok {
			return CacheConfig{}, a.unexpected(fmt.Sprintf("unknown kind of cache %q", element))
		}
		config, err := parseCache(kind, body)
		if err != nil {
			return CacheConfig{}, a.unexpected(err.Error())
		}
		return config, nil
	}
	return CacheConfig{}, a.unexpected("no configuration")
}

// kindOf reads an element such as "distributed-cache" or "distributed-cache-configuration".
func kindOf(element string) (CacheKind, bool) {
	name, ok := strings.CutSuffix(strings.TrimSuffix(element, "-configuration"), "-cache")
	kind := CacheKind(name)
	switch kind {
	case KindLocal, KindReplicated, KindDistributed, KindInvalidation, KindScattered:
		return kind, ok
	}
	return "", false
}

// holdsKind reports whether an object is the wrapper around a kind: a cache may itself be called "local-cache".
func holdsKind(object map[string]json.RawMessage) bool {
	for element := range object {
		if _, ok := kindOf(element); ok {
			return true
		}
	}
	return false
}

// wireCache is the part of a cache's configuration that is read. The server writes some numbers as strings.
type wireCache struct {
	Owners      *count     `json:"owners"`
	Statistics  wireBool   `json:"statistics"`
	Encoding    wireCoding `json:"encoding"`
	Transaction struct {
		Mode string `json:"mode"`
	} `json:"transaction"`
	Memory struct {
		MaxCount *count `json:"max-count"`
		MaxSize  string `json:"max-size"`
	} `json:"memory"`
	Backups   map[string]json.RawMessage `json:"backups"`
	BackupFor *struct {
		Cache string `json:"remote-cache"`
		Site  string `json:"remote-site"`
	} `json:"backup-for"`
	Persistence map[string]json.RawMessage `json:"persistence"`
}

// wireCoding is one media type for both, or one each.
type wireCoding struct {
	MediaType string `json:"media-type"`
	Key       struct {
		MediaType string `json:"media-type"`
	} `json:"key"`
	Value struct {
		MediaType string `json:"media-type"`
	} `json:"value"`
}

func parseCache(kind CacheKind, body json.RawMessage) (CacheConfig, error) {
	var w wireCache
	if err := json.Unmarshal(body, &w); err != nil {
		return CacheConfig{}, fmt.Errorf("the configuration of the cache is not understood: %w", quiet(err))
	}
	config := CacheConfig{
		Kind:       kind,
		Statistics: bool(w.Statistics),
		Encoding:   Encoding{Key: w.Encoding.MediaType, Value: w.Encoding.MediaType},
	}
	if config.Encoding.Key == "" {
		config.Encoding = Encoding{Key: w.Encoding.Key.MediaType, Value: w.Encoding.Value.MediaType}
	}
	if kind == KindDistributed {
		config.Owners = defaultOwners
		if w.Owners != nil {
			config.Owners = int(*w.Owners)
		}
	}
	switch w.Transaction.Mode {
	case "", "NONE":
	case "BATCH", "NON_XA", "NON_DURABLE_XA", "FULL_XA":
		config.Transactional = true
	default:
		return CacheConfig{}, fmt.Errorf("unknown transaction mode %q", w.Transaction.Mode)
	}
	if w.Memory.MaxCount != nil && *w.Memory.MaxCount > 0 {
		config.MaxCount = int64(*w.Memory.MaxCount)
	}
	if w.Memory.MaxSize != "-1" {
		config.MaxSize = w.Memory.MaxSize
	}
	if w.BackupFor != nil {
		if w.BackupFor.Cache == "" || w.BackupFor.Site == "" {
			return CacheConfig{}, errors.New("backup-for without remote cache or remote site")
		}
		config.BackupFor = &BackupFor{Site: w.BackupFor.Site, Cache: w.BackupFor.Cache}
	}
	var err error
	if config.Backups, err = parseBackups(w.Backups); err != nil {
		return CacheConfig{}, err
	}
	config.Stores, err = parseStores(w.Persistence)
	return config, err
}

// parseBackups reads {"merge-policy":"...","site-b":{"backup":{...}}}: objects are sites, scalars are settings.
func parseBackups(members map[string]json.RawMessage) (map[string]BackupConfig, error) {
	backups := map[string]BackupConfig{}
	for name, raw := range members {
		if !isObject(raw) {
			if isArray(raw) {
				return nil, fmt.Errorf("a list %q among the backups", name)
			}
			continue
		}
		var site struct {
			Backup *wireBackup `json:"backup"`
		}
		if err := json.Unmarshal(raw, &site); err != nil {
			return nil, fmt.Errorf("the backup to %q is not understood: %w", name, quiet(err))
		}
		if site.Backup == nil {
			return nil, fmt.Errorf("no backup in the configuration of site %q", name)
		}
		backup, err := site.Backup.config()
		if err != nil {
			return nil, fmt.Errorf("backup to %q: %w", name, err)
		}
		backups[name] = backup
	}
	return backups, nil
}

// wireBackup is one backup as the server writes it.
type wireBackup struct {
	Strategy      Strategy      `json:"strategy"`
	Timeout       *timeQuantity `json:"timeout"`
	FailurePolicy FailurePolicy `json:"failure-policy"`
	TwoPhase      wireBool      `json:"two-phase-commit"`
	UseTwoPhase   wireBool      `json:"use-two-phase-commit"`
	StateTransfer struct {
		ChunkSize *count `json:"chunk-size"`
		Mode      Mode   `json:"mode"`
	} `json:"state-transfer"`
}

func (w *wireBackup) config() (BackupConfig, error) {
	b := BackupConfig{
		Strategy: StrategyAsync, Timeout: defaultBackupTimeout, FailurePolicy: FailureWarn,
		ChunkSize: defaultChunkSize, Mode: ModeManual, TwoPhaseCommit: bool(w.TwoPhase || w.UseTwoPhase),
	}
	switch w.Strategy {
	case "":
	case StrategySync, StrategyAsync:
		b.Strategy = w.Strategy
	default:
		return b, fmt.Errorf("unknown strategy %q", w.Strategy)
	}
	switch w.FailurePolicy {
	case "":
	case FailureIgnore, FailureWarn, FailureFail, FailureCustom:
		b.FailurePolicy = w.FailurePolicy
	default:
		return b, fmt.Errorf("unknown failure policy %q", w.FailurePolicy)
	}
	if mode := w.StateTransfer.Mode; mode != "" {
		if !mode.known() {
			return b, fmt.Errorf("unknown state transfer mode %q", mode)
		}
		b.Mode = mode
	}
	if w.Timeout != nil {
		b.Timeout = w.Timeout.Duration
	}
	if chunk := w.StateTransfer.ChunkSize; chunk != nil {
		b.ChunkSize = int(*chunk)
	}
	return b, nil
}

// parseStores reads {"passivation":false,"file-store":{...}}: objects and lists of objects are stores.
func parseStores(members map[string]json.RawMessage) ([]StoreConfig, error) {
	kinds := make([]string, 0, len(members))
	for name, raw := range members {
		if isObject(raw) || isArray(raw) {
			kinds = append(kinds, name)
		}
	}
	sort.Strings(kinds)
	var stores []StoreConfig
	for _, kind := range kinds {
		list := members[kind]
		if isObject(list) {
			list = json.RawMessage("[" + string(list) + "]")
		}
		var wire []struct {
			Shared wireBool `json:"shared"`
			Class  string   `json:"class"`
		}
		if err := json.Unmarshal(list, &wire); err != nil {
			return nil, fmt.Errorf("the store %q is not understood: %w", kind, quiet(err))
		}
		for _, w := range wire {
			stores = append(stores, StoreConfig{
				Kind: kind, Class: w.Class, Shared: bool(w.Shared), Remote: !ownFiles(kind, w.Class),
			})
		}
	}
	return stores, nil
}

// ownFiles reports whether a store is known to keep files of its own node. What is not known is not.
func ownFiles(kind, class string) bool {
	switch kind {
	case "file-store", "single-file-store", "soft-index-file-store", "rocksdb-store":
		return true
	case "store":
		return strings.HasPrefix(class, "org.infinispan.persistence.file.") ||
			strings.HasPrefix(class, "org.infinispan.persistence.sifs.") ||
			strings.HasPrefix(class, "org.infinispan.persistence.rocksdb.")
	}
	return false
}
