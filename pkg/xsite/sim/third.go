package sim

import (
	"fmt"
	"net/http"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// A cache may back up to a third site besides its peer. That site is no part of the world: nothing is sent to it, and nothing
// comes from it. Each node keeps its flag of it, as it does for the peer.

// TakeThirdOffline marks the third site of a cache offline on all nodes of the site, as an operator of it does.
func (s *Site) TakeThirdOffline(cache string) {
	s.each(func(n *Node) { n.third[cache] = true })
}

// ThirdOffline tells whether the node's own flag says that the third site is offline for a cache.
func (n *Node) ThirdOffline(cache string) bool {
	defer n.lock()()
	return n.third[cache]
}

// onThird answers what is asked of a cache's backup to its third site: flags and modes, as for a peer; a push to it cannot begin.
func onThird(q *request, c *cacheState) reply {
	n := q.node
	switch q.call.Op {
	case "flags":
		flags := map[string]string{}
		for _, m := range n.members() {
			flags[m.name] = flagWord(m.third[c.spec.Name])
		}
		return inJSON(marshal(flags))
	case "take-offline", "bring-online":
		for _, m := range n.members() {
			m.third[c.spec.Name] = q.call.Op == "take-offline"
		}
		return bare(http.StatusOK)
	case "mode":
		return inJSON(`"` + string(infinispan.ModeManual) + `"`)
	case "cancel-push-state", "cancel-receive-state":
		return bare(http.StatusOK)
	}
	return failedOperation(c.spec.Third, fmt.Sprintf("%s: nothing is sent to site %s", q.call.Op, c.spec.Third))
}

// bySite gives what is told of a cache by site: of the peer, and of a third site where there is one.
func bySite[T any](c *cacheState, peer, third T) map[string]T {
	all := map[string]T{c.backup: peer}
	if c.spec.Third != "" {
		all[c.spec.Third] = third
	}
	return all
}
