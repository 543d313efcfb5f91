// Package rest is the tests' own witness of an Infinispan node: a small client of its REST API that
// shares nothing with the program under test.
package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// container is the path of the cache container that releases 14 to 16 all answer (V30).
const container = "/rest/v2/cache-managers/default"

// Error is an answer that is no success.
type Error struct {
	// Request is the method and the path, Status the HTTP code, Body what the server said (at most 4 KiB).
	Request string
	Status  int
	Body    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %d %s", e.Request, e.Status, strings.TrimSpace(e.Body))
}

// Client speaks to one endpoint of one node. It may be used by several goroutines.
type Client struct {
	base string
	http *http.Client
}

// New makes a client of the endpoint at base ("http://127.0.0.1:20123") that answers whatever Digest
// challenge the server makes. ca (PEM) is the trusted authority of an https base; the certificate is
// checked for the name localhost.
func New(base, user, password string, ca []byte) (*Client, error) {
	transport := &http.Transport{
		ResponseHeaderTimeout: 2 * time.Minute,
		MaxIdleConnsPerHost:   16,
	}
	if ca != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(ca) {
			return nil, errors.New("the CA holds no certificate")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	}
	authenticated := &lanes{user: user, password: password, transport: transport}
	return &Client{base: base, http: &http.Client{Transport: authenticated}}, nil
}

// Close gives up the client's idle connections.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
}

// call sends one request and reads the whole answer. Any code but 2xx is an *Error.
func (c *Client) call(ctx context.Context, method, path string, body []byte, headers ...string) ([]byte, error) {
	request := method + " " + path
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request, err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request, err)
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		// An answer without its end is no answer (V42).
		return nil, fmt.Errorf("%s: read the answer: %w", request, err)
	}
	if answer.StatusCode/100 != 2 {
		const most = 4096
		return nil, &Error{Request: request, Status: answer.StatusCode, Body: string(content[:min(len(content), most)])}
	}
	return content, nil
}

// read is call for an answer in JSON.
func (c *Client) read(ctx context.Context, path string, into any) error {
	content, err := c.call(ctx, http.MethodGet, path, nil, "Accept", "application/json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("GET %s answers %.200q: %w", path, content, err)
	}
	return nil
}

func cachePath(name string) string { return "/rest/v2/caches/" + url.PathEscape(name) }
