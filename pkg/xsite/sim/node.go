package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// rejoinTime is how long a node that was suspected takes to be a member again after its thaw.
const rejoinTime = 5 * time.Second

// Node is one server of a site. It keeps its place when it restarts, and gets another name.
type Node struct {
	site  *Site
	index int

	// name and generation are those of the running, or last, server here.
	name       string
	generation int
	up, frozen bool
	// suspected nodes are frozen ones that their cluster has given up.
	suspected bool
	// locked nodes answer nothing any more (V66).
	locked bool
	// thawed is closed when a frozen node goes on; dead when a running one dies.
	thawed, dead chan struct{}
	// onThaw is what the frozen node does when it goes on.
	onThaw []func()

	// Of this server's memory, by cache.
	flags  map[string]bool // true: the peer is offline
	third  map[string]bool // true: the third site is offline
	modes  map[string]infinispan.Mode
	pushes map[string]*pushState
	// clears are ASYNC clears to be sent (V3, F1).
	clears map[string]bool

	doors doors
	auth  realm
}

func newNode(s *Site, index int) *Node {
	n := &Node{site: s, index: index}
	n.doors.node = n
	return n
}

// Index is the node's place in its site.
func (n *Node) Index() int { return n.index }

// Site is the node's site.
func (n *Node) Site() *Site { return n.site }

// Name is the node's name in its cluster; a restart changes it.
func (n *Node) Name() string {
	defer n.lock()()
	return n.name
}

// Generation counts the starts of the node: a connection to an earlier one is a connection to another pod (V55).
func (n *Node) Generation() int {
	defer n.lock()()
	return n.generation
}

// Up tells whether the node runs; a frozen one does.
func (n *Node) Up() bool {
	defer n.lock()()
	return n.up
}

// Offline tells whether the node's own flag says that the peer is offline for a cache.
func (n *Node) Offline(cache string) bool {
	defer n.lock()()
	return n.flags[cache]
}

// Mode is the node's own state transfer mode of a cache.
func (n *Node) Mode(cache string) infinispan.Mode {
	defer n.lock()()
	return n.mode(cache)
}

// PushStatus is what the node itself knows of the last push of a cache, without the merging of the cluster (F6).
func (n *Node) PushStatus(cache string) infinispan.PushStatus {
	defer n.lock()()
	return n.push(cache).status
}

// Kill ends the node at once. Its connections break; what it alone knew is lost.
func (n *Node) Kill() {
	defer n.lock()()
	n.kill()
}

// Start starts a node that was killed. It joins its cluster at once, under another name.
func (n *Node) Start() {
	defer n.lock()()
	n.start()
}

// Restart is Kill and Start.
func (n *Node) Restart() {
	defer n.lock()()
	n.kill()
	n.start()
}

// Freeze stops the node as a signal does: connections stay open and nothing answers. What is asked meanwhile is done when
// it thaws.
func (n *Node) Freeze() {
	defer n.lock()()
	n.freeze()
}

// Thaw lets a frozen node go on.
func (n *Node) Thaw() {
	defer n.lock()()
	n.thaw()
}

func (n *Node) lock() func() {
	n.site.world.mu.Lock()
	return n.site.world.mu.Unlock
}

func (n *Node) start() {
	w, s := n.site.world, n.site
	if n.up {
		return
	}
	w.names++
	n.generation++
	n.name = fmt.Sprintf("infinispan-%d-%05d", n.index, 10000+w.names)
	n.up, n.frozen, n.suspected, n.locked = true, false, false, false
	n.dead = make(chan struct{})
	n.flags, n.third, n.modes = map[string]bool{}, map[string]bool{}, map[string]infinispan.Mode{}
	n.pushes, n.clears = map[string]*pushState{}, map[string]bool{}
	n.auth, n.onThaw = realm{}, nil
	if s.down() {
		s.rise()
	}
	if w.release.replicatedFlags() {
		maps.Copy(n.flags, s.offline)
	}
	s.oldest = append(s.oldest, n)
	n.doors.open(n.handler(n.generation))
	s.joined()
	w.contactsChanged()
}

// rise begins a cluster anew: nothing of what the former one shared in memory is there.
func (s *Site) rise() {
	clear(s.offline)
	s.onVoice = nil
	for name, c := range s.caches {
		if c.spec.volatile {
			delete(s.caches, name)
			continue
		}
		s.caches[name] = newCache(s, c.spec)
	}
}

func (n *Node) kill() {
	if !n.up {
		return
	}
	n.up = false
	n.stop()
	n.leave()
}

// leave takes the node out of its cluster.
func (n *Node) leave() {
	s := n.site
	wasRelay := s.relay() == n
	s.oldest = slices.DeleteFunc(s.oldest, func(o *Node) bool { return o == n })
	s.left(n, wasRelay)
	s.world.contactsChanged()
	if !s.silent() {
		s.speak()
	}
}

// stop breaks the node's connections.
func (n *Node) stop() {
	if n.dead != nil {
		select {
		case <-n.dead:
		default:
			close(n.dead)
		}
	}
	if n.frozen {
		n.frozen = false
		close(n.thawed)
	}
	n.doors.shut()
}

func (n *Node) freeze() {
	if !n.up || n.frozen {
		return
	}
	n.frozen, n.thawed = true, make(chan struct{})
	generation := n.generation
	n.site.world.agenda.after(n.site.world.o.SuspectAfter, func() { n.suspect(generation) })
	n.site.world.contactsChanged()
}

// suspect lets the others give up a node that is frozen still.
func (n *Node) suspect(generation int) {
	others := slices.ContainsFunc(n.site.oldest, func(o *Node) bool { return o != n && !o.frozen })
	if !n.frozen || n.generation != generation || n.suspected || !others {
		return
	}
	n.suspected = true
	n.leave()
}

func (n *Node) thaw() {
	if !n.frozen {
		return
	}
	n.frozen = false
	close(n.thawed)
	w, s := n.site.world, n.site
	for _, act := range n.onThaw {
		w.agenda.after(wireTime, func() { n.whenAwake(act) })
	}
	n.onThaw = nil
	if n.suspected {
		generation := n.generation
		w.agenda.after(rejoinTime, func() {
			if n.up && n.suspected && n.generation == generation {
				n.suspected = false
				s.oldest = append(s.oldest, n)
				s.adopt(n)
				s.joined()
				w.contactsChanged()
			}
		})
	} else {
		s.adopt(n)
	}
	w.contactsChanged()
	if !s.silent() {
		s.speak()
	}
}

// adopt gives a node what its cluster decided while it was frozen.
func (s *Site) adopt(n *Node) {
	if s.world.release.replicatedFlags() {
		maps.Copy(n.flags, s.offline)
	}
}

// speak does what waited for the site to be awake.
func (s *Site) speak() {
	waiting := s.onVoice
	s.onVoice = nil
	for _, act := range waiting {
		s.world.agenda.after(wireTime, act)
	}
}

// answers tells whether the node does what it is asked.
func (n *Node) answers() bool { return n.up && !n.frozen && !n.locked }

// members are the nodes that this node counts as its cluster: a node that was given up still sees all.
func (n *Node) members() []*Node {
	if n.suspected {
		return append(slices.Clone(n.site.oldest), n)
	}
	return n.site.oldest
}

// relays tells whether the node speaks for its site.
func (n *Node) relays() bool {
	i := slices.Index(n.site.oldest, n)
	return i >= 0 && i < n.site.world.o.RelayNodes
}
