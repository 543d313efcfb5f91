package xsite

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// checkOtherClients looks for what guard quiet would find before the clear, once Keycloak is down. While Keycloak of the secondary
// runs, its own connections are told from others by the addresses of its pods: a proxy in between hides them, so a stranger is a
// warning. With Keycloak down every client is a stranger.
func (r *run) checkOtherClients(ctx context.Context) error {
	if r.journal.record.Verified {
		r.passed(GuardQuiet, "what is left of the unfinished run clears nothing, whoever is connected to the secondary %s", r.secondary.name)
		return nil
	}
	pods, addresses := 0, []string{}
	for _, k := range r.plan.Secondary.Keycloaks {
		pods += len(k.Pods)
		addresses = append(addresses, k.Addresses...)
	}
	if pods == 0 {
		return r.checkNobodyConnected(ctx)
	}
	connections, err := r.connections(ctx)
	if errors.Is(err, infinispan.ErrUnsupported) {
		return r.connectionsUntold()
	}
	if err != nil {
		return err
	}
	if len(addresses) == 0 {
		r.passed(GuardQuiet, "whether other clients use the secondary %s is seen once its Keycloak is stopped: its pods have no address", r.secondary.name)
		return nil
	}
	strangers := dataClients(slices.DeleteFunc(connections, func(c infinispan.Connection) bool { return comesFrom(c, addresses) }))
	if len(strangers) == 0 {
		r.passed(GuardQuiet, "only Keycloak is connected to the data of the secondary %s", r.secondary.name)
		return nil
	}
	then := "; if they are there still when Keycloak is down, the run stops before the next clear, unless --accept " + string(SignOtherClients) + " is given"
	if slices.Contains(r.opts.Accept, SignOtherClients) {
		then = " (accepted)"
	}
	r.warned(GuardQuiet, "%s: clients are connected from elsewhere than the pods of Keycloak: %s%s", r.secondary, joined(strangers), then)
	return nil
}

// checkNobodyConnected is checkOtherClients where no Keycloak runs.
func (r *run) checkNobodyConnected(ctx context.Context) error {
	stop, told, err := r.connected(ctx)
	switch {
	case err != nil:
		return err
	case !told:
		return r.connectionsUntold()
	case stop == nil:
		r.passed(GuardQuiet, "no client is connected to the data of the secondary %s", r.secondary.name)
		return nil
	default:
		return r.unlessAccepted(SignOtherClients, stop)
	}
}

// connectionsUntold passes the check on servers that do not list connections.
func (r *run) connectionsUntold() error {
	r.passed(GuardQuiet, "this version of Infinispan does not list connections: whether another client is connected is not known")
	return nil
}

// comesFrom tells whether a connection comes from one of the addresses. One that cannot be read comes from elsewhere.
func comesFrom(c infinispan.Connection, addresses []string) bool {
	remote, ok := remoteIP(c.RemoteAddress)
	return ok && slices.ContainsFunc(addresses, func(address string) bool {
		ip, err := netip.ParseAddr(address)
		return err == nil && ip.Unmap() == remote
	})
}

// remoteIP reads the address of a peer as Java writes it: "/10.0.0.1:4711", "/[fd00:0:0:0:0:0:0:1]:4711", with a host's name
// before the slash if it was looked up.
func remoteIP(text string) (netip.Addr, bool) {
	_, peer, ok := strings.Cut(text, "/")
	if !ok {
		peer = text
	}
	host := peer[:max(strings.LastIndexByte(peer, ':'), 0)]
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return ip.WithZone("").Unmap(), err == nil
}
