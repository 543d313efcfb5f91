package xsite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
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

// The timeout of the caches is 4.5 s, and a sender pauses for 300 s.
const longestPause = 304500 * time.Millisecond

func TestAQueueInAPauseOfItsSenderIsWaitedFor(t *testing.T) {
	p := newPair(t)
	p.removalsWait(t, 290*time.Second)
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if result.Took < 290*time.Second {
		t.Errorf("took %s, and the sender pauses for 290 s", result.Took)
	}
	p.wantRecovered(t)
}

// What servers do not send, or do not tell, is waited for as long as it could be sent (V82), and told.
func TestQueuesThatAreNotSeenEmptyAreWaitedForAsLongAsASenderPauses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *pair)
		noted string
	}{
		"never sent":                        {func(p *pair) { p.neverSent, p.tombstones = 7, 1 }, "pod infinispan-1 has queued changes: 7 of cache"},
		"never sent, removals are not told": {func(p *pair) { p.neverSent, p.tombstones = 7, -1 }, "pod infinispan-1 has queued changes: 7 of cache"},
		"the metrics do not answer": {
			func(p *pair) { p.before(occasion{method: "SendQueues", always: true}, func() error { return errFake }) },
			"send queues of pod infinispan-0 cannot be read: the server answered 500",
		},
		"they tell nothing": {func(p *pair) { p.mute = true }, "pod infinispan-1 tells no send queue of cache"},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.async()
			c.spoil(p)
			var noted strings.Builder
			result, err := p.recover(t, func(o *xsite.Options) {
				o.Observer = xsite.ObserverFunc(func(e xsite.Event) {
					if e.Kind == xsite.Noted {
						noted.WriteString(e.Message + "\n")
					}
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
			if result.Took < longestPause || result.Took > longestPause+time.Minute {
				t.Errorf("took %s, and a sender pauses for %s at most", result.Took, longestPause)
			}
			if !strings.Contains(noted.String(), c.noted) {
				t.Errorf("noted %q, want %q", noted.String(), c.noted)
			}
		})
	}
}

// A server that remembers no removal has none to send, and nothing for a key that is not there (V82).
func TestAQueueWithoutRemovalsIsNotWaitedFor(t *testing.T) {
	p := newPair(t)
	p.async()
	p.neverSent = 7
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
	if result.Took > 2*time.Minute {
		t.Errorf("took %s", result.Took)
	}
}

func TestAnEmptiedQueueEndsTheWait(t *testing.T) {
	p := newPair(t)
	p.removalsWait(t, 2*time.Hour)
	p.before(occasion{method: "SendQueues"}, happens(func() { p.queue = nil })) // its servers were replaced, which had them in memory only
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if result.Took > 2*time.Minute {
		t.Errorf("took %s", result.Took)
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
