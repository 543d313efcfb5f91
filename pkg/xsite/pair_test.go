package xsite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// The names that all tests use: site-a holds the truth, site-b is stale.
const (
	siteA       = "site-a"
	siteB       = "site-b"
	keycloakRef = "keycloak/keycloak"
)

// link is the state of the connection between the two sites.
type link int

const (
	linkUp link = iota
	// linkSilent carries nothing, but nobody has noticed yet: the views still show both sites (V65).
	linkSilent
	// linkDown carries nothing, and the views say so.
	linkDown
)

// pair is two sites in memory, with the semantics that were seen on real servers. Tests touch it only while no run is
// under way, or from happenings, which hold its lock.
type pair struct {
	mu  sync.Mutex
	now time.Time
	// waited is how long processes have waited altogether.
	waited time.Duration
	a, b   *site
	link   link
	// mends is when the link is whole again; zero for never by itself.
	mends time.Time
	// strangers makes the two sites members of two different pairs that use the same names.
	strangers bool

	queue     []*queued
	transfers []*transfer
	// starved and lossy count the coming pushes, by cache of the sender, that never move, and that report OK after they
	// lost entries on the way (V16).
	starved, lossy map[string]int
	// slow is how long an ASYNC change waits in the sender; mute servers do not tell what waits; neverSent changes stay in
	// each queue of the second server for ever, tombstones are what each cache remembers of other removals (V82).
	slow       time.Duration
	mute       bool
	neverSent  int
	tombstones int64

	// uids numbers pods and servers that were replaced.
	uids  int
	calls []call
	// changes counts the changing calls; deadline is the one at which the running command comes to its end.
	changes  int
	deadline *ending
	hooks    []*hook
	// away says until when the cluster of a site cannot be reached by anybody.
	away map[string]time.Time
	// hangs tells until when a site's servers and API server take calls and say nothing.
	hangs map[string]time.Time

	truth map[string]map[string]entry
	// busy makes a client write to the primary at every tick; ticks numbers them.
	busy       bool
	ticks      int
	failed     []error
	violations []string
	// cleared are the caches of the secondary that were cleared since Keycloak was last started there.
	cleared map[string]bool
}

// newPair makes two sites of two servers with caches "sessions", "clientSessions" and "work". The entries of site-b are
// stale: some are missing, some have old values, some exist only there.
func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{
		now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), slow: 50 * time.Millisecond,
		starved: map[string]int{}, lossy: map[string]int{}, truth: map[string]map[string]entry{}, cleared: map[string]bool{},
		away: map[string]time.Time{}, hangs: map[string]time.Time{},
	}
	p.a, p.b = newFakeSite(p, siteA), newFakeSite(p, siteB)
	for name, size := range map[string]int{"sessions": 24, "clientSessions": 16, "work": 10} {
		p.addCache(name, size)
	}
	return p
}

// addCache makes a cache on both sites that backs up both ways, with size entries on site-a and a stale version of them
// on site-b.
func (p *pair) addCache(name string, size int) {
	for _, s := range []*site{p.a, p.b} {
		s.caches[name] = newFakeCache(s, s.peer().name)
	}
	p.truth[name] = map[string]entry{}
	for i := range size {
		key := fmt.Sprintf("%s-%02d", name, i)
		p.a.caches[name].entries[key] = entry{value: "fresh"}
		p.truth[name][key] = entry{value: "fresh"}
		if i%3 != 0 {
			p.b.caches[name].entries[key] = entry{value: "stale"}
		}
	}
	for i := range 3 {
		p.b.caches[name].entries[fmt.Sprintf("%s-stale-%d", name, i)] = entry{value: "stale"}
	}
}

// backups changes the configuration of every backup of every cache, on both sites.
func (p *pair) backups(change func(*infinispan.BackupConfig)) {
	for _, s := range []*site{p.a, p.b} {
		for _, c := range s.caches {
			for to, config := range c.config.Backups {
				change(&config)
				c.config.Backups[to] = config
				c.setMode(config.Mode)
			}
		}
	}
}

// async makes all backups ASYNC with the guide's timeout.
func (p *pair) async() {
	p.backups(func(b *infinispan.BackupConfig) { b.Strategy = infinispan.StrategyAsync })
}

// recover runs the command once, as a process of its own.
func (p *pair) recover(t *testing.T, changes ...func(*xsite.Options)) (result xsite.Result, err error) {
	t.Helper()
	p.execute(t, func(ctx context.Context, options xsite.Options) { result, err = xsite.Recover(ctx, options) }, changes...)
	return result, err
}

