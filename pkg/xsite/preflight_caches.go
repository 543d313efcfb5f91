package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// internalPrefix begins the names of Infinispan's own caches; none of them is ever cleared.
const internalPrefix = "___"

// keycloakCaches are the caches that some version of Keycloak keeps in an external Infinispan. The list decides only
// whether a cache needs to be admitted by the user (guard quiet); which caches a run works on is read from the servers.
func keycloakCaches() []string {
	return []string{
		"actionTokens", "authenticationSessions", "clientSessions", "loginFailures",
		"offlineClientSessions", "offlineSessions", "sessions", "work",
	}
}

// checkCaches reads the caches of both sites and makes the plan: those of the primary that back up to the secondary.
func (r *run) checkCaches(ctx context.Context) error {
	ours, err := cacheConfigs(ctx, r.primary)
	if err != nil {
		return err
	}
	theirs, err := cacheConfigs(ctx, r.secondary)
	if err != nil {
		return err
	}
	if err := errors.Join(r.guardNarrowing(ours), r.guardOneSource(ours, theirs)); err != nil {
		return err
	}
	r.configs = map[Role]map[string]infinispan.CacheConfig{Primary: ours, Secondary: theirs}
	r.plan.Caches, r.plan.LeftAlone = nil, map[string]string{}
	var found []error
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		config := ours[name]
		_, backsUp := config.Backups[r.secondary.name]
		switch {
		case !backsUp:
			continue
		case len(r.opts.Caches) > 0 && !slices.Contains(r.opts.Caches, name):
			r.plan.LeftAlone[name] = "not among the caches named with --cache: it stays as stale as it is"
			continue
		}
		c, err := r.planCache(name, config, theirs)
		found = append(found, err)
		r.plan.Caches = append(r.plan.Caches, c)
	}
	if len(r.plan.Caches) == 0 {
		return &Stop{
			Guard: GuardIdentity, Found: fmt.Sprintf("no cache of site %s backs up to site %s", r.primary.name, r.secondary.name), Where: r.primary.String(),
			Because: "the two are not the sites of one pair, or this is not the Infinispan that Keycloak uses",
			Next:    "check both contexts, and name the Infinispan with --infinispan",
		}
	}
	if err := errors.Join(append(found, guardKnownCaches(r.plan.Caches, r.opts))...); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		_, known := ours[name]
		planned := slices.ContainsFunc(r.plan.Caches, func(c CachePlan) bool { return c.RemoteName == name })
		if !known && !planned && len(theirs[name].Backups) > 0 {
			r.plan.LeftAlone[name] = fmt.Sprintf("only site %s has it", r.secondary.name)
		}
	}
	r.passed(GuardIdentity, "%d caches back up both ways: %s", len(r.plan.Caches), joined(cacheNames(r.plan.Caches)))
	return nil
}

// planCache finds the cache of the secondary that a cache of the primary backs up to; it must back up to the primary too.
func (r *run) planCache(name string, ours infinispan.CacheConfig, theirs map[string]infinispan.CacheConfig) (CachePlan, error) {
	remote := remoteName(theirs, r.primary.name, name)
	planned := CachePlan{Name: name, RemoteName: remote}
	there, exists := theirs[remote]
	if !exists {
		return planned, uneven(r.secondary, name, fmt.Sprintf("cache %s of site %s does not exist on site %s", name, r.primary.name, r.secondary.name))
	}
	back, backsUp := there.Backups[r.primary.name]
	if !backsUp {
		return planned, uneven(r.secondary, name, fmt.Sprintf("cache %s of site %s does not back up to site %s", remote, r.secondary.name, r.primary.name))
	}
	backup := ours.Backups[r.secondary.name]
	planned.Strategy, planned.Timeout, planned.ChunkSize = stricter(backup.Strategy, back.Strategy), max(back.Timeout, backup.Timeout), backup.ChunkSize
	planned.Bounded = ours.Bounded() || there.Bounded()
	return planned, errors.Join(r.checkStores(r.primary, name, ours), r.checkStores(r.secondary, name, there))
}

// guardSameCaches is the part of checks-first that holds while a run is under way: the caches of both sites are configured
// as they were when the plan was made.
func (r *run) guardSameCaches(ctx context.Context) error {
	return r.both(ctx, func(ctx context.Context, s *site) error {
		now, err := cacheConfigs(ctx, s)
		if err != nil {
			return err
		}
		for _, c := range r.plan.Caches {
			name := c.localName(s.role)
			if !reflect.DeepEqual(now[name], r.configs[s.role][name]) {
				return &Stop{
					Guard: GuardChecksFirst, Found: fmt.Sprintf("cache %s is not configured as it was when the plan was made", name), Where: s.String(),
					Because: "where its changes go, and when, was decided from that configuration",
					Next:    "find out who changes caches now, then run the same command again",
				}
			}
		}
		return nil
	})
}

