package xsite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// removalsWait lets removals of keys that the primary has wait in the secondary's queue for so long (V64).
func (p *pair) removalsWait(t *testing.T, wait time.Duration) {
	t.Helper()
	p.async()
	p.before(occasion{site: siteB, method: "TakeOffline"}, happens(func() {
		p.slow = wait
		for _, key := range []string{"sessions-01", "sessions-02"} {
			if err := p.update(p.b, 0, "sessions", remove(key)); err != nil {
				t.Error(err)
			}
		}
	}))
}

// A request that hangs holds the queue up for longer than the settle time (V81).
func TestAQueueThatIsNotEmptyAfterTheSettleTimeIsWaitedFor(t *testing.T) {
	p := newPair(t)
	p.removalsWait(t, 100*time.Second)
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if result.Took < 100*time.Second {
		t.Errorf("took %s, and the queue holds for 100 s", result.Took)
	}
	p.wantRecovered(t)
}

func TestASecondaryWhoseQueueStaysIsNotBroughtOnline(t *testing.T) {
	p := newPair(t)
	p.removalsWait(t, 2*time.Hour)
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardSettle, xsite.Failed)
	if text := err.Error(); !strings.Contains(text, "pod infinispan-0 has 2 changes of cache sessions") || !strings.Contains(text, "restart the Infinispan pods of the secondary") {
		t.Errorf("does not say what is queued and the way on: %v", err)
	}
	if n := p.count(siteB, "BringOnline", ""); n != 0 {
		t.Errorf("the primary was brought online %d times on the secondary", n)
	}
	p.wantHeldSafe(t)
	p.queue = nil // its servers were restarted
	p.continues(t)
}

// What is queued for a third site says nothing of the primary; nor does a server that tells nothing.
func TestWhereQueuesCannotBeReadTheSettleTimeStandsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *pair)
		noted string
	}{
		"the metrics do not answer": {
			func(p *pair) { p.before(occasion{method: "SendQueues", always: true}, func() error { return errFake }) },
			"pod infinispan-0: the server answered 500",
		},
		"they tell nothing": {func(p *pair) { p.mute = true }, "pod infinispan-1 tells none of cache sessions"},
		"there is a third site": {
			func(p *pair) {
				p.removalsWait(t, 2*time.Hour)
				p.before(occasion{site: siteB, method: "BringOnline"}, happens(func() { p.queue = nil })) // they are not for the primary
				for _, c := range p.b.caches {
					if _, backsUp := c.config.Backups[siteA]; backsUp {
						c.config.Backups["site-c"] = infinispan.BackupConfig{Strategy: infinispan.StrategyAsync}
					}
				}
			}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.async()
			c.spoil(p)
			var noted strings.Builder
			_, err := p.recover(t, func(o *xsite.Options) {
				o.Observer = xsite.ObserverFunc(func(e xsite.Event) {
					if e.Kind == xsite.Noted {
						noted.WriteString(e.Message + "\n")
					}
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			if said := strings.Contains(noted.String(), "the settle time stands alone"); said != (c.noted != "") || !strings.Contains(noted.String(), c.noted) {
				t.Errorf("noted %q, want %q", noted.String(), c.noted)
			}
		})
	}
}

func TestQueuesAreReadSeldom(t *testing.T) {
	p := newPair(t)
	p.removalsWait(t, 100*time.Second)
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if n := p.count(siteB, "SendQueues", ""); n > 30 {
		t.Errorf("long texts were read %d times", n)
	}
}
