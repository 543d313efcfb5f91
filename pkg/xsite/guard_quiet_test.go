package xsite_test

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// connectedTo gives connections of clients to a site, by protocol.
func connectedTo(protocols ...string) []infinispan.Connection {
	var list []infinispan.Connection
	for i, protocol := range protocols {
		list = append(list, infinispan.Connection{ID: int64(i), Protocol: protocol, Principal: "orders", RemoteAddress: "/10.1.2.3:4711"})
	}
	return list
}

func TestWhatAnotherClientWroteToTheSecondaryIsNotClearedUnseen(t *testing.T) {
	p := smallPair(t)
	p.b.clients = connectedTo("HTTP/1.1", "HOTROD/4.0")
	before := len(p.b.caches["sessions"].entries)
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardQuiet, xsite.Failed)
	if left := len(p.b.caches["sessions"].entries); left != before {
		t.Errorf("%d of %d entries of a cache in use were cleared", before-left, before)
	}
	p.b.clients = nil
	p.continues(t)
}

func TestAClientThatConnectsBehindTheClearKeepsThePushAway(t *testing.T) {
	p := smallPair(t)
	p.after(occasion{site: siteB, method: "Clear", cache: "work"}, happens(func() { p.b.clients = connectedTo("RESP/2") }))
	_, err := p.recover(t)
	p.wantStoppedBy(t, err, xsite.GuardQuiet, xsite.Failed)
	if n := p.count(siteA, "StartPush", ""); n > 0 {
		t.Errorf("%d pushes were mixed with what somebody else writes", n)
	}
	p.wantHeldSafe(t)
	p.b.clients = nil
	p.continues(t)
}

func TestClientsThatLeaveWithKeycloakDelayNothingAndMonitorsAreNoWriters(t *testing.T) {
	p := smallPair(t)
	p.b.clients = connectedTo("HOTROD/4.0", "HTTP/1.1")
	p.after(occasion{site: siteB, method: "Connections"}, happens(func() { p.b.clients = connectedTo("HTTP/1.1") }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

func TestClientsThatWereAcceptedAndVersionsThatListNoneDoNotStopTheRun(t *testing.T) {
	for name, prepare := range map[string]func(p *pair){
		"accepted": func(p *pair) { p.b.clients = connectedTo("HOTROD/4.0") },
		"14":       func(p *pair) { p.a.version, p.b.version = "14.0.28.Final", "14.0.28.Final" },
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			prepare(p)
			if _, err := p.recover(t, func(o *xsite.Options) { o.Accept = []xsite.Sign{xsite.SignOtherClients} }); err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
		})
	}
}
