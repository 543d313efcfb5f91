package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Site is one of the two sites: a cluster of nodes with its caches.
type Site struct {
	world *World
	index int
	name  string
	nodes []*Node

	caches map[string]*cacheState
	// offline are the flags that the cluster shares, by cache; they outlive their caches (V47).
	offline map[string]bool
	// oldest are the running nodes by age: the first coordinates.
	oldest []*Node

	// sees is this site's view of its peer; contacted and contacts tell how it is really.
	sees, contacted bool
	contacts        int
	// waiting are messages to the peer that are stuck on their way; onVoice is what a frozen site does when it thaws.
	waiting []*message
	onVoice []func()
	// changingFlags counts the flags that change right now (V66).
	changingFlags int
	// clients are connections of others that the list of connections shows.
	clients []Client
	// health is that of the cluster; ill are the caches that are otherwise.
	health infinispan.HealthStatus
	ill    map[string]infinispan.HealthStatus
}

func newSite(w *World, index int, name string) *Site {
	s := &Site{
		world: w, index: index, name: name, caches: map[string]*cacheState{}, offline: map[string]bool{}, contacted: true,
		health: infinispan.HealthHealthy, ill: map[string]infinispan.HealthStatus{},
	}
	for i := range w.o.Nodes {
		s.nodes = append(s.nodes, newNode(s, i))
	}
	return s
}

// Name is the site's name.
func (s *Site) Name() string { return s.name }

// Peer is the other site.
func (s *Site) Peer() *Site { return s.peer() }

func (s *Site) peer() *Site { return s.world.sites[1-s.index] }

// Nodes are the site's nodes, running or not, by index.
func (s *Site) Nodes() []*Node { return slices.Clone(s.nodes) }

// Node is the node of an index.
func (s *Site) Node(i int) *Node { return s.nodes[i] }

// Freeze stops all nodes of the site as a signal does: connections stay open and nothing answers.
func (s *Site) Freeze() { s.each((*Node).freeze) }

// Thaw lets all nodes of the site go on.
func (s *Site) Thaw() { s.each((*Node).thaw) }

// Restart kills all nodes of the site and starts them again: the entries are gone, and the flags (V6).
func (s *Site) Restart() {
	s.each((*Node).kill)
	s.each((*Node).start)
}

func (s *Site) each(do func(*Node)) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	for _, n := range s.nodes {
		do(n)
	}
}

// SetHealth makes the cluster say that of its health.
func (s *Site) SetHealth(h infinispan.HealthStatus) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.health = h
}

// SetCacheHealth makes the cluster say that of the health of a cache, also of one of the server's own that it does not
// list: 16 says FAILED of the respCache that nobody uses (V75).
func (s *Site) SetCacheHealth(cache string, h infinispan.HealthStatus) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.ill[cache] = h
}

// Client is a connection of somebody else, as the list of connections shows it (V62).
type Client struct {
	Node                        int
	Principal, Protocol, Remote string
	Library, Version            string
}

// Connect makes a foreign client appear in the list of connections. The call it returns ends the connection.
func (s *Site) Connect(c Client) func() {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.clients = append(s.clients, c)
	return func() {
		s.world.mu.Lock()
		defer s.world.mu.Unlock()
		if i := slices.Index(s.clients, c); i >= 0 {
			s.clients = slices.Delete(s.clients, i, i+1)
		}
	}
}

// running are the nodes that their cluster counts as members, the coordinator first.
func (s *Site) running() []*Node { return s.oldest }

// down tells whether no node of the site runs.
func (s *Site) down() bool { return len(s.oldest) == 0 }

// relay is the node that speaks for the site; nil when the site is down.
func (s *Site) relay() *Node {
	if s.down() {
		return nil
	}
	return s.oldest[0]
}

// silent tells whether nothing comes from the site: it is down, or the node that speaks for it is frozen.
func (s *Site) silent() bool { return s.down() || s.relay().frozen }

// whenAwake lets the site do something, at once or when it thaws.
func (s *Site) whenAwake(act func()) {
	switch {
	case s.down():
	case s.silent():
		s.onVoice = append(s.onVoice, act)
	default:
		act()
	}
}

