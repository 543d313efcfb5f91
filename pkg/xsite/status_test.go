package xsite_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// inSync gives site-b what site-a holds.
func (p *pair) inSync() *pair {
	for name, c := range p.a.caches {
		clear(p.b.caches[name].entries)
		maps.Copy(p.b.caches[name].entries, c.entries)
	}
	return p
}

// status looks at both sites.
func (p *pair) status(t *testing.T, changes ...func(*xsite.StatusOptions)) xsite.PairStatus {
	t.Helper()
	proc := &process{pair: p}
	options := xsite.StatusOptions{
		PrimaryCluster: seat{p.a, proc}, SecondaryCluster: seat{p.b, proc},
		Tolerance: func(int64) int64 { return 0 },
	}
	for _, change := range changes {
		change(&options)
	}
	return xsite.Status(t.Context(), options)
}

// kinds lists the kinds of findings.
func kinds(s xsite.PairStatus) string {
	var kinds []string
	for _, f := range s.Findings {
		kinds = append(kinds, string(f.Kind))
	}
	return strings.Join(slices.Compact(kinds), " ")
}

func TestSitesThatHoldTheSameAreInSync(t *testing.T) {
	p := newPair(t).inSync()
	s := p.status(t)
	if len(s.Findings) > 0 || len(s.Caches) != 3 || len(s.Primary.Unknown)+len(s.Secondary.Unknown) > 0 {
		t.Fatalf("findings %v, %d caches, unknown %v %v", s.Findings, len(s.Caches), s.Primary.Unknown, s.Secondary.Unknown)
	}
	if s.Primary.Name != siteA || s.Secondary.Name != siteB || !s.Primary.KeycloakKnown || s.Primary.Keycloaks[0].ReadyPods != 2 {
		t.Errorf("got %+v", s.Primary)
	}
	c := s.Caches[1]
	if drift, known := c.Drift(); c.Name != "sessions" || *c.Primary.Entries != 24 || drift != 0 || !known ||
		c.Secondary.Flag != infinispan.FlagOnline || c.Primary.Push != infinispan.PushIdle || c.Primary.Strategy == "" || c.Secondary.Mode == "" {
		t.Errorf("got %+v", c)
	}
}

func TestAStatusReadsOnlyAndAsksFewQuestions(t *testing.T) {
	p := newPair(t)
	p.status(t)
	if changed := p.changed(); len(changed) > 0 {
		t.Errorf("a look changed: %v", changed)
	}
	// For each site: 4 of Kubernetes, 2 connections, and of Infinispan 2 servers, health, the list of caches, and for
	// each of 3 caches configuration, size, mode, push state and 2 flags. One cache of Infinispan's own is left out.
	if want := 2 * (4 + 2 + 2 + 1 + 1 + 3*6); len(p.calls) != want {
		t.Errorf("%d calls, want %d", len(p.calls), want)
	}
}

func TestEveryReasonNotToBeInSyncIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		want    string
		arrange func(p *pair)
	}{
		"drift":              {"drift", func(p *pair) { delete(p.b.caches["work"].entries, "work-00") }},
		"offline on primary": {"offline", func(p *pair) { p.a.caches["work"].setFlag(infinispan.FlagOffline) }},
		"one server differs": {"offline", func(p *pair) { p.b.caches["work"].flags[1] = infinispan.FlagOffline }},
		"a push is stuck":    {"push", func(p *pair) { p.a.caches["work"].status[0] = infinispan.PushSending }},
		"a push failed":      {"push", func(p *pair) { p.a.caches["work"].status[1] = infinispan.PushError }},
		"the link is down":   {"view", func(p *pair) { p.link = linkDown }},
		"degraded":           {"health", func(p *pair) { p.b.health = infinispan.HealthDegraded }},
		"a pod is not ready": {"servers", func(p *pair) { p.b.servers[1].ready = false }},
		"a cache is missing": {"caches", func(p *pair) { delete(p.b.caches, "work") }},
		"one way only":       {"caches", func(p *pair) { clear(p.b.caches["work"].config.Backups) }},
		"a lease is held": {"run", func(p *pair) {
			p.b.lease = xsite.LeaseRecord{Version: "1", Holder: "x", Run: "7f3a", Who: "kim@desk"}
		}},
		"a server is silent": {"servers unknown", func(p *pair) {
			p.before(occasion{site: siteB, method: "Info", nth: 1}, func() error { return errFake })
		}},
		"flags cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "NodeFlags", always: true}, func() error { return errFake })
		}},
		"sizes cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "Size", always: true}, func() error { return errFake })
		}},
		"pushes cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "PushStatus", always: true}, func() error { return errFake })
		}},
		"records cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "Journals", always: true}, func() error { return errFake })
		}},
		"the lease cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "Lease", always: true}, func() error { return errFake })
		}},
		"health cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "Health", always: true}, func() error { return errFake })
		}},
		"caches cannot be read": {"unknown", func(p *pair) {
			p.before(occasion{site: siteA, method: "CacheNames", always: true}, func() error { return errFake })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t).inSync()
			c.arrange(p)
			if s := p.status(t); kinds(s) != c.want {
				t.Errorf("found %q, want %q: %v", kinds(s), c.want, s.Findings)
			}
		})
	}
}

