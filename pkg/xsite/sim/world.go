package sim

import (
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// World is two sites and the link between them. All its methods, and those of its sites and nodes, are safe for
// concurrent use, also from hooks.
type World struct {
	o       Options
	release release
	sites   [2]*Site

	mu     sync.Mutex
	agenda agenda
	link   link
	closed chan struct{}
	// names numbers the nodes that were started, versions the writes.
	names, versions int64
	hooks           hooks
}

// New makes a world whose sites see each other. Close ends it.
func New(o Options) (*World, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	w := &World{o: o, release: parseRelease(o.Version), closed: make(chan struct{})}
	w.agenda.lock = &w.mu
	for i, name := range o.Sites {
		w.sites[i] = newSite(w, i, name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sites {
		for _, n := range s.nodes {
			n.start()
		}
		for _, c := range o.Caches {
			if c.Only == "" || c.Only == s.name {
				s.addCache(c)
			}
		}
		s.sees = true
	}
	return w, nil
}

// Close ends the world: its connections break and its goroutines end. It may be called twice.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
		return
	default:
	}
	close(w.closed)
	w.agenda.stop()
	for _, s := range w.sites {
		for _, n := range s.nodes {
			n.stop()
		}
	}
}

// Site finds a site by its name; nil when there is none.
func (w *World) Site(name string) *Site {
	for _, s := range w.sites {
		if s.name == name {
			return s
		}
	}
	return nil
}

// Sites are the two sites, in the order of the options.
func (w *World) Sites() [2]*Site { return w.sites }

// Clock is the time of this world, for the engine.
func (w *World) Clock() xsite.Clock { return xsite.WallClock{} }

// Pass lets time pass, with all that happens in it.
func (w *World) Pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.closed:
	}
}

// now is the time; it is here so that nobody asks it twice within one event.
func now() time.Time { return time.Now() }
