package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// joined is what becomes of the pushes of a cluster that a node joins: those of the site begin from scratch, those that
// had lost their coordinator go on at the eldest (V19).
func (s *Site) joined() {
	for _, name := range sortedKeys(s.caches) {
		t := s.caches[name].out
		if t == nil || t.stuck {
			continue
		}
		if t.coordinator == nil {
			t.coordinator = s.relay()
			*t.coordinator.push(name) = pushState{infinispan.PushSending, true}
		}
		t.share()
	}
}

// left is what becomes of the pushes of a cluster that a node leaves. Its own go on at the next one only when a node
// joins; those towards the cluster never end when it was the one that received (V18, V19, V20).
func (s *Site) left(n *Node, wasRelay bool) {
	for _, name := range sortedKeys(s.caches) {
		c := s.caches[name]
		if t := c.out; t != nil {
			if t.coordinator == n || s.down() {
				t.coordinator, t.senders = nil, nil
			} else if t.coordinator != nil {
				t.share()
			}
		}
		if s.down() {
			c.out = nil
		}
		if wasRelay && c.in.from != nil {
			if source := c.source(); source != nil && source.out != nil && !source.async() {
				source.out.stuck = true
			}
		}
	}
}

// source is the cache of the peer that this one takes the updates of; nil when there is none.
func (c *cacheState) source() *cacheState {
	for _, other := range c.site.peer().caches {
		if other.twin() == c {
			return other
		}
	}
	return nil
}

// sortedKeys lists the keys of a map in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
