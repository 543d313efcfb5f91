package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// marshal writes a value as the server does: compact, keys of maps in order.
func marshal(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", err) // all that is given here can be written
	}
	return string(out)
}

// onlyWithContainer answers by the path that the version has (V30): 14 does not know the newer one.
func onlyWithContainer(path string, do handler) handler {
	return func(q *request, done func(reply)) {
		if path == "container" && q.node.site.world.release.old() {
			done(noContainer(q))
			return
		}
		do(q, done)
	}
}

// noContainer is what 14 says of the newer path: it takes it for something else.
func noContainer(q *request) reply {
	if q.call.Op == "health" {
		return refused(http.StatusNotFound, "Resource not found")
	}
	return refused(http.StatusBadRequest, "Invalid 'action' parameter supplied")
}

func noManager(*request) reply {
	return bare(http.StatusNotFound)
}

// fullVersion is how the server names its version.
func (w *World) fullVersion() string {
	if w.release.before(16, 0, 0) {
		return w.o.Version + ".Final"
	}
	return w.o.Version
}

// info is what a node says of itself. Only relay nodes have a view of the sites (V50).
func info(q *request) reply {
	n := q.node
	s, w := n.site, n.site.world
	members := n.members()
	view, relays := []string{}, []string{}
	for _, m := range members {
		if m.relays() {
			relays = append(relays, m.name)
		}
	}
	if n.relays() {
		view = append(view, s.name)
		if s.sees {
			view = append(view, s.peer().name)
		}
		slices.Sort(view)
	}
	names, physical := []string{}, []string{}
	for _, m := range members {
		names = append(names, m.name)
		physical = append(physical, fmt.Sprintf("127.0.0.1:%d", 7800+m.index))
	}
	defined := []any{}
	all := append(s.world.ownCaches(), sortedKeys(s.caches)...)
	for _, name := range all {
		defined = append(defined, map[string]any{"name": name, "started": true})
	}
	answer := map[string]any{
		"version": w.fullVersion(), "name": "default", "coordinator": members[0] == n, "cluster_name": "infinispan",
		"cache_configuration_names": append(slices.Clone(all), "org.infinispan.DIST_SYNC"),
		"physical_addresses":        fmt.Sprintf("[127.0.0.1:%d]", 7800+n.index),
		"coordinator_address":       members[0].name, "cache_manager_status": "RUNNING",
		"created_cache_count": len(s.caches), "running_cache_count": len(s.caches), "node_address": n.name,
		"cluster_members": names, "cluster_members_physical_addresses": physical, "cluster_size": len(members),
		"defined_caches": defined, "local_site": s.name, "relay_node": n.relays(), "relay_nodes_address": relays,
		"sites_view": view, "rebalancing_enabled": true,
	}
	if !w.release.asksMembers() {
		answer["tracing_enabled"] = false
	}
	return inJSON(marshal(answer))
}

// health of the cluster and of its caches.
func health(q *request) reply {
	s := q.node.site
	names := []string{}
	for _, m := range q.node.members() {
		names = append(names, m.name)
	}
	caches := []any{}
	for _, name := range sortedKeys(s.caches) {
		if s.ill[name] != "" {
			continue
		}
		caches = append(caches, map[string]any{"status": s.health, "cache_name": name})
	}
	for _, name := range s.world.ownCaches() {
		caches = append(caches, map[string]any{"status": infinispan.HealthHealthy, "cache_name": name})
	}
	for _, name := range sortedKeys(s.ill) {
		caches = append(caches, map[string]any{"status": s.ill[name], "cache_name": name})
	}
	return inJSON(marshal(map[string]any{
		"cluster_health": map[string]any{
			"cluster_name": "infinispan", "health_status": s.health, "number_of_nodes": len(names), "node_names": names,
		},
		"cache_health": caches,
	}))
}

// ownCaches are the server's own, which the list of caches shows.
func (w *World) ownCaches() []string {
	return []string{"___protobuf_metadata", "___script_cache"}
}

func names(q *request) reply {
	return inJSON(marshal(append(sortedKeys(q.node.site.caches), q.node.site.world.ownCaches()...)))
}

func managers(q *request) reply {
	if !q.node.site.world.release.before(16, 0, 0) {
		return refused(http.StatusNotFound, "Resource not found")
	}
	return inJSON(`["default"]`)
}

// connections lists the clients of the whole cluster, the asking one among them (V62, V76).
func connections(q *request) reply {
	s := q.node.site
	if s.world.release.old() {
		return refused(http.StatusNotFound, "Resource not found")
	}
	type connection struct {
		ID        int64   `json:"id"`
		Node      string  `json:"server-node-name"`
		Name      *string `json:"name"`
		Created   string  `json:"created"`
		Principal *string `json:"principal"`
		Local     string  `json:"local-address"`
		Remote    string  `json:"remote-address"`
		Protocol  string  `json:"protocol-version"`
		Library   *string `json:"client-library"`
		Version   *string `json:"client-version"`
	}
	port := 11222
	if endpointOf(q.http) == AdminEndpoint {
		port = 11223
	}
	local := fmt.Sprintf("/127.0.0.1:%d", port)
	agent := q.http.UserAgent()
	list := []connection{{
		ID: 1, Node: q.node.name, Created: now().UTC().Format(time.RFC3339Nano), Principal: optional(q.user.Name),
		Local: local, Remote: "/127.0.0.1:40000", Protocol: "HTTP/1.1", Library: optional(agent),
	}}
	for i, c := range s.clients {
		list = append(list, connection{
			ID: int64(2 + i), Node: s.nodes[c.Node].name, Created: now().UTC().Format(time.RFC3339Nano),
			Principal: optional(c.Principal), Local: "/127.0.0.1:11222", Remote: c.Remote, Protocol: c.Protocol,
			Library: optional(c.Library), Version: optional(c.Version),
		})
	}
	return inJSON(marshal(list))
}

// optional is null for an empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
