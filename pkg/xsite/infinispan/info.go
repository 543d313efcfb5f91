package infinispan

import (
	"context"
	"net/http"
	"slices"
)

// ContainerStatus is the state of a node's cache container.
type ContainerStatus string

// The states of a cache container.
const (
	ContainerInstantiated ContainerStatus = "INSTANTIATED"
	ContainerInitializing ContainerStatus = "INITIALIZING"
	ContainerRunning      ContainerStatus = "RUNNING"
	ContainerStopping     ContainerStatus = "STOPPING"
	ContainerTerminated   ContainerStatus = "TERMINATED"
	ContainerFailed       ContainerStatus = "FAILED"
)

// NodeInfo is what a node says about itself, its cluster and the sites it sees.
type NodeInfo struct {
	// Version is the server's version, for instance "15.0.21.Final" or "16.0.7".
	Version string
	// NodeName is the node's name in its cluster, for instance "infinispan-0-12345". It changes with a restart.
	NodeName string
	// ClusterName is the name of the JGroups cluster.
	ClusterName string
	// LocalSite is the name of the site this node belongs to, and empty or "local" where cross-site is not configured.
	LocalSite string
	// Members are the node names of the cluster as this node sees it; never empty.
	Members []string
	// Coordinator says whether this node coordinates its cluster.
	Coordinator bool
	// RelayNode says whether this node speaks to the other sites. Only then is SitesView to be believed (V50).
	RelayNode bool
	// RelayNodes are the node names of the cluster's relay nodes.
	RelayNodes []string
	// SitesView are the sites that this node sees, its own among them. It is empty on nodes that are no relay (V50),
	// and late by up to a minute on those that are (V24).
	SitesView []string
	// Status is the state of the node's cache container.
	Status ContainerStatus
	// Rebalancing says whether rebalancing is enabled; nil where the server does not say.
	Rebalancing *bool
}

// SeesSite reports whether a site is in the node's view.
func (i NodeInfo) SeesSite(site string) bool {
	return slices.Contains(i.SitesView, site)
}

// wireInfo is NodeInfo as the server writes it.
type wireInfo struct {
	Version     string          `json:"version"`
	NodeAddress string          `json:"node_address"`
	ClusterName string          `json:"cluster_name"`
	LocalSite   string          `json:"local_site"`
	Members     []string        `json:"cluster_members"`
	Coordinator *bool           `json:"coordinator"`
	RelayNode   bool            `json:"relay_node"`
	RelayNodes  []string        `json:"relay_nodes_address"`
	SitesView   []string        `json:"sites_view"`
	Status      ContainerStatus `json:"cache_manager_status"`
	Rebalancing *bool           `json:"rebalancing_enabled"`
}

// Info asks the node about itself. It fails as every call does, and with an UnexpectedAnswerError where the answer
// lacks the version, the node's name, its members or a known status.
func (c *Client) Info(ctx context.Context) (NodeInfo, error) {
	p, err := c.containerPath(ctx)
	if err != nil {
		return NodeInfo{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p})
	if err != nil {
		return NodeInfo{}, err
	}
	return parseInfo(a)
}

func parseInfo(a *answer) (NodeInfo, error) {
	var w wireInfo
	if err := a.decode(&w); err != nil {
		return NodeInfo{}, err
	}
	switch {
	case w.Version == "":
		return NodeInfo{}, a.unexpected("no version")
	case w.NodeAddress == "":
		return NodeInfo{}, a.unexpected("no node_address")
	case len(w.Members) == 0:
		return NodeInfo{}, a.unexpected("no cluster_members")
	case w.Coordinator == nil:
		return NodeInfo{}, a.unexpected("no coordinator")
	}
	switch w.Status {
	case ContainerInstantiated, ContainerInitializing, ContainerRunning, ContainerStopping, ContainerTerminated, ContainerFailed:
	default:
		return NodeInfo{}, a.unexpected("an unknown cache_manager_status")
	}
	return NodeInfo{
		Version:     w.Version,
		NodeName:    w.NodeAddress,
		ClusterName: w.ClusterName,
		LocalSite:   w.LocalSite,
		Members:     w.Members,
		Coordinator: *w.Coordinator,
		RelayNode:   w.RelayNode,
		RelayNodes:  w.RelayNodes,
		SitesView:   w.SitesView,
		Status:      w.Status,
		Rebalancing: w.Rebalancing,
	}, nil
}