// cacheConfigs reads the configuration of every cache of a site but Infinispan's own.
func cacheConfigs(ctx context.Context, s *site) (map[string]infinispan.CacheConfig, error) {
	node := s.relay().node
	names, err := node.CacheNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the caches of the %s: %w", s, err)
	}
	var mu sync.Mutex
	configs := map[string]infinispan.CacheConfig{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cachesAtOnce)
	for _, name := range names {
		if strings.HasPrefix(name, internalPrefix) || strings.HasPrefix(name, probePrefix) {
			continue
		}
		group.Go(func() error {
			config, err := node.CacheConfig(ctx, name)
			if err != nil {
				return fmt.Errorf("read the configuration of cache %s of the %s: %w", name, s, err)
			}
			mu.Lock()
			defer mu.Unlock()
			configs[name] = config
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return configs, nil
}

// remoteName finds the cache that takes the updates of the given site's cache: the one with a matching backup-for, else
// the one of the same name.
func remoteName(theirs map[string]infinispan.CacheConfig, site, name string) string {
	for _, candidate := range slices.Sorted(maps.Keys(theirs)) {
		if source := theirs[candidate].BackupFor; source != nil && *source == (infinispan.BackupFor{Site: site, Cache: name}) {
			return candidate
		}
	}
	return name
}

// guardNarrowing refuses a --cache that names no cache of the primary with a backup to the secondary.
func (r *run) guardNarrowing(ours map[string]infinispan.CacheConfig) error {
	var found []error
	for _, name := range r.opts.Caches {
		config, exists := ours[name]
		if _, backsUp := config.Backups[r.secondary.name]; exists && backsUp {
			continue
		}
		if err := r.guardCacheThere(name); err != nil {
			found = append(found, err)
			continue
		}
		found = append(found, &Stop{
			Guard: GuardChecksFirst, Found: fmt.Sprintf("there is no cache %q with a backup to site %s", name, r.secondary.name), Where: r.primary.String(),
			Because: "what was asked for cannot be done, and nothing else should be done instead",
			Next:    "leave --cache out to see the caches that take part",
		})
	}
	return errors.Join(found...)
}

// guardOneSource refuses a cache of the secondary that takes the updates of two caches of the primary, whether both of them
// are worked on or not.
func (r *run) guardOneSource(ours, theirs map[string]infinispan.CacheConfig) error {
	sources := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if _, backsUp := ours[name].Backups[r.secondary.name]; !backsUp {
			continue
		}
		remote := remoteName(theirs, r.primary.name, name)
		if other, taken := sources[remote]; taken {
			return &Stop{
				Guard: GuardChecksFirst, Where: r.secondary.String(),
				Found:   fmt.Sprintf("caches %s and %s of the primary both back up to cache %s", other, name, remote),
				Because: "one clear there would take the contents of both, and neither could be proved equal afterwards",
				Next:    "give each cache one of its own on the other site (backup-for), then run the same command again",
			}
		}
		sources[remote] = name
	}
	return nil
}

// checkStores refuses stores that both sites may share and warns of bounded caches, whose contents may differ.
func (r *run) checkStores(s *site, cache string, config infinispan.CacheConfig) error {
	for _, store := range config.Stores {
		if store.Shared || store.Remote {
			return &Stop{
				Guard: GuardChecksFirst, Found: fmt.Sprintf("cache %s has a shared or remote store (%s)", cache, store.Kind), Where: s.String(),
				Because: "a clear empties the store too; where the sites share it, the primary's data is lost with it",
				Next:    "synchronise this cache by hand, and leave it out here with --cache",
			}
		}
	}
	if config.Bounded() {
		r.warned(GuardTruthfulEnd, "cache %s of site %s is bounded: it may drop entries at any time, so the sites may never be equal", cache, s.name)
	}
	return nil
}

// guardKnownCaches is the part of the guard quiet that is about caches: what Keycloak does not know belongs to somebody
// else, and is cleared only when the user says so.
func guardKnownCaches(caches []CachePlan, opts Options) error {
	var strangers []string
	for _, c := range caches {
		if !slices.Contains(keycloakCaches(), c.Name) && !opts.AllCaches && !slices.Contains(opts.Caches, c.Name) {
			strangers = append(strangers, c.Name)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	return &Stop{
		Guard: GuardQuiet, Found: "caches that Keycloak does not know back up to the secondary too: " + joined(strangers),
		Because: "they belong to another application, whose data on the secondary would be discarded while it is using it",
		Next:    "add --all-caches to include them, or name the caches to recover with --cache",
	}
}

// uneven is the refusal for a cache that the two sites do not have alike (V57).
func uneven(s *site, cache, found string) error {
	return &Stop{
		Guard: GuardChecksFirst, Found: found, Where: fmt.Sprintf("cache %s of the %s", cache, s),
		Because: "a push to a cache that is missing reports OK with nothing sent, and takes the site offline by itself (V57)",
		Next:    "create the cache alike on both sites, then run the same command again",
	}
}

// stricter returns ASYNC when either direction is ASYNC: then changes may be queued, and must be waited out.
func stricter(a, b infinispan.Strategy) infinispan.Strategy {
	if a == infinispan.StrategyAsync || b == infinispan.StrategyAsync {
		return infinispan.StrategyAsync
	}
	return infinispan.StrategySync
}

// cacheNames returns the names of the caches, as the primary calls them.
func cacheNames(caches []CachePlan) []string {
	names := make([]string, 0, len(caches))
	for _, c := range caches {
		names = append(names, c.Name)
	}
	return names
}

// joined lists words as a sentence does.
func joined(words []string) string { return strings.Join(words, ", ") }
