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
	p := newPair(t)
	p.auto()
	p.after(occasion{site: siteB, method: "TakeOffline", cache: "work"}, func() error {
		p.before(occasion{site: siteB, method: "BringOnline", cache: "sessions", always: true}, func() error { return errFake })
		return errFake
	})
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantNothingPushedBack(t)
	p.continues(t)
}

// A server that starts again is in the mode of its configuration, whatever was set by hand before.
func TestASecondaryWithAServerThatIsInModeAutoAnewPushesNothingByItself(t *testing.T) {
	p := newPair(t)
	p.async()
	p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() {
		p.b.caches["sessions"].setMode(infinispan.ModeAuto)
		p.link = linkDown
	}))
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	p.wantHeldSafe(t)
	p.wantNothingPushedBack(t)
	p.continues(t)
}

// So it was before the run; but the link is down now, and would wake it up.
func TestASecondaryThatHeldThePrimaryOfflineInModeAutoIsNotPutBackOverALostLink(t *testing.T) {
	for name, flag := range map[string]infinispan.Flag{"online on the primary": infinispan.FlagOnline, "offline on the primary": infinispan.FlagOffline} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.auto()
			for cache := range p.truth {
				p.b.caches[cache].setFlag(infinispan.FlagOffline)
				p.a.caches[cache].setFlag(flag)
			}
			p.after(occasion{site: siteA, method: "TakeOffline", cache: "work"}, func() error { p.link = linkDown; return errFake })
			accept := func(o *xsite.Options) { o.Accept = []xsite.Sign{xsite.SignPrimaryHeldOffline} }
			_, err := p.recover(t, accept)
			p.wantOutcome(t, err, xsite.Failed)
			p.wantNothingPushedBack(t)
			p.hooks = nil
			if _, err := p.recover(t, accept); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}

func TestACacheWhoseModeCannotBeSetLeavesNoOtherSpeaking(t *testing.T) {
	p := newPair(t)
	p.auto()
	p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() {
		p.before(occasion{site: siteB, method: "SetStateTransferMode", cache: "sessions", always: true}, func() error { return errFake })
		p.link = linkDown
	}))
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Failed)
	for name := range p.truth {
		for i, flag := range p.b.caches[name].flags {
			if name != "sessions" && flag != infinispan.FlagOffline {
				t.Errorf("site-b speaks to site-a still for cache %s on server %d", name, i)
			}
		}
	}
	p.link = linkUp
	p.continues(t)
}
