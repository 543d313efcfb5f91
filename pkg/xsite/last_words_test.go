package xsite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// asRunError demands a RunError, the last words of a run.
func asRunError(t *testing.T, err error) *xsite.RunError {
	t.Helper()
	var failed *xsite.RunError
	if !errors.As(err, &failed) {
		t.Fatalf("want a RunError: %v", err)
	}
	return failed
}

func TestAKeycloakThatCameUpIsNamedAndStoppedAgain(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteA, method: "StartPush", cache: "sessions"}, happens(func() {
		p.b.keycloaks[0].instances = 2
		p.b.startPod(p.b.keycloaks[0])
	}))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardStopped, xsite.Failed)
	words := strings.Join(asRunError(t, err).State, "\n")
	if !strings.Contains(words, "Keycloak had come up (keycloak-0") || strings.Contains(words, "stays down") {
		t.Errorf("the state is not what is: %s", words)
	}
	p.wantHeldSafe(t)
	p.continues(t)
}

func TestAKeycloakThatCannotBeStoppedAgainIsNotCalledDown(t *testing.T) {
	p := newPair(t)
	p.after(occasion{site: siteA, method: "StartPush", cache: "sessions"}, happens(func() {
		p.b.keycloaks[0].instances = 2
		p.b.startPod(p.b.keycloaks[0])
	}))
	p.before(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, func() error { return errFake })
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardStopped, xsite.Failed)
	if words := strings.Join(asRunError(t, err).State, "\n"); !strings.Contains(words, "KEYCLOAK MAY BE RUNNING") {
		t.Errorf("the state is not what is: %s", words)
	}
	p.wantPrimaryWhole(t)
	p.continues(t)
}

func TestAFailureBeforeTheFirstClearIsNotCalledCleared(t *testing.T) {
	for name, at := range map[string]occasion{
		"the sample of the canary":    {site: siteA, method: "EntriesWithMetadata"},
		"the flags before the clear":  {site: siteB, method: "NodeFlags", cache: "work", nth: 5},
		"the caches before the clear": {site: siteA, method: "CacheNames", nth: 3},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			before := p.contents()
			p.before(at, func() error { return errFake })
			_, err := p.recover(t)
			failed := asRunError(t, err)
			if p.count(siteB, "Clear", "") > 0 || failed.Phase != xsite.PhaseClear {
				t.Fatalf("this is not the moment before the first clear: %v", err)
			}
			if !failed.Undone || !strings.Contains(failed.DataAtRisk, "nothing was cleared") {
				t.Errorf("the last words are of another case: %v", failed)
			}
			for _, s := range []*site{p.a, p.b} {
				if p.records(t, s)[0].Cleared {
					t.Errorf("the journal of %s says cleared", s.name)
				}
			}
			p.wantUndone(t, before)
			p.continues(t)
		})
	}
}

func TestAPushThatCannotBeEndedIsNotCalledASecondaryThatIsOnline(t *testing.T) {
	p := newPair(t)
	down := false
	p.before(occasion{site: siteA, method: "StartPush", cache: "sessions"}, happens(func() { p.link, down = linkDown, true }))
	p.before(occasion{site: siteA, method: "CancelPush", always: true}, func() error {
		if down {
			return infinispan.ErrTimeout
		}
		return nil
	})
	var noted bool
	_, err := p.recover(t, func(o *xsite.Options) {
		o.Observer = xsite.ObserverFunc(func(e xsite.Event) {
			noted = noted || (e.Kind == xsite.Noted && strings.Contains(e.Message, "a push could not be ended there"))
		})
	})
	failed := asRunError(t, err)
	if words := failed.Error(); strings.Contains(words, "could not be taken offline") || !noted {
		t.Errorf("noted %v; the state is not what is: %s", noted, words)
	}
	p.wantHeldSafe(t)
	p.link = linkUp
	p.continues(t)
}
