package sim

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// metrics answers with the gauges that anybody asks for here: how many keys an ASYNC backup has to send still, which
// each owner counts (V81), and how many removals it remembers. A clear that waits is not counted. Without statistics both
// are -1.
func metrics(q *request) reply {
	s := q.node.site
	var text strings.Builder
	text.WriteString("# TYPE some_other_metric gauge\nsome_other_metric{node=\"x\"} 1.0\n")
	for _, name := range sortedKeys(s.caches) {
		c := s.caches[name]
		if c.spec.Strategy != infinispan.StrategyAsync {
			continue
		}
		keys, tombstones := c.queue.at(q.node), c.tombstones()
		if c.spec.NoStatistics {
			keys, tombstones = -1, -1
		}
		for _, gauge := range []struct {
			name string
			size int
		}{{"queue_size", keys}, {"number_of_tombstones", tombstones}} {
			if s.world.release.before(16, 0, 0) {
				_, _ = fmt.Fprintf(&text, "vendor_cache_manager_default_cache_%s_async_xsite_statistics_%s{cache=%q,node=%q,} %d.0\n",
					name, gauge.name, name, q.node.name, gauge.size)
			} else {
				_, _ = fmt.Fprintf(&text, "infinispan_async_xsite_statistics_%s{cache=%q,cache_manager=\"default\",node=%q} %d.0\n",
					gauge.name, name, q.node.name, gauge.size)
			}
		}
	}
	return reply{status: http.StatusOK, kind: "text/plain; version=0.0.4; charset=utf-8", body: text.String()}
}
