package infinispan

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
)

// localClear is the flag that keeps a clear in its own site. Its value is case-sensitive (V2).
const localClear = "SKIP_XSITE_BACKUP"

// CacheNames lists the caches of the server, its own internal ones among them, in no order.
func (c *Client) CacheNames(ctx context.Context) ([]string, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: apiPath("caches")})
	if err != nil {
		return nil, err
	}
	return parseCacheNames(a)
}

func parseCacheNames(a *answer) ([]string, error) {
	var names []string
	if err := a.decode(&names); err != nil {
		return nil, err
	}
	if slices.Contains(names, "") {
		return nil, a.unexpected("a cache without a name")
	}
	return names, nil
}

// CacheExists reports whether the server has a cache of that name.
func (c *Client) CacheExists(ctx context.Context, cache string) (bool, error) {
	p, err := cachePath(cache)
	if err != nil {
		return false, err
	}
	a, err := c.do(ctx, request{method: http.MethodHead, path: p})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, a.done()
}

// CreateCache makes a volatile cache from a configuration in JSON, such as {"replicated-cache":{...}}. Volatile means
// that the server keeps no trace of it beyond its own life. A cache that exists already is an error of status 400 that
// mentions ISPN000507.
func (c *Client) CreateCache(ctx context.Context, cache string, config []byte) error {
	p, err := cachePath(cache)
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{
		method: http.MethodPost, path: p, body: config,
		header: http.Header{"Content-Type": {"application/json"}, "Flags": {"VOLATILE"}},
	})
	if err != nil {
		return err
	}
	return a.done()
}

// DeleteCache removes a cache with its contents, in this site only. A missing cache is fine.
func (c *Client) DeleteCache(ctx context.Context, cache string) error {
	p, err := cachePath(cache)
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{method: http.MethodDelete, path: p})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.done()
}

// Clear removes all entries of a cache in this site. It always carries the header that keeps the clear at home, whatever
// the offline marks say: without it a clear can empty the other site (V1, V3). There is no way to clear without it.
//
// Guard: no-leak.
func (c *Client) Clear(ctx context.Context, cache string) error {
	p, err := cachePath(cache)
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{
		method: http.MethodPost, path: p, query: "action=clear",
		//mutate:no-leak
		header: http.Header{"Flags": {localClear}},
	})
	if err != nil {
		return err
	}
	return a.done()
}

// Put writes a text under a key.
func (c *Client) Put(ctx context.Context, cache, key, value string) error {
	p, err := keyPath(cache, key)
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{
		method: http.MethodPut, path: p, body: []byte(value), private: true,
		header: http.Header{"Content-Type": {"text/plain"}},
	})
	if err != nil {
		return err
	}
	return a.done()
}

// Get reads the text under a key. A missing key is found = false without an error; a missing cache is ErrNotFound.
func (c *Client) Get(ctx context.Context, cache, key string) (value []byte, found bool, err error) {
	p, err := keyPath(cache, key)
	if err != nil {
		return nil, false, err
	}
	a, err := c.do(ctx, request{
		method: http.MethodGet, path: p, private: true,
		header: http.Header{"Accept": {"text/plain"}},
	})
	var call *CallError
	if errors.As(err, &call) && call.Status == http.StatusNotFound && call.Body == "" {
		return nil, false, nil // the server says nothing of a missing key, and names a missing cache
	}
	if err != nil {
		return nil, false, err
	}
	if a.status != http.StatusOK {
		return nil, false, a.unexpected("a status other than 200")
	}
	return a.body, true, nil
}

// Size counts the entries of a cache over its whole cluster, each once, without those that have expired. It may scan the
// cache; for progress use Stats.
func (c *Client) Size(ctx context.Context, cache string) (int64, error) {
	p, err := cachePath(cache)
	if err != nil {
		return 0, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p, query: "action=size"})
	if err != nil {
		return 0, err
	}
	return parseSize(a)
}

func parseSize(a *answer) (int64, error) {
	if a.status != http.StatusOK {
		return 0, a.unexpected("a status other than 200")
	}
	size, err := strconv.ParseInt(string(bytes.TrimSpace(a.body)), 10, 64)
	if err != nil || size < 0 {
		return 0, a.unexpected("not a number of entries")
	}
	return size, nil
}

// CacheStats are one node's counters of a cache. They are cheap, and only kept where the cache has statistics; a
// counter of -1 means that the server does not keep it.
type CacheStats struct {
	// ApproximateEntries is the number of entries on this node, copies for other nodes included.
	ApproximateEntries int64
	// ApproximateEntriesUnique is the number of entries that this node owns; its sum over all nodes is the cache's size,
	// expired entries included.
	ApproximateEntriesUnique int64
	// Stores is the number of writes to this node.
	Stores int64
	// Removes is the number of removes that hit.
	Removes int64
	// Evictions is the number of evicted entries.
	Evictions int64
}

// Stats asks for this node's counters of a cache.
func (c *Client) Stats(ctx context.Context, cache string) (CacheStats, error) {
	p, err := cachePath(cache)
	if err != nil {
		return CacheStats{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p, query: "action=stats"})
	if err != nil {
		return CacheStats{}, err
	}
	return parseStats(a)
}

func parseStats(a *answer) (CacheStats, error) {
	var w struct {
		Entries   *int64 `json:"approximate_entries"`
		Unique    *int64 `json:"approximate_entries_unique"`
		Stores    *int64 `json:"stores"`
		Removes   *int64 `json:"remove_hits"`
		Evictions *int64 `json:"evictions"`
	}
	if err := a.decode(&w); err != nil {
		return CacheStats{}, err
	}
	for name, value := range map[string]*int64{
		"approximate_entries": w.Entries, "approximate_entries_unique": w.Unique,
		"stores": w.Stores, "remove_hits": w.Removes, "evictions": w.Evictions,
	} {
		if value == nil || *value < -1 {
			return CacheStats{}, a.unexpected("no counter " + name)
		}
	}
	return CacheStats{
		ApproximateEntries:       *w.Entries,
		ApproximateEntriesUnique: *w.Unique,
		Stores:                   *w.Stores,
		Removes:                  *w.Removes,
		Evictions:                *w.Evictions,
	}, nil
}
