package xsite_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// refusal is a pair that no run may touch, and the guard that says so.
type refusal struct {
	guard   xsite.Guard
	prepare func(p *pair)
	options func(o *xsite.Options)
	// words is what the refusal must say, where several refusals of one guard are near.
	words string
}

// refusals lists what preflight refuses, by what would happen otherwise.
func refusals() map[string]refusal {
	return map[string]refusal{
		"both contexts lead to the same Infinispan": {xsite.GuardIdentity, func(p *pair) { p.b.uid = p.a.uid }, nil, "the same Infinispan"},
		"both sites have the same name": {xsite.GuardIdentity, func(p *pair) {
			for _, s := range p.b.servers {
				s.localSite = siteA
			}
		}, nil, "both Infinispans say"},
		"a site without cross-site replication": {xsite.GuardIdentity, func(p *pair) {
			for _, s := range p.b.servers {
				s.localSite = "local"
			}
		}, nil, "no cross-site replication"},
		"servers of a site that belong to two": {xsite.GuardIdentity, func(p *pair) { p.b.servers[1].localSite = "site-c" }, nil, ""},
		"a site without servers":               {xsite.GuardIdentity, func(p *pair) { p.b.servers = nil }, nil, ""},
		"sites that do not back up to each other": {xsite.GuardIdentity, func(p *pair) {
			for _, c := range p.a.caches {
				clear(c.config.Backups)
			}
		}, nil, ""},
		"a permission is denied": {xsite.GuardChecksFirst, func(p *pair) {
			p.b.access = append(p.b.access, xsite.Access{Verb: "patch", Resource: "keycloaks/scale", Required: true, Reason: "no"})
		}, nil, ""},
		"a pod is not ready":             {xsite.GuardChecksFirst, func(p *pair) { p.b.servers[1].ready = false }, nil, ""},
		"a server that stops":            {xsite.GuardChecksFirst, func(p *pair) { p.b.servers[1].state = infinispan.ContainerStopping }, nil, "infinispan-1 is STOPPING"},
		"a rebalance":                    {xsite.GuardChecksFirst, func(p *pair) { p.a.health = infinispan.HealthRebalancing }, nil, ""},
		"a split cluster":                {xsite.GuardChecksFirst, func(p *pair) { p.b.health = infinispan.HealthDegraded }, nil, ""},
		"a cache is missing at the peer": {xsite.GuardChecksFirst, func(p *pair) { delete(p.b.caches, "work") }, nil, "does not exist"},
		"a cache has no way back":        {xsite.GuardChecksFirst, func(p *pair) { clear(p.b.caches["work"].config.Backups) }, nil, ""},
		"two caches that become one at the secondary": {xsite.GuardChecksFirst, func(p *pair) {
			p.addCache("sessionsOfA", 5)
			p.b.caches["sessionsOfA"].config.BackupFor = &infinispan.BackupFor{Site: siteA, Cache: "sessions"}
		}, func(o *xsite.Options) { o.AllCaches = true }, "both back up to cache sessionsOfA"},
		"two caches that become one, of which one is asked for": {xsite.GuardChecksFirst, func(p *pair) {
			p.addCache("sessionsOfA", 5)
			p.b.caches["sessionsOfA"].config.BackupFor = &infinispan.BackupFor{Site: siteA, Cache: "sessions"}
		}, func(o *xsite.Options) { o.Caches = []string{"sessions"} }, "both back up to cache sessionsOfA"},
		"a shared store": {xsite.GuardChecksFirst, func(p *pair) {
			p.b.caches["work"].config.Stores = []infinispan.StoreConfig{{Kind: "jdbc-store", Shared: true}}
		}, nil, ""},
		"a remote store on the primary": {xsite.GuardChecksFirst, func(p *pair) {
			p.a.caches["work"].config.Stores = []infinispan.StoreConfig{{Kind: "remote-store", Remote: true}}
		}, nil, ""},
		"a cache is asked for that does not take part": {xsite.GuardChecksFirst, func(*pair) {}, func(o *xsite.Options) { o.Caches = []string{"works"} }, ""},
		"a cache of another application":               {xsite.GuardQuiet, func(p *pair) { p.addCache("orders", 5) }, nil, ""},
		"neither site sees the other":                  {xsite.GuardReachable, func(p *pair) { p.link = linkDown }, nil, ""},
		"the primary does not see the secondary":       {xsite.GuardReachable, func(p *pair) { p.a.blind = true }, nil, "site site-a does not see site site-b"},
		"the secondary does not see the primary":       {xsite.GuardReachable, func(p *pair) { p.b.blind = true }, nil, "site site-b does not see site site-a"},
		"the secondary pushes to the primary": {xsite.GuardOneSender, func(p *pair) {
			p.b.caches["work"].status[1] = infinispan.PushSending
		}, nil, ""},
		"the primary pushes already": {xsite.GuardOneSender, func(p *pair) { p.a.caches["work"].status[1] = infinispan.PushSending }, nil, ""},
		"the primary pushes to a third site": {xsite.GuardOneSender, func(p *pair) {
			p.a.caches["work"].config.Backups["site-c"] = p.a.caches["work"].config.Backups[siteB]
			p.a.caches["work"].status[1] = infinispan.PushSending
		}, func(o *xsite.Options) { o.CancelStalePush = false }, ""},
		"Keycloak is at 0 and nobody recorded how many it was": {xsite.GuardRecorded, func(p *pair) { p.b.keycloaks[0].instances, p.b.keycloaks[0].pods = 0, nil }, nil, ""},
		"a journal that cannot be read":                        {xsite.GuardRecorded, func(p *pair) { p.b.journals = []*stored{{id: "x", version: 1, record: []byte("?")}} }, nil, ""},
		"a journal of a later version":                         {xsite.GuardRecorded, func(p *pair) { p.a.journals = []*stored{{id: "x", version: 1, record: []byte(`{"schema":99}`)}} }, nil, ""},
		"no Keycloak is found":                                 {xsite.GuardStopped, func(p *pair) { p.b.keycloaks = nil }, nil, ""},
		"Keycloak of the primary serves nobody":                {xsite.GuardDirection, func(p *pair) { p.a.keycloaks[0].instances, p.a.keycloaks[0].pods = 0, nil }, nil, ""},
		"the secondary serves and holds the primary off": {xsite.GuardDirection, func(p *pair) {
			for _, c := range p.b.caches {
				c.setFlag(infinispan.FlagOffline)
			}
		}, nil, ""},
		"the primary is empty": {xsite.GuardDirection, func(p *pair) {
			for name, c := range p.a.caches {
				clear(c.entries)
				clear(p.truth[name])
			}
		}, nil, ""},
	}
}

