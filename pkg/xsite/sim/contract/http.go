package contract

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/icholy/digest"
)

// Door is how an endpoint of a node is reached.
type Door struct {
	// Base is the address, without a path.
	Base string
	// Dial makes the connection; nil is the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// User and Password belong to the realm of the endpoint.
	User, Password string
}

// bodyLimit bounds the answers that are read.
const bodyLimit = 8 << 20

// Send sends a request through the door, on a connection of its own.
func (d Door) Send(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	transport := &http.Transport{DialContext: d.Dial, DisableKeepAlives: true, DisableCompression: true}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, d.Base+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "contract")
	for name, value := range map[string]string{"Accept": r.Accept, "Content-Type": r.ContentType, "Flags": r.Flags, "Key-Content-Type": r.KeyType} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	switch r.Auth {
	case AuthDigest:
		client.Transport = &digest.Transport{Username: d.User, Password: d.Password, Transport: transport}
	case AuthWrong:
		client.Transport = &digest.Transport{Username: d.User, Password: d.Password + "wrong", Transport: transport}
	case AuthBasic:
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(d.User+":"+d.Password)))
	case AuthNone:
	}
	res, err := client.Do(req)
	if err != nil {
		return unanswered(ctx, err), nil
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit))
	if err != nil {
		return unanswered(ctx, err), nil
	}
	return Answer{
		Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Body: string(body),
		Challenges: res.Header.Values("WWW-Authenticate"),
	}, nil
}

// unanswered tells silence from a dropped connection.
func unanswered(ctx context.Context, err error) Answer {
	var timeout net.Error
	if ctx.Err() != nil || (errors.As(err, &timeout) && timeout.Timeout()) {
		return Answer{Silent: true}
	}
	return Answer{Dropped: true}
}
