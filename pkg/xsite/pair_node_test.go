package xsite_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// node is a process's connection to one server, bound to the pod's UID (V55). It implements xsite.Node.
type node struct {
	seat

	i   int
	uid string
}

var _ xsite.Node = node{}

// ask carries out one call at the server, unless its pod is gone.
func (n node) ask(ctx context.Context, method, name string, perform func() error) error {
	return n.do(ctx, method, name, func() error {
		if n.servers[n.i].uid != n.uid {
			return fmt.Errorf("%s: %w", n.servers[n.i].pod, xsite.ErrPodGone)
		}
		if n.servers[n.i].silent {
			return errAway
		}
		return perform()
	})
}

// at carries out one call on a cache.
func (n node) at(ctx context.Context, method, name string, perform func(c *cache) error) error {
	return n.ask(ctx, method, name, func() error {
		c := n.caches[name]
		if c == nil {
			return fmt.Errorf("cache %s: %w", name, infinispan.ErrNotFound)
		}
		return perform(c)
	})
}

// backup carries out one call on a cache's backup.
func (n node) backup(ctx context.Context, method, name, to string, perform func(c *cache) error) error {
	return n.at(ctx, method, name, func(c *cache) error {
		if _, backsUp := c.config.Backups[to]; !backsUp {
			return fmt.Errorf("cache %s: %w", name, infinispan.ErrNoBackup)
		}
		return perform(c)
	})
}

// Info shows the sites view only on the relay node, which is the first server that does not start (V50).
func (n node) Info(ctx context.Context) (info infinispan.NodeInfo, err error) {
	err = n.ask(ctx, "Info", "", func() error {
		v := n.servers[n.i]
		relay := slices.IndexFunc(n.servers, func(s *server) bool { return !s.starting })
		info = infinispan.NodeInfo{
			Version: n.version, NodeName: v.name, LocalSite: v.localSite, Coordinator: n.i == 0, RelayNode: n.i == relay,
			RelayNodes: []string{n.servers[relay].name}, Status: cmp.Or(v.state, infinispan.ContainerRunning), Rebalancing: new(!n.still),
		}
		for _, s := range n.servers {
			info.Members = append(info.Members, s.name)
		}
		if n.i == relay {
			info.SitesView = []string{v.localSite}
			if n.pair.link != linkDown && !n.blind {
				info.SitesView = append(info.SitesView, n.peer().name)
			}
		}
		return nil
	})
	return info, err
}

func (n node) Health(ctx context.Context) (h infinispan.Health, err error) {
	err = n.ask(ctx, "Health", "", func() error {
		h = infinispan.Health{Cluster: n.health, Caches: maps.Clone(n.cacheHealth)}
		return nil
	})
	return h, err
}

func (n node) CacheNames(ctx context.Context) (names []string, err error) {
	err = n.ask(ctx, "CacheNames", "", func() error { names = slices.Collect(maps.Keys(n.caches)); return nil })
	return names, err
}

func (n node) CacheConfig(ctx context.Context, name string) (config infinispan.CacheConfig, err error) {
	err = n.at(ctx, "CacheConfig", name, func(c *cache) error {
		config = c.config
		config.Backups = maps.Clone(c.config.Backups)
		return nil
	})
	return config, err
}

func (n node) BackupSites(ctx context.Context, name string) (map[string]infinispan.SiteStatus, error) {
	sites := map[string]infinispan.SiteStatus{}
	err := n.at(ctx, "BackupSites", name, func(c *cache) error {
		for to := range c.config.Backups {
			sites[to] = infinispan.SiteStatus(c.flags[n.i])
		}
		return nil
	})
	return sites, err
}

// NodeFlags answers for the neighbours with the asked server's own flag, as newer servers do (F12).
func (n node) NodeFlags(ctx context.Context, name, to string) (map[string]infinispan.Flag, error) {
	flags := map[string]infinispan.Flag{}
	err := n.backup(ctx, "NodeFlags", name, to, func(c *cache) error {
		for _, s := range n.servers {
			flags[s.name] = c.flags[n.i]
		}
		return nil
	})
	return flags, err
}

