package xsite_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// noPrimaryLease is the flag of who has no right to the primary's lease: two such runs with mirrored roles hold one lease each.
func noPrimaryLease(o *xsite.Options) { o.NoPrimaryLease = true }

// The journals are read when the leases are taken, and written when the probe has come to its end. What a colleague discards in
// between must not be what this run keeps.
func TestMirroredRunsWithOneLeaseEachNeverDiscardBothSites(t *testing.T) {
	for name, aborts := range map[string]bool{"the colleague's run is open": false, "the colleague aborted it": true} {
		for when, at := range map[string]occasion{
			"while the probe ends":         {site: siteA, method: "DeleteCache"},
			"before the record is written": {site: siteB, method: "PutJournal"},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				p := smallPair(t)
				p.before(at, happens(func() {
					p.before(occasion{site: siteB, method: "StartPush", always: true}, func() error { return errFake })
					if second := p.meanwhile(t, p.b, p.a, noPrimaryLease); second == nil {
						t.Error("the colleague did not stop half-way, so this tells nothing")
					}
					if aborts {
						p.abortsMirrored(t)
					}
					p.hooks = nil
				}))
				before := maps.Clone(p.b.caches["sessions"].entries)
				_, err := p.recover(t, noPrimaryLease)
				p.wantStoppedBy(t, err, xsite.GuardSingleRun, xsite.Held)
				if err != nil && !strings.Contains(err.Error(), "colleague@desk") {
					t.Errorf("does not say who was at work: %v", err)
				}
				if len(p.a.caches["sessions"].entries) > 0 {
					t.Fatal("the colleague did not clear what this run keeps, so this tells nothing")
				}
				if !maps.Equal(p.b.caches["sessions"].entries, before) {
					t.Errorf("cleared the only site that still had the data: %d of %d entries are left", len(p.b.caches["sessions"].entries), len(before))
				}
				for _, record := range p.records(t, p.b) {
					if record.Who == "operator@laptop" && record.Closed != "undone" {
						t.Errorf("the refused run is left open: %+v", record)
					}
				}
			})
		}
	}
}

// abortsMirrored lets the colleague go back from the run that discards site-a, and leave that site empty.
func (p *pair) abortsMirrored(t *testing.T) {
	t.Helper()
	p.elsewhere(t, p.b, p.a, func(ctx context.Context, options xsite.Options) {
		noPrimaryLease(&options)
		agree := func(context.Context, xsite.Undertaking) error { return nil }
		if _, err := xsite.Abort(ctx, xsite.AbortOptions{Options: options, Agree: agree, DiscardSessions: true}); err != nil {
			t.Error(err)
		}
	})
}
