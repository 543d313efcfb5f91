package xsite_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// isProbe tells the caches that the engine makes for itself.
func isProbe(cache string) bool { return strings.HasPrefix(cache, "ispn-resync-probe-") }

// entry is one entry of a cache; a lifespan of 0 is for ever.
type entry struct {
	value    string
	lifespan time.Duration
	expires  time.Time
}

// alive tells whether the entry has not expired.
func (e entry) alive(now time.Time) bool { return e.lifespan == 0 || now.Before(e.expires) }

// cache is one cache of a site: its entries are those of the cluster, its marks are per server.
type cache struct {
	entries map[string]entry
	config  infinispan.CacheConfig
	// flags, modes and status are per server, by its index, for the one peer.
	flags  []infinispan.Flag
	modes  []infinispan.Mode
	status []infinispan.PushStatus
	// receiving is true while a push to it is under way, or was and nobody told it of the end (V12).
	receiving bool
}

// newFakeCache makes an empty cache as the guide configures it.
func newFakeCache(s *site, peer string) *cache {
	c := &cache{entries: map[string]entry{}, config: infinispan.CacheConfig{
		Kind: infinispan.KindDistributed, Owners: 2, Statistics: true,
		Backups: map[string]infinispan.BackupConfig{peer: {
			Strategy: infinispan.StrategySync, Timeout: 4500 * time.Millisecond, FailurePolicy: infinispan.FailureFail,
			ChunkSize: 16, Mode: infinispan.ModeManual,
		}},
	}}
	for range s.servers {
		c.flags = append(c.flags, infinispan.FlagOnline)
		c.modes = append(c.modes, infinispan.ModeManual)
		c.status = append(c.status, infinispan.PushIdle)
	}
	return c
}

func (c *cache) setFlag(f infinispan.Flag) {
	for i := range c.flags {
		c.flags[i] = f
	}
}

func (c *cache) setMode(m infinispan.Mode) {
	for i := range c.modes {
		c.modes[i] = m
	}
}

// merged is the push status as any server tells it (V22): an OK hides a running push (F6).
func (c *cache) merged() infinispan.PushStatus {
	for _, s := range []infinispan.PushStatus{infinispan.PushError, infinispan.PushCanceled, infinispan.PushOK, infinispan.PushSending} {
		if slices.Contains(c.status, s) {
			return s
		}
	}
	return infinispan.PushIdle
}

// keys lists the living keys, sorted.
func (c *cache) keys(now time.Time) []string {
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(c.entries)) {
		if c.entries[k].alive(now) {
			keys = append(keys, k)
		}
	}
	return keys
}

// twin finds the cache of the peer that takes the updates of this one; nil when there is none, or when the sites
// belong to two pairs.
func (s *site) twin(name string) *cache {
	peer := s.peer()
	if s.pair.strangers {
		return nil
	}
	for _, c := range peer.caches {
		if c.config.BackupFor != nil && *c.config.BackupFor == (infinispan.BackupFor{Site: s.name, Cache: name}) {
			return c
		}
	}
	return peer.caches[name]
}

// change is one update of a cache, applied at home and then at the peer.
type change func(c *cache)

// queued is an ASYNC update that waits in the sender's queue. Whether the peer is offline is tested when it is sent.
type queued struct {
	from   *site
	server int
	cache  string
	what   change
	due    time.Time
	// through is a change that no offline flag drops.
	through bool
}

// update applies a client's change through one server of a site and backs it up as configured.
func (p *pair) update(s *site, server int, name string, what change) error {
	c := s.caches[name]
	if c == nil {
		return infinispan.ErrNotFound
	}
	backup, backsUp := c.config.Backups[s.peer().name]
	if backsUp && c.flags[server] == infinispan.FlagOnline {
		if backup.Strategy == infinispan.StrategyAsync {
			p.queue = append(p.queue, &queued{s, server, name, what, p.now.Add(p.slow), false})
		} else if err := p.backUp(s, name, backup, what); err != nil {
			return err
		}
	}
	what(c)
	return nil
}

// backUp sends a SYNC change to the peer.
func (p *pair) backUp(s *site, name string, backup infinispan.BackupConfig, what change) error {
	if p.link != linkUp {
		if p.link == linkSilent {
			p.now = p.now.Add(2 * time.Second) // as long as it may take is waited for an answer
		}
		if backup.FailurePolicy == infinispan.FailureFail {
			return fmt.Errorf("write to %s of %s: backup timed out: %w", name, s.name, errFake)
		}
		return nil
	}
	if twin := s.twin(name); twin != nil {
		what(twin)
		return nil
	}
	if !p.strangers {
		s.caches[name].setFlag(infinispan.FlagOffline) // V47
	}
	return nil
}

// sendQueued sends what is due; what finds the peer offline is dropped (F1, V5).
func (p *pair) sendQueued() {
	rest := p.queue[:0:0]
	for _, q := range p.queue {
		c := q.from.caches[q.cache]
		switch {
		case p.now.Before(q.due):
			rest = append(rest, q)
		case c == nil || c.flags[q.server] == infinispan.FlagOffline && !q.through:
		case p.link != linkUp:
			q.due = p.now.Add(c.config.Backups[q.from.peer().name].Timeout)
			rest = append(rest, q)
		default:
			if twin := q.from.twin(q.cache); twin != nil {
				q.what(twin)
			}
		}
	}
	p.queue = rest
}

// put and remove are the changes that clients make.
func put(key string, e entry) change { return func(c *cache) { c.entries[key] = e } }

func remove(key string) change { return func(c *cache) { delete(c.entries, key) } }

func wipe(c *cache) { clear(c.entries) }

// leak has a clear reach the peer whatever its flags say, with ASYNC a moment later.
func (p *pair) leak(s *site, server int, name string) {
	if s.caches[name].config.Backups[s.peer().name].Strategy == infinispan.StrategyAsync {
		p.queue = append(p.queue, &queued{s, server, name, wipe, p.now.Add(p.slow), true})
	} else if twin := s.twin(name); twin != nil {
		wipe(twin)
	}
}

// clear empties a cache of a site. The call keeps it at home, unless the servers do not honour its header.
func (p *pair) clear(s *site, server int, name string) error {
	c := s.caches[name]
	if c == nil {
		return infinispan.ErrNotFound
	}
	if !isProbe(name) {
		p.judgeClear(s, name)
		if s.leaksThroughFlags {
			p.leak(s, server, name)
		}
	}
	if s.leaky {
		return p.update(s, server, name, wipe)
	}
	wipe(c)
	return nil
}
