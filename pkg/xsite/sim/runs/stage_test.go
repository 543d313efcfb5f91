package runs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

var (
	errDead        = errors.New("the process is dead")
	errInterrupted = errors.New("interrupted by the user")
)

// stage is a pair of sites with all that is on it: two clusters, the clients of the primary, the ledger.
type stage struct {
	*sim.World

	t      *testing.T
	a, b   *cluster
	ledger *ledger
	caches []string
	modes  map[string]infinispan.Mode
	// alike is true where both sites hold the same in the beginning, so that either may be kept.
	alike   bool
	trouble trouble
	// accept are the signs against the roles that every command accepts.
	accept []xsite.Sign
	// strike spoils calls to Kubernetes, where it is set.
	strike func(site, what string, seen int) kubeFault
	// done is how many calls there were when a command last succeeded.
	done int

	mu sync.Mutex
	// processes are all that were started, by their names; active is the one that began last and has not ended.
	processes map[string]*process
	active    *process
}

// perform sets a stage up in a bubble of time, where the secondary is stale, and lets act play on it.
func perform(t *testing.T, o sim.Options, act func(s *stage)) {
	t.Helper()
	performOn(t, o, false, act)
}

// performOn is perform with sites that are alike, if that is wanted.
func performOn(t *testing.T, o sim.Options, alike bool, act func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world, err := sim.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		s := &stage{World: world, t: t, alike: alike, modes: map[string]infinispan.Mode{}, processes: map[string]*process{}}
		s.trouble.wiped = map[string]time.Time{}
		for _, spec := range o.Caches {
			s.caches = append(s.caches, spec.Name)
			s.modes[spec.Name] = max(spec.Mode, infinispan.ModeManual)
			if spec.Mode == infinispan.ModeAuto {
				s.modes[spec.Name] = infinispan.ModeAuto
			}
		}
		s.a, s.b = s.newCluster(world.Sites()[0]), s.newCluster(world.Sites()[1])
		s.ledger = newLedger(s)
		defer s.ledger.close()
		world.Before(s.beforeREST)
		world.After(s.afterREST)
		act(s)
		if unknown := world.Unknown(); len(unknown) > 0 {
			t.Errorf("unknown requests: %q", unknown)
		}
	})
}

func (s *stage) newCluster(site *sim.Site) *cluster {
	return &cluster{stage: s, site: site, instances: 2, pods: []string{"keycloak-0", "keycloak-1"}, ready: true, asked: map[string]int{}, mirrored: map[string]bool{}}
}

// cluster finds a site's Kubernetes.
func (s *stage) cluster(name string) *cluster {
	if s.a.site.Name() == name {
		return s.a
	}
	return s.b
}

// caller finds the process that made a REST call; nil for nobody's.
func (s *stage) caller(c sim.Call) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.processes[c.Agent]
}

// beforeREST counts a REST call of a process and keeps those of a dead one from having an effect.
func (s *stage) beforeREST(c sim.Call) sim.Fault {
	p := s.caller(c)
	if p == nil {
		return sim.Fault{}
	}
	if p.before(c.String()) != nil {
		return sim.Fault{Drop: true}
	}
	ours := strings.HasPrefix(c.Cache, "ispn-resync")
	switch {
	case ours && c.Op == "delete":
		p.counted(false) // a server that was frozen does it when it thaws, perhaps behind the end of the run: that harms nobody
	case !ours && c.Site == p.primary.site.Name() && (c.Op == "take-offline" || c.Op == "cancel-push-state"):
		p.letsGo(c.String())
	case c.Changing:
		p.changes(c.String(), !ours)
	}
	if c.Op == "clear" && !ours {
		s.judgeClear(p, c.Site, c.Cache)
	}
	return sim.Fault{}
}

// afterREST loses the answers to a dead process. What it made is mirrored all the same.
func (s *stage) afterREST(c sim.Call) sim.Fault {
	if c.Op == "create" {
		of := s.cluster(c.Site)
		of.mu.Lock()
		of.mirrored[c.Cache] = true
		of.mu.Unlock()
	}
	if p := s.caller(c); p != nil && p.after() != nil {
		return sim.Fault{Drop: true}
	}
	return sim.Fault{}
}

// recover runs the command once, in the roles that the ledger is about.
func (s *stage) recover(p *process) error { return s.recoverAs(p, s.a, s.b) }

