package xsite_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// diff compares the contents of both sites.
func (p *pair) diff(t *testing.T, changes ...func(*xsite.DiffOptions)) (xsite.DiffReport, error) {
	t.Helper()
	proc := &process{pair: p}
	o := xsite.DiffOptions{Options: xsite.Options{PrimaryCluster: seat{p.a, proc}, SecondaryCluster: seat{p.b, proc}, Clock: proc}}
	for _, change := range changes {
		change(&o)
	}
	return xsite.Diff(t.Context(), o)
}

func TestADiffCountsWhatDiffersAndReadsOnly(t *testing.T) {
	p := newPair(t)
	report, err := p.diff(t, func(o *xsite.DiffOptions) { o.Values, o.Show = true, 2 })
	if err != nil {
		t.Fatal(err)
	}
	if report.Equal() || report.Primary != siteA || report.Secondary != siteB || len(report.Caches) != 3 {
		t.Fatalf("got %+v", report)
	}
	// Of 24 sessions every third is missing on site-b, the others are stale, and three are only there.
	if found := report.Caches[1].Found; found.MissingOnSecondary != 8 || found.ExtraOnSecondary != 3 || found.Different != 16 || len(found.Shown) != 6 {
		t.Errorf("got %+v", found)
	}
	if changed := p.changed(); len(changed) > 0 {
		t.Errorf("a comparison changed: %v", changed)
	}
	keys, err := p.diff(t, func(o *xsite.DiffOptions) { o.Caches = []string{"work"} })
	if err != nil || len(keys.Caches) != 1 || keys.Caches[0].Found.Different != 0 || keys.Caches[0].Found.Shown != nil {
		t.Errorf("%v: %+v", err, keys)
	}
	if report, err = p.inSync().diff(t); err != nil || !report.Equal() {
		t.Errorf("%v: equal sites differ: %+v", err, report)
	}
}

func TestADiffThatCannotBeMadeSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(p *pair)
		caches  []string
		guard   xsite.Guard
	}{
		"a cache on one site only":       {arrange: func(p *pair) { delete(p.b.caches, "work") }, guard: xsite.GuardIdentity},
		"a cache that does not exist":    {arrange: func(*pair) {}, caches: []string{"nothing"}, guard: xsite.GuardChecksFirst},
		"two sites that are not a pair":  {arrange: func(p *pair) { clear(p.a.caches); clear(p.b.caches) }, guard: xsite.GuardIdentity},
		"no cross-site replication":      {arrange: func(p *pair) { p.b.servers[0].localSite = "local" }, guard: xsite.GuardIdentity},
		"a server that does not answer":  {arrange: func(p *pair) { p.before(occasion{site: siteB, method: "Info"}, func() error { return errFake }) }},
		"a listing that breaks off":      {arrange: func(p *pair) { p.before(occasion{site: siteB, method: "Keys"}, func() error { return errFake }) }},
		"a site that cannot be reached":  {arrange: func(p *pair) { p.away[siteA] = p.now.Add(forever) }},
		"caches that cannot be read":     {arrange: func(p *pair) { p.before(occasion{site: siteB, method: "CacheNames"}, func() error { return errFake }) }},
		"caches of the other unreadable": {arrange: func(p *pair) { p.before(occasion{site: siteA, method: "CacheNames"}, func() error { return errFake }) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.arrange(p)
			_, err := p.diff(t, func(o *xsite.DiffOptions) { o.Caches = c.caches })
			var run *xsite.RunError
			if !errors.As(err, &run) || run.Outcome != xsite.Refused || run.Phase != xsite.PhaseDiff {
				t.Fatalf("got %v", err)
			}
			if guard, _ := xsite.StoppedBy(err); guard != c.guard {
				t.Errorf("stopped by %q, want %q: %v", guard, c.guard, err)
			}
		})
	}
}

func TestADiffPairsCachesByTheirNamesOnBothSites(t *testing.T) {
	p := newPair(t).inSync()
	p.b.caches["work-b"] = p.b.caches["work"]
	delete(p.b.caches, "work")
	p.b.caches["work-b"].config.BackupFor = &infinispan.BackupFor{Site: siteA, Cache: "work"}
	report, err := p.diff(t)
	if err != nil || !report.Equal() || !slices.ContainsFunc(report.Caches, func(c xsite.CacheDiff) bool { return c.RemoteName == "work-b" }) {
		t.Errorf("%v: %+v", err, report)
	}
}
