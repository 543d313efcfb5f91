package infinispan

import (
	"context"
	"net/http"
)

// HealthStatus is the health of a cluster or of a cache.
type HealthStatus string

// The words for health.
const (
	HealthHealthy      HealthStatus = "HEALTHY"
	HealthRebalancing  HealthStatus = "HEALTHY_REBALANCING"
	HealthDegraded     HealthStatus = "DEGRADED"
	HealthInitializing HealthStatus = "INITIALIZING"
	HealthFailed       HealthStatus = "FAILED"
)

// known reports whether the word is one of the constants.
func (s HealthStatus) known() bool {
	switch s {
	case HealthHealthy, HealthRebalancing, HealthDegraded, HealthInitializing, HealthFailed:
		return true
	}
	return false
}

// Health is the health of a cluster as one node sees it.
type Health struct {
	// Cluster is the health of the whole.
	Cluster HealthStatus
	// Nodes are the names of the cluster's nodes.
	Nodes []string
	// Caches is the health by cache name. A cache that is not started may be FAILED without meaning anything: 16.0.7
	// says so of its own unused respCache.
	Caches map[string]HealthStatus
}

// Health asks for the health of the node's cluster and of its caches.
func (c *Client) Health(ctx context.Context) (Health, error) {
	p, err := c.containerPath(ctx, "health")
	if err != nil {
		return Health{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p})
	if err != nil {
		return Health{}, err
	}
	return parseHealth(a)
}

func parseHealth(a *answer) (Health, error) {
	var w struct {
		Cluster struct {
			Status HealthStatus `json:"health_status"`
			Nodes  []string     `json:"node_names"`
		} `json:"cluster_health"`
		Caches []struct {
			Name   string       `json:"cache_name"`
			Status HealthStatus `json:"status"`
		} `json:"cache_health"`
	}
	if err := a.decode(&w); err != nil {
		return Health{}, err
	}
	if !w.Cluster.Status.known() {
		return Health{}, a.unexpected("an unknown health_status")
	}
	h := Health{Cluster: w.Cluster.Status, Nodes: w.Cluster.Nodes, Caches: make(map[string]HealthStatus, len(w.Caches))}
	for _, cache := range w.Caches {
		if cache.Name == "" || !cache.Status.known() {
			return Health{}, a.unexpected("a cache without a name or with an unknown status")
		}
		h.Caches[cache.Name] = cache.Status
	}
	return h, nil
}
