package runs

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// process is one execution of the command.
type process struct {
	stage     *stage
	name      string
	interrupt context.CancelCauseFunc
	// primary is the site that the process takes for the primary.
	primary *cluster

	mu      sync.Mutex
	clients map[string]*infinispan.Client
	calls   int
	last    string
	// killAt is the number of the call at which the process is killed, 0 for none; late means after its effect.
	killAt int
	late   bool
	dead   bool
	// suspendAt is the number of the call at which the process is suspended, 0 for none, and suspended how long.
	suspendAt int
	suspended time.Duration
	asleep    time.Time
	// compared is when it last began to compare, failed when a phase of it failed.
	compared, failed time.Time
	// at is told of every event, where it is set.
	at func(xsite.Event)
	// touched counts its changes but those of leases, changed those of them that are not about journals and probes.
	touched, changed int
}

// newProcess starts the count of a process.
func (s *stage) newProcess() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &process{stage: s, name: fmt.Sprintf("process-%d", len(s.processes)+1), clients: map[string]*infinispan.Client{}}
	s.processes[p.name], s.active = p, p
	return p
}

// before counts a call; a process that is dead makes none.
func (p *process) before(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errDead
	}
	p.calls++
	p.last = what
	if p.suspendAt == p.calls {
		p.asleep = time.Now().Add(p.suspended)
	}
	if p.killAt == p.calls && !p.late {
		p.dead = true
		return errDead
	}
	return nil
}

// awake waits while the process is suspended. It stands at every way in and out of the process: calls, answers, waits. Not
// where the time is read: that is done under locks, and takes no time.
func (p *process) awake() {
	for {
		p.mu.Lock()
		left := time.Until(p.asleep)
		p.mu.Unlock()
		if left <= 0 {
			return
		}
		<-time.After(left)
	}
}

// changes judges a change that the process makes: it must hold the leases of both sites at that moment. True is for what is
// not about journals and probes.
func (p *process) changes(what string, counts bool) {
	p.counted(counts)
	p.holds(what, p.stage.a, p.stage.b)
}

// letsGo judges a change by which the primary lets go of the secondary: its own lease keeps every other run out.
func (p *process) letsGo(what string) {
	p.counted(true)
	p.holds(what, p.primary)
}

// holds demands that the process holds these leases.
func (p *process) holds(what string, leases ...*cluster) {
	for _, c := range leases {
		c.mu.Lock()
		holder := c.lease.Who
		c.mu.Unlock()
		if holder != p.name {
			p.stage.t.Errorf("%s changes something (%s) although the lease of %s is held by %q", p.name, what, c.site.Name(), holder)
		}
	}
}

// counted counts a change.
func (p *process) counted(counts bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.touched++
	if counts {
		p.changed++
	}
}

// wire is a connection of a process that may be suspended.
type wire struct {
	net.Conn

	proc *process
}

// Write sends nothing while the process is suspended.
func (w wire) Write(b []byte) (int, error) {
	w.proc.awake()
	return w.Conn.Write(b)
}

// Read gives nothing while the process is suspended.
func (w wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.proc.awake()
	return n, err
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

// clock is the time of one process: it does not wait once it is dead, and stands still while it is suspended.
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
	err := c.WallClock.Wait(ctx, d)
	c.proc.awake()
	return err
}

// Every implements xsite.Clock.
func (c clock) Every(ctx context.Context, d time.Duration, do func(context.Context)) (stop func()) {
	return c.WallClock.Every(ctx, d, func(ctx context.Context) {
		c.proc.awake()
		do(ctx)
	})
}

// client gives the process's client of a node, the real one.
func (p *process) client(n *sim.Node) (xsite.Node, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := n.Site().Name() + podName(n)
	if c := p.clients[key]; c != nil {
		return c, nil
	}
	c, err := n.Client(func(o *infinispan.Options) {
		o.UserAgent = p.name
		dial := o.DialContext
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			p.awake()
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return wire{conn, p}, nil
		}
	})
	if err != nil {
		return nil, err
	}
	p.clients[key] = c
	return c, nil
}
