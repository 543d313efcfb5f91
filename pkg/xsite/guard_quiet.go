package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// lingers is how long connections of a Keycloak that has just ended may still be listed.
const lingers = 15 * time.Second

// guardQuiet: nobody is connected to the secondary's data (V62). Another client writes while the caches are cleared and filled
// anew, or reads from them; what it writes does not reach the primary. Clients of the REST interface (the operator, monitors,
// this tool) come and go, and are not told from writers by their connections.
func (r *run) guardQuiet(ctx context.Context) error {
	stop, told, err := r.connected(ctx)
	switch {
	case err != nil:
		return err
	case !told:
		r.noted(Secondary, "this version of Infinispan does not list connections: whether another client is connected is not known")
	case stop == nil:
	case slices.Contains(r.opts.Accept, SignOtherClients):
		r.noted(Secondary, "%s (accepted)", stop.Found)
	default:
		stop.Next += fmt.Sprintf("; if they only read and may read nonsense, add --accept %s", SignOtherClients)
		return stop
	}
	return nil
}

// connected waits until no client is connected to the secondary's data, and gives the refusal for those that stay; told is false
// where the servers do not list connections.
func (r *run) connected(ctx context.Context) (stop *Stop, told bool, err error) {
	told = true
	var left []string
	err = r.await(ctx, Secondary, "other clients to be gone", lingers, func(ctx context.Context) (bool, string, error) {
		connections, err := r.connections(ctx)
		if errors.Is(err, infinispan.ErrUnsupported) {
			told = false
			return true, "", nil
		}
		left = dataClients(connections)
		return len(left) == 0, joined(left), err
	})
	if _, late := errors.AsType[*WaitTimeoutError](err); !late {
		return nil, told, err
	}
	return &Stop{
		Guard: GuardQuiet, Found: "other clients are connected: " + joined(left), Where: r.secondary.String(),
		Because: "what they write meanwhile is cleared or mixed with what is pushed, and what they read is incomplete",
		Next:    "stop them, then run the same command again",
	}, true, nil
}

// connections lists the connections to the secondary's servers.
func (r *run) connections(ctx context.Context) ([]infinispan.Connection, error) {
	connections, err := r.secondary.relay().node.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the connections to the %s: %w", r.secondary, err)
	}
	return connections, nil
}

// dataClients describes the connections by which data is written: of Hot Rod, RESP and memcached clients.
func dataClients(connections []infinispan.Connection) []string {
	var found []string
	for _, c := range connections {
		protocol := strings.ToUpper(c.Protocol)
		if protocol == "" || strings.HasPrefix(protocol, "HTTP") {
			continue
		}
		text := fmt.Sprintf("%s from %s", c.Protocol, c.RemoteAddress)
		if who := strings.TrimSpace(c.Principal + " " + c.ClientLibrary); who != "" {
			text += " (" + who + ")"
		}
		if !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	slices.Sort(found)
	return found
}
