package xsite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// FindingKind says why two sites are not known to be in sync.
type FindingKind string

// The kinds of findings.
const (
	// FindingUnreachable: no server of a site answers.
	FindingUnreachable FindingKind = "unreachable"
	// FindingUnknown: something that decides could not be read.
	FindingUnknown FindingKind = "unknown"
	// FindingServers: a server is not ready or does not answer.
	FindingServers FindingKind = "servers"
	// FindingHealth: a cluster is not healthy.
	FindingHealth FindingKind = "health"
	// FindingView: a site does not see the other.
	FindingView FindingKind = "view"
	// FindingCaches: a cache does not exist on both sites or does not back up both ways.
	FindingCaches FindingKind = "caches"
	// FindingOffline: a site holds the other offline.
	FindingOffline FindingKind = "offline"
	// FindingPush: a push runs, or the last one did not end well.
	FindingPush FindingKind = "push"
	// FindingDrift: the numbers of entries differ.
	FindingDrift FindingKind = "drift"
	// FindingRun: a run is at work, or did not finish.
	FindingRun FindingKind = "run"
)

// Finding is one reason why the sites are not known to be in sync.
type Finding struct {
	Kind FindingKind
	// Role is the site it was found on; empty when it concerns both.
	Role    Role
	Message string
	// Run is the id of the unfinished run that it is about; empty for every other finding.
	Run string
}

// judge finds what keeps the sites from being in sync.
func (p *PairStatus) judge(tolerance func(int64) int64) {
	for _, one := range []struct {
		site   SiteStatus
		backup func(CacheStatus) BackupStatus
	}{
		{p.Primary, func(c CacheStatus) BackupStatus { return c.Primary }},
		{p.Secondary, func(c CacheStatus) BackupStatus { return c.Secondary }},
	} {
		found := func(kind FindingKind, format string, args ...any) {
			p.Findings = append(p.Findings, Finding{Kind: kind, Role: one.site.Role, Message: fmt.Sprintf(format, args...)})
		}
		if !one.site.Reachable {
			found(FindingUnreachable, "the %s cannot be looked at: %s", one.site.Role, one.site.Problem)
			continue
		}
		judgeSite(one.site, found)
		judgeBackups(p.Caches, one.site, one.backup, found)
	}
	p.judgePair(tolerance)
}

// judgeSite judges servers, health and view of one site.
func judgeSite(s SiteStatus, found func(FindingKind, string, ...any)) {
	name := nameOf(s)
	for _, server := range s.Servers {
		switch {
		case server.Problem != "":
			found(FindingServers, "%s: pod %s does not answer", name, server.Pod)
		case !server.Ready:
			found(FindingServers, "%s: pod %s is not ready", name, server.Pod)
		}
	}
	switch s.Health {
	case infinispan.HealthHealthy, infinispan.HealthRebalancing:
	case "":
		found(FindingUnknown, "%s: its health could not be read", name)
	default:
		found(FindingHealth, "%s: its health is %s", name, s.Health)
	}
	switch sees, known := s.SeesPeer(); {
	case !known:
		found(FindingUnknown, "%s does not say whether it sees the other site", name)
	case !sees:
		found(FindingView, "%s does not see %s", name, s.Peer)
	}
	if !s.CachesKnown {
		found(FindingUnknown, "%s: its caches could not be read", name)
	}
	if !s.JournalsKnown || !s.LeaseKnown {
		found(FindingUnknown, "%s: whether a run is open could not be read", name)
	}
	if s.Lease != nil {
		found(FindingRun, "%s: run %s of %s holds the lease", name, s.Lease.Run, s.Lease.Who)
	}
}

// judgeBackups judges the caches of one site, each finding once for all of them.
func judgeBackups(caches []CacheStatus, s SiteStatus, side func(CacheStatus) BackupStatus, found func(FindingKind, string, ...any)) {
	names := map[string][]string{}
	for _, c := range caches {
		b := side(c)
		switch {
		case b.Missing:
			names["missing"] = append(names["missing"], b.Cache)
			continue
		case b.NoBackup:
			names["no backup"] = append(names["no backup"], b.Cache)
			continue
		}
		names[string(b.Flag)] = append(names[string(b.Flag)], b.Cache)
		names["push "+string(b.Push)] = append(names["push "+string(b.Push)], b.Cache)
	}
	for _, one := range []struct {
		key  string
		kind FindingKind
		text string
	}{
		{"missing", FindingCaches, "%[1]s has no cache %[3]s"},
		{"no backup", FindingCaches, "%[1]s does not back up to %[2]s: %[3]s"},
		{string(infinispan.FlagOffline), FindingOffline, "%[1]s holds %[2]s offline for %[3]s"},
		{string(FlagMixed), FindingOffline, "%[1]s holds %[2]s offline on some servers for %[3]s"},
		{"", FindingUnknown, "%[1]s: whether %[2]s is online could not be read for %[3]s"},
		{"push " + string(infinispan.PushSending), FindingPush, "%[1]s: a push to %[2]s runs or is stuck for %[3]s"},
		{"push " + string(infinispan.PushError), FindingPush, "%[1]s: the last push to %[2]s failed for %[3]s"},
		{"push " + string(infinispan.PushCanceled), FindingPush, "%[1]s: the last push to %[2]s was cancelled for %[3]s"},
		{"push ", FindingUnknown, "%[1]s: the state of pushes to %[2]s could not be read for %[3]s"},
	} {
		if list := names[one.key]; len(list) > 0 {
			found(one.kind, one.text, nameOf(s), s.Peer, some(list))
		}
	}
}

// judgePair judges what concerns both sites.
func (p *PairStatus) judgePair(tolerance func(int64) int64) {
	found := func(kind FindingKind, format string, args ...any) {
		p.Findings = append(p.Findings, Finding{Kind: kind, Message: fmt.Sprintf(format, args...)})
	}
	var drifting, uncounted []string
	for _, c := range p.Caches {
		drift, known := c.Drift()
		switch {
		case c.Primary.Missing || c.Secondary.Missing:
		case !known:
			uncounted = append(uncounted, c.Name)
		case max(drift, -drift) > tolerance(max(*c.Primary.Entries, *c.Secondary.Entries)):
			drifting = append(drifting, c.Name)
		}
	}
	if len(drifting) > 0 {
		found(FindingDrift, "the numbers of entries differ for %s", some(drifting))
	}
	if len(uncounted) > 0 && p.Primary.Reachable && p.Secondary.Reachable {
		found(FindingUnknown, "the numbers of entries could not be read for %s", some(uncounted))
	}
	if len(p.Caches) == 0 && p.Primary.CachesKnown && p.Secondary.CachesKnown {
		found(FindingCaches, "no cache backs up from one site to the other")
	}
	for _, run := range p.Open {
		message := fmt.Sprintf("run %s of %s did not finish; it came to %s", run.RunID, run.Who, run.Phase)
		if run.Unreadable != "" {
			message = fmt.Sprintf("the record of run %s cannot be read", run.RunID)
		}
		p.Findings = append(p.Findings, Finding{Kind: FindingRun, Message: message, Run: run.RunID})
	}
}

// nameOf names a site for findings.
func nameOf(s SiteStatus) string {
	if s.Name == "" {
		return "the " + string(s.Role)
	}
	return s.Name
}

// some names a few of a list, and how many there are.
func some(names []string) string {
	const few = 3
	names = slices.Sorted(slices.Values(names))
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%d caches (%s, ...)", len(names), strings.Join(names[:few], ", "))
}
