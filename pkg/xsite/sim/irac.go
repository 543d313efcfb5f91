package sim

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// The back-off of ASYNC backups: doubled after each failure.
const (
	backoffLeast = 500 * time.Millisecond
	backoffMost  = 300 * time.Second
)

// irac is the queue of what an ASYNC cache has to tell the peer. One request is under way at a time; whether the peer is
// offline is looked at when it is made (F1).
type irac struct {
	cache *cacheState
	// keys are those whose state is to be sent.
	keys map[string]bool
	// lost are keys that another owner than the first keeps for ever (V82).
	lost map[string]bool
	// busy is true from the making of a request until it is answered; woken when something came in meanwhile.
	busy, woken bool
	backoff     time.Duration
	until       time.Time
	// scheduled is the time of the next look, so that there is one only.
	scheduled time.Time
}

// add puts a key in.
func (q *irac) add(key string) {
	if q.keys == nil {
		q.keys = map[string]bool{}
	}
	q.keys[key] = true
	q.wake()
}

// clear drops all keys and puts a clear in that a node remembers (V3).
func (q *irac) clear(n *Node) {
	clear(q.keys)
	n.clears[q.cache.spec.Name] = true
	q.cache.stateSent()
	q.wake()
}

// wake looks at the queue soon.
func (q *irac) wake() { q.in(wireTime) }

func (q *irac) in(d time.Duration) {
	at := now().Add(d)
	if !q.scheduled.IsZero() && !at.Before(q.scheduled) {
		return
	}
	q.scheduled = at
	q.cache.site.world.agenda.after(d, func() {
		if q.scheduled.Equal(at) {
			q.scheduled = time.Time{}
		}
		q.cache.site.whenAwake(q.run)
	})
}

// run sends what is there to send.
func (q *irac) run() {
	c := q.cache
	if c.site.caches[c.spec.Name] != c {
		return // deleted
	}
	if q.busy {
		q.woken = true
		return
	}
	wait := q.until.Sub(now())
	if wait > 0 && c.site.world.release.old() {
		q.in(wait) // until 14 the whole executor backs off
		return
	}
	if q.runClears(wait) {
		return
	}
	if wait > 0 {
		if len(q.keys) > 0 {
			q.in(wait) // the back-off comes before the flag is looked at
		}
		return
	}
	q.runKeys()
}

// runClears sends a clear that is remembered, and tells whether it did.
func (q *irac) runClears(wait time.Duration) bool {
	c := q.cache
	for _, n := range c.site.running() {
		switch {
		case !n.clears[c.spec.Name]:
		case n.flags[c.spec.Name]:
			delete(n.clears, c.spec.Name) // offline now: it is dropped
		case wait > 0:
			q.in(wait)
		default:
			q.send(map[*Node]bool{n: true}, c.wipeTwin, func() { delete(n.clears, c.spec.Name) })
			return true
		}
	}
	return false
}

// lose keeps some of the keys that are dropped at once, as servers up to 15 do (V82).
func (q *irac) lose(key string) {
	const one, of = '0', 5
	if !q.cache.site.world.release.before(16, 0, 0) || key == "" || (key[len(key)-1]-one)%of != 0 {
		return
	}
	if q.lost == nil {
		q.lost = map[string]bool{}
	}
	q.lost[key] = true
}

// at counts the keys that are queued at one node: all that are to be sent, which each owner has, and those it keeps for ever.
func (q *irac) at(n *Node) int {
	size := len(q.keys)
	for key := range q.lost {
		if !q.keys[key] && q.cache.owner(key) != n {
			size++
		}
	}
	return size
}

// runKeys sends the state of all keys whose owner has the peer online, and drops the others. A key of which there is neither
// an entry nor a removal that is remembered is dropped too (V82).
func (q *irac) runKeys() {
	c := q.cache
	batch := map[string]version{}
	entries := map[string]entry{}
	dropped := false
	for key := range q.keys {
		o, unknown := c.owner(key), c.entries[key] == nil && !c.remembered(key)
		if o == nil || o.flags[c.spec.Name] || unknown {
			delete(q.keys, key)
			q.lose(key)
			dropped = true
			continue
		}
		batch[key] = c.lastVersion(key)
		if e, alive := c.alive(key); alive {
			entries[key] = *e
		}
	}
	if dropped {
		c.stateSent()
	}
	if len(batch) == 0 {
		return
	}
	owners := map[*Node]bool{}
	for key := range batch {
		owners[c.owner(key)] = true
	}
	q.send(owners, func() error {
		twin := c.twin()
		if twin == nil {
			return errNoCache
		}
		for _, key := range slices.Sorted(maps.Keys(batch)) {
			e, there := entries[key]
			switch {
			case !twin.accepts(key, batch[key]):
			case there:
				twin.store(key, e, batch[key])
			case twin.entries[key] != nil:
				twin.erase(key, batch[key])
			}
		}
		return nil
	}, func() {
		for key, v := range batch {
			if c.lastVersion(key) == v {
				delete(q.keys, key)
			}
		}
		c.stateSent()
	})
}

// send makes one request. A failure is tried again after a back-off; a peer without the cache is taken offline (V47).
func (q *irac) send(senders map[*Node]bool, apply func() error, sent func()) {
	c := q.cache
	q.busy = true
	c.site.send(c.spec.Timeout, apply, func(err error) {
		c.site.whenAwake(func() {
			q.busy, q.woken = false, false
			switch {
			case err == nil:
				q.backoff, q.until = 0, time.Time{}
				sent()
			case errors.Is(err, errNoCache):
				for n := range senders {
					c.site.markMissing(n, c.spec.Name)
				}
			default:
				q.backoff = min(max(2*q.backoff, backoffLeast), backoffMost)
				q.until = now().Add(q.backoff)
			}
			q.run()
		})
	})
}

// Queued tells how many keys of a cache wait to be sent, and whether a clear does.
func (s *Site) Queued(cache string) (keys int, clearing bool) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	c := s.caches[cache]
	if c == nil {
		return 0, false
	}
	for _, n := range s.running() {
		clearing = clearing || n.clears[cache]
	}
	return len(c.queue.keys), clearing
}
