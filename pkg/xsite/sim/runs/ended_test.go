package runs

import (
	"errors"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// trouble is what the faults of a seed made that no command can answer for.
type trouble struct {
	// cut is when the link was lost; zero while it works.
	cut time.Time
	// disturbed is until when something else kept commands from working at the sites: servers, API servers, struck calls.
	disturbed time.Time
	// wiped are the caches of the secondary that somebody else cleared, and when.
	wiped map[string]time.Time
}

// Cut is World's, and noted.
func (s *stage) Cut() { s.lost(s.World.Cut) }

// Reset is World's, and noted.
func (s *stage) Reset() { s.lost(s.World.Reset) }

// Heal is World's, and noted.
func (s *stage) Heal() {
	s.World.Heal()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble.cut = time.Time{}
}

func (s *stage) lost(lose func()) {
	s.mu.Lock()
	if s.trouble.cut.IsZero() {
		s.trouble.cut = time.Now()
	}
	s.mu.Unlock()
	lose()
}

// disturb notes that commands are kept from working for a while.
func (s *stage) disturb(lasts time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(lasts); until.After(s.trouble.disturbed) {
		s.trouble.disturbed = until
	}
}

// wipe clears a cache of the secondary as somebody else.
func (s *stage) wipe(cache string) {
	s.mu.Lock()
	s.trouble.wiped[cache] = time.Now()
	s.mu.Unlock()
	go func() { _ = s.b.site.Clear(s.t.Context(), cache, true) }()
}

// observe notes when a command compared and when it failed.
func (p *process) observe(e xsite.Event) {
	p.mu.Lock()
	switch {
	case e.Kind == xsite.PhaseStarted && e.Phase == xsite.PhaseVerify:
		p.compared = time.Now()
	case e.Kind == xsite.PhaseEnded && e.Err != nil:
		p.failed = time.Now()
	}
	p.mu.Unlock()
	if p.at != nil {
		p.at(e)
	}
}

// judgeEnded judges the moment at which a command ended, whatever is broken: by the state of the two sites themselves.
func (s *stage) judgeEnded(p *process, err error, primary, secondary *cluster) {
	s.t.Helper()
	s.mu.Lock()
	now := s.trouble
	s.mu.Unlock()
	if err == nil {
		s.judgeSuccess(p, primary, secondary)
		if !now.cut.IsZero() && time.Since(now.cut) > linkNoticed {
			s.t.Errorf("%s reported success, and the link between the sites had been down for %s", p.name, time.Since(now.cut))
		}
		return
	}
	if p.answersFor(err) && !now.cut.IsZero() && now.cut.Before(p.failed) && now.disturbed.Before(now.cut) {
		s.judgeFenced(p, err, primary)
	}
}

// answersFor tells that a command could and had to leave the primary safe: it was alive, held its leases, and had come to change
// something of the sites. Before that it leaves them as they were.
func (p *process) answersFor(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	guard, _ := xsite.StoppedBy(err)
	var failed *xsite.RunError
	return !p.dead && errors.As(err, &failed) && guard != xsite.GuardSingleRun && failed.Outcome != xsite.Refused &&
		failed.Phase != xsite.PhasePreflight && failed.Phase != xsite.PhaseProbe
}

// linkNoticed is how soon a command that ends well has noticed that the link was lost: what it does behind its last look at the
// link takes less.
const linkNoticed = 2 * time.Second

// judgeFenced demands that no write of the primary depends on a link that was lost before the command failed (guard reachable).
func (s *stage) judgeFenced(p *process, err error, primary *cluster) {
	s.t.Helper()
	for _, cache := range s.caches {
		for _, n := range primary.site.Nodes() {
			if !n.Offline(cache) {
				s.t.Errorf("%s ended while the link is down, and %s sends the writes of %s over it: they fail (V10): %v", p.name, n.Name(), cache, err)
				return
			}
		}
	}
}

// judgeSuccess demands that a success that is reported is true. What clients write at this moment may be on its way.
func (s *stage) judgeSuccess(p *process, primary, secondary *cluster) {
	s.t.Helper()
	for _, cache := range s.caches {
		s.judgeContents(p, cache, primary, secondary)
		for _, c := range []*cluster{primary, secondary} {
			for _, n := range c.site.Nodes() {
				if !n.Up() {
					continue // what it remembers is gone
				}
				if n.Offline(cache) {
					s.t.Errorf("%s reported success, and %s of %s holds its peer offline for cache %s", p.name, n.Name(), c.site.Name(), cache)
				}
				if status := n.PushStatus(cache); status != infinispan.PushIdle {
					s.t.Errorf("%s reported success, and the push status of %s on %s is %s", p.name, cache, n.Name(), status)
				}
			}
		}
	}
	secondary.mu.Lock()
	defer secondary.mu.Unlock()
	if secondary.instances != 2 || !secondary.ready {
		s.t.Errorf("%s reported success, and Keycloak of the secondary wants %d instances, ready %v", p.name, secondary.instances, secondary.ready)
	}
}

// judgeContents compares a cache, but for what is written during the run, unless somebody cleared it since it was compared.
func (s *stage) judgeContents(p *process, cache string, primary, secondary *cluster) {
	s.t.Helper()
	s.mu.Lock()
	wiped := s.trouble.wiped[cache]
	s.mu.Unlock()
	if !wiped.Before(p.compared) {
		return
	}
	kept, copied := primary.site.Entries(cache), secondary.site.Entries(cache)
	for key, value := range kept {
		if got, there := copied[key]; (!there || got != value) && !strings.HasPrefix(key, "live-") {
			s.t.Errorf("%s reported success, and %s of cache %s is %q on the primary and %q on the secondary", p.name, key, cache, value, got)
			return
		}
	}
	for key := range copied {
		if _, there := kept[key]; !there && !strings.HasPrefix(key, "live-") {
			s.t.Errorf("%s reported success, and %s of cache %s is on the secondary alone", p.name, key, cache)
			return
		}
	}
}

// podNoticed is how soon a command has noticed a pod of Keycloak that somebody started.
const podNoticed = time.Second

// judgeClear demands that no Keycloak serves on what a command clears (guard stopped).
func (s *stage) judgeClear(p *process, name, cache string) {
	c := s.cluster(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pods) > 0 && time.Since(c.came) > podNoticed {
		s.t.Errorf("%s clears cache %s of %s while %s runs there", p.name, cache, name, c.pods[0])
	}
}
