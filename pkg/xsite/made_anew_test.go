package xsite_test

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// A run that nobody can continue must not be a dead end: one way on is named, and it works.
func TestARunThatCannotBeContinuedNamesAWayOnThatWorks(t *testing.T) {
	for name, c := range map[string]struct {
		happened func(p *pair)
		guard    xsite.Guard
	}{
		"the Infinispan of the secondary was made anew": {func(p *pair) { p.b.uid = "uid-new" }, xsite.GuardIdentity},
		"the Infinispan of the primary was made anew":   {func(p *pair) { p.a.uid = "uid-new" }, xsite.GuardIdentity},
		"only the primary's copy is left":               {func(p *pair) { p.b.journals = nil }, xsite.GuardRecorded},
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
			options, agree := p.seats()
			if _, err := xsite.DiscardJournal(t.Context(), xsite.DiscardOptions{Options: options, Agree: agree, RunID: id}); err != nil {
				t.Fatal(err)
			}
			count := 2 // which no record knows any more
			if _, err := p.recover(t, func(o *xsite.Options) { o.KeycloakInstances = &count }); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}
