package xsite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// call is one call that the engine made.
type call struct {
	site, method, cache string
	changing            bool
}

// String gives the call as assertions show it: site-b Clear sessions.
func (c call) String() string { return c.site + " " + c.method + " " + c.cache }

// changes tells the methods that change a site.
func changes(method string) bool {
	switch method {
	case "TakeOffline", "BringOnline", "SetStateTransferMode", "StartPush", "CancelPush", "CancelReceive", "ClearPushStatus",
		"Clear", "CreateCache", "DeleteCache", "Put", "ScaleKeycloak", "RecordInstances", "ForgetInstances", "PutJournal",
		"DeleteJournal", "ForgetCaches", "PutLease", "DeleteLease":
		return true
	}
	return false
}

var (
	errDead    = errors.New("the process is dead")
	errFake    = errors.New("the server answered 500")
	errStop    = errors.New("interrupted by the user")
	errNobody  = errors.New("connection refused")
	errAway    = fmt.Errorf("dial tcp: connection refused: %w", xsite.ErrUnavailable)
	errForever = errors.New("the run would wait for ever")
	errLocked  = errors.New("no answer: two flags changed at a time and locked the server for ever (V66)")
)

// how tells in which way a command came to its end.
type how string

const (
	// interruptedBefore: Ctrl-C while the call was on its way; it did not arrive.
	interruptedBefore how = "interrupted before the call arrived"
	// interruptedUnheard: Ctrl-C; the call was carried out and its answer lost.
	interruptedUnheard how = "interrupted before the answer arrived"
	// interruptedAfter: Ctrl-C right after the call.
	interruptedAfter how = "interrupted after the call"
	// diedBefore and diedAfter: kill -9; nothing after it reaches anybody, no undo either.
	diedBefore how = "died before the call"
	diedAfter  how = "died after the call"
)

// ending is the end of a command at one of its changing calls.
type ending struct {
	at  int
	how how
}

// occasion is a call that something happens at; the zero value of a field matches all, Nth 0 is the first.
type occasion struct {
	site, method, cache string
	nth                 int
	always              bool
}

// hook couples an occasion with what happens. An error of before keeps the call from being carried out, one of after
// loses its answer.
type hook struct {
	occasion

	before, after func() error
	seen          int
}

// before lets something happen right before a call.
func (p *pair) before(o occasion, act func() error) {
	p.hooks = append(p.hooks, &hook{occasion: o, before: act})
}

// after lets something happen right after a call.
func (p *pair) after(o occasion, act func() error) {
	p.hooks = append(p.hooks, &hook{occasion: o, after: act})
}

// happens makes a happening without an error.
func happens(act func()) func() error {
	return func() error { act(); return nil }
}

// due tells whether the call is the hook's occasion.
func (h *hook) due(c call) bool {
	if (h.site != "" && h.site != c.site) || (h.method != "" && h.method != c.method) || (h.cache != "" && h.cache != c.cache) {
		return false
	}
	h.seen++
	return h.always || h.seen == max(h.nth, 1)
}

// hang lets a call that is lost on the way without a word wait as long as clients do, or until it gets through after all. Leases are
// renewed beside it.
func (p *pair) hang(ctx context.Context, proc *process, site, method string) error {
	hangs := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now.Before(p.hangs[site])
	}
	if !hangs() || method == "Lease" || method == "PutLease" {
		return nil
	}
	if changes(method) && method != "PutJournal" && method != "ScaleKeycloak" { // a server's call that changes something is not taken back
		ctx = context.WithoutCancel(ctx)
	}
	for range 30 {
		if err := proc.Wait(ctx, time.Second); err != nil {
			return err
		}
		if !hangs() {
			return nil
		}
	}
	return errAway
}

// do carries out one call of a process: it records it, lets happen what is due, and ends the process where it should.
func (p *pair) do(ctx context.Context, proc *process, site, method, cache string, perform func() error) error {
	if err := p.hang(ctx, proc, site, method); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if proc.dead {
		return errDead
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	c := call{site: site, method: method, cache: cache, changing: changes(method)}
	p.calls = append(p.calls, c)
	end := how("")
	if c.changing {
		p.changes++
		if p.deadline != nil && p.deadline.at == p.changes {
			end = p.deadline.how
		}
	}
	if p.now.Before(p.away[site]) {
		return errAway
	}
	if end == diedBefore || end == interruptedBefore {
		return proc.end(end)
	}
	var due []*hook
	for _, h := range slices.Clone(p.hooks) {
		if h.due(c) {
			due = append(due, h)
		}
	}
	for _, h := range due {
		if h.before != nil {
			if err := h.before(); err != nil {
				return err
			}
		}
	}
	if err := perform(); err != nil {
		return err
	}
	for _, h := range due {
		if h.after != nil {
			if err := h.after(); err != nil {
				return err
			}
		}
	}
	if end != "" {
		return proc.end(end)
	}
	return nil
}

// end brings a process to its end and returns what the call under way answers.
func (o *process) end(how how) error {
	if how == diedBefore || how == diedAfter {
		o.dead = true
		return errDead
	}
	o.interrupt(errStop)
	if how == interruptedAfter {
		return nil
	}
	return errStop
}

// changed lists the changing calls so far, those on leases, harmless probe caches and their mirrors left out.
func (p *pair) changed() []string {
	var made []string
	for _, c := range p.calls {
		if c.changing && !isProbe(c.cache) && !strings.HasSuffix(c.method, "Lease") {
			made = append(made, c.String())
		}
	}
	return made
}

// count tells how many calls of a method were made on a site, for a cache or for all (""), probe caches left out.
func (p *pair) count(site, method, cache string) int {
	n := 0
	for _, c := range p.calls {
		if c.site == site && c.method == method && !isProbe(c.cache) && (cache == "" || c.cache == cache) {
			n++
		}
	}
	return n
}

// index returns the place of the first such call in the record, or an error text for the test to show.
func (p *pair) index(site, method string) (int, error) {
	i := slices.IndexFunc(p.calls, func(c call) bool { return c.site == site && c.method == method && !isProbe(c.cache) })
	if i < 0 {
		return 0, fmt.Errorf("no call %s on %s", method, site)
	}
	return i, nil
}

// text writes values for comparison.
func text(values ...any) string { return fmt.Sprintf("%+v\n", values) }
