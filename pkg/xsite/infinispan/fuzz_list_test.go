package infinispan

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// says is a server that answers everything with one body.
type says string

// RoundTrip implements http.RoundTripper.
func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(s))), Request: r}, nil
}

// clientOf makes a client of such a server.
func clientOf(body string) *Client {
	c := &http.Client{Transport: says(body)}
	return &Client{base: url.URL{Scheme: "http", Host: "server"}, calls: c, listings: c, timeout: time.Minute}
}

// FuzzElements makes any JSON value an element of each kind of listing: the key of an entry is the same whichever listing has
// it, in one form, and an entry lasts only if both its times say so.
func FuzzElements(f *testing.F) {
	for _, body := range recorded(f) {
		f.Add(body, int64(-1), int64(-1))
	}
	for _, raw := range []string{`"a"`, `{"_type":"string","_value":"a"}`, `{"_type":"org.X","b":1,"a":{}}`, `7`, `null`, `{"key":1,"key":2}`} {
		f.Add(raw, int64(60), int64(-1))
		f.Add(raw, int64(1)<<62, int64(9223372037))
	}
	f.Fuzz(func(t *testing.T, raw string, lifespan, idle int64) {
		if !json.Valid([]byte(raw)) {
			return
		}
		keys := 0
		err := clientOf("["+raw+"]").Keys(t.Context(), "c", func(key []byte) error {
			keys++
			wantOneForm(t, key)
			wantSameKey(t, raw, key, lifespan, idle)
			return nil
		})
		if err != nil || keys != 1 {
			t.Errorf("%q was listed as %d keys: %v", raw, keys, err)
		}
	})
}

// wantOneForm demands that a key is what it is made of itself.
func wantOneForm(t *testing.T, key []byte) {
	t.Helper()
	var k canonicalizer
	if again, err := k.appendTo(nil, key); err != nil || !bytes.Equal(again, key) {
		t.Errorf("%q has another form, %q: %v", key, again, err)
	}
}

// wantSameKey demands that the other listings give the key, as key and as value, with times that are not turned around.
func wantSameKey(t *testing.T, raw string, key []byte, lifespan, idle int64) {
	t.Helper()
	entry, err := json.Marshal(map[string]any{
		"key": json.RawMessage("0"), "value": json.RawMessage("1"), "timeToLiveSeconds": lifespan, "maxIdleTimeSeconds": idle,
	})
	if err != nil {
		t.Fatal(err)
	}
	// Not by package json, which would write the element anew.
	text := strings.Replace(strings.Replace(string(entry), `"key":0`, `"key":`+raw, 1), `"value":1`, `"value":`+raw, 1)
	c := clientOf("[" + text + "]")
	err = c.Entries(t.Context(), "c", func(k, v []byte) error {
		if !bytes.Equal(k, key) || !bytes.Equal(v, key) {
			t.Errorf("%q is %q as a key, and %q and %q in an entry", raw, key, k, v)
		}
		return nil
	})
	if err != nil {
		t.Errorf("an entry of %q cannot be listed: %v", raw, err)
	}
	err = c.EntriesWithMetadata(t.Context(), "c", 0, func(e Entry) error {
		if !bytes.Equal(e.Key, key) || !bytes.Equal(e.Value, key) {
			t.Errorf("%q is %q as a key, and %q and %q with metadata", raw, key, e.Key, e.Value)
		}
		if (e.Lifespan < 0) != (lifespan < 0) || (e.MaxIdle < 0) != (idle < 0) || e.Lasting() != (lifespan < 0 && idle < 0) {
			t.Errorf("%d s of life and %d s of idleness became %s and %s", lifespan, idle, e.Lifespan, e.MaxIdle)
		}
		return nil
	})
	if err != nil {
		t.Errorf("an entry of %q cannot be listed with its times: %v", raw, err)
	}
}

// FuzzEntries gives the listings of entries any body: what they hand on is in one form, and a body that is no listing of
// entries is an error.
func FuzzEntries(f *testing.F) {
	for _, body := range recorded(f) {
		f.Add(body)
	}
	f.Add(`[{"key":"a","value":"b","timeToLiveSeconds":-1,"maxIdleTimeSeconds":-1}]`)
	f.Add(`[{"key":"a"}]`)
	f.Add(`[{"KEY":"a","value":null}]`)
	f.Fuzz(func(t *testing.T, body string) {
		var elements []struct {
			Key   json.RawMessage `json:"key"`
			Value json.RawMessage `json:"value"`
		}
		whole := json.Unmarshal([]byte(body), &elements) == nil
		for _, e := range elements {
			whole = whole && len(e.Key) > 0 && len(e.Value) > 0
		}
		seen := 0
		err := clientOf(body).Entries(t.Context(), "c", func(key, value []byte) error {
			seen++
			wantOneForm(t, key)
			wantOneForm(t, value)
			return nil
		})
		if err == nil && (!whole || seen != len(elements)) {
			t.Errorf("%q was taken for a listing of %d entries", body, seen)
		}
		_ = clientOf(body).EntriesWithMetadata(t.Context(), "c", 0, func(e Entry) error {
			wantOneForm(t, e.Key)
			wantOneForm(t, e.Value)
			return nil
		})
	})
}

// FuzzContainerName: a name that is understood is the only one that the answer holds, and a segment of a path.
func FuzzContainerName(f *testing.F) {
	for _, body := range append(recorded(f), `["default"]`, `[""]`, `["a","b"]`, `[" "]`, `[".."]`, `["a/b"]`, `{}`, `null`) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		name, err := clientOf(body).containerName(t.Context())
		if err != nil {
			return
		}
		var names []string
		if json.Unmarshal([]byte(body), &names) != nil || len(names) != 1 || names[0] != name {
			t.Errorf("%q was taken for the name in %q", name, body)
		}
		if checkName("container", name) != nil || strings.Count(apiPath("cache-managers", name).escaped, "/") != 4 {
			t.Errorf("%q of %q is no segment of a path", name, body)
		}
	})
}
