package servers_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/link"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// site is one site of a pair under test.
type site struct {
	name    string
	cluster *servers.Cluster
	nodes   []*servers.Node
	clients []*rest.Client // of the data endpoints, in the order of nodes
	config  servers.Config
}

// pair is two sites with two nodes each and the link between them.
type pair struct {
	a, b *site
	link *link.Link
}

// startPair brings two sites up and returns when every node of both is ready.
func startPair(t *testing.T, version string, change func(*servers.Config)) *pair {
	t.Helper()
	ctx := t.Context()
	artifacts, err := servers.Resolve(ctx, servers.Source{Version: version, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	group := newGroup(t, dir)
	routers := [2]*servers.Router{}
	for i, name := range []string{"site-a", "site-b"} {
		if routers[i], err = servers.StartRouter(ctx, group, artifacts, name, dir); err != nil {
			t.Fatal(err)
		}
	}
	l, err := link.Open(routers[0].Address(), routers[1].Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	config := servers.Config{
		Sites: []string{"site-a", "site-b"}, Artifacts: artifacts, Group: group,
		Operator:  servers.Credentials{User: "operator", Password: "op=er:at#or"},
		Developer: servers.Credentials{User: "developer", Password: "de!vel oper\\"},
	}
	change(&config)
	p := &pair{a: &site{name: "site-a"}, b: &site{name: "site-b"}, link: l}
	var starting sync.WaitGroup
	for i, s := range []*site{p.a, p.b} {
		s.config = config
		s.config.Site, s.config.Dir = s.name, filepath.Join(dir, s.name)
		s.config.Router = routers[i].Address()
		s.config.PeerRouters = []string{[]string{l.ToB(), l.ToA()}[i]}
		starting.Go(func() { s.start(t, "infinispan-0", "infinispan-1") })
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return p
}

func (s *site) start(t *testing.T, names ...string) {
	t.Helper()
	var err error
	if s.cluster, err = servers.NewCluster(s.config); err != nil {
		t.Error(err)
		return
	}
	for _, name := range names {
		node, err := s.cluster.StartNode(t.Context(), name)
		if err != nil {
			t.Error(err)
			return
		}
		s.nodes = append(s.nodes, node)
	}
	started := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, node := range s.nodes {
		if err := node.WaitReady(ctx); err != nil {
			t.Error(err)
			return
		}
		t.Logf("%s of %s ready after %v", node.Name(), s.name, time.Since(started).Round(time.Millisecond))
		s.clients = append(s.clients, s.client(t, node))
	}
}

// client speaks to the data endpoint of a node as the developer.
func (s *site) client(t *testing.T, node *servers.Node) *rest.Client {
	t.Helper()
	return clientOf(t, node.RestURL(servers.DataPort), s.config.Developer, s.cluster.CA())
}

// relay finds the node that speaks for its site, and what it says.
func (s *site) relay(t *testing.T) rest.Info {
	t.Helper()
	for i, client := range s.clients {
		info, err := client.ContainerInfo(t.Context())
		if err != nil {
			t.Logf("%s: %v", s.nodes[i].Name(), err)
			continue
		}
		if info.RelayNode {
			return info
		}
	}
	return rest.Info{}
}

// eventually polls until holds does, at most for limit, and says how long it took.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	started := time.Now()
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-end.C:
			t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
	t.Logf("after %v: %s", time.Since(started).Round(100*time.Millisecond), what)
}
