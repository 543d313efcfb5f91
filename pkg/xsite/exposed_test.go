package xsite_test

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// A run that was killed in the push left the secondary online on the primary; then the secondary dies, which is the commonest way to
// lose the link. The same command cannot even ask it.
func TestARefusalBehindAKilledPushOffersTheFenceThoughTheSecondaryIsSilent(t *testing.T) {
	for method, exposed := range map[string]bool{"StartPush": true, "TakeOffline": false} {
		t.Run("killed after "+method, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, method)
			p.link = linkDown
			p.before(occasion{site: siteB, method: "Info", always: true}, func() error { return errFake })
			_, err := p.recover(t)
			failed := asRunError(t, err)
			if offered := strings.Contains(failed.Next, "kubectl ispn-resync fence"); offered != exposed {
				t.Errorf("offers the fence: %t, want %t: %v", offered, exposed, err)
			}
			if told := strings.Contains(strings.Join(failed.State, "\n"), "online there"); told != exposed {
				t.Errorf("tells of the run: %t, want %t: %v", told, exposed, failed.State)
			}
		})
	}
}

// What is refused has another cause than the link, and the primary's writes fail all the same.
func TestARefusalForAnotherReasonBehindAKilledPushOffersTheFenceWhileTheSitesAreApart(t *testing.T) {
	notReady := func(p *pair) { p.b.servers[1].ready = false }
	for name, c := range map[string]struct {
		method  string
		link    link
		hinder  func(p *pair)
		guard   xsite.Guard
		exposed bool
	}{
		"online on the primary, the link down":  {"StartPush", linkDown, notReady, xsite.GuardChecksFirst, true},
		"the same, and the record is half lost": {"StartPush", linkDown, func(p *pair) { p.b.journals = nil }, xsite.GuardRecorded, true},
		"offline on the primary, the link down": {"Clear", linkDown, notReady, xsite.GuardChecksFirst, false},
		"online on the primary, the link whole": {"StartPush", linkUp, notReady, xsite.GuardChecksFirst, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, c.method)
			p.link = c.link
			c.hinder(p)
			if fail := p.writes("meanwhile") != nil; fail != c.exposed {
				t.Fatalf("writes of the primary fail: %t, so this tells nothing", fail)
			}
			made := len(p.changed())
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, c.guard, xsite.Refused)
			failed := asRunError(t, err)
			if offered := strings.HasPrefix(failed.Next, "if writes of site "+siteA+" fail: kubectl ispn-resync fence"); offered != c.exposed {
				t.Errorf("offers the fence: %t, want %t: %v", offered, c.exposed, err)
			}
			if told := strings.Contains(strings.Join(failed.State, "\n"), "has site "+siteB+" online"); told != c.exposed {
				t.Errorf("tells that the primary depends on the secondary: %t, want %t: %v", told, c.exposed, failed.State)
			}
			if after := p.changed()[made:]; len(after) > 0 {
				t.Errorf("changed %v", after)
			}
		})
	}
}

// The guide has Keycloak stopped by hand first. A run that did not finish puts back what it found, not what it was to end with: Keycloak
// on the stale caches would write old sessions and logouts to the primary (V43, V46).
func TestAKeycloakStoppedByHandIsNotStartedByWhatGoesBack(t *testing.T) {
	two := 2
	instances := func(o *xsite.Options) { o.KeycloakInstances = &two }
	for name, back := range map[string]func(t *testing.T, p *pair) error{
		"an abort": func(t *testing.T, p *pair) error {
			t.Helper()
			_, err := p.abort(t, false)
			return err
		},
		"the undo of the same command": func(t *testing.T, p *pair) error {
			t.Helper()
			p.before(occasion{site: siteB, method: "TakeOffline"}, func() error { return errFake })
			_, err := p.recover(t, instances)
			p.wantOutcome(t, err, xsite.Failed)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.b.keycloaks[0].instances, p.b.keycloaks[0].pods = 0, nil
			p.deadline = &ending{at: p.changes + p.changeNumber(t, siteB, "TakeOffline", instances), how: diedBefore}
			if _, err := p.recover(t, instances); err == nil {
				t.Fatal("the command did not die")
			}
			p.deadline = nil
			if err := back(t, p); err != nil {
				t.Fatal(err)
			}
			if k := p.b.keycloaks[0]; k.instances != 0 {
				t.Errorf("Keycloak serves stale caches with %d instances", k.instances)
			}
		})
	}
}

// Everything is done, and only the journal is to be closed: whoever is told that the same command only does what is left must not see
// it clear everything again.
func TestWhatIsToldOfAnEndThatWasBrokenOffIsTrue(t *testing.T) {
	for _, end := range []how{interruptedBefore, interruptedAfter} {
		t.Run(string(end), func(t *testing.T) {
			p := smallPair(t)
			undisturbed := smallPair(t)
			if _, err := undisturbed.recover(t); err != nil {
				t.Fatal(err)
			}
			p.deadline = &ending{at: undisturbed.lastChange(siteB, "PutJournal"), how: end}
			_, err := p.recover(t)
			p.deadline = nil
			if err == nil {
				return // it was closed all the same
			}
			cleared := p.count(siteB, "Clear", "")
			if _, err := p.recover(t); err != nil {
				t.Fatal(err)
			}
			if again := p.count(siteB, "Clear", ""); again > cleared {
				t.Errorf("told %q, and cleared %d caches again", asRunError(t, err).Next, again-cleared)
			}
			p.wantRecovered(t)
		})
	}
}

func TestAProofThatCouldNotBeRecordedIsNotCalledLasting(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteB, method: "Keys", cache: "work"}, happens(func() {
		p.before(occasion{site: siteB, method: "PutJournal", always: true}, func() error { return errFake })
	}))
	_, err := p.recover(t)
	if next := asRunError(t, err).Next; strings.Contains(next, "without clearing") {
		t.Errorf("promises what the next command cannot know: %s", next)
	}
	p.wantPrimaryWhole(t)
	p.continues(t)
}

// changeNumber is the number, among the changing calls of an undisturbed run, of the first one of a method on a site.
func (p *pair) changeNumber(t *testing.T, site, method string, changes ...func(*xsite.Options)) int {
	t.Helper()
	undisturbed := smallPair(t)
	undisturbed.b.keycloaks[0].instances, undisturbed.b.keycloaks[0].pods = p.b.keycloaks[0].instances, p.b.keycloaks[0].pods
	at := 0
	undisturbed.before(occasion{site: site, method: method}, func() error { at = undisturbed.changes; return nil })
	if _, err := undisturbed.recover(t, changes...); err != nil {
		t.Fatal(err)
	}
	return at
}

// lastChange is the number, among the changing calls, of the last one of a method on a site.
func (p *pair) lastChange(site, method string) int {
	number, last := 0, 0
	for _, c := range p.calls {
		if c.changing {
			number++
		}
		if c.site == site && c.method == method {
			last = number
		}
	}
	return last
}
