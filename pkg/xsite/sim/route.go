package sim

import (
	"net/http"
	"net/url"
	"slices"
)

// handler does what a call asks, with the world's lock held, and tells the reply once.
type handler = func(*request, func(reply))

// at once makes a handler of what needs no waiting.
func atOnce(do func(*request) reply) handler {
	return func(q *request, done func(reply)) { done(do(q)) }
}

// unescape reads one segment of a path; one that is not escaped properly is taken as it is.
func unescape(segment string) string {
	plain, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return plain
}

// route finds what a request asks for, in the dialect of the version (V30). A request without a handler is unknown.
func (n *Node) route(r *http.Request) *request {
	q := &request{node: n, call: Call{
		Site: n.site.name, Node: n.index, Method: r.Method, Path: r.URL.RequestURI(), Agent: r.UserAgent(),
		AtHome: slices.Contains(flagsOf(r), keepHome),
	}}
	parts := segments(r)
	switch {
	case r.URL.Path == "/metrics" && r.Method == http.MethodGet:
		q.do("metrics", atOnce(metrics))
	case len(parts) == 0:
	case parts[0] == "caches" && len(parts) == 1 && r.Method == http.MethodGet:
		q.do("names", atOnce(names))
	case parts[0] == "caches" && len(parts) >= 2:
		q.call.Cache = parts[1]
		q.routeCache(r, parts[2:])
	case parts[0] == "server" && r.Method == http.MethodGet:
		q.routeServer(parts[1:])
	case r.Method == http.MethodGet:
		q.routeContainer(parts)
	}
	return q
}

// do names the operation and its handler.
func (q *request) do(op string, h handler) {
	q.call.Op, q.handle = op, h
}

func (q *request) routeServer(below []string) {
	switch {
	case len(below) == 1 && below[0] == "cache-managers":
		q.do("managers", atOnce(managers))
	case len(below) == 1 && below[0] == "connections":
		q.do("connections", atOnce(connections))
	}
}

// routeContainer knows both dialects: what the version does not have is answered as it answers.
func (q *request) routeContainer(parts []string) {
	var below []string
	switch {
	case parts[0] == "container":
		below = parts[1:]
	case parts[0] == "cache-managers" && len(parts) >= 2:
		below = parts[2:]
		if parts[1] != "default" && q.node.site.world.release.old() {
			q.do("info", atOnce(noManager))
			return
		}
	default:
		return
	}
	switch {
	case len(below) == 0:
		q.do("info", onlyWithContainer(parts[0], atOnce(info)))
	case len(below) == 1 && below[0] == "health":
		q.do("health", onlyWithContainer(parts[0], atOnce(health)))
	}
}

func (q *request) routeCache(r *http.Request, below []string) {
	action := r.URL.Query().Get("action")
	switch {
	case q.call.Cache == "___protobuf_metadata" && r.Method == http.MethodPut: // a schema, which is not looked at
		q.do("put", atOnce(func(*request) reply { return bare(http.StatusNoContent) }))
	case len(below) == 0:
		q.routeWhole(r, action)
	case below[0] == "x-site":
		q.routeBackup(r, below[1:], action)
	case len(below) == 1:
		q.call.Key = below[0]
		switch r.Method {
		case http.MethodPut:
			q.do("put", onCache(putEntry))
		case http.MethodGet:
			q.do("get", onCache(now1(getEntry)))
		case http.MethodDelete:
			q.do("remove", onCache(removeEntry))
		}
	}
}

// routeWhole knows what is asked of a cache as a whole.
func (q *request) routeWhole(r *http.Request, action string) {
	switch r.Method + " " + action {
	case "HEAD ":
		q.do("exists", onCache(now1(func(*request, *cacheState) reply { return bare(http.StatusNoContent) })))
	case "POST ":
		q.do("create", atOnce(create))
	case "DELETE ":
		q.do("delete", atOnce(remove))
	case "POST clear":
		q.do("clear", onCache(clearCache))
	case "GET size":
		q.do("size", onCache(now1(size)))
	case "GET stats":
		q.do("stats", onCache(now1(stats)))
	case "GET config":
		q.do("config", atOnce(config))
	case "GET keys":
		q.do("keys", onCache(now1(keys)))
	case "GET entries":
		q.do("entries", onCache(now1(entries)))
	}
}

// routeBackup knows what is asked of a cache's backups.
func (q *request) routeBackup(r *http.Request, below []string, action string) {
	call := r.Method + " " + action
	switch {
	case len(below) == 1 && below[0] == "local" && call == "POST clear-push-state-status":
		q.do(action, onBackups(now1(forgetPush)))
	case len(below) == 0 || below[0] != "backups":
	case len(below) == 1 && call == "GET ":
		q.do("backups", onBackups(backups))
	case len(below) == 1 && call == "GET push-state-status":
		q.do(action, onBackups(pushStatus))
	case len(below) == 2:
		q.call.Target = below[1]
		q.routeSite(call, action)
	case len(below) == 3 && below[2] == "state-transfer-mode":
		q.call.Target = below[1]
		switch call {
		case "GET ":
			q.do("mode", onBackup(now1(mode)))
		case "POST set":
			q.do("set-mode", onBackup(now1(setMode)))
		}
	}
}

// routeSite knows what is asked of a cache's backup to one site.
func (q *request) routeSite(call, action string) {
	switch call {
	case "GET ":
		q.do("flags", onBackup(nodeFlags))
	case "POST take-offline":
		q.do(action, onBackup(switchFlag(true)))
	case "POST bring-online":
		q.do(action, onBackup(switchFlag(false)))
	case "POST start-push-state":
		q.do(action, onBackup(startPush))
	case "POST cancel-push-state":
		q.do(action, onBackup(cancelPush))
	case "POST cancel-receive-state":
		q.do(action, onBackup(now1(func(_ *request, c *cacheState) reply {
			c.in = reception{}
			return bare(http.StatusOK)
		})))
	}
}
