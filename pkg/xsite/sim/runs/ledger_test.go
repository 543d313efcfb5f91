package runs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// ledger is what the clients of the primary were told: every acknowledged entry must stay there with its last value.
type ledger struct {
	stage *stage
	end   context.CancelFunc
	done  sync.WaitGroup

	mu sync.Mutex
	// kept are acknowledged entries by cache; unsure are keys whose last change failed, so that either is right.
	kept   map[string]map[string]string
	unsure map[string]bool
}

// entriesEach is how many entries the caches hold in the beginning.
const entriesEach = 24

// newLedger fills both sites, lets them drift apart, and begins to write at the primary.
func newLedger(s *stage) *ledger {
	l := &ledger{stage: s, kept: map[string]map[string]string{}, unsure: map[string]bool{}}
	for _, cache := range s.caches {
		fresh, stale := map[string]string{}, map[string]string{}
		for i := range entriesEach {
			key := fmt.Sprintf("%s-%02d", cache, i)
			fresh[key] = "fresh"
			if i%3 > 0 {
				stale[key] = "stale"
			}
		}
		stale["stale-"+cache] = "stale"
		if s.alike {
			stale = fresh
		}
		s.a.site.Load(cache, fresh)
		s.b.site.Load(cache, stale)
		l.kept[cache] = fresh
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	l.end = cancel
	if s.alike {
		return l // what is written to one site would be lost, rightly, when the other is kept
	}
	l.done.Go(func() { l.write(ctx) })
	return l
}

// write makes the clients of the primary write and remove.
func (l *ledger) write(ctx context.Context) {
	tick := time.NewTicker(700 * time.Millisecond)
	defer tick.Stop()
	cache := l.stage.caches[0]
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		key, value := fmt.Sprintf("live-%d", i%40), fmt.Sprintf("value-%d", i)
		var err error
		remove := i%5 == 4
		if remove {
			key = fmt.Sprintf("live-%d", (i-2)%40)
			err = l.stage.a.site.Remove(ctx, cache, key)
		} else {
			err = l.stage.a.site.Put(ctx, cache, key, value, 0)
		}
		l.mu.Lock()
		switch {
		case err != nil:
			l.unsure[key] = true
		case remove:
			delete(l.unsure, key)
			delete(l.kept[cache], key)
		default:
			delete(l.unsure, key)
			l.kept[cache][key] = value
		}
		l.mu.Unlock()
	}
}

// stop ends the writing and waits for what is under way.
func (l *ledger) stop() {
	l.end()
	l.done.Wait()
}

// close is stop at the end of the world.
func (l *ledger) close() {
	l.end()
	l.stage.World.Close()
	l.done.Wait()
}

// judge demands that the primary holds what was acknowledged and nothing stale.
func (l *ledger) judge(when string) {
	l.stage.t.Helper()
	l.mu.Lock()
	kept, unsure := map[string]map[string]string{}, maps.Clone(l.unsure)
	for cache, entries := range l.kept {
		kept[cache] = maps.Clone(entries)
	}
	l.mu.Unlock()
	for cache, entries := range kept {
		found := l.stage.a.site.Entries(cache)
		if l.stage.alike { // each entry must be on one of the two
			maps.Copy(found, l.stage.b.site.Entries(cache))
		}
		lost := 0
		for key, value := range entries {
			if strings.HasPrefix(key, "live-") {
				continue // changes while this is read; judged at the end
			}
			if found[key] != value && !unsure[key] {
				lost++
			}
		}
		if lost > 0 {
			l.stage.t.Errorf("%s: the primary lost %d of %d acknowledged entries of %s", when, lost, len(entries), cache)
		}
		for key, value := range found {
			if value == "stale" {
				l.stage.t.Errorf("%s: the stale entry %s of %s reached the primary", when, key, cache)
			}
		}
	}
}

// judgeLive demands the same of what was written during the run; nobody writes any more.
func (l *ledger) judgeLive() {
	l.stage.t.Helper()
	for cache, entries := range l.kept {
		found := l.stage.a.site.Entries(cache)
		for key, value := range entries {
			if found[key] != value && !l.unsure[key] {
				l.stage.t.Errorf("the primary acknowledged %s=%s in %s and has %q", key, value, cache, found[key])
			}
		}
	}
}

// judgeStart demands that Keycloak of the secondary is not started on contents that miss what the primary holds: those that
// were there in the beginning tell.
func (s *stage) judgeStart(site *sim.Site) {
	if site == s.a.site && !s.alike {
		return
	}
	peer := s.a.site
	if site == peer {
		peer = s.b.site
	}
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if !slices.ContainsFunc(s.Calls()[done:], func(c sim.Call) bool {
		return c.Site == site.Name() && c.Op == "clear" && !strings.HasPrefix(c.Cache, "ispn-resync")
	}) {
		return // nothing was cleared since the last success but by somebody else
	}
	for _, cache := range s.caches {
		b := site.Entries(cache)
		if b["stale-"+cache] == "stale" {
			continue // never cleared: as stale as before
		}
		missing := 0
		for key := range peer.Entries(cache) {
			if _, there := b[key]; !there && !strings.HasPrefix(key, "live-") {
				missing++
			}
		}
		if missing > 0 {
			s.t.Errorf("Keycloak of the secondary is started although cache %s misses %d entries of the primary", cache, missing)
		}
	}
}
