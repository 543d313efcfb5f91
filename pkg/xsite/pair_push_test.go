package xsite_test

import (
	"fmt"
	"maps"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// carriedPerTick is how many entries a push sends between two looks.
const carriedPerTick = 5

// transfer is one push under way.
type transfer struct {
	from        *site
	cache       string
	coordinator int
	keys        []string
	starved     bool
	lossy       bool
}

// startPush does what start-push-state does: it brings the peer online at once, whatever comes of it (V10, V63).
func (p *pair) startPush(from *site, server int, name string) error {
	c := from.caches[name]
	if c == nil {
		return infinispan.ErrNotFound
	}
	c.setFlag(infinispan.FlagOnline)
	sending := false
	for _, s := range c.status {
		sending = sending || s == infinispan.PushSending
	}
	c.status[server] = infinispan.PushSending
	twin := from.twin(name)
	switch {
	case p.link != linkUp:
		return fmt.Errorf("ISPN012047: timed out: %w", errFake)
	case sending:
		return fmt.Errorf("already sending: %w", errFake) // V15
	case twin == nil:
		c.status[server] = infinispan.PushOK // V57
		c.setFlag(infinispan.FlagOffline)
		return nil
	case twin.receiving:
		return fmt.Errorf("already receiving: %w", errFake) // V12
	}
	twin.receiving = true
	t := &transfer{from: from, cache: name, coordinator: server, keys: c.keys(p.now)}
	if p.starved[name] > 0 {
		p.starved[name]--
		t.starved = true
	}
	if p.lossy[name] > 0 {
		p.lossy[name]--
		t.lossy = true
	}
	p.transfers = append(p.transfers, t)
	return nil
}

// cancelPush ends the push that a server coordinates.
func (p *pair) cancelPush(from *site, server int, name string) error {
	c := from.caches[name]
	if c == nil {
		return infinispan.ErrNotFound
	}
	if c.status[server] != infinispan.PushSending {
		return nil
	}
	c.status[server] = infinispan.PushCanceled
	p.drop(func(t *transfer) bool { return t.from == from && t.cache == name && t.coordinator == server })
	if twin := from.twin(name); twin != nil && p.link == linkUp {
		twin.receiving = false
	}
	return nil
}

// drop forgets the transfers that match.
func (p *pair) drop(match func(*transfer) bool) {
	rest := p.transfers[:0:0]
	for _, t := range p.transfers {
		if !match(t) {
			rest = append(rest, t)
		}
	}
	p.transfers = rest
}

// carry moves every push on by one tick. Lifespans start anew at the receiver (V61).
func (p *pair) carry() {
	for _, t := range p.transfers {
		source, twin := t.from.caches[t.cache], t.from.twin(t.cache)
		if t.starved || p.link != linkUp || source == nil || twin == nil {
			continue
		}
		for n := 0; n < carriedPerTick && len(t.keys) > 0; n++ {
			key := t.keys[0]
			t.keys = t.keys[1:]
			e, there := source.entries[key]
			if !there || !e.alive(p.now) || (t.lossy && n == 0) {
				continue
			}
			e.expires = p.now.Add(e.lifespan)
			twin.entries[key] = e
		}
		if len(t.keys) == 0 {
			twin.receiving = false
			source.status[t.coordinator] = infinispan.PushOK
		}
	}
	p.drop(func(t *transfer) bool { return len(t.keys) == 0 && !t.starved })
}

// restart replaces the server behind a pod. With it go its flags, as on 14 (V6a), and the status of the pushes that it
// ran (V19); a push towards it stands still for ever when it was the one that received (V18).
func (s *site) restart(i int, samePod bool) {
	server := s.servers[i]
	if samePod {
		server.restarts++
	} else {
		s.pair.uids++
		server.uid = fmt.Sprintf("pod-%d", s.pair.uids)
	}
	s.pair.uids++
	server.name = fmt.Sprintf("%s-%05d", server.pod, s.pair.uids)
	for name, c := range s.caches {
		c.flags[i], c.modes[i] = infinispan.FlagOnline, c.config.Backups[s.peer().name].Mode
		c.status[i] = infinispan.PushIdle
		s.pair.drop(func(t *transfer) bool { return t.from == s && t.cache == name && t.coordinator == i })
	}
	for _, t := range s.pair.transfers {
		if t.from == s.peer() && i == 0 {
			t.starved = true
		}
	}
}

// seesPeerAnew plays the peer that left the sites view and came back: what is in mode AUTO and holds it offline
// brings it online by itself and pushes (V7).
func (s *site) seesPeerAnew() {
	for name, c := range s.caches {
		for i, mode := range c.modes {
			if mode != infinispan.ModeAuto || c.flags[i] == infinispan.FlagOnline {
				continue
			}
			c.flags[i] = infinispan.FlagOnline
			if twin := s.twin(name); twin != nil {
				maps.Copy(twin.entries, c.entries)
			}
		}
	}
}
