package sites

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteStatus writes what a person wants to know of the pair: its servers, whether the sites see each
// other, Keycloak's pods, and for each cache the entries and the flag of the peer. What does not answer
// (a frozen server, for instance) is said in its place.
func (p *Pair) WriteStatus(ctx context.Context, to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	// The writer keeps everything until Flush, which has the error.
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format+"\n", args...) }
	for _, s := range p.Sites() {
		s.writeStatus(ctx, line)
	}
	var memory int64
	for _, used := range p.Usage() {
		memory += used.Resident
	}
	line("memory\t%d MB in %d processes", memory>>20, len(p.Usage()))
	line("kubeconfig\t%s", p.Kubeconfig())
	return table.Flush()
}

func (s *Site) writeStatus(ctx context.Context, line func(format string, args ...any)) {
	relay, info, err := s.Relay(ctx)
	view := "sees " + strings.Join(info.SitesView, ", ")
	if err != nil {
		view = "does not answer"
	}
	line("%s\tcontext %s, %s", s.Name, s.Context, view)
	ready, err := s.readyPods(ctx, "app=infinispan-pod")
	line("  infinispan\t%s", counted(ready, s.pair.o.NodesPerSite, err))
	for _, node := range s.Nodes() {
		line("    %s\t%s, pid %d, %s", node.Name(), node.ServerName(), node.Pid(), node.RestURL(AdminPort))
	}
	instances, err := s.KeycloakInstances(ctx)
	ready, readyErr := s.KeycloakReady(ctx)
	line("  keycloak\t%s", counted(ready, instances, errors.Join(err, readyErr)))
	if relay == nil {
		return
	}
	names, err := s.Caches(ctx)
	if err != nil {
		line("  caches\t%v", err)
	}
	slices.Sort(names)
	for _, name := range names {
		line("  %s\t%s", name, s.cacheStatus(ctx, relay, name))
	}
}

func (s *Site) cacheStatus(ctx context.Context, client *Client, cache string) string {
	quick, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	size, err := client.Size(quick, cache)
	if err != nil {
		return "does not answer: " + err.Error()
	}
	flags, err := client.Flags(quick, cache, s.peer)
	if err != nil {
		return fmt.Sprintf("%d entries, no backup to %s", size, s.peer)
	}
	values := slices.Compact(slices.Sorted(maps.Values(flags)))
	return fmt.Sprintf("%d entries, %s %s", size, s.peer, strings.Join(values, "/"))
}

func counted(ready, wanted int, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d of %d ready", ready, wanted)
}
