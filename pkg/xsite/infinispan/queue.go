package infinispan

import (
	"context"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// queueMetric finds the gauges of what an ASYNC backup has to send still. Up to 15 their names contain that of the cache,
// from 16 on they do not; the label cache has it in all versions (V81, V82).
const queueMetric = `async_xsite_statistics_(queue_size|number_of_tombstones)\{(?:[^}]*,)?cache="([^"\\]+)"[^}]*\}\s+(\S+)`

// SendQueue is what one node has to send still for one cache with ASYNC backups.
type SendQueue struct {
	// Keys counts the changed keys that are queued (V81), those that are never sent included (V82).
	Keys int64
	// Tombstones counts the removed keys that the node remembers; without one it sends no removal. -1 is not told.
	Tombstones int64
}

// SendQueues tells for each cache what this node has to send to other sites still. It reads the node's metrics, some 40 kB
// for each cache, so it is not for frequent use. A cache without ASYNC backups or without statistics is not among them.
func (c *Client) SendQueues(ctx context.Context) (map[string]SendQueue, error) {
	a, err := c.do(ctx, request{
		method: http.MethodGet, path: path{plain: "/metrics", escaped: "/metrics", shown: "/metrics"},
		header: http.Header{"Accept": {"text/plain"}}, private: true,
	})
	if err != nil {
		return nil, err
	}
	return parseQueues(a)
}

func parseQueues(a *answer) (map[string]SendQueue, error) {
	if a.status != http.StatusOK {
		return nil, a.unexpected("a status other than 200")
	}
	metric := regexp.MustCompile(queueMetric)
	gauges := map[string]map[string]int64{"queue_size": {}, "number_of_tombstones": {}}
	for line := range strings.Lines(string(a.body)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		found := metric.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		size, err := strconv.ParseFloat(found[3], 64)
		if err != nil || math.IsNaN(size) || math.Abs(size) > math.MaxInt32 {
			return nil, a.unexpected("a send queue whose size is no number")
		}
		if size >= 0 { // -1: no statistics
			gauges[found[1]][found[2]] = int64(size)
		}
	}
	queues := map[string]SendQueue{}
	for cache, keys := range gauges["queue_size"] {
		tombstones, told := gauges["number_of_tombstones"][cache]
		if !told {
			tombstones = -1
		}
		queues[cache] = SendQueue{keys, tombstones}
	}
	return queues, nil
}
