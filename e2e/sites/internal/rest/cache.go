package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const plain = "text/plain; charset=utf-8"

// KeepHome is the value of the header "flags" with which a write stays in its own site (V2).
const KeepHome = "SKIP_XSITE_BACKUP"

// CreateCache makes a cache from its configuration in JSON.
func (c *Client) CreateCache(ctx context.Context, name string, configuration []byte) error {
	_, err := c.call(ctx, http.MethodPost, cachePath(name), configuration, "Content-Type", "application/json")
	return err
}

// DeleteCache removes a cache with what it holds.
func (c *Client) DeleteCache(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodDelete, cachePath(name), nil)
	return err
}

// Caches lists the names of all caches.
func (c *Client) Caches(ctx context.Context) ([]string, error) {
	var names []string
	err := c.read(ctx, "/rest/v2/caches", &names)
	return names, err
}

// Put writes an entry. A lifespan of zero is for ever; others are rounded to seconds.
func (c *Client) Put(ctx context.Context, cache, key, value string, lifespan time.Duration) error {
	headers := []string{"Content-Type", plain, "Key-Content-Type", "text/plain; charset=utf-8"}
	if lifespan > 0 {
		headers = append(headers, "timeToLiveSeconds", strconv.Itoa(int(lifespan.Round(time.Second)/time.Second)))
	}
	_, err := c.call(ctx, http.MethodPut, cachePath(cache)+"/"+url.PathEscape(key), []byte(value), headers...)
	return err
}

// Get reads an entry; found is false when there is none.
func (c *Client) Get(ctx context.Context, cache, key string) (value string, found bool, err error) {
	content, err := c.call(ctx, http.MethodGet, cachePath(cache)+"/"+url.PathEscape(key), nil, "Accept", plain)
	if failed := (*Error)(nil); errors.As(err, &failed) && failed.Status == http.StatusNotFound && failed.Body == "" {
		// A missing cache is a 404 too, but with words.
		return "", false, nil
	}
	return string(content), err == nil, err
}

// Delete removes an entry. One that is not there is an *Error with status 404.
func (c *Client) Delete(ctx context.Context, cache, key string) error {
	_, err := c.call(ctx, http.MethodDelete, cachePath(cache)+"/"+url.PathEscape(key), nil)
	return err
}

// Size counts the entries of a cache in the whole site.
func (c *Client) Size(ctx context.Context, cache string) (int, error) {
	var size int
	err := c.read(ctx, cachePath(cache)+"?action=size", &size)
	return size, err
}

// Clear empties a cache. flags go into the header of that name; [KeepHome] keeps the clear in its site.
func (c *Client) Clear(ctx context.Context, cache string, flags ...string) error {
	var headers []string
	if len(flags) > 0 {
		headers = []string{"flags", strings.Join(flags, ",")}
	}
	_, err := c.call(ctx, http.MethodPost, cachePath(cache)+"?action=clear", nil, headers...)
	return err
}

// Keys lists the keys of a cache whose keys are strings.
func (c *Client) Keys(ctx context.Context, cache string) ([]string, error) {
	var raw []json.RawMessage
	if err := c.read(ctx, cachePath(cache)+"?action=keys", &raw); err != nil {
		return nil, err
	}
	keys := make([]string, len(raw))
	for i, message := range raw {
		var err error
		if keys[i], err = text(message); err != nil {
			return nil, fmt.Errorf("key %d of %s: %w", i, cache, err)
		}
	}
	return keys, nil
}

// Entries reads a cache whose keys and values are strings.
func (c *Client) Entries(ctx context.Context, cache string) (map[string]string, error) {
	var raw []struct{ Key, Value json.RawMessage }
	if err := c.read(ctx, cachePath(cache)+"?action=entries", &raw); err != nil {
		return nil, err
	}
	entries := make(map[string]string, len(raw))
	for _, entry := range raw {
		key, err := text(entry.Key)
		if err != nil {
			return nil, fmt.Errorf("a key of %s: %w", cache, err)
		}
		if entries[key], err = text(entry.Value); err != nil {
			return nil, fmt.Errorf("the value of %q in %s: %w", key, cache, err)
		}
	}
	return entries, nil
}

// text reads a string in either of the forms in which the server writes one (V41).
func text(message json.RawMessage) (string, error) {
	var plain string
	if json.Unmarshal(message, &plain) == nil {
		return plain, nil
	}
	var typed struct {
		Type  string `json:"_type"`
		Value string `json:"_value"`
	}
	if err := json.Unmarshal(message, &typed); err != nil || typed.Type != "string" {
		return "", fmt.Errorf("%.100s is not a string", message)
	}
	return typed.Value, nil
}
