package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// pushState is what one node knows of the last push of a cache that it was asked for.
type pushState struct {
	status infinispan.PushStatus
	// collecting is true until the push ends or is cancelled: such a status cannot be cleared (V11).
	collecting bool
}

// transfer is a push under way.
type transfer struct {
	cache *cacheState
	// coordinator is the node whose status tells of the push; nil after its death, until a node joins (V19).
	coordinator *Node
	senders     []*sender
	ended       bool
	// stuck is a push whose receiving node died: nothing answers any more (V18).
	stuck bool
}

// sender is one node's part of a push: the keys that it owns first.
type sender struct {
	transfer *transfer
	node     *Node
	keys     []string
	// pending is an ASYNC chunk that is in the queue.
	pending []string
	retries int
	done    bool
}

// reception is a SYNC push that a cache takes part in as receiver.
type reception struct {
	from *Site
	// tracked are the keys that were written meanwhile: what is pushed does not replace them.
	tracked map[string]bool
	// nodes are those that were told of the reception, with their generations: others drop what they are sent (V18, ISPN-6228).
	nodes map[*Node]int
}

// push is what the node knows of the last push of a cache.
func (n *Node) push(cache string) *pushState {
	p := n.pushes[cache]
	if p == nil {
		p = &pushState{status: infinispan.PushIdle}
		n.pushes[cache] = p
	}
	return p
}

// startPush brings the peer online and begins a push that this node coordinates. It is done when the push runs, or
// cannot; the peer stays online then, and the status SENDING (V10).
func (n *Node) startPush(c *cacheState, done func(error)) {
	n.setFlag(c.spec.Name, false, func([]string) {
		if c.async() {
			n.startAsync(c, done)
			return
		}
		n.startSync(c, done)
	})
}

// startAsync: a second start is not refused. On another node it leaves a SENDING that never ends (F8).
func (n *Node) startAsync(c *cacheState, done func(error)) {
	p := n.push(c.spec.Name)
	if !p.collecting {
		*p = pushState{infinispan.PushSending, true}
		if c.out == nil {
			n.begin(c)
		}
	}
	done(nil)
}

// startSync asks the peer to receive, which refuses when it receives already (V12, V15).
func (n *Node) startSync(c *cacheState, done func(error)) {
	p := n.push(c.spec.Name)
	if !p.collecting {
		*p = pushState{infinispan.PushSending, true}
	}
	c.site.send(c.spec.Timeout, func() error {
		twin := c.twin()
		switch {
		case twin == nil:
			return errNoCache
		case twin.in.from != nil:
			return fmt.Errorf("%w state from %s", errReceiving, twin.in.from.name)
		}
		twin.in = reception{from: c.site, tracked: map[string]bool{}, nodes: map[*Node]int{}}
		for _, m := range twin.site.running() {
			twin.in.nodes[m] = m.generation
		}
		return nil
	}, func(err error) {
		if err == nil && c.out == nil {
			n.begin(c)
		}
		done(err)
	})
}

// begin lets all nodes of the site send what they own.
func (n *Node) begin(c *cacheState) {
	t := &transfer{cache: c, coordinator: n}
	c.out = t
	t.share()
}

// share begins from scratch with the nodes that are there now.
func (t *transfer) share() {
	c := t.cache
	byNode := map[*Node]*sender{}
	t.senders = nil
	for _, m := range c.site.running() {
		s := &sender{transfer: t, node: m}
		byNode[m] = s
		t.senders = append(t.senders, s)
	}
	for _, key := range c.keys() {
		if s := byNode[c.owner(key)]; s != nil {
			s.keys = append(s.keys, key)
		}
	}
	for _, s := range t.senders {
		s.later(c.site.world.o.ChunkTime)
	}
}

// later lets the sender go on after d, unless the push began anew or ended meanwhile.
func (s *sender) later(d time.Duration) {
	t := s.transfer
	site := t.cache.site
	site.world.agenda.after(d, func() {
		switch {
		case !s.current():
		case s.node.frozen:
			site.whenAwake(func() { s.later(site.world.o.ChunkTime) })
		default:
			s.step()
		}
	})
}

// current tells whether the sender is one of the push as it is now.
func (s *sender) current() bool {
	t := s.transfer
	if t.ended || t.stuck {
		return false
	}
	return slices.Contains(t.senders, s)
}

// step sends the next chunk, or ends this node's part.
func (s *sender) step() {
	t := s.transfer
	if len(s.keys) == 0 {
		s.done = true
		t.confirm(infinispan.PushOK)
		return
	}
	chunk := s.keys[:min(t.cache.spec.ChunkSize, len(s.keys))]
	if t.cache.async() {
		s.keys = s.keys[len(chunk):]
		s.pending = chunk
		for _, key := range chunk {
			t.cache.queue.add(key)
		}
		return // stateSent goes on
	}
	s.sendChunk(chunk)
}

