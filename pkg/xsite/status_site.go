package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// siteLook is the work of looking at one site. What fails is noted, and the rest goes on.
type siteLook struct {
	cluster  Cluster
	site     *site
	status   SiteStatus
	configs  map[string]infinispan.CacheConfig
	journals []StoredJournal

	mu sync.Mutex
	// failed are the first errors of each kind of question, in the order in which they came, with how often.
	failed []*unanswered
}

// unanswered is a kind of question that got no answer.
type unanswered struct {
	what  string
	times int
	err   error
}

// newLook begins to look at a site; a nil cluster is one that could not be connected to.
func newLook(role Role, cluster Cluster, why error) *siteLook {
	l := &siteLook{cluster: cluster, status: SiteStatus{Role: role}}
	if cluster != nil {
		l.site = newSite(role, cluster)
		l.status.Place = l.site.place
	}
	if why != nil {
		l.status.Problem = oneLine(why)
	}
	return l
}

// unknown notes a question without an answer.
func (l *siteLook) unknown(what string, err error) {
	if stop, ok := errors.AsType[*Stop](err); ok {
		err = errors.New(stop.Found)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.failed, func(u *unanswered) bool { return u.what == what }); i >= 0 {
		l.failed[i].times++
		return
	}
	l.failed = append(l.failed, &unanswered{what: what, times: 1, err: err})
}

// done gives what was found.
func (l *siteLook) done() SiteStatus {
	for _, u := range l.failed {
		text := u.what
		if u.times > 1 {
			text += fmt.Sprintf(" (%d times)", u.times)
		}
		l.status.Unknown = append(l.status.Unknown, text+": "+oneLine(u.err))
	}
	slices.Sort(l.status.Unknown)
	if !l.status.Reachable && l.status.Problem == "" {
		l.status.Problem = "no Infinispan server of it answers"
	}
	return l.status
}

// around looks at everything of a site but its caches' state.
func (l *siteLook) around(ctx context.Context) {
	if l.cluster == nil {
		return
	}
	atOnce(
		func() { l.servers(ctx) },
		func() {
			keycloaks, err := l.cluster.Keycloaks(ctx)
			if err != nil {
				l.unknown("Keycloak", err)
				return
			}
			l.status.Keycloaks, l.status.KeycloakKnown = keycloaks, true
		},
		func() {
			var err error
			if l.journals, err = l.cluster.Journals(ctx); err != nil {
				l.unknown("records of runs", err)
				return
			}
			l.status.JournalsKnown = true
		},
		func() {
			lease, err := l.cluster.Lease(ctx)
			if err != nil {
				l.unknown("lease", err)
				return
			}
			if l.status.LeaseKnown = true; lease.held() {
				l.status.Lease = &lease
			}
		},
	)
}

// servers asks each server who it is, then the relay node for health and caches.
func (l *siteLook) servers(ctx context.Context) {
	pods, err := l.cluster.Pods(ctx)
	if err != nil {
		l.unknown("Infinispan pods", err)
		return
	}
	members := make([]*member, len(pods))
	l.status.Servers = make([]ServerStatus, len(pods))
	var all sync.WaitGroup
	for i, pod := range pods {
		all.Go(func() {
			server := &l.status.Servers[i]
			*server = ServerStatus{Pod: pod.Name, Ready: pod.Ready, Restarts: pod.Restarts}
			node, err := l.cluster.Node(ctx, pod)
			if err != nil {
				server.Problem = oneLine(err)
				return
			}
			info, err := node.Info(ctx)
			if err != nil {
				server.Problem = oneLine(err)
				return
			}
			server.Version, server.Relay = info.Version, info.RelayNode
			members[i] = &member{pod: pod, node: node, info: info}
		})
	}
	all.Wait()
	for _, m := range members {
		if m != nil {
			l.site.members = append(l.site.members, *m)
		}
	}
	if len(l.site.members) == 0 {
		if len(pods) == 0 {
			l.status.Problem = "there is no Infinispan pod"
		}
		return
	}
	l.status.Reachable = true
	l.ask(ctx)
}

