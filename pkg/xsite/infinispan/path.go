package infinispan

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// path is a request path in three forms. Names of caches, sites and keys are data: each is one escaped segment.
type path struct {
	plain   string // decoded
	escaped string // as sent
	shown   string // as errors name it, without keys
}

// apiPath joins segments below /rest/v2.
func apiPath(segments ...string) path {
	p := path{plain: "/rest/v2", escaped: "/rest/v2"}
	for _, s := range segments {
		p.plain += "/" + s
		p.escaped += "/" + url.PathEscape(s)
	}
	p.shown = p.escaped
	return p
}

// cachePath is the path of a cache, or of something below it.
func cachePath(cache string, below ...string) (path, error) {
	if err := checkName("cache", cache); err != nil {
		return path{}, err
	}
	return apiPath(append([]string{"caches", cache}, below...)...), nil
}

// sitePath is the path of a cache's backup to a site, or of something below it.
func sitePath(cache, site string, below ...string) (path, error) {
	if err := checkName("site", site); err != nil {
		return path{}, err
	}
	return cachePath(cache, append([]string{"x-site", "backups", site}, below...)...)
}

// keyPath is the path of a key. The key is not shown.
func keyPath(cache, key string) (path, error) {
	if err := checkName("key", key); err != nil {
		return path{}, err
	}
	p, err := cachePath(cache, key)
	if err != nil {
		return path{}, err
	}
	p.shown = apiPath("caches", cache).escaped + "/{key}"
	return p, nil
}

// checkName refuses names that would make a path mean something else than one segment.
func checkName(what, name string) error {
	if name == "" || name == "." || name == ".." {
		return fmt.Errorf("infinispan client: %q cannot be the name of a %s in a request", name, what)
	}
	return nil
}

// containerPath is the path of the cache container in this server's dialect, or of something below it: container on
// 15 and later, cache-managers/NAME on 14 (V30). The first call finds out and the client remembers.
func (c *Client) containerPath(ctx context.Context, below ...string) (path, error) {
	c.mu.Lock()
	known := c.container
	c.mu.Unlock()
	if known == nil {
		found, err := c.probeContainer(ctx)
		if err != nil {
			return path{}, err
		}
		c.mu.Lock()
		c.container = found
		c.mu.Unlock()
		known = found
	}
	return apiPath(append(append([]string(nil), known...), below...)...), nil
}

// probeContainer asks in both dialects, the newer one first.
func (c *Client) probeContainer(ctx context.Context) ([]string, error) {
	newer := []string{"container"}
	_, err := c.do(ctx, request{method: http.MethodGet, path: apiPath(newer...)})
	if err == nil {
		return newer, nil
	}
	var call *CallError
	if !errors.As(err, &call) || (call.Status != http.StatusBadRequest && call.Status != http.StatusNotFound) {
		return nil, err
	}
	name, err := c.containerName(ctx)
	if err != nil {
		return nil, err
	}
	older := []string{"cache-managers", name}
	if _, err := c.do(ctx, request{method: http.MethodGet, path: apiPath(older...)}); err != nil {
		return nil, err
	}
	return older, nil
}

// containerName asks a server of version 14 for the name of its one cache container.
func (c *Client) containerName(ctx context.Context) (string, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: apiPath("server", "cache-managers")})
	if err != nil {
		return "", err
	}
	var names []string
	if err := a.decode(&names); err != nil {
		return "", err
	}
	if len(names) != 1 || checkName("container", strings.TrimSpace(names[0])) != nil {
		return "", a.unexpected("not exactly one cache container")
	}
	return names[0], nil
}
