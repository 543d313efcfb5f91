package infinispan

import (
	"context"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// queueMetric finds the gauge of keys that an ASYNC backup has to send still. Up to 15 its name contains that of the cache,
// from 16 on it does not; the label cache has it in all versions (V81).
const queueMetric = `async_xsite_statistics_queue_size\{(?:[^}]*,)?cache="([^"\\]+)"[^}]*\}\s+(\S+)`

// SendQueues tells for each cache how many changed keys this node has to send to other sites still (V81). It reads the
// node's metrics, some 40 kB for each cache, so it is not for frequent use. A cache without ASYNC backups or without
// statistics is not among them.
func (c *Client) SendQueues(ctx context.Context) (map[string]int64, error) {
	a, err := c.do(ctx, request{
		method: http.MethodGet, path: path{plain: "/metrics", escaped: "/metrics", shown: "/metrics"},
		header: http.Header{"Accept": {"text/plain"}}, private: true,
	})
	if err != nil {
		return nil, err
	}
	return parseQueues(a)
}

func parseQueues(a *answer) (map[string]int64, error) {
	if a.status != http.StatusOK {
		return nil, a.unexpected("a status other than 200")
	}
	metric := regexp.MustCompile(queueMetric)
	queues := map[string]int64{}
	for line := range strings.Lines(string(a.body)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		found := metric.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		size, err := strconv.ParseFloat(found[2], 64)
		if err != nil || math.IsNaN(size) || math.Abs(size) > math.MaxInt32 {
			return nil, a.unexpected("a send queue whose size is no number")
		}
		if size >= 0 { // -1: no statistics
			queues[found[1]] = int64(size)
		}
	}
	return queues, nil
}