// stateSent lets an ASYNC push go on whose chunk has left the queue, in whichever way: what found the peer offline, or
// was cleared away, counts as sent (V17, V57, F7).
func (c *cacheState) stateSent() {
	if c.out == nil {
		return
	}
	for _, s := range c.out.senders {
		if len(s.pending) == 0 {
			continue
		}
		waiting := false
		for _, key := range s.pending {
			waiting = waiting || c.queue.keys[key]
		}
		if !waiting {
			s.pending = nil
			s.later(c.site.world.o.ChunkTime)
		}
	}
}

// sendChunk sends one SYNC chunk, whatever the flag says (V17).
func (s *sender) sendChunk(chunk []string) {
	t := s.transfer
	c := t.cache
	entries := map[string]entry{}
	for _, key := range chunk {
		if e, alive := c.alive(key); alive {
			entries[key] = *e
		}
	}
	c.site.send(c.spec.ChunkTimeout, func() error {
		twin := c.twin()
		if twin == nil {
			return errNoCache
		}
		twin.take(chunk, entries)
		return nil
	}, func(err error) {
		if !s.current() {
			return
		}
		if err == nil {
			s.keys = s.keys[len(chunk):]
			s.retries = 0
			s.later(c.site.world.o.ChunkTime)
			return
		}
		s.retries++
		if s.retries > c.spec.ChunkRetries {
			s.done, s.keys = true, nil
			t.confirm(infinispan.PushError)
			return
		}
		s.later(c.spec.ChunkWait)
	})
}

// take stores a chunk. A cache that does not receive any more has no nodes that were told of it, and drops it in silence
// (V16), as does a node that joined later.
func (c *cacheState) take(keys []string, entries map[string]entry) {
	for _, key := range keys {
		e, there := entries[key]
		owner := c.owner(key)
		if !there || c.in.tracked[key] || c.in.nodes[owner] != owner.generation {
			continue
		}
		c.store(key, e, e.version)
		delete(c.in.tracked, key)
	}
}

// confirm ends one node's part; the last one decides (F9).
func (t *transfer) confirm(status infinispan.PushStatus) {
	for _, s := range t.senders {
		if !s.done {
			return
		}
	}
	t.end(status)
}

// end ends the push with a status and tells a SYNC receiver, unless the push failed (F10).
func (t *transfer) end(status infinispan.PushStatus) {
	c := t.cache
	t.ended = true
	if c.out == t {
		c.out = nil
	}
	if t.coordinator != nil {
		*t.coordinator.push(c.spec.Name) = pushState{status: status}
	}
	if c.async() || status == infinispan.PushError {
		return
	}
	c.finish(func(error) {})
}

// cancelPush ends what the node knows of as a push, and lets all nodes stop sending. Only the status of this node
// changes: one that somebody else coordinates stays SENDING there (V13, V15, V21). A SYNC receiver is told, which fails
// when it cannot be reached; the push is cancelled all the same.
func (n *Node) cancelPush(c *cacheState, done func(error)) {
	p := n.push(c.spec.Name)
	if t := c.out; t != nil {
		t.ended, c.out = true, nil
	}
	if p.collecting {
		*p = pushState{status: infinispan.PushCanceled}
	}
	if c.async() {
		done(nil)
		return
	}
	c.finish(done)
}

// finish tells a SYNC receiver that nothing more comes.
func (c *cacheState) finish(done func(error)) {
	c.site.send(c.spec.Timeout, func() error {
		twin := c.twin()
		if twin == nil {
			return errNoCache
		}
		if twin.in.from == c.site {
			twin.in = reception{}
		}
		return nil
	}, done)
}

// clearPushStatus forgets the results that all nodes know of, but not what runs or is stuck (V11).
func (s *Site) clearPushStatus(cache string) {
	for _, n := range s.running() {
		if p := n.push(cache); !p.collecting {
			p.status = infinispan.PushIdle
		}
	}
}

// mergedPush is the status as any node tells it: an old result hides a push that runs (V22, F6).
func (s *Site) mergedPush(asked *Node, cache string) infinispan.PushStatus {
	said := map[infinispan.PushStatus]bool{}
	for _, n := range asked.members() {
		said[n.push(cache).status] = true
	}
	for _, status := range []infinispan.PushStatus{
		infinispan.PushError, infinispan.PushCanceled, infinispan.PushOK, infinispan.PushSending,
	} {
		if said[status] {
			return status
		}
	}
	return infinispan.PushIdle
}