// runPhase runs the command for one phase, as a process of its own.
func (p *pair) runPhase(t *testing.T, phase xsite.Phase, changes ...func(*xsite.Options)) (result xsite.StepResult, err error) {
	t.Helper()
	p.execute(t, func(ctx context.Context, options xsite.Options) { result, err = xsite.RunPhase(ctx, phase, options) }, changes...)
	return result, err
}

// execute is one process that does something to the pair.
func (p *pair) execute(t *testing.T, do func(context.Context, xsite.Options), changes ...func(*xsite.Options)) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	proc := &process{pair: p, interrupt: cancel}
	options := xsite.Options{
		PrimaryCluster: seat{p.a, proc}, SecondaryCluster: seat{p.b, proc},
		Confirm: func(context.Context, xsite.Plan) error { return nil },
		Clock:   proc,
		Who:     "operator@laptop", Tool: "kubectl-ispn-resync test",
	}
	for _, change := range changes {
		change(&options)
	}
	do(ctx, options)
}

// process is one execution of the command. Once dead, nothing it does reaches anybody.
type process struct {
	pair      *pair
	interrupt context.CancelCauseFunc
	dead      bool
	// chores are what it does again and again while time passes.
	chores []*chore
	// doing lets one chore be done at a time.
	doing sync.Mutex
}

// chore is one call of Every.
type chore struct {
	ctx   context.Context //nolint:containedctx // that of the call of Every
	pause time.Duration
	next  time.Time
	do    func(context.Context)
	ended bool
}

// Every lets do be called while the process waits: its time passes only then.
func (o *process) Every(ctx context.Context, d time.Duration, do func(context.Context)) (stop func()) {
	o.pair.mu.Lock()
	defer o.pair.mu.Unlock()
	c := &chore{ctx: ctx, pause: d, next: o.pair.now.Add(d), do: do}
	o.chores = append(o.chores, c)
	return func() {
		o.doing.Lock()
		defer o.doing.Unlock()
		o.pair.mu.Lock()
		defer o.pair.mu.Unlock()
		c.ended = true
	}
}

// dueChores returns the chores whose time has come.
func (o *process) dueChores() []*chore {
	var due []*chore
	for _, c := range o.chores {
		if !c.ended && !o.pair.now.Before(c.next) {
			c.next = o.pair.now.Add(c.pause)
			due = append(due, c)
		}
	}
	return due
}

// Now tells the pair's time.
func (o *process) Now() time.Time {
	o.pair.mu.Lock()
	defer o.pair.mu.Unlock()
	return o.pair.now
}

// forever is longer than any test lasts in its own time.
const forever = 12 * time.Hour

// Wait lets the time pass at once, with all that happens in it.
func (o *process) Wait(ctx context.Context, d time.Duration) error {
	o.pair.mu.Lock()
	if o.dead {
		o.pair.mu.Unlock()
		return errDead
	}
	if err := context.Cause(ctx); err != nil {
		o.pair.mu.Unlock()
		return err
	}
	if o.pair.waited += d; o.pair.waited > forever {
		o.pair.mu.Unlock()
		return errForever
	}
	o.pair.step(d)
	if ctx.Value(inChore{}) != nil { // the others are done when it is
		o.pair.mu.Unlock()
		return nil
	}
	due := o.dueChores()
	o.pair.mu.Unlock()
	o.doing.Lock()
	defer o.doing.Unlock()
	for _, c := range due {
		c.do(context.WithValue(c.ctx, inChore{}, true))
	}
	return nil
}

// inChore marks the context of a chore that is being done.
type inChore struct{}

// step lets d pass: Keycloak's controllers, pushes, queues and clients go on.
func (p *pair) step(d time.Duration) {
	p.now = p.now.Add(d)
	if !p.mends.IsZero() && p.now.After(p.mends) {
		p.link, p.mends = linkUp, time.Time{}
	}
	for _, s := range []*site{p.a, p.b} {
		for _, k := range s.keycloaks {
			s.settle(k)
		}
	}
	p.sendQueued()
	p.carry()
	if p.busy {
		p.ticks++
		key := fmt.Sprintf("live-%04d", p.ticks)
		if err := p.clientWrites("sessions", key, entry{value: "fresh"}); err != nil {
			p.failed = append(p.failed, err)
		}
	}
}

// pass lets much time pass, so that everything under way has arrived.
func (p *pair) pass(d time.Duration) {
	const tick = 3 * time.Second
	busy := p.busy
	p.busy = false
	for ; d > 0; d -= tick {
		p.step(tick)
	}
	p.busy = busy
}

// site returns the site of a name.
func (p *pair) site(name string) *site {
	if name == p.a.name {
		return p.a
	}
	return p.b
}
