package xsite

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// StatusOptions say which pair is looked at.
type StatusOptions struct {
	// PrimaryCluster and SecondaryCluster are the two sites; nil for one that could not be connected to.
	PrimaryCluster, SecondaryCluster Cluster
	// Unconnected says why, by role.
	Unconnected map[Role]error
	// Caches narrows the look to these caches of the primary; empty means all that back up to the other site.
	Caches []string
	// Limit bounds the whole look; 0 = 20 s. What was not answered by then is unknown.
	Limit time.Duration
	// Tolerance is how many entries the numbers of both sites may differ by, for a number of entries; nil is
	// DefaultTolerance.
	Tolerance func(entries int64) int64
}

// statusLimit is the default of StatusOptions.Limit.
const statusLimit = 20 * time.Second

// DefaultTolerance is one in a hundred, and at least ten: sites in use differ by what is under way (V48) and by entries that
// expire on one before the other (V61).
func DefaultTolerance(entries int64) int64 { return max(entries/100, 10) }

// PairStatus is how both sites stand. What could not be read is unknown and never guessed.
type PairStatus struct {
	Primary, Secondary SiteStatus
	// Caches are those that back up to the other site from either side, sorted by name.
	Caches []CacheStatus
	// Open are the runs that did not finish, Fences the fences that no recovery or lift has ended; newest first.
	Open, Fences []PastRun
	// Findings say why the sites are not known to be in sync; none means that they are, as far as sizes and flags tell.
	Findings []Finding
}

// SiteStatus is how one site stands.
type SiteStatus struct {
	Role  Role
	Place Place
	// Reachable is false when no server of it answered; Problem says why.
	Reachable bool
	Problem   string
	// Name and Version are what its servers say; empty when unknown. Servers of several versions are joined by commas.
	Name, Version string
	// Peer is the name of the other site: as that says itself, else the only one that caches of this site back up to.
	Peer string
	// Servers are the Infinispan pods, sorted by name.
	Servers []ServerStatus
	// Health is that of the cluster; empty when unknown.
	Health infinispan.HealthStatus
	// View are the sites that its relay node sees, itself among them; nil when unknown (V50).
	View []string
	// Keycloaks are those of the site; KeycloakKnown is false when they could not be read.
	Keycloaks     []Keycloak
	KeycloakKnown bool
	// Lease is who holds the site's lease; nil when nobody does. LeaseKnown is false when it could not be read.
	Lease      *LeaseRecord
	LeaseKnown bool
	// CachesKnown is false when the caches could not be listed.
	CachesKnown bool
	// JournalsKnown is false when the records of runs could not be read.
	JournalsKnown bool
	// Unknown says what could not be read, and why.
	Unknown []string
}

// SeesPeer tells whether the site sees the other one; known is false when it does not say.
func (s SiteStatus) SeesPeer() (sees, known bool) {
	return slices.Contains(s.View, s.Peer), len(s.View) > 0 && s.Peer != ""
}

// ServerStatus is one Infinispan server.
type ServerStatus struct {
	Pod      string
	Ready    bool
	Restarts int32
	// Version and Relay are what it says; Problem says why it says nothing.
	Version string
	Relay   bool
	Problem string
}

// CacheStatus is one cache at both sites.
type CacheStatus struct {
	// Name is that on the primary.
	Name               string
	Primary, Secondary BackupStatus
}

// Drift is how many entries more the secondary holds; known is false when a number is not known.
func (c CacheStatus) Drift() (drift int64, known bool) {
	if c.Primary.Entries == nil || c.Secondary.Entries == nil {
		return 0, false
	}
	return *c.Secondary.Entries - *c.Primary.Entries, true
}

// FlagMixed is the flag of a site whose servers disagree.
const FlagMixed infinispan.Flag = "mixed"

// BackupStatus is a cache at one site, with its backup to the other. A field that is empty or nil is unknown.
type BackupStatus struct {
	// Cache is its name at this site.
	Cache string
	// Missing says that the site has no such cache, NoBackup that it has, and does not back up to the other site.
	Missing, NoBackup bool
	Strategy          infinispan.Strategy
	// Flag is the mark of the other site: online, offline or mixed; ByPod has that of each pod when they differ.
	Flag  infinispan.Flag
	ByPod map[string]infinispan.Flag
	Mode  infinispan.Mode
	// Push is the state of the push from this site to the other.
	Push    infinispan.PushStatus
	Entries *int64
}

// Status looks at both sites at the same time. It reads only, and never fails: what cannot be read is told as unknown.
//
// For each site it asks each server once who it is and once for each cache for its flag; its relay node for health and
// caches, and for each cache for configuration, mode, push state and size; Kubernetes for pods, Keycloaks, records and lease.
func Status(ctx context.Context, options StatusOptions) PairStatus {
	limit := options.Limit
	if limit == 0 {
		limit = statusLimit
	}
	if options.Tolerance == nil {
		options.Tolerance = DefaultTolerance
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p := newLook(Primary, options.PrimaryCluster, options.Unconnected[Primary])
	s := newLook(Secondary, options.SecondaryCluster, options.Unconnected[Secondary])
	atOnce(func() { p.around(ctx) }, func() { s.around(ctx) })
	p.status.Peer, s.status.Peer = p.peerName(s), s.peerName(p)
	status := PairStatus{Caches: pairCaches(p, s, options.Caches)}
	atOnce(
		func() { p.caches(ctx, status.Caches, func(c *CacheStatus) *BackupStatus { return &c.Primary }) },
		func() { s.caches(ctx, status.Caches, func(c *CacheStatus) *BackupStatus { return &c.Secondary }) },
	)
	status.Primary, status.Secondary = p.done(), s.done()
	status.Open, status.Fences = openRuns(p, s)
	status.judge(options.Tolerance)
	return status
}

// atOnce does things at the same time.
func atOnce(things ...func()) {
	var all sync.WaitGroup
	for _, thing := range things {
		all.Go(thing)
	}
	all.Wait()
}

// pairCaches lists the caches that back up to the other site from either side.
func pairCaches(p, s *siteLook, only []string) []CacheStatus {
	found := map[string]CacheStatus{}
	for name, config := range p.configs {
		if _, backsUp := config.Backups[p.status.Peer]; backsUp {
			found[name] = CacheStatus{Name: name, Primary: BackupStatus{Cache: name}, Secondary: BackupStatus{Cache: remoteName(s.configs, s.status.Peer, name)}}
		}
	}
	taken := map[string]bool{}
	for _, c := range found {
		taken[c.Secondary.Cache] = true
	}
	for remote, config := range s.configs {
		if _, backsUp := config.Backups[s.status.Peer]; !backsUp || taken[remote] {
			continue
		}
		name := remote
		if source := config.BackupFor; source != nil && source.Site == s.status.Peer {
			name = source.Cache
		}
		found[name] = CacheStatus{Name: name, Primary: BackupStatus{Cache: name}, Secondary: BackupStatus{Cache: remote}}
	}
	var caches []CacheStatus
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if len(only) == 0 || slices.Contains(only, name) {
			caches = append(caches, found[name])
		}
	}
	return caches
}

// openRuns gives the unfinished runs and the fences of both sites' records.
func openRuns(p, s *siteLook) (open, fences []PastRun) {
	for _, run := range pastRuns(p.records(), s.records()) {
		switch run.Closed {
		case closedFence:
			fences = append(fences, run)
		case "":
			open = append(open, run)
		}
	}
	return open, fences
}
