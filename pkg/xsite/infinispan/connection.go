package infinispan

import (
	"context"
	"net/http"
	"time"
)

// Connection is one client's connection to an endpoint of the cluster (V62).
type Connection struct {
	// ID numbers the connection on its node.
	ID int64
	// Node is the name of the node it is connected to.
	Node string
	// Principal is the authenticated user; empty for none.
	Principal string
	// ClientName is what the client calls itself; mostly empty.
	ClientName string
	// ClientLibrary is the client's library or user agent, for instance "kubectl-ispn-resync"; may be empty.
	ClientLibrary string
	// ClientVersion is the library's version; may be empty.
	ClientVersion string
	// Protocol is for instance "HTTP/1.1" or "HOTROD/4.0"; may be empty.
	Protocol string
	// LocalAddress is the server's end, with the port that tells data and admin endpoint apart, such as
	// "/127.0.0.1:11222".
	LocalAddress string
	// RemoteAddress is the client's end.
	RemoteAddress string
	// Created is when the connection was made, by the server's clock; zero where the server does not say.
	Created time.Time
}

// Connections lists the client connections of all nodes of the cluster (V62). Version 14 does not have the call:
// ErrUnsupported. The connections of this client are among them.
func (c *Client) Connections(ctx context.Context) ([]Connection, error) {
	a, err := c.do(ctx, request{
		method: http.MethodGet, path: apiPath("server", "connections"), query: "global=true",
	})
	if err != nil {
		return nil, err
	}
	return parseConnections(a)
}

func parseConnections(a *answer) ([]Connection, error) {
	var w []struct {
		ID            *int64    `json:"id"`
		Node          string    `json:"server-node-name"`
		Principal     string    `json:"principal"`
		Name          string    `json:"name"`
		Library       string    `json:"client-library"`
		Version       string    `json:"client-version"`
		Protocol      string    `json:"protocol-version"`
		LocalAddress  string    `json:"local-address"`
		RemoteAddress string    `json:"remote-address"`
		Created       time.Time `json:"created"`
	}
	if err := a.decode(&w); err != nil {
		return nil, err
	}
	if w == nil {
		return nil, a.unexpected("no JSON array")
	}
	list := make([]Connection, 0, len(w))
	for _, e := range w {
		if e.ID == nil || e.LocalAddress == "" || e.RemoteAddress == "" {
			return nil, a.unexpected("a connection without id or address")
		}
		list = append(list, Connection{
			ID: *e.ID, Node: e.Node, Principal: e.Principal, ClientName: e.Name, ClientLibrary: e.Library,
			ClientVersion: e.Version, Protocol: e.Protocol, LocalAddress: e.LocalAddress,
			RemoteAddress: e.RemoteAddress, Created: e.Created,
		})
	}
	return list, nil
}