// serving is a node that clients of the site are served by: the youngest that answers.
func (s *Site) serving() *Node {
	for _, n := range slices.Backward(s.oldest) {
		if n.answers() {
			return n
		}
	}
	return nil
}

// Put writes an entry as a client of this site does, through the youngest node that answers. It takes as long as the
// backup takes: a SYNC backup to an unreachable peer that is online fails after its timeout (V10, V51). A lifespan of 0
// is for ever.
func (s *Site) Put(ctx context.Context, cache, key, value string, lifespan time.Duration) error {
	return s.client(ctx, cache, func(n *Node, c *cacheState, done func(error)) {
		n.put(c, key, entry{value: value, lifespan: lifespan}, done)
	})
}

// PutIdle writes an entry that expires when nobody has read it for maxIdle.
func (s *Site) PutIdle(ctx context.Context, cache, key, value string, maxIdle time.Duration) error {
	return s.client(ctx, cache, func(n *Node, c *cacheState, done func(error)) {
		n.put(c, key, entry{value: value, maxIdle: maxIdle}, done)
	})
}

// Remove removes an entry as a client of this site does.
func (s *Site) Remove(ctx context.Context, cache, key string) error {
	return s.client(ctx, cache, func(n *Node, c *cacheState, done func(error)) { n.remove(c, key, done) })
}

// Clear empties a cache as somebody else's call does: with the header that keeps it at home, or without (V1, V3, V16).
func (s *Site) Clear(ctx context.Context, cache string, atHome bool) error {
	return s.client(ctx, cache, func(n *Node, c *cacheState, done func(error)) { n.clear(c, atHome, done) })
}

// client does something as a client of the site and waits for its end.
func (s *Site) client(ctx context.Context, name string, do func(*Node, *cacheState, func(error))) error {
	s.world.mu.Lock()
	n, c := s.serving(), s.caches[name]
	if n == nil || c == nil {
		s.world.mu.Unlock()
		return fmt.Errorf("%s: cache %s: no node answers, or no such cache", s.name, name)
	}
	ended := make(chan error, 1)
	do(n, c, func(err error) { ended <- err })
	s.world.mu.Unlock()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.world.closed:
		return context.Canceled
	}
}

// Load puts entries into this site alone, at once, as if they had always been there. It makes stale contents.
func (s *Site) Load(cache string, entries map[string]string) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	c := s.caches[cache]
	for _, key := range sortedKeys(entries) {
		c.store(key, entry{value: entries[key]}, c.nextVersion(key))
	}
}

// Load puts entries into both sites at once, as if they had been written and backed up long ago.
func (w *World) Load(cache string, entries map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	home := w.sites[0].caches[cache]
	for _, key := range sortedKeys(entries) {
		v := home.nextVersion(key)
		for _, c := range []*cacheState{home, home.twin()} {
			c.store(key, entry{value: entries[key]}, v)
		}
	}
}

// Drop removes entries from this site alone, at once and without a trace.
func (s *Site) Drop(cache string, keys ...string) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	for _, key := range keys {
		delete(s.caches[cache].entries, key)
	}
}

// Get reads the living value of a key.
func (s *Site) Get(cache, key string) (value string, found bool) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if c := s.caches[cache]; c != nil {
		if e, alive := c.alive(key); alive {
			return e.value, true
		}
	}
	return "", false
}

// Keys lists the living keys of a cache, sorted; nil where there is no such cache.
func (s *Site) Keys(cache string) []string {
	return slices.Sorted(maps.Keys(s.Entries(cache)))
}

// Entries reads the living entries of a cache; nil where there is no such cache.
func (s *Site) Entries(cache string) map[string]string {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	c := s.caches[cache]
	if c == nil {
		return nil
	}
	living := map[string]string{}
	for key := range c.entries {
		if e, alive := c.alive(key); alive {
			living[key] = e.value
		}
	}
	return living
}

// CacheNames lists the caches of the site, without the server's own, sorted.
func (s *Site) CacheNames() []string {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Sorted(maps.Keys(s.caches))
}
