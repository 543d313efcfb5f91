package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Call is one REST call that reached a node and got past its door: calls without or with wrong credentials are none.
type Call struct {
	// Site and Node are where; Generation tells a restarted node from what it was.
	Site       string
	Node       int
	Generation int
	// Method and Path are as sent, the path escaped and with its query. Key is the key in it, where it has one.
	Method, Path string
	// Op is what is asked, such as "take-offline", "start-push-state", "clear", "keys", "info", "put"; "" when unknown.
	Op string
	// Cache and Target are the cache and the other site that it is about, where it is about one.
	Cache, Target, Key string
	// Agent is the User-Agent of who calls.
	Agent string
	// AtHome is true where the header keeps a write in its own site.
	AtHome bool
	// Changing calls may change the site.
	Changing bool
	// Seen counts the calls with the same Site, Node, Method and Path so far, this one included.
	Seen int
	// At is when it arrived.
	At time.Time
}

// String gives the call as assertions show it: site-b/0 POST /rest/v2/caches/sessions?action=clear.
func (c Call) String() string {
	return fmt.Sprintf("%s/%d %s %s", c.Site, c.Node, c.Method, c.Path)
}

// Fault is what becomes of a call instead of its proper answer. The zero value is none.
type Fault struct {
	// Delay passes first.
	Delay time.Duration
	// Status and Body are answered. Status 0 with a Body is 200: an answer that nobody knows.
	Status int
	Body   string
	// Drop closes the connection without an answer, Hang keeps it open without one for as long as the client waits.
	Drop, Hang bool
	// Truncate closes the connection after so many bytes of the body (V42); it is for After. 0 is no truncation, a
	// negative value cuts right after the header.
	Truncate int
}

// none tells whether the fault replaces nothing.
func (f Fault) none() bool {
	return f.Status == 0 && f.Body == "" && !f.Drop && !f.Hang && f.Truncate == 0
}

// hooks are what tests want to do about calls.
type hooks struct {
	before, after []*func(Call) Fault
	calls         []Call
	unknown       []string
	seen          map[string]int
}

// Before calls do for every call before it has any effect. A fault keeps the call from having one. do may use the world.
// The function that is returned takes do away again.
func (w *World) Before(do func(Call) Fault) func() { return w.hook(&w.hooks.before, do) }

// After calls do for every call after its effect and before its answer, which a fault replaces, loses or cuts.
func (w *World) After(do func(Call) Fault) func() { return w.hook(&w.hooks.after, do) }

func (w *World) hook(list *[]*func(Call) Fault, do func(Call) Fault) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	added := &do
	*list = append(slices.Clone(*list), added)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		*list = slices.DeleteFunc(slices.Clone(*list), func(h *func(Call) Fault) bool { return h == added })
	}
}

// Calls lists all calls so far.
func (w *World) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.hooks.calls)
}

// Unknown lists the requests that the simulator does not know. They were answered by 404; a test should fail on them.
func (w *World) Unknown() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.hooks.unknown)
}

// note counts a call and asks the hooks that come before it.
func (w *World) note(c *Call) Fault {
	w.mu.Lock()
	h := &w.hooks
	if h.seen == nil {
		h.seen = map[string]int{}
	}
	h.seen[c.String()]++
	c.Seen = h.seen[c.String()]
	c.At = now()
	h.calls = append(h.calls, *c)
	before := h.before
	w.mu.Unlock()
	return ask(before, *c)
}

// ended asks the hooks that come after a call.
func (w *World) ended(c *Call) Fault {
	w.mu.Lock()
	after := w.hooks.after
	w.mu.Unlock()
	return ask(after, *c)
}

// ask gives the first fault that a hook wants.
func ask(list []*func(Call) Fault, c Call) Fault {
	var first Fault
	for _, do := range list {
		f := (*do)(c)
		if first.none() {
			f.Delay += first.Delay
			first = f
		}
	}
	return first
}

// changing tells the operations that may change a site.
func changing(op string) bool {
	switch op {
	case "take-offline", "bring-online", "start-push-state", "cancel-push-state", "cancel-receive-state",
		"clear-push-state-status", "set-mode", "clear", "create", "delete", "put", "remove":
		return true
	}
	return false
}

// unasked notes a request that nobody should make.
func (w *World) unasked(n *Node, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks.unknown = append(w.hooks.unknown, fmt.Sprintf("%s/%d %s %s", n.site.name, n.index, r.Method, strings.TrimSpace(r.RequestURI)))
}
