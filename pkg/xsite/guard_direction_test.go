package xsite_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// primaryRestarts plays servers of the primary that all come back with what they still have.
func (p *pair) primaryRestarts() {
	for i := range p.a.servers {
		p.a.restart(i, true)
	}
}

// restartsEmpty is a primary whose caches were in memory only.
func (p *pair) restartsEmpty() {
	p.primaryRestarts()
	for name := range p.truth {
		p.shrink(name, 0)
	}
}

// entriesOf copies what a site holds.
func (s *site) entriesOf() map[string]map[string]entry {
	all := map[string]map[string]entry{}
	for name, c := range s.caches {
		all[name] = maps.Clone(c.entries)
	}
	return all
}

// While Keycloak of the secondary stops, which takes minutes, the primary may lose what it was to be kept for. Then the secondary
// has the last copy.
func TestAPrimaryThatLostItsContentsSinceThePlanIsNotWhatTheSecondaryIsClearedFor(t *testing.T) {
	for name, loss := range map[string]struct {
		happens func(p *pair)
		words   string
	}{
		"everything, with a restart":        {(*pair).restartsEmpty, "its servers"},
		"one cache, with a restart":         {func(p *pair) { p.primaryRestarts(); p.shrink("work", 0) }, "0 entries of cache work, and held 10"},
		"most of one cache, with a restart": {func(p *pair) { p.primaryRestarts(); p.shrink("sessions", 11) }, "11 entries of cache sessions, and held 24"},
		"everything, with no restart":       {func(p *pair) { p.shrink("sessions", 0); p.shrink("work", 0); p.shrink("many", 0) }, "holds 0 entries"},
		"most of a large cache, by a clear": {func(p *pair) { p.shrink("many", 3) }, "3 entries of cache many, and held 120"},
		"all pods of its Keycloak":          {func(p *pair) { p.a.keycloaks[0].pods, p.a.keycloaks[0].broken = nil, true }, "has no ready pod"},
	} {
		for when, phase := range map[string]xsite.Phase{"while Keycloak stops": xsite.PhaseStop, "after the sites are parted": xsite.PhaseClear} {
			t.Run(name+" "+when, func(t *testing.T) {
				p := smallPair(t)
				p.addCache("many", 120)
				before := p.b.entriesOf()
				_, err := p.recover(t, everyCache, p.asBegins(phase, loss.happens))
				p.wantStoppedBy(t, err, xsite.GuardDirection, xsite.Failed)
				if err != nil && !strings.Contains(err.Error(), loss.words) {
					t.Errorf("does not say %q: %v", loss.words, err)
				}
				if text(p.b.entriesOf()) != text(before) {
					t.Error("what may be the last copy was cleared")
				}
				p.pass(time.Minute)
				p.wantKeycloakServing(t)
				p.wantClosed(t, "undone")
			})
		}
	}
}

// asBegins lets something happen when a phase begins.
func (p *pair) asBegins(phase xsite.Phase, act func(p *pair)) func(*xsite.Options) {
	return func(o *xsite.Options) {
		o.Observer = xsite.ObserverFunc(func(e xsite.Event) {
			if e.Kind == xsite.PhaseStarted && e.Phase == phase {
				p.mu.Lock()
				defer p.mu.Unlock()
				act(p)
			}
		})
	}
}

// everyCache lets a run work on caches that Keycloak does not know.
func everyCache(o *xsite.Options) { o.AllCaches = true }

func TestWhatTrafficTakesFromThePrimaryDoesNotEndTheRun(t *testing.T) {
	for name, change := range map[string]func(p *pair){
		"a restart that loses nothing":       (*pair).primaryRestarts,
		"a restart and some logouts":         func(p *pair) { p.primaryRestarts(); p.shrink("sessions", 16) },
		"a small cache that ran empty":       func(p *pair) { p.shrink("work", 0) },
		"a cache that the secondary has not": func(p *pair) { p.primaryRestarts(); p.shrink("work", 0); clear(p.b.caches["work"].entries) },
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.after(occasion{site: siteB, method: "ScaleKeycloak"}, happens(func() { change(p) }))
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

func TestASmallerPrimaryThatWasAcceptedIsAcceptedAtTheClearToo(t *testing.T) {
	p := smallPair(t)
	for i := range 200 {
		p.b.caches["work"].entries[text(i)] = entry{value: "stale"}
	}
	if _, err := p.recover(t, func(o *xsite.Options) { o.Accept = []xsite.Sign{xsite.SignPrimarySmaller} }); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

// Of the caches that are not cleared yet the secondary still has the last copy.
func TestAPrimaryThatRestartsEmptyBetweenTwoClearsEndsTheRun(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteB, method: "Clear", cache: "clientSessions"}, happens(p.restartsEmpty))
	before := maps.Clone(p.b.caches["sessions"].entries)
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardDirection, xsite.Failed)
	if failed := asRunError(t, err); !strings.Contains(failed.DataAtRisk, "holds 0 entries of cache sessions") {
		t.Errorf("does not say what is at risk: %q", failed.DataAtRisk)
	}
	if !maps.Equal(p.b.caches["sessions"].entries, before) {
		t.Error("what may be the last copy was cleared")
	}
	p.hooks = nil
	if _, err = p.recover(t); err == nil {
		t.Error("the same command cleared the rest")
	}
	p.wantStoppedBy(t, err, xsite.GuardDirection, xsite.Refused)
	if !maps.Equal(p.b.caches["sessions"].entries, before) {
		t.Error("what may be the last copy was cleared by the next command")
	}
}
