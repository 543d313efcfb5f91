package sim

import (
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// flagTime is how long a flag takes to change. Two that change at the same time on one site lock its servers (V66).
const flagTime = 3 * time.Millisecond

// mark sets the flag of a cache on all nodes of the site that hear of it. A clear that waits looks at the flag all the time,
// also in a back-off, but on 14 (F1).
func (s *Site) mark(cache string, offline bool) {
	s.offline[cache] = offline
	for _, n := range s.running() {
		if !n.frozen {
			n.flags[cache] = offline
		}
	}
	if c := s.caches[cache]; c != nil && offline {
		c.queue.wake()
	}
}

// markMissing is what becomes of the flag when the peer says that it has no such cache (V47): on 14 the node that was told
// keeps it to itself.
func (s *Site) markMissing(n *Node, cache string) {
	if s.world.release.replicatedFlags() || n == nil {
		s.mark(cache, true)
		return
	}
	n.flags[cache] = true
}

// setFlag sets the flag of a cache through a node. It is done with the names of the nodes that did not hear of it.
func (n *Node) setFlag(cache string, offline bool, done func(deaf []string)) {
	s, w := n.site, n.site.world
	if n.flags[cache] == offline && !w.release.before(15, 0, 11) && s.offline[cache] == offline {
		done(nil) // nothing changes, so nothing is told to anybody
		return
	}
	s.changingFlags++
	if s.changingFlags > 1 && w.release.locksUp() {
		s.lockUp()
	}
	generation := n.generation
	w.agenda.after(flagTime, func() {
		s.changingFlags--
		if n.locked || !n.lives(generation) {
			return // nobody is answered any more
		}
		s.mark(cache, offline)
		n.flags[cache] = offline
		var deaf []string
		for _, m := range s.running() {
			if m.frozen && w.release.asksMembers() {
				deaf = append(deaf, m.name)
			}
		}
		if len(deaf) == 0 {
			done(nil)
			return
		}
		w.agenda.after(n.remoteTimeout(cache), func() { done(deaf) })
	})
}

// remoteTimeout is how long a node waits for another of its cluster about a cache.
func (n *Node) remoteTimeout(cache string) time.Duration {
	if c := n.site.caches[cache]; c != nil {
		return c.spec.RemoteTimeout
	}
	return 15 * time.Second
}

// lockUp is the end of a site's servers: nothing but a restart helps (V66).
func (s *Site) lockUp() {
	for _, n := range s.nodes {
		if n.up {
			n.locked = true
		}
	}
}

// mode is the node's state transfer mode of a cache.
func (n *Node) mode(cache string) infinispan.Mode {
	if m, set := n.modes[cache]; set {
		return m
	}
	if c := n.site.caches[cache]; c != nil {
		return c.spec.Mode
	}
	return infinispan.ModeManual
}

// pushByItself is what a site does when it sees its peer anew: caches in mode AUTO on all nodes whose peer is offline
// bring it online and push (V7, F11).
func (s *Site) pushByItself() {
	if s.silent() || !s.sees {
		return
	}
	n := s.relay()
	var automatic []*cacheState
	for _, name := range sortedKeys(s.caches) {
		c := s.caches[name]
		all := c.backup != "" && n.flags[name]
		for _, m := range s.running() {
			all = all && m.mode(name) == infinispan.ModeAuto
		}
		if all {
			automatic = append(automatic, c)
		}
	}
	n.pushInTurn(automatic)
}

// pushInTurn pushes one cache after the other. That servers lock each other up by what nobody asked them (V66) was not seen.
func (n *Node) pushInTurn(caches []*cacheState) {
	if len(caches) > 0 {
		n.startPush(caches[0], func(error) { n.pushInTurn(caches[1:]) })
	}
}