func TestKeycloakThatMayNotBeReadIsUnknownAndNoReasonToBeOutOfSync(t *testing.T) {
	p := newPair(t).inSync()
	p.before(occasion{site: siteB, method: "Keycloaks", always: true}, func() error { return errors.New("not allowed") })
	s := p.status(t)
	if s.Secondary.KeycloakKnown || !s.Primary.KeycloakKnown || len(s.Findings) > 0 || !slices.Contains(s.Secondary.Unknown, "Keycloak: not allowed") {
		t.Errorf("findings %v, unknown %v", s.Findings, s.Secondary.Unknown)
	}
}

func TestServersThatDisagreeAreShownOneByOne(t *testing.T) {
	p := newPair(t).inSync()
	p.a.caches["work"].flags[1] = infinispan.FlagOffline
	b := p.status(t).Caches[2].Primary
	if b.Flag != xsite.FlagMixed || b.ByPod["infinispan-0"] != infinispan.FlagOnline || b.ByPod["infinispan-1"] != infinispan.FlagOffline {
		t.Errorf("got %+v", b)
	}
}

func TestOneSiteThatCannotBeReachedLeavesTheOtherToBeShown(t *testing.T) {
	for name, change := range map[string]func(*pair, *xsite.StatusOptions){
		"no connection": func(_ *pair, o *xsite.StatusOptions) {
			o.SecondaryCluster, o.Unconnected = nil, map[xsite.Role]error{xsite.Secondary: errors.New("no route")}
		},
		"nothing answers": func(p *pair, _ *xsite.StatusOptions) { p.away[siteB] = p.now.Add(forever) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			s := p.status(t, func(o *xsite.StatusOptions) { change(p, o) })
			if s.Secondary.Reachable || s.Secondary.Problem == "" || !s.Primary.Reachable || len(s.Caches) != 3 {
				t.Fatalf("got %+v", s)
			}
			if c := s.Caches[0]; c.Primary.Flag != infinispan.FlagOnline || c.Primary.Entries == nil || c.Secondary.Entries != nil || c.Secondary.Flag != "" {
				t.Errorf("got %+v", c)
			}
			if kinds(s) != "unreachable" {
				t.Errorf("found %v", s.Findings)
			}
		})
	}
}

func TestALookEndsInTimeWithWhatItHas(t *testing.T) {
	p := newPair(t).inSync()
	p.before(occasion{site: siteB, method: "Health", always: true}, func() error { return context.DeadlineExceeded })
	s := p.status(t)
	if s.Secondary.Health != "" || len(s.Caches) != 3 || s.Caches[0].Secondary.Entries == nil {
		t.Errorf("got %+v", s)
	}
}

func TestAnUnfinishedRunAndAFenceAreShown(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteB, method: "Clear", cache: "sessions"}, func() error { return errFake })
	if _, err := p.recover(t); err == nil {
		t.Fatal("the run succeeded")
	}
	s := p.status(t)
	if len(s.Open) != 1 || s.Open[0].Who != "operator@laptop" || !strings.Contains(kinds(s), "run") {
		t.Errorf("open %+v, found %v", s.Open, s.Findings)
	}
	about := func(f xsite.Finding) bool { return f.Run == s.Open[0].RunID }
	if found := slices.IndexFunc(s.Findings, about); found < 0 || s.Findings[found].Kind != xsite.FindingRun {
		t.Errorf("no finding says which run it is about: %+v", s.Findings)
	}

	p = newPair(t)
	p.link = linkDown
	if _, err := p.fence(t, false); err != nil {
		t.Fatal(err)
	}
	s = p.status(t)
	if len(s.Fences) != 1 || len(s.Open) != 0 || !strings.Contains(kinds(s), "offline") {
		t.Errorf("fences %+v, open %+v, found %v", s.Fences, s.Open, s.Findings)
	}
}

func TestCachesAreNarrowedAndPairedByTheirNamesOnBothSites(t *testing.T) {
	p := newPair(t).inSync()
	p.b.caches["work-b"] = p.b.caches["work"]
	delete(p.b.caches, "work")
	p.b.caches["work-b"].config.BackupFor = &infinispan.BackupFor{Site: siteA, Cache: "work"}
	s := p.status(t, func(o *xsite.StatusOptions) { o.Caches = []string{"work"} })
	if len(s.Caches) != 1 || s.Caches[0].Secondary.Cache != "work-b" || s.Caches[0].Secondary.Entries == nil || len(s.Findings) > 0 {
		t.Errorf("got %+v, found %v", s.Caches, s.Findings)
	}
}
