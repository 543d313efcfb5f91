package sim

import (
	"fmt"
	"strings"
)

// Receiving names the site that a cache is receiving a SYNC push from, also one that will never end (V12); empty for none.
func (s *Site) Receiving(cache string) string {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if c := s.caches[cache]; c != nil && c.in.from != nil {
		return c.in.from.name
	}
	return ""
}

// Sees tells whether the site has its peer in its view, however late that is (V24).
func (s *Site) Sees() bool {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.sees
}

// Image is everything about the site that a run could change, as text: caches with their living entries, and the flag,
// the mode and the push status of every node. Two equal images are two equal sites.
func (s *Site) Image() string {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var b strings.Builder
	for _, name := range sortedKeys(s.caches) {
		c := s.caches[name]
		fmt.Fprintf(&b, "%s: cache %s", s.name, name)
		for _, key := range c.keys() {
			fmt.Fprintf(&b, " %q=%q", key, c.entries[key].value)
		}
		b.WriteByte('\n')
		for _, n := range s.running() {
			fmt.Fprintf(&b, "%s: node %d, cache %s: peer %s, mode %s, push %s\n",
				s.name, n.index, name, flagWord(n.flags[name]), n.mode(name), n.push(name).status)
		}
	}
	return b.String()
}