// ask asks the servers that answer what the site is called, what it sees, how it is, and what caches it has.
func (l *siteLook) ask(ctx context.Context) {
	if err := readName(l.site); err != nil {
		l.unknown("site name", err)
	} else {
		l.status.Name = l.site.name
	}
	versions := map[string]bool{}
	for _, m := range l.site.members {
		versions[m.info.Version] = true
	}
	l.status.Version = strings.Join(slices.Sorted(maps.Keys(versions)), ",")
	relay := l.site.relay()
	if relay.info.RelayNode { // every other node says [] (V50)
		l.status.View = relay.info.SitesView
	}
	atOnce(
		func() {
			health, err := relay.node.Health(ctx)
			if err != nil {
				l.unknown("health", err)
				return
			}
			l.status.Health = health.Cluster
		},
		func() {
			configs, err := cacheConfigs(ctx, l.site)
			if err != nil {
				l.unknown("caches", err)
				return
			}
			l.configs, l.status.CachesKnown = configs, true
		},
	)
}

// peerName is what the other site is called: as it says itself, else the only site that the caches of this one back up to.
func (l *siteLook) peerName(other *siteLook) string {
	if other.status.Name != "" {
		return other.status.Name
	}
	sites := map[string]bool{}
	for _, config := range l.configs {
		for site := range config.Backups {
			sites[site] = true
		}
	}
	if len(sites) != 1 {
		return ""
	}
	for site := range sites {
		return site
	}
	return ""
}

// caches looks at the state of each cache.
func (l *siteLook) caches(ctx context.Context, caches []CacheStatus, side func(*CacheStatus) *BackupStatus) {
	if l.configs == nil {
		return
	}
	group := &errgroup.Group{}
	group.SetLimit(cachesAtOnce)
	for i := range caches {
		group.Go(func() error {
			l.cache(ctx, side(&caches[i]))
			return nil
		})
	}
	_ = group.Wait() // no look fails
}

// cache looks at one cache.
func (l *siteLook) cache(ctx context.Context, b *BackupStatus) {
	config, exists := l.configs[b.Cache]
	if !exists {
		b.Missing = true
		return
	}
	node := l.site.relay().node
	if size, err := node.Size(ctx, b.Cache); err != nil {
		l.unknown("entries", err)
	} else {
		b.Entries = &size
	}
	backup, backsUp := config.Backups[l.status.Peer]
	if !backsUp {
		b.NoBackup = true
		return
	}
	b.Strategy = backup.Strategy
	if mode, err := node.StateTransferMode(ctx, b.Cache, l.status.Peer); err != nil {
		l.unknown("state-transfer modes", err)
	} else {
		b.Mode = mode
	}
	if push, err := node.PushStatus(ctx, b.Cache); err != nil {
		l.unknown("push states", err)
	} else {
		b.Push = push[l.status.Peer]
	}
	l.flags(ctx, b)
}

// flags asks each server for its own flag (F12). One that does not answer leaves the flag unknown.
func (l *siteLook) flags(ctx context.Context, b *BackupStatus) {
	flags := map[string]infinispan.Flag{}
	seen := map[infinispan.Flag]bool{}
	for _, m := range l.site.members {
		flag, err := flagOf(ctx, m, b.Cache, l.status.Peer)
		if err != nil {
			l.unknown("flags", err)
			return
		}
		flags[m.pod.Name], b.Flag = flag, flag
		seen[flag] = true
	}
	if len(seen) > 1 {
		b.Flag, b.ByPod = FlagMixed, flags
	}
	if len(l.site.members) < len(l.status.Servers) && b.Flag == infinispan.FlagOnline {
		b.Flag, b.ByPod = "", flags // a server that says nothing may hold it offline
	}
}

// records gives the journals of the site with where they lie.
func (l *siteLook) records() siteRecords { return siteRecords{l.status.Place.Context, l.journals} }
