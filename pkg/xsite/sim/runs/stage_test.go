package runs

import (
	"context"
	"errors"
	"fmt"
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
	procs  int
	// done is how many calls there were when a command last succeeded.
	done int

	mu sync.Mutex
	// active is the process whose calls are counted.
	active *process
}

// perform sets a stage up in a bubble of time, lets act play on it, and judges the end.
func perform(t *testing.T, o sim.Options, act func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world, err := sim.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		s := &stage{World: world, t: t, modes: map[string]infinispan.Mode{}}
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
	return &cluster{stage: s, site: site, instances: 2, pods: []string{"keycloak-0", "keycloak-1"}, ready: true, mirrored: map[string]bool{}}
}

// cluster finds a site's Kubernetes.
func (s *stage) cluster(name string) *cluster {
	if s.a.site.Name() == name {
		return s.a
	}
	return s.b
}

// process is one execution of the command.
type process struct {
	stage     *stage
	name      string
	interrupt context.CancelCauseFunc

	mu      sync.Mutex
	clients map[string]*infinispan.Client
	calls   int
	last    string
	// killAt is the number of the call at which the process is killed, 0 for none; late means after its effect.
	killAt int
	late   bool
	dead   bool
}

// newProcess starts the count of a process.
func (s *stage) newProcess() *process {
	s.procs++
	p := &process{stage: s, name: fmt.Sprintf("process-%d", s.procs), clients: map[string]*infinispan.Client{}}
	s.mu.Lock()
	s.active = p
	s.mu.Unlock()
	return p
}

// before counts a call; a process that is dead makes none.
func (p *process) before(what string, _ bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errDead
	}
	p.calls++
	p.last = what
	if p.killAt == p.calls && !p.late {
		p.dead = true
		return errDead
	}
	return nil
}

// after kills the process behind a call's effect.
func (p *process) after() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killAt > 0 && p.calls >= p.killAt && p.late {
		p.dead = true
	}
	if p.dead {
		return errDead
	}
	return nil
}

// beforeREST counts a REST call of the active process and keeps those of a dead one from having an effect.
func (s *stage) beforeREST(c sim.Call) sim.Fault {
	s.mu.Lock()
	p := s.active
	s.mu.Unlock()
	if p == nil {
		return sim.Fault{}
	}
	if p.before(c.String(), c.Changing) != nil {
		return sim.Fault{Drop: true}
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
	s.mu.Lock()
	p := s.active
	s.mu.Unlock()
	if p != nil && p.after() != nil {
		return sim.Fault{Drop: true}
	}
	return sim.Fault{}
}

// clock is the time of one process: it does not wait once it is dead.
type clock struct {
	xsite.WallClock

	proc *process
}

// Wait implements xsite.Clock.
func (c clock) Wait(ctx context.Context, d time.Duration) error {
	c.proc.mu.Lock()
	dead := c.proc.dead
	c.proc.mu.Unlock()
	if dead {
		return errDead
	}
	return c.WallClock.Wait(ctx, d)
}

// recover runs the command once.
func (s *stage) recover(p *process) error {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	p.interrupt = cancel
	_, err := xsite.Recover(ctx, xsite.Options{
		PrimaryCluster: seat{s.a, p}, SecondaryCluster: seat{s.b, p},
		Confirm: func(context.Context, xsite.Plan) error { return nil },
		Clock:   clock{proc: p}, Who: p.name, Tool: "simulated", AllCaches: true, StepTimeout: 3 * time.Minute,
	})
	s.mu.Lock()
	s.active = nil
	s.mu.Unlock()
	for _, c := range p.clients {
		c.Close()
	}
	if err == nil {
		s.done = len(s.Calls())
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
	for range tries {
		if err = s.recover(s.newProcess()); err == nil {
			break
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
