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
	unsupported := false
	var left []string
	err := r.await(ctx, Secondary, "other clients to be gone", lingers, func(ctx context.Context) (bool, string, error) {
		connections, err := r.secondary.relay().node.Connections(ctx)
		if errors.Is(err, infinispan.ErrUnsupported) {
			unsupported = true
			return true, "", nil
		}
		if err != nil {
			return false, "", fmt.Errorf("list the connections to the %s: %w", r.secondary, err)
		}
		left = dataClients(connections)
		return len(left) == 0, joined(left), nil
	})
	if _, late := errors.AsType[*WaitTimeoutError](err); !late {
		if unsupported {
			r.noted(Secondary, "this version of Infinispan does not list connections: whether another client is connected is not known")
		}
		return err
	}
	if slices.Contains(r.opts.Accept, SignOtherClients) {
		r.noted(Secondary, "other clients are connected (accepted): %s", joined(left))
		return nil
	}
	return &Stop{
		Guard: GuardQuiet, Found: "other clients are connected: " + joined(left), Where: r.secondary.String(),
		Because: "what they write meanwhile is cleared or mixed with what is pushed, and what they read is incomplete",
		Next:    fmt.Sprintf("stop them, then run the same command again; if they only read and may read nonsense, add --accept %s", SignOtherClients),
	}
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
