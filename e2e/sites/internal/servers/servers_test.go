package servers_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/fill"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// TestTwoSitesAreOneDeployment starts the real thing once and walks through what the harness promises of
// it; each step stands on the one before. ISPN_VERSION chooses another release than the default.
func TestTwoSitesAreOneDeployment(t *testing.T) {
	p := startPair(t, os.Getenv("ISPN_VERSION"), func(*servers.Config) {})
	eventually(t, "the sites see each other", 20*time.Second, func() bool { return p.joined(t) })
	p.createCache(t, "sessions")

	writeCrosses(t, p, "before")
	fillCrosses(t, p)
	p.link.Cut()
	var failed *rest.Error
	if err := p.a.clients[0].Put(t.Context(), "sessions", "cut", "1", 0); !errors.As(err, &failed) || failed.Status != 500 {
		t.Errorf("a write over the cut link: %v, want a 500 (V51)", err)
	}
	eventually(t, "the lost site has left both views", 20*time.Second, func() bool {
		return len(p.a.relay(t).SitesView) == 1 && len(p.b.relay(t).SitesView) == 1
	})
	p.link.Heal()
	eventually(t, "the sites see each other again", 30*time.Second, func() bool { return p.joined(t) })
	writeCrosses(t, p, "after")

	old := p.b.nodes[1]
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, running := <-old.Done(); running || old.Ready(t.Context()) {
		t.Error("a killed node answers")
	}
	node, err := p.b.cluster.StartNode(t.Context(), old.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := node.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.b.nodes[1], p.b.clients[1] = node, p.b.client(t, node)
	eventually(t, "the new node is a member in place of the killed one", 20*time.Second, func() bool {
		info, err := p.b.clients[1].ContainerInfo(t.Context())
		return err == nil && len(info.Members) == 2 && slices.Contains(info.Members, node.ServerName()) && p.joined(t)
	})
	entries, err := p.b.clients[1].Entries(t.Context(), "sessions")
	if err != nil || entries["before"] != "1" || entries["after"] != "1" {
		t.Errorf("the new node holds %v, %v", entries, err)
	}
}

// joined says whether each site has two members and its relay node sees both sites.
func (p *pair) joined(t *testing.T) bool {
	t.Helper()
	a, b := p.a.relay(t), p.b.relay(t)
	return len(a.Members) == 2 && len(b.Members) == 2 && len(a.SitesView) == 2 && len(b.SitesView) == 2
}

func (p *pair) createCache(t *testing.T, name string) {
	t.Helper()
	for _, sides := range [][2]*site{{p.a, p.b}, {p.b, p.a}} {
		config, err := rest.KeycloakCache(sides[1].name, rest.Sync)
		if err != nil {
			t.Fatal(err)
		}
		if err := sides[0].clients[0].CreateCache(t.Context(), name, config); err != nil {
			t.Fatal(err)
		}
	}
}

func fillCrosses(t *testing.T, p *pair) {
	t.Helper()
	ctx := t.Context()
	const many, few = 10000, 200
	overHotRod := fill.Entries{Prefix: "hotrod-", First: 1, Count: many, ValueSize: 200}
	started := time.Now()
	if err := fill.Both(ctx, p.a.config.Artifacts, "sessions", overHotRod, p.a.side(0), p.b.side(1)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries into both sites over Hot Rod in %v", many, time.Since(started).Round(time.Millisecond))
	for _, sides := range [][2]*site{{p.a, p.b}, {p.b, p.a}} {
		flags, err := sides[0].clients[1].Flags(ctx, "sessions", sides[1].name)
		if err != nil || len(flags) != 2 {
			t.Fatal(flags, err)
		}
		for node, flag := range flags {
			if flag != "online" {
				t.Errorf("%s is %s on %s after the fill", sides[1].name, flag, node)
			}
		}
	}
	overREST := fill.Entries{Prefix: "rest-", Count: few, ValueSize: 200}
	started = time.Now()
	if err := fill.Put(ctx, p.a.clients, "sessions", overREST); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries over REST in %v", few, time.Since(started).Round(time.Millisecond))
	entries, err := p.b.clients[1].Entries(ctx, "sessions")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != many+few+1 {
		t.Errorf("b holds %d entries, want %d", len(entries), many+few+1)
	}
	for key, want := range map[string]string{
		"before": "1", overHotRod.Key(1): overHotRod.Value(1), overHotRod.Key(many): overHotRod.Value(many), overREST.Key(0): overREST.Value(0),
	} {
		if entries[key] != want {
			t.Errorf("%s is %q on b, want %q", key, entries[key], want)
		}
	}
}

// side is a site as the filler takes it, entered through node number i.
func (s *site) side(i int) fill.Side {
	return fill.Side{Site: s.name, Node: s.nodes[i], User: s.config.Developer, Client: s.clients[i]}
}

func writeCrosses(t *testing.T, p *pair, key string) {
	t.Helper()
	if err := p.a.clients[0].Put(t.Context(), "sessions", key, "1", 0); err != nil {
		t.Fatal(err)
	}
	for i, client := range p.b.clients {
		if value, _, err := client.Get(t.Context(), "sessions", key); err != nil || value != "1" {
			t.Errorf("node %d of b has %q for %q, %v", i, value, key, err)
		}
	}
}