// recoverAs runs the command once.
func (s *stage) recoverAs(p *process, primary, secondary *cluster) error {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	s.mu.Lock()
	p.interrupt, p.primary = cancel, primary
	s.mu.Unlock()
	_, err := xsite.Recover(ctx, xsite.Options{
		PrimaryCluster: seat{primary, p}, SecondaryCluster: seat{secondary, p},
		Confirm: func(context.Context, xsite.Plan) error { return nil },
		Clock:   clock{proc: p}, Who: p.name, Tool: "simulated", AllCaches: true, StepTimeout: 3 * time.Minute, Accept: s.accept,
		Observer: xsite.ObserverFunc(p.observe),
	})
	s.judgeEnded(p, err, primary, secondary)
	for _, c := range p.clients {
		c.Close()
	}
	calls := len(s.Calls())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == p {
		s.active = nil
	}
	if err == nil {
		s.done = calls
	}
	return err
}

// mend takes away whatever was broken, and lets it settle.
func (s *stage) mend() {
	s.Heal()
	s.Delay(0)
	for _, site := range s.Sites() {
		site.Thaw()
		for _, n := range site.Nodes() {
			if !n.Up() {
				n.Start()
			}
		}
	}
	s.a.mu.Lock()
	s.a.away = time.Time{}
	s.a.mu.Unlock()
	s.b.mu.Lock()
	s.b.away = time.Time{}
	s.b.mu.Unlock()
	s.Pass(3 * time.Minute)
}

// finish runs the command until it succeeds, a few times, and judges the end.
func (s *stage) finish() {
	s.t.Helper()
	const tries = 4
	var err error
	kept, other := s.a, s.b
	for range tries {
		if err = s.recoverAs(s.newProcess(), kept, other); err == nil {
			break
		}
		if guard, _ := xsite.StoppedBy(err); s.alike && guard == xsite.GuardDirection {
			kept, other = other, kept // the unfinished run is that of the other roles
		}
		s.Pass(time.Minute)
	}
	if err != nil {
		s.t.Fatalf("not done after %d more commands: %v", tries, err)
	}
	s.ledger.stop()
	s.judgeEnd()
}

// judgeEnd demands the end of a successful run.
func (s *stage) judgeEnd() {
	s.t.Helper()
	s.Pass(10 * time.Second)
	for _, cache := range s.caches {
		a, b := s.a.site.Entries(cache), s.b.site.Entries(cache)
		for key, value := range a {
			if b[key] != value {
				s.t.Errorf("cache %s: %s is %q on the primary and %q on the secondary", cache, key, value, b[key])
			}
		}
		if len(b) > len(a) {
			s.t.Errorf("cache %s: %d entries on the secondary, %d on the primary", cache, len(b), len(a))
		}
		for _, c := range []*cluster{s.a, s.b} {
			for _, n := range c.site.Nodes() {
				if n.Offline(cache) {
					s.t.Errorf("%s still holds its peer offline for cache %s", n.Name(), cache)
				}
				if n.Mode(cache) != s.modes[cache] {
					s.t.Errorf("%s: cache %s is left in mode %s, was %s", n.Name(), cache, n.Mode(cache), s.modes[cache])
				}
				if status := n.PushStatus(cache); status != infinispan.PushIdle {
					s.t.Errorf("%s: push status of %s is left as %s", n.Name(), cache, status)
				}
			}
		}
	}
	// Of probes nothing is left, of no command: what the earlier ones asked for has been answered by now, since mending takes
	// longer than any call, and the last one was not disturbed. A real server can do worse: it makes a probe cache after the
	// command that asked for it has ended. That one is empty and volatile, and stays until the next command or a prune.
	for _, c := range []*cluster{s.a, s.b} {
		for _, name := range c.site.CacheNames() {
			if strings.HasPrefix(name, "ispn-resync") {
				s.t.Errorf("cache %s is left on %s", name, c.site.Name())
			}
		}
		c.mu.Lock()
		if len(c.mirrored) > 0 {
			s.t.Errorf("Cache resources are left on %s: %v", c.site.Name(), c.mirrored)
		}
		if c.instances != 2 || !c.ready || c.recorded != nil {
			s.t.Errorf("Keycloak of %s: wants %d, ready %v, recorded %v", c.site.Name(), c.instances, c.ready, c.recorded)
		}
		if c.lease.Holder != "" {
			s.t.Errorf("the lease of %s is left", c.site.Name())
		}
		c.mu.Unlock()
	}
}
