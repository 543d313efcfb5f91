package xsite

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// SiteVersions are the versions of one site's Infinispan servers, and of the tools whose runs did not finish there.
type SiteVersions struct {
	// Infinispan are the versions of its servers, sorted, each once.
	Infinispan []string
	// OpenRuns are the tools that began unfinished runs, sorted, each once.
	OpenRuns []string
	// Err joins what could not be asked.
	Err error
}

// Versions asks a site's servers and records for versions. It changes nothing.
func Versions(ctx context.Context, cluster Cluster) SiteVersions {
	var found SiteVersions
	s := newSite(Primary, cluster)
	s.role = "site" // it stands for either
	versions, tools := map[string]bool{}, map[string]bool{}
	surveyed := s.survey(ctx)
	for _, m := range s.members {
		versions[m.info.Version] = true
	}
	stored, read := cluster.Journals(ctx)
	for _, run := range pastRuns(siteRecords{s.place.Context, stored}) {
		if run.Closed == "" && run.Tool != "" {
			tools[run.Tool] = true
		}
	}
	found.Infinispan, found.OpenRuns = slices.Sorted(maps.Keys(versions)), slices.Sorted(maps.Keys(tools))
	found.Err = errors.Join(surveyed, read)
	return found
}
