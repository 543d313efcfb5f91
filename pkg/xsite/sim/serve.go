package sim

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// bodyLimit bounds the requests that are read.
const bodyLimit = 1 << 20

// reply is what a node answers.
type reply struct {
	status int
	kind   string
	body   string
	// drop closes the connection instead, hang never answers.
	drop, hang bool
	// header holds what is particular to the answer.
	header map[string]string
}

const (
	kindText = "text/plain"
	kindJSON = "application/json"
)

// text is an answer of the REST layer; refused is one made of an exception, which has no content type.
func text(status int, body string) reply    { return reply{status: status, kind: kindText, body: body} }
func refused(status int, body string) reply { return reply{status: status, body: body} }
func inJSON(body string) reply              { return reply{status: http.StatusOK, kind: kindJSON, body: body} }
func bare(status int) reply                 { return reply{status: status} }

// request is one call on its way through a node.
type request struct {
	call Call
	node *Node
	user User
	http *http.Request
	body []byte
	// handle does what is asked, with the world's lock held, and tells the reply, then or later, exactly once.
	handle func(*request, func(reply))
}

// handler serves the requests of one life of the node: what is asked of a server that dies is lost, also when another one
// takes its place.
func (n *Node) handler(generation int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.serve(generation, w, r) })
}

// serve answers one HTTP request: door, hooks, the time that a call takes, effect, hooks, answer.
func (n *Node) serve(generation int, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit))
	if err != nil {
		return
	}
	if !n.awake(generation) {
		panic(http.ErrAbortHandler)
	}
	user, admitted := n.admit(w, r)
	if !admitted {
		return
	}
	q := n.route(r)
	q.node, q.user, q.http, q.body = n, user, r, body
	q.call.Generation = generation
	q.call.Changing = changing(q.call.Op)
	if q.handle == nil {
		n.site.world.unasked(n, r)
		q.answer(w, refused(http.StatusNotFound, "Resource not found"), Fault{})
		return
	}
	if f := n.site.world.note(&q.call); !f.none() || f.Delay > 0 {
		n.site.world.pause(q, f.Delay)
		if !f.none() {
			q.answer(w, reply{}, f)
			return
		}
	}
	answer, ok := q.perform()
	if !ok {
		panic(http.ErrAbortHandler)
	}
	f := n.site.world.ended(&q.call)
	n.site.world.pause(q, f.Delay)
	q.answer(w, answer, f)
}

// awake waits while the node is frozen or locked up, and tells whether it lives.
func (n *Node) awake(generation int) bool {
	for {
		unlock := n.lock()
		up, frozen, locked, thawed, dead := n.lives(generation), n.frozen, n.locked, n.thawed, n.dead
		unlock()
		switch {
		case !up:
			return false
		case locked:
			<-dead
			return false
		case frozen:
			select {
			case <-thawed:
			case <-dead:
				return false
			}
		default:
			return true
		}
	}
}

// pause lets time pass, unless the world or the client's patience ends.
func (w *World) pause(q *request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.http.Context().Done():
	case <-w.closed:
	}
}

// perform has the effect. It is not undone, nor left undone, when the client gives up: only the death of the node ends it.
func (q *request) perform() (reply, bool) {
	n, w := q.node, q.node.site.world
	generation := q.call.Generation
	unlock := n.lock()
	dead := n.dead
	ended := make(chan reply, 1)
	if !n.lives(generation) {
		unlock()
		return reply{}, false
	}
	w.agenda.after(w.o.CallTime, func() {
		if n.lives(generation) {
			n.whenAwake(func() { q.handle(q, func(answer reply) { ended <- answer }) })
		}
	})
	unlock()
	select {
	case answer := <-ended:
		return answer, n.awake(generation)
	case <-dead:
		return reply{}, false
	}
}

// lives tells whether the node runs, and is still the same server.
func (n *Node) lives(generation int) bool { return n.up && n.generation == generation }

// whenAwake lets this very node do something, at once or when it thaws.
func (n *Node) whenAwake(act func()) {
	switch {
	case !n.up || n.locked:
	case n.frozen:
		n.onThaw = append(n.onThaw, act)
	default:
		act()
	}
}

// answer writes the reply, or what a fault makes of it.
func (q *request) answer(w http.ResponseWriter, answer reply, f Fault) {
	switch {
	case f.Drop || answer.drop:
		panic(http.ErrAbortHandler)
	case f.Hang || answer.hang:
		q.hang()
		panic(http.ErrAbortHandler)
	case f.Status != 0 || f.Body != "":
		answer = refused(f.Status, f.Body)
		if f.Status == 0 {
			answer = inJSON(f.Body)
		}
		if f.Status == http.StatusUnauthorized {
			unlock := q.node.lock()
			q.node.offer(w, endpointOf(q.http), "")
			unlock()
		}
	}
	w.Header()["Content-Type"] = nil // none, rather than a guess
	if answer.kind != "" {
		w.Header().Set("Content-Type", answer.kind)
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	if f.Truncate != 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer.body)+1))
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body[:min(max(f.Truncate, 0), len(answer.body))])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(answer.status)
	_, _ = io.Copy(w, bytes.NewReader([]byte(answer.body)))
}

// hang keeps the connection open until the client, or the node, has enough.
func (q *request) hang() {
	unlock := q.node.lock()
	dead := q.node.dead
	unlock()
	select {
	case <-q.http.Context().Done():
	case <-dead:
	}
}

// segments are the decoded segments of a path below /rest/v2, and nil for any other path.
func segments(r *http.Request) []string {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/rest/v2/")
	if !ok {
		return nil
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for i, part := range parts {
		parts[i] = unescape(part)
	}
	return parts
}
