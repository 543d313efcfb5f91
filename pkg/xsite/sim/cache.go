package sim

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// reaperTime is how long an expired entry is still counted by the counters, which do not look.
const reaperTime = time.Minute

// entry is one entry of a cache. A lifespan or idle time of 0 is for ever.
type entry struct {
	value             string
	lifespan, maxIdle time.Duration
	created, used     time.Time
	version           version
}

// expired is when the entry ends; zero for never.
func (e *entry) expires() time.Time {
	var at time.Time
	if e.lifespan > 0 {
		at = e.created.Add(e.lifespan)
	}
	if e.maxIdle > 0 {
		if idle := e.used.Add(e.maxIdle); at.IsZero() || idle.Before(at) {
			at = idle
		}
	}
	return at
}

// aliveAt tells whether the entry has not expired.
func (e *entry) aliveAt(t time.Time) bool {
	at := e.expires()
	return at.IsZero() || t.Before(at)
}

// version is how many writes of each site an entry has seen. ASYNC backups compare them.
type version [2]int64

// includes tells whether everything that v has seen, o has seen too.
func (v version) within(o version) bool { return v[0] <= o[0] && v[1] <= o[1] }

// cacheState is one cache of a site. Its entries are those of the cluster: a node that dies loses none as long as
// another is left.
type cacheState struct {
	site *Site
	spec CacheSpec
	// backup is the peer's name, or empty.
	backup  string
	entries map[string]*entry
	// tombs remember the versions of removed entries of ASYNC caches for a while.
	tombs map[string]tomb
	queue irac
	// out is the push under way from here, in what is received here.
	out *transfer
	in  reception
	// counters by node index.
	stores, removes map[int]int64
}

// tomb is what is left of a removed entry.
type tomb struct {
	version version
	at      time.Time
}

// tombTime is how long a tomb is kept.
const tombTime = 30 * time.Second

func newCache(s *Site, spec CacheSpec) *cacheState {
	c := &cacheState{
		site: s, spec: spec, entries: map[string]*entry{}, tombs: map[string]tomb{},
		stores: map[int]int64{}, removes: map[int]int64{},
	}
	if !spec.NoBackup {
		c.backup = s.peer().name
	}
	c.queue.cache = c
	return c
}

// addCache makes a cache on all nodes of the site.
func (s *Site) addCache(spec CacheSpec) {
	s.caches[spec.Name] = newCache(s, spec)
}

func (c *cacheState) async() bool { return c.spec.Strategy == infinispan.StrategyAsync }

// twin is the cache of the peer that takes the updates of this one; nil when there is none.
func (c *cacheState) twin() *cacheState {
	peer := c.site.peer()
	for _, other := range peer.caches {
		if f := other.spec.BackupFor; f != nil && f.Site == c.site.name && f.Cache == c.spec.Name {
			return other
		}
	}
	if same := peer.caches[c.spec.Name]; same != nil && same.spec.BackupFor == nil {
		return same
	}
	return nil
}

// alive gives the entry of a key unless it has expired.
func (c *cacheState) alive(key string) (*entry, bool) {
	e := c.entries[key]
	return e, e != nil && e.aliveAt(now())
}

// keys lists the living keys, sorted.
func (c *cacheState) keys() []string {
	var keys []string
	for key := range c.entries {
		if _, alive := c.alive(key); alive {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// owner is the node that a key belongs to first; nil when the site is down.
func (c *cacheState) owner(key string) *Node {
	running := c.site.running()
	if len(running) == 0 {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	byIndex := slices.Clone(running)
	slices.SortFunc(byIndex, func(a, b *Node) int { return a.index - b.index })
	return byIndex[int(h.Sum32())%len(byIndex)]
}

// nextVersion is that of a write of this site.
func (c *cacheState) nextVersion(key string) version {
	v := c.lastVersion(key)
	c.site.world.versions++
	v[c.site.index] = c.site.world.versions
	return v
}

// lastVersion is that of the entry, or of its tomb.
func (c *cacheState) lastVersion(key string) version {
	if e := c.entries[key]; e != nil {
		return e.version
	}
	if c.remembered(key) {
		return c.tombs[key].version
	}
	return version{}
}

// remembered tells whether a removal is: for a while, and as long as it has to be sent.
func (c *cacheState) remembered(key string) bool {
	t, there := c.tombs[key]
	return there && (now().Sub(t.at) < tombTime || c.queue.keys[key])
}

// tombstones counts the removals that are remembered.
func (c *cacheState) tombstones() int {
	n := 0
	for key := range c.tombs {
		if c.remembered(key) {
			n++
		}
	}
	return n
}

// store puts an entry with a life that begins now (V61).
func (c *cacheState) store(key string, e entry, v version) {
	e.created, e.used, e.version = now(), now(), v
	c.entries[key] = &e
	delete(c.tombs, key)
	if o := c.owner(key); o != nil {
		c.stores[o.index]++
	}
	if c.in.from != nil {
		c.in.tracked[key] = true
	}
}

// erase removes an entry.
func (c *cacheState) erase(key string, v version) {
	if c.entries[key] != nil {
		if o := c.owner(key); o != nil {
			c.removes[o.index]++
		}
	}
	delete(c.entries, key)
	if c.async() {
		c.tombs[key] = tomb{v, now()}
	}
	if c.in.from != nil {
		c.in.tracked[key] = true
	}
}

// wipe removes everything; what is being received is no longer waited for (F10).
func (c *cacheState) wipe() {
	clear(c.entries)
	c.in = reception{}
}

// counts are the entries that a node has, and those that it owns first.
func (c *cacheState) counts(n *Node) (held, owned int64) {
	for key, e := range c.entries {
		if at := e.expires(); !at.IsZero() && now().Sub(at) > reaperTime {
			continue
		}
		held++
		if c.owner(key) == n {
			owned++
		}
	}
	return held, owned
}
