package xsite_test

import (
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

func TestAStaleSecondaryEndsWithTheContentsOfThePrimary(t *testing.T) {
	for name, prepare := range map[string]func(p *pair){
		"both sites online for each other": func(*pair) {},
		"the primary had taken the secondary offline": func(p *pair) {
			for _, c := range p.a.caches {
				c.setFlag(infinispan.FlagOffline)
			}
		},
		"one server had forgotten that": func(p *pair) { p.a.caches["sessions"].flags[0] = infinispan.FlagOffline },
		"an empty primary cache": func(p *pair) {
			clear(p.a.caches["work"].entries)
			clear(p.truth["work"])
		},
		"an empty secondary": func(p *pair) { clear(p.b.caches["sessions"].entries) },
		"ASYNC backups":      func(p *pair) { p.async() },
		"ASYNC backups on 14": func(p *pair) {
			p.async()
			p.a.version, p.b.version = "14.0.28.Final", "14.0.28.Final"
		},
		"clients write all the time": func(p *pair) { p.busy = true },
		"entries expire on the way": func(p *pair) {
			for key := range p.a.caches["sessions"].entries {
				e := entry{value: "fresh", lifespan: 4 * time.Second, expires: p.now.Add(4 * time.Second)}
				p.a.caches["sessions"].entries[key], p.truth["sessions"][key] = e, e
				break
			}
		},
		"another name on the secondary": func(p *pair) {
			c := p.b.caches["work"]
			delete(p.b.caches, "work")
			p.b.caches["workOfA"] = c
			c.config.BackupFor = &infinispan.BackupFor{Site: siteA, Cache: "work"}
			p.a.caches["work"].config.BackupFor = &infinispan.BackupFor{Site: siteB, Cache: "workOfA"}
		},
		"a stuck OK of an earlier push":                func(p *pair) { p.a.caches["work"].status[1] = infinispan.PushOK },
		"a secondary that still waits for a dead push": func(p *pair) { p.b.caches["work"].receiving = true },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			prepare(p)
			result, err := p.recover(t)
			if err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
			if len(p.failed) > 0 {
				t.Errorf("%d writes of the primary's clients failed: %v", len(p.failed), p.failed[0])
			}
			if len(result.Caches) != 3 {
				t.Errorf("told of %d caches: %+v", len(result.Caches), result.Caches)
			}
			if len(p.a.caches) != 4 || len(p.a.mirrored)+len(p.b.mirrored) != 0 {
				t.Errorf("something of the probe is left: %v %v", p.a.mirrored, p.b.mirrored)
			}
		})
	}
}

func TestTheStepsComeInTheOrderThatKeepsThePrimarySafe(t *testing.T) {
	p := newPair(t)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, step := range []struct{ site, method string }{
		{siteB, "PutJournal"},
		{siteB, "RecordInstances"},
		{siteB, "ScaleKeycloak"},
		{siteB, "TakeOffline"},
		{siteA, "TakeOffline"},
		{siteB, "Clear"},
		{siteA, "StartPush"},
		{siteB, "BringOnline"},
		{siteB, "ForgetInstances"},
	} {
		at, err := p.index(step.site, step.method)
		if err != nil || at <= last {
			t.Errorf("%s on %s comes too early or never: %v", step.method, step.site, err)
		}
		last = at
	}
	if n := p.count(siteA, "Clear", ""); n != 0 {
		t.Errorf("the primary was told to clear %d times", n)
	}
}

func TestTheSmallestCacheIsClearedFirst(t *testing.T) {
	p := newPair(t)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	i, err := p.index(siteB, "Clear")
	if err != nil {
		t.Fatal(err)
	}
	if first := p.calls[i].cache; first != "work" {
		t.Errorf("cache %s was cleared first, want the smallest, work", first)
	}
}

func TestCachesThatAreLeftOutKeepTheirContents(t *testing.T) {
	p := newPair(t)
	stale := text(p.b.caches["work"].entries)
	_, err := p.recover(t, func(o *xsite.Options) { o.Caches = []string{"sessions"} })
	if err != nil {
		t.Fatal(err)
	}
	p.wantPrimaryWhole(t)
	if !p.hasAll("sessions") || text(p.b.caches["work"].entries) != stale {
		t.Errorf("sessions should be renewed and work untouched: %v", p.b.caches["work"].entries)
	}
}

func TestTheSettleTimeIsWaitedOutWhenEitherDirectionIsAsync(t *testing.T) {
	for name, of := range map[string]func(p *pair) *site{"from the primary": func(p *pair) *site { return p.a }, "from the secondary": func(p *pair) *site { return p.b }} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			for _, c := range of(p).caches {
				for to, backup := range c.config.Backups {
					backup.Strategy = infinispan.StrategyAsync
					c.config.Backups[to] = backup
				}
			}
			result, err := p.recover(t)
			if err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
			if result.Took < time.Minute {
				t.Errorf("took %s, which is less than the settle time", result.Took)
			}
		})
	}
}

func TestASecondarySpeaksToThePrimaryAgainOnlyAfterItsQueueIsDropped(t *testing.T) {
	p := newPair(t)
	p.async()
	// While Keycloak still ran, keys were removed on the secondary; their removals wait in its queue (V64).
	p.before(occasion{site: siteB, method: "TakeOffline"}, happens(func() {
		p.slow = 50 * time.Second
		for _, key := range []string{"sessions-01", "sessions-02"} {
			if err := p.update(p.b, 0, "sessions", remove(key)); err != nil {
				t.Error(err)
			}
		}
	}))
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	if result.Took < time.Minute {
		t.Errorf("took %s, which is less than the settle time", result.Took)
	}
}

func TestAVouchedLinkIsNotProbed(t *testing.T) {
	p := newPair(t)
	if _, err := p.recover(t, func(o *xsite.Options) { o.Linked = siteB }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	for _, c := range p.calls {
		if isProbe(c.cache) && c.method != "ForgetCaches" { // which looks for what others left
			t.Fatalf("probed: %s", c)
		}
	}
}
