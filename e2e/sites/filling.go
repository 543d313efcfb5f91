package sites

import (
	"context"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/fill"
)

// Fill writes the same entries into a cache of both sites, each on its own: the sites are taken offline
// on each other for that cache meanwhile, and are online afterwards. 100,000 entries take some ten
// seconds.
func (p *Pair) Fill(ctx context.Context, cache string, entries Entries) error {
	if p.o.TLS {
		// Hot Rod is for endpoints without TLS; over REST the backup brings the entries across.
		return p.A.Fill(ctx, cache, entries)
	}
	sides := make([]fill.Side, 0, 2)
	for _, s := range p.Sites() {
		node, client, err := s.answering(ctx)
		if err != nil {
			return err
		}
		sides = append(sides, fill.Side{Site: s.Name, Node: node, User: s.developer, Client: client})
	}
	return fill.Both(ctx, p.artifacts, cache, entries, sides[0], sides[1])
}

// Fill writes entries into a cache of this site, as a client of it does: they are backed up to the other
// site when that is online. Many entries go over Hot Rod, a few over REST.
func (s *Site) Fill(ctx context.Context, cache string, entries Entries) error {
	node, client, err := s.answering(ctx)
	if err != nil {
		return err
	}
	if entries.Count < fill.Many || s.pair.o.TLS {
		return fill.Put(ctx, []*Client{client}, cache, entries)
	}
	flags, err := client.Flags(ctx, cache, s.peer)
	if err != nil {
		return fmt.Errorf("ask whether %s is online for %s: %w", s.peer, cache, err)
	}
	batch := fill.Quick
	for _, flag := range flags {
		if flag != "offline" {
			// Batches that are backed up while they are written may lose an entry.
			batch = 1
		}
	}
	return fill.HotRod(ctx, s.pair.artifacts, node, s.developer, cache, entries, batch)
}

// Remove deletes entries from a cache of this site by their keys, as a logout does, and returns how many of them were
// there. The removals are backed up to the other site when that is online.
func (s *Site) Remove(ctx context.Context, cache string, entries Entries) (int, error) {
	_, client, err := s.answering(ctx)
	if err != nil {
		return 0, err
	}
	return fill.Delete(ctx, []*Client{client}, cache, entries)
}

// Connect connects a Hot Rod client to a cache of this site, as an application does, until it is closed or ctx ends.
func (s *Site) Connect(ctx context.Context, cache string) (*Connection, error) {
	node, _, err := s.answering(ctx)
	if err != nil {
		return nil, err
	}
	return fill.Stay(ctx, s.pair.artifacts, node, s.developer, cache)
}
