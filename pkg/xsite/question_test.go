package xsite_test

import (
	"context"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// failover makes the secondary the site that serves, and holds the primary off.
func failover(p *pair) {
	p.a.keycloaks[0].instances, p.a.keycloaks[0].pods = 0, nil
	for name := range p.truth {
		p.b.caches[name].setFlag(infinispan.FlagOffline)
	}
}

func TestWhatChangesWhileTheQuestionStandsIsNotOverlooked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *pair)
		guard  xsite.Guard
	}{
		"somebody fails over to the secondary": {failover, xsite.GuardDirection},
		"a flag of the primary": {func(p *pair) {
			p.a.caches["work"].setFlag(infinispan.FlagOffline)
		}, xsite.GuardChecksFirst},
		"a flag of one server of the secondary": {func(p *pair) {
			p.b.keycloaks[0].pods[0].ready, p.b.keycloaks[0].pods[1].ready = false, false // else it is a sign against the roles
			p.b.caches["work"].flags[1] = infinispan.FlagOffline
		}, xsite.GuardChecksFirst},
		"Keycloak of the secondary is scaled": {func(p *pair) {
			p.b.keycloaks[0].instances = 3
		}, xsite.GuardChecksFirst},
		"a cache is configured anew": {func(p *pair) {
			p.b.caches["work"].config.Owners = 1
		}, xsite.GuardChecksFirst},
		"somebody starts a push": {func(p *pair) {
			p.b.caches["work"].status[1] = infinispan.PushSending
		}, xsite.GuardOneSender},
		"the link is lost":     {func(p *pair) { p.link = linkDown }, xsite.GuardReachable},
		"a server is not well": {func(p *pair) { p.a.health = infinispan.HealthDegraded }, xsite.GuardChecksFirst},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			before := ""
			_, err := p.recover(t, func(o *xsite.Options) {
				o.Confirm = func(context.Context, xsite.Plan) error {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.now = p.now.Add(3 * time.Second)
					c.change(p)
					before = p.image()
					return nil
				}
			})
			p.wantRefused(t, err, c.guard, before)
		})
	}
}

func TestAQuestionThatStandsLongOverAnUnchangedPairIsFine(t *testing.T) {
	p := newPair(t)
	began := p.now
	result, err := p.recover(t, func(o *xsite.Options) {
		o.Confirm = func(context.Context, xsite.Plan) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.now = p.now.Add(time.Hour)
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := p.now.Sub(began); result.Took > all-time.Hour {
		t.Errorf("took %s of %s: the hour of the question counts as downtime", result.Took, all)
	}
	p.wantRecovered(t)
}