func TestWhatIsRefusedLeavesBothSitesAsTheyWere(t *testing.T) {
	for name, refused := range refusals() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			refused.prepare(p)
			before := p.image()
			_, err := p.recover(t, func(o *xsite.Options) {
				if refused.options != nil {
					refused.options(o)
				}
				o.Confirm = func(context.Context, xsite.Plan) error {
					t.Error("asked for confirmation before every check had passed")
					return xsite.ErrNotConfirmed
				}
			})
			p.wantRefused(t, err, refused.guard, before)
			if err != nil && !strings.Contains(err.Error(), refused.words) {
				t.Errorf("does not say %q: %v", refused.words, err)
			}
		})
	}
}

func TestADryRunFindsTheSameRefusals(t *testing.T) {
	for name, refused := range refusals() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			refused.prepare(p)
			before := p.image()
			_, err := p.recover(t, func(o *xsite.Options) {
				o.DryRun = true
				if refused.options != nil {
					refused.options(o)
				}
			})
			p.wantRefused(t, err, refused.guard, before)
			if err != nil && !strings.Contains(err.Error(), refused.words) {
				t.Errorf("does not say %q: %v", refused.words, err)
			}
		})
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	p := newPair(t)
	before := p.image()
	result, err := p.recover(t, func(o *xsite.Options) { o.DryRun = true; o.Confirm = nil })
	if err != nil || !result.DryRun {
		t.Fatalf("dry run %v: %v", result.DryRun, err)
	}
	if made := p.changed(); len(made) > 0 || p.changes > 0 || p.image() != before {
		t.Errorf("a dry run changed the sites: %v", made)
	}
	if got := len(result.Plan.Caches); got != 3 || result.Plan.Primary.Entries != 50 {
		t.Errorf("the plan has %d caches and %d entries of the primary", got, result.Plan.Primary.Entries)
	}
}

func TestAPlanThatIsNotConfirmedChangesNothing(t *testing.T) {
	for name, confirm := range map[string]func(context.Context, xsite.Plan) error{
		"nobody to ask": nil,
		"refused":       func(context.Context, xsite.Plan) error { return xsite.ErrNotConfirmed },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			before := p.image()
			_, err := p.recover(t, func(o *xsite.Options) { o.Confirm = confirm })
			p.wantOutcome(t, err, xsite.NotConfirmed)
			if !errors.Is(err, xsite.ErrNotConfirmed) || p.changes > 0 || p.image() != before {
				t.Errorf("changed %v: %v", p.changed(), err)
			}
		})
	}
}