// oneFlag carries out a change of a flag. Two at a time in one site lock its servers for ever (V66): nothing answers.
func (n node) oneFlag(change func() error) error {
	if n.changing.Add(1) > 1 {
		n.locked.Store(true)
	}
	defer n.changing.Add(-1)
	for range 100 { // room for another to come in between
		runtime.Gosched()
	}
	if n.locked.Load() {
		return errLocked
	}
	return change()
}

func (n node) setFlag(ctx context.Context, method, name, to string, flag infinispan.Flag) error {
	return n.oneFlag(func() error { return n.setFlagAlone(ctx, method, name, to, flag) })
}

func (n node) setFlagAlone(ctx context.Context, method, name, to string, flag infinispan.Flag) error {
	return n.backup(ctx, method, name, to, func(c *cache) error {
		for i, s := range n.servers {
			if !s.deaf {
				c.flags[i] = flag
			}
		}
		return nil
	})
}

func (n node) TakeOffline(ctx context.Context, name, to string) error {
	return n.setFlag(ctx, "TakeOffline", name, to, infinispan.FlagOffline)
}

func (n node) BringOnline(ctx context.Context, name, to string) error {
	return n.setFlag(ctx, "BringOnline", name, to, infinispan.FlagOnline)
}

func (n node) StateTransferMode(ctx context.Context, name, to string) (mode infinispan.Mode, err error) {
	err = n.backup(ctx, "StateTransferMode", name, to, func(c *cache) error { mode = c.modes[n.i]; return nil })
	return mode, err
}

func (n node) SetStateTransferMode(ctx context.Context, name, to string, mode infinispan.Mode) error {
	return n.backup(ctx, "SetStateTransferMode", name, to, func(c *cache) error {
		if c.config.Backups[to].Strategy == infinispan.StrategySync {
			return fmt.Errorf("ISPN000634: not compatible with SYNC backup strategy: %w", errFake) // V8
		}
		c.modes[n.i] = mode
		return nil
	})
}

func (n node) StartPush(ctx context.Context, name, to string) error {
	return n.oneFlag(func() error { // it brings the peer online first
		return n.backup(ctx, "StartPush", name, to, func(*cache) error { return n.pair.startPush(n.site, n.i, name) })
	})
}

func (n node) CancelPush(ctx context.Context, name, to string) error {
	return n.backup(ctx, "CancelPush", name, to, func(*cache) error { return n.pair.cancelPush(n.site, n.i, name) })
}

func (n node) CancelReceive(ctx context.Context, name, from string) error {
	return n.backup(ctx, "CancelReceive", name, from, func(c *cache) error { c.receiving = false; return nil })
}

func (n node) PushStatus(ctx context.Context, name string) (map[string]infinispan.PushStatus, error) {
	statuses := map[string]infinispan.PushStatus{}
	err := n.at(ctx, "PushStatus", name, func(c *cache) error {
		for to := range c.config.Backups {
			statuses[to] = c.merged()
		}
		return nil
	})
	return statuses, err
}

// ClearPushStatus leaves SENDING as it is (V11).
func (n node) ClearPushStatus(ctx context.Context, name string) error {
	return n.at(ctx, "ClearPushStatus", name, func(c *cache) error {
		for i, status := range c.status {
			if status != infinispan.PushSending {
				c.status[i] = infinispan.PushIdle
			}
		}
		return nil
	})
}

func (n node) Clear(ctx context.Context, name string) error {
	return n.at(ctx, "Clear", name, func(*cache) error { return n.pair.clear(n.site, n.i, name) })
}

func (n node) Size(ctx context.Context, name string) (size int64, err error) {
	err = n.at(ctx, "Size", name, func(c *cache) error { size = int64(len(c.keys(n.pair.now))); return nil })
	return size, err
}

// Stats counts all entries as the first server's.
func (n node) Stats(ctx context.Context, name string) (stats infinispan.CacheStats, err error) {
	err = n.at(ctx, "Stats", name, func(c *cache) error {
		if n.i == 0 {
			stats.ApproximateEntriesUnique = int64(len(c.entries))
		}
		return nil
	})
	return stats, err
}

