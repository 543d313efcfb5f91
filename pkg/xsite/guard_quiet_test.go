package xsite_test

import (
	"fmt"
	"slices"
	"strings"
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
	p.after(occasion{site: siteB, method: "Connections", nth: 2}, happens(func() { p.b.clients = connectedTo("HTTP/1.1") }))
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

// stopKeycloak takes Keycloak of the secondary down before the run.
func (p *pair) stopKeycloak() {
	for _, k := range p.b.keycloaks {
		k.instances, k.pods = 0, nil
	}
}

// Found before anything is stopped, and not only when Keycloak is down.
func TestClientsOfTheSecondaryAreFoundBeforeAnythingIsStopped(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(p *pair)
		accept  []xsite.Sign
		status  xsite.CheckStatus
		says    string
	}{
		"Keycloak down":           {(*pair).stopKeycloak, nil, xsite.CheckFail, "HOTROD/4.0 from /10.1.2.3:4711"},
		"Keycloak down, accepted": {(*pair).stopKeycloak, []xsite.Sign{xsite.SignOtherClients}, xsite.CheckWarn, "(accepted)"},
		"from elsewhere":          {func(p *pair) { p.b.keycloaks[0].addresses = []string{"10.1.2.4"} }, nil, xsite.CheckWarn, "HOTROD/4.0 from /10.1.2.3:4711"},
		"from Keycloak":           {func(p *pair) { p.b.keycloaks[0].addresses = []string{"10.1.2.4", "::ffff:10.1.2.3"} }, nil, xsite.CheckPass, "only Keycloak"},
		"from Keycloak, IPv6": {func(p *pair) {
			p.b.clients[1].RemoteAddress, p.b.keycloaks[0].addresses = "/[fd00:0:0:0:0:0:0:1]:4711", []string{"fd00::1"}
		}, nil, xsite.CheckPass, "only Keycloak"},
		"Keycloak without address":  {func(*pair) {}, nil, xsite.CheckPass, "is seen once its Keycloak is stopped"},
		"a version that tells none": {func(p *pair) { p.a.version, p.b.version = "14.0.28.Final", "14.0.28.Final" }, nil, xsite.CheckPass, "does not list connections"},
	} {
		t.Run(name, func(t *testing.T) {
			p := smallPair(t)
			p.b.clients = connectedTo("HTTP/1.1", "HOTROD/4.0")
			c.prepare(p)
			options, _ := p.seats()
			count := 2
			options.Accept, options.KeycloakInstances = c.accept, &count
			report := xsite.Check(t.Context(), xsite.CheckOptions{Options: options})
			at := slices.IndexFunc(report.Checks, func(r xsite.CheckResult) bool { return r.ID == xsite.CheckOtherClients })
			result := report.Checks[at]
			text := fmt.Sprint(result.Notes, result.Warnings, result.Findings)
			if result.Status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%s: %s", result.Status, text)
			}
		})
	}
}

func TestClientsDoNotKeepKeycloakFromStartingOnProvedContents(t *testing.T) {
	p := smallPair(t)
	p.diedAfterThe(t, "BringOnline")
	p.b.clients = connectedTo("HOTROD/4.0")
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}