func TestAContrarySignIsAcceptedByItsNameOnly(t *testing.T) {
	p := newPair(t)
	p.a.keycloaks[0].instances, p.a.keycloaks[0].pods = 0, nil
	before := p.image()
	_, err := p.recover(t, func(o *xsite.Options) {
		o.Accept = []xsite.Sign{xsite.SignPrimarySmaller, xsite.SignPrimaryHeldOffline}
	})
	p.wantRefused(t, err, xsite.GuardDirection, before)
	result, err := p.recover(t, func(o *xsite.Options) { o.Accept = []xsite.Sign{xsite.SignPrimaryKeycloakNotReady} })
	if err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	if len(result.Plan.Warnings) == 0 {
		t.Error("the accepted sign is not in the plan")
	}
}

func TestASmallerPrimaryIsASignOnlyWhenMuchIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		extra   int
		refused bool
	}{"a few more": {40, false}, "many times more": {200, true}} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			for i := range c.extra {
				p.b.caches["work"].entries[text(i)] = entry{value: "stale"}
			}
			before := p.image()
			_, err := p.recover(t)
			if c.refused {
				p.wantRefused(t, err, xsite.GuardDirection, before)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAKeycloakStoppedByHandIsStartedWithTheCountThatTheUserGives(t *testing.T) {
	p := newPair(t)
	p.b.keycloaks[0].instances, p.b.keycloaks[0].pods = 0, nil
	two := 2
	if _, err := p.recover(t, func(o *xsite.Options) { o.KeycloakInstances = &two }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestASiteWithoutKeycloakIsRecoveredWhenTheUserSaysSo(t *testing.T) {
	p := newPair(t)
	p.b.keycloaks = nil
	if _, err := p.recover(t, func(o *xsite.Options) { o.NoKeycloak = true }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestCachesOfOthersAreRenewedWhenTheUserSaysSo(t *testing.T) {
	p := newPair(t)
	p.addCache("orders", 5)
	if _, err := p.recover(t, func(o *xsite.Options) { o.AllCaches = true }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestAnUnfinishedRunIsContinuedInItsOwnRolesOnly(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Clear", cache: "sessions"}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	calls := len(p.changed())
	_, err = p.recover(t, func(o *xsite.Options) {
		o.PrimaryCluster, o.SecondaryCluster = o.SecondaryCluster, o.PrimaryCluster
		o.Accept = xsite.Signs()
	})
	p.wantStoppedBy(t, err, xsite.GuardDirection, xsite.Refused)
	if made := p.changed()[calls:]; len(made) > 0 {
		t.Errorf("changed with swapped roles: %v", made)
	}
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestAnUnfinishedRunIsContinuedWithItsOwnCachesOnly(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteB, method: "Clear", cache: "sessions"}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	calls := len(p.changed())
	_, err = p.recover(t, func(o *xsite.Options) { o.Caches = []string{"work"} })
	p.wantStoppedBy(t, err, xsite.GuardRecorded, xsite.Refused)
	if made := p.changed()[calls:]; len(made) > 0 {
		t.Errorf("changed, and sessions would have stayed empty: %v", made)
	}
	p.continues(t)
}

func TestSwappedRolesAreRefusedWhileTheStaleSiteIsHeldOff(t *testing.T) {
	p := newPair(t)
	for _, c := range p.a.caches { // what one does with a stale site while its pair serves
		c.setFlag(infinispan.FlagOffline)
	}
	before := p.image()
	_, err := p.recover(t, func(o *xsite.Options) {
		o.PrimaryCluster, o.SecondaryCluster = o.SecondaryCluster, o.PrimaryCluster
	})
	p.wantRefused(t, err, xsite.GuardDirection, before)
	if slices.ContainsFunc(p.calls, func(c call) bool { return c.changing }) {
		t.Error("even a probe was made")
	}
}

func TestARefusalThatNoGuardMadeSaysWhatToDoNext(t *testing.T) {
	for name, do := range map[string]func(p *pair) error{
		"recovery": func(p *pair) error { _, err := p.recover(t); return err },
		"abort":    func(p *pair) error { _, err := p.abort(t, false); return err },
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.before(occasion{site: siteB, method: "Journals"}, func() error { return errFake })
			err := do(p)
			p.wantOutcome(t, err, xsite.Refused)
			if refused, ok := errors.AsType[*xsite.RunError](err); !ok || !strings.Contains(refused.Next, "kubectl ispn-resync check") {
				t.Errorf("next: %+v", refused)
			}
		})
	}
}