// SendQueues counts what waits for the peer; every owner has it, and both servers are (V81). A clear is not counted.
func (n node) SendQueues(ctx context.Context) (queues map[string]infinispan.SendQueue, err error) {
	err = n.ask(ctx, "SendQueues", "", func() error {
		queues = map[string]infinispan.SendQueue{}
		for name, c := range n.caches {
			if n.pair.mute {
				return nil
			}
			if c.config.Backups[n.peer().name].Strategy == infinispan.StrategyAsync {
				queues[name] = infinispan.SendQueue{Keys: int64(n.pair.neverSent * n.i), Tombstones: n.pair.tombstones}
			}
		}
		for _, q := range n.pair.queue {
			if q.from == n.site {
				queue := queues[q.cache]
				queues[q.cache] = infinispan.SendQueue{Keys: queue.Keys + 1, Tombstones: queue.Tombstones + 1}
			}
		}
		return nil
	})
	return queues, err
}

func (n node) Connections(ctx context.Context) ([]infinispan.Connection, error) {
	err := n.ask(ctx, "Connections", "", func() error {
		if strings.HasPrefix(n.site.version, "14.") {
			return fmt.Errorf("list connections: %w", infinispan.ErrUnsupported)
		}
		return nil
	})
	return slices.Clone(n.site.clients), err
}

// CreateCache makes a volatile cache, which the operator's config listener mirrors.
func (n node) CreateCache(ctx context.Context, name string, config []byte) error {
	return n.ask(ctx, "CreateCache", name, func() error {
		var kinds map[string]struct {
			Backups map[string]any `json:"backups"`
		}
		if err := json.Unmarshal(config, &kinds); err != nil {
			return fmt.Errorf("parse the configuration: %w", err)
		}
		for _, kind := range kinds {
			if _, backsUp := kind.Backups[n.peer().name]; !backsUp {
				return fmt.Errorf("a cache without backup to %s: %w", n.peer().name, errFake)
			}
		}
		c := newFakeCache(n.site, n.peer().name)
		b := c.config.Backups[n.peer().name]
		b.FailurePolicy = infinispan.FailureWarn
		c.config.Backups[n.peer().name] = b
		n.caches[name], n.mirrored[name] = c, true
		return nil
	})
}

func (n node) DeleteCache(ctx context.Context, name string) error {
	return n.ask(ctx, "DeleteCache", name, func() error { delete(n.caches, name); return nil })
}

func (n node) CacheExists(ctx context.Context, name string) (exists bool, err error) {
	err = n.ask(ctx, "CacheExists", name, func() error { _, exists = n.caches[name]; return nil })
	return exists, err
}

func (n node) Put(ctx context.Context, name, key, value string) error {
	return n.at(ctx, "Put", name, func(*cache) error {
		return n.pair.update(n.site, n.i, name, put(key, entry{value: value}))
	})
}

func (n node) Get(ctx context.Context, name, key string) (value []byte, found bool, err error) {
	err = n.at(ctx, "Get", name, func(c *cache) error {
		e, there := c.entries[key]
		value, found = []byte(e.value), there && e.alive(n.pair.now)
		return nil
	})
	return value, found, err
}

// list takes a copy under the lock, so that visits happen outside of it.
func (n node) list(ctx context.Context, method, name string) (keys []string, entries map[string]entry, err error) {
	err = n.at(ctx, method, name, func(c *cache) error {
		keys, entries = c.keys(n.pair.now), maps.Clone(c.entries)
		return nil
	})
	return keys, entries, err
}

func (n node) Keys(ctx context.Context, name string, visit func(key []byte) error) error {
	keys, _, err := n.list(ctx, "Keys", name)
	for _, k := range keys {
		if err := visit([]byte(strconv.Quote(k))); err != nil {
			return err
		}
	}
	return err
}

func (n node) Entries(ctx context.Context, name string, visit func(key, value []byte) error) error {
	keys, entries, err := n.list(ctx, "Entries", name)
	for _, k := range keys {
		if err := visit([]byte(strconv.Quote(k)), []byte(strconv.Quote(entries[k].value))); err != nil {
			return err
		}
	}
	return err
}

func (n node) EntriesWithMetadata(ctx context.Context, name string, limit int, visit func(infinispan.Entry) error) error {
	keys, entries, err := n.list(ctx, "EntriesWithMetadata", name)
	for i, k := range keys {
		if limit > 0 && i == limit {
			break
		}
		e := infinispan.Entry{Key: []byte(strconv.Quote(k)), Value: []byte(strconv.Quote(entries[k].value)), Lifespan: -1, MaxIdle: -1}
		if entries[k].lifespan > 0 {
			e.Lifespan = entries[k].lifespan
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return err
}
