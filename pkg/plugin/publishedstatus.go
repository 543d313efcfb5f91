package plugin

import (
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// statusObject publishes how both sites of a pair stand, and how to go on.
func statusObject(status xsite.PairStatus, pair *pairFlags, target *targetFlags) *api.Status {
	object := &api.Status{Header: api.NewHeader(api.KindStatus, pair.name()), StatusContent: statusContent(status, pair)}
	advice := statusAdvice{status, pairCommands{pair, target}}
	for i, finding := range status.Findings {
		object.Findings[i].Next = advice.next(finding)
	}
	return object
}

// statusContent publishes it as a part of something.
func statusContent(status xsite.PairStatus, pair *pairFlags) api.StatusContent {
	s := api.StatusContent{
		InSync:   len(status.Findings) == 0,
		Findings: []api.StatusFinding{}, Caches: []api.StatusCache{}, OpenRuns: runContents(status.Open), Fences: runContents(status.Fences),
		Primary:   statusSite(status.Primary, pair.primary.context()),
		Secondary: statusSite(status.Secondary, pair.secondary.context()),
	}
	for _, f := range status.Findings {
		s.Findings = append(s.Findings, api.StatusFinding{Kind: string(f.Kind), Site: string(f.Role), Message: f.Message})
	}
	for _, c := range status.Caches {
		one := api.StatusCache{Name: c.Name, Primary: statusBackup(c.Primary), Secondary: statusBackup(c.Secondary)}
		if drift, known := c.Drift(); known {
			one.Drift = &drift
		}
		s.Caches = append(s.Caches, one)
	}
	return s
}

// statusSite publishes one site.
func statusSite(site xsite.SiteStatus, kubeContext string) api.StatusSite {
	s := api.StatusSite{
		Context: kubeContext, Namespace: site.Place.Namespace, Infinispan: site.Place.Infinispan,
		Reachable: site.Reachable, Name: site.Name, OtherName: site.Peer, Version: site.Version, Health: string(site.Health),
		View: site.View, Servers: []api.StatusServer{}, Unknown: list(site.Unknown),
	}
	if !site.Reachable {
		s.Problem = site.Problem
	}
	if sees, known := site.SeesPeer(); known {
		s.SeesOther = &sees
	}
	for _, server := range site.Servers {
		s.Servers = append(s.Servers, api.StatusServer{
			Pod: server.Pod, Ready: server.Ready, Restarts: server.Restarts, Version: server.Version, Relay: server.Relay, Problem: server.Problem,
		})
	}
	if site.KeycloakKnown {
		s.Keycloaks = []api.Keycloak{}
		for _, k := range site.Keycloaks {
			s.Keycloaks = append(s.Keycloaks, keycloak(k))
		}
	}
	if l := site.Lease; l != nil {
		s.Lease = &api.Lease{RunID: l.Run, Who: l.Who, Role: string(l.Role), Since: l.Since.UTC(), Renewed: l.Renewed.UTC()}
	}
	return s
}

// statusBackup publishes a cache at one site.
func statusBackup(b xsite.BackupStatus) api.StatusBackup {
	s := api.StatusBackup{
		Cache: b.Cache, Missing: b.Missing, NoBackup: b.NoBackup, Strategy: string(b.Strategy), OtherSite: string(b.Flag),
		Mode: string(b.Mode), Push: string(b.Push), Entries: b.Entries,
	}
	for pod, flag := range b.ByPod {
		if s.ByPod == nil {
			s.ByPod = map[string]string{}
		}
		s.ByPod[pod] = string(flag)
	}
	return s
}

// runContents publishes runs.
func runContents(runs []xsite.PastRun) []api.RunContent {
	contents := []api.RunContent{}
	for _, run := range runs {
		contents = append(contents, runContent(run))
	}
	return contents
}
