package xsite_test

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// auto makes all backups ASYNC in mode AUTO.
func (p *pair) auto() {
	p.backups(func(b *infinispan.BackupConfig) {
		b.Strategy, b.Mode = infinispan.StrategyAsync, infinispan.ModeAuto
	})
}

// wantNothingPushedBack lets the primary go on alone and the link come back: a secondary that is left with old contents, offline
// towards the primary and in mode AUTO, would push them over what was written meanwhile (V7).
func (p *pair) wantNothingPushedBack(t *testing.T) {
	t.Helper()
	for _, key := range p.a.caches["sessions"].keys(p.now) {
		if err := p.clientWrites("sessions", key, entry{value: "newer"}); err != nil {
			t.Fatal(err)
		}
	}
	p.link = linkUp
	p.b.seesPeerAnew()
	p.wantPrimaryWhole(t)
}

// The modes are AUTO again by then: they were put back in phase online.
func TestASecondaryThatIsHeldOffAtTheEndPushesNothingByItself(t *testing.T) {
	p := newPair(t)
	p.auto()
	p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() { p.link = linkDown }))
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantHeldSafe(t)
	p.wantNothingPushedBack(t)
	p.continues(t)
}

func TestASecondaryWhoseFlagsCannotBePutBackPushesNothingByItself(t *testing.T) {
	for method, when := range map[string]string{"BringOnline": "whose flags stay", "SetStateTransferMode": "whose mode stays"} {
		t.Run(when, func(t *testing.T) {
			p := newPair(t)
			p.auto()
			p.after(occasion{site: siteB, method: "TakeOffline", cache: "work"}, func() error {
				p.hooks = append(p.hooks, &hook{
					occasion: occasion{site: siteB, method: method, cache: "sessions", always: true},
					before:   func() error { return errFake },
				})
				return errFake
			})
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Failed)
			p.wantNothingPushedBack(t)
			p.continues(t)
		})
	}
}
