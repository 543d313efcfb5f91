package xsite_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// strayProbe leaves a probe cache on both sites, with what the operator mirrored of it; and the latter alone for another.
func (p *pair) strayProbe() {
	for _, s := range []*site{p.a, p.b} {
		s.caches["ispn-resync-probe-late-1"] = newFakeCache(s, s.peer().name)
		s.mirrored["ispn-resync-probe-late-1"], s.mirrored["ispn-resync-probe-late-2"] = true, true
	}
}

// wantNoProbe demands that nothing of any probe is left on either site.
func (p *pair) wantNoProbe(t *testing.T) {
	t.Helper()
	for _, s := range []*site{p.a, p.b} {
		for name := range s.caches {
			if isProbe(name) {
				t.Errorf("probe cache %s is left on %s", name, s.name)
			}
		}
		if len(s.mirrored) > 0 {
			t.Errorf("Cache resources are left on %s: %v", s.name, s.mirrored)
		}
	}
}

// A server may make a probe cache long after it was asked to, when the tool has deleted it already.
func TestAProbeCacheThatWasMadeTooLateIsRemovedBeforeTheRunIsClosed(t *testing.T) {
	for closed, play := range map[string]func(p *pair) error{
		"succeeded": func(p *pair) error {
			p.after(occasion{site: siteB, method: "BringOnline"}, happens(p.strayProbe))
			_, err := p.recover(t)
			return err
		},
		"undone": func(p *pair) error {
			p.after(occasion{site: siteB, method: "TakeOffline"}, func() error { p.strayProbe(); return errFake })
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			return nil
		},
		"aborted": func(p *pair) error {
			p.diedAfterThe(t, "Clear")
			p.strayProbe()
			_, err := p.abort(t, true)
			return err
		},
	} {
		t.Run(closed, func(t *testing.T) {
			p := smallPair(t)
			if err := play(p); err != nil {
				t.Fatal(err)
			}
			p.wantClosed(t, closed)
			p.wantNoProbe(t)
		})
	}
}

func TestAProbeCacheThatCannotBeRemovedIsSaidAndNoFailure(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteB, method: "BringOnline"}, happens(p.strayProbe))
	p.before(occasion{site: siteA, method: "DeleteCache", cache: "ispn-resync-probe-late-1"}, func() error { return errFake })
	var told []string
	_, err := p.recover(t, func(o *xsite.Options) {
		o.Observer = xsite.ObserverFunc(func(e xsite.Event) { told = append(told, e.Message) })
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"history prune", "removed probe cache ispn-resync-probe-late-1, which was left on site site-b"} {
		if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("nothing says %q: %q", want, told)
		}
	}
	p.wantRecovered(t)
	p.continues(t)
	p.wantNoProbe(t)
}

// The answer to the creation is lost, and the server makes the cache after the tool has deleted it for the first time.
func TestAProbeCacheWhoseCreationIsNotAnsweredIsGivenTimeToAppear(t *testing.T) {
	p := smallPair(t)
	p.before(occasion{site: siteB, method: "CreateCache"}, func() error { return errNobody })
	began := p.now
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Refused)
	if p.now.Equal(began) {
		t.Error("deleted at once: what the server makes a moment later stays")
	}
	p.wantNoProbe(t)
}

// A user who reads that nothing was changed looks for nothing.
func TestAProbeCacheThatCouldNotBeDeletedIsSaid(t *testing.T) {
	p := smallPair(t)
	p.before(occasion{site: siteA, method: "DeleteCache", always: true}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	text := err.Error()
	if strings.Contains(text, "nothing was changed") || !strings.Contains(text, "may have the probe cache ispn-resync-probe-") ||
		!strings.Contains(text, "data at risk: none") {
		t.Errorf("does not tell what is left: %v", err)
	}
	p.hooks = nil
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantNoProbe(t)
}
