package xsite_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// A run that nobody can continue must not be a dead end: one way on is named, and it works.
func TestARunThatCannotBeContinuedNamesAWayOnThatWorks(t *testing.T) {
	for name, c := range map[string]struct {
		happened func(p *pair)
		guard    xsite.Guard
		// shown is what the question says of that record, when it is whole.
		shown string
	}{
		"the Infinispan of the secondary was made anew": {func(p *pair) { p.b.uid = "uid-new" }, xsite.GuardIdentity, ""},
		"the Infinispan of the primary was made anew":   {func(p *pair) { p.a.uid = "uid-new" }, xsite.GuardIdentity, ""},
		"only the primary's copy is left":               {func(p *pair) { p.b.journals = nil }, xsite.GuardRecorded, ""},
		"a cache was deleted on both sites": {func(p *pair) {
			delete(p.a.caches, "work")
			delete(p.b.caches, "work")
			delete(p.truth, "work")
		}, xsite.GuardRecorded, "cache work does not back up both ways any more"},
		"a cache backs up no more": {func(p *pair) {
			clear(p.a.caches["work"].config.Backups)
			clear(p.b.caches["work"].config.Backups)
			delete(p.truth, "work")
		}, xsite.GuardRecorded, "cache work does not back up both ways any more"},
		"Keycloak was replaced by one of another name": {func(p *pair) {
			p.b.keycloaks = []*keycloak{{ref: "keycloak/other"}}
		}, xsite.GuardRecorded, keycloakRef + " is not there any more"},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.diedAfterThe(t, "Clear")
			id := p.records(t, p.a)[0].RunID
			c.happened(p)
			made := len(p.changed())
			_, err := p.recover(t)
			p.wantStoppedBy(t, err, c.guard, xsite.Refused)
			_, aborted := p.abort(t, true)
			p.wantStoppedBy(t, aborted, c.guard, xsite.Refused)
			for _, text := range []string{err.Error(), aborted.Error()} {
				if !strings.Contains(text, "kubectl ispn-resync abort --discard-journal "+id) {
					t.Errorf("names no way on: %s", text)
				}
			}
			if after := p.changed()[made:]; len(after) > 0 {
				t.Errorf("changed %v", after)
			}
			options, _ := p.seats()
			var shown []string
			agree := func(_ context.Context, what xsite.Undertaking) error { shown = what.Found; return nil }
			if _, err := xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, Agree: agree, RunID: id}); err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(shown, "\n"); !strings.Contains(text, c.shown) {
				t.Errorf("the question does not say why that record is of no use, %q: %s", c.shown, text)
			}
			count := 2 // which no record knows any more
			if _, err := p.recover(t, func(o *xsite.Options) { o.KeycloakInstances = &count }); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

// A Keycloak that is there, and only not named, is no reason to drop the record that knows its count.
func TestARecordIsNotDiscardedBecauseItsKeycloakWasNotNamed(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "Clear")
	p.b.contenders.OtherKeycloaks = []xsite.OtherKeycloak{{Ref: keycloakRef}}
	left := p.b.keycloaks
	p.b.keycloaks = nil
	p.wantStoppedBy(t, p.discardRecord(t), xsite.GuardRecorded, xsite.Refused)
	p.b.keycloaks, p.b.contenders.OtherKeycloaks = left, nil
	p.continues(t)
}
