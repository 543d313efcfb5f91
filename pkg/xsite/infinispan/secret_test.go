package infinispan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// holder keeps credentials where package fmt cannot call methods.
type holder struct {
	inner   Credentials
	options Options
}

func TestPasswordIsPrintedNowhere(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="default"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprintf(w, "%s failed for %s with %s", r.URL, password, r.Header.Get("Authorization"))
	})
	garbage := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			echo(w, r)
			return
		}
		_, password, _ := r.BasicAuth()
		_, _ = io.WriteString(w, password)
	})
	base := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	options := Options{BaseURL: base, Credentials: testCredentials()}
	c := newTestClient(t, echo)
	_, serverErr := c.CacheNames(t.Context())
	_, answerErr := newTestClient(t, garbage).CacheNames(t.Context())
	closed, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	_, dialErr := closed.CacheNames(t.Context())
	if serverErr == nil || answerErr == nil || dialErr == nil {
		t.Fatal("the calls were meant to fail")
	}
	_, urlErr := New(Options{BaseURL: &url.URL{Scheme: "http", Host: "h", User: url.UserPassword("operator", canary)}})
	for name, v := range map[string]any{
		"secret": NewSecret(canary), "credentials": testCredentials(), "pointer": &options, "options": options, "client": c,
		"nested": holder{inner: testCredentials(), options: options}, "server error": serverErr, "answer error": answerErr,
		"dial error": dialErr, "url error": urlErr, "slice": []Credentials{testCredentials()},
	} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		texts := []string{log.String(), fmt.Sprint(v), fmt.Sprintf("%v|%+v|%#v|%s|%q|%x|%d", v, v, v, v, v, v, v)}
		if raw, err := json.Marshal(testCredentials()); err == nil { //nolint:musttag // what a careless caller would write
			texts = append(texts, string(raw))
		}
		for _, text := range texts {
			for _, bad := range []string{canary, fmt.Sprintf("%x", canary), basicToken(testCredentials())} {
				if strings.Contains(text, bad) {
					t.Errorf("%s shows the password: %s", name, text)
				}
			}
		}
	}
	if !strings.Contains(serverErr.Error(), redacted) {
		t.Errorf("the excerpt is gone altogether: %v", serverErr)
	}
}

func TestSecretRevealsOnlyOnRequest(t *testing.T) {
	if s := NewSecret(canary); s.Reveal() != canary || s.Empty() {
		t.Error("a secret lost its text")
	}
	if s := (Secret{}); s.Reveal() != "" || !s.Empty() {
		t.Error("the zero secret is not empty")
	}
}

func TestOptionsThatWouldChangeEveryCallAreRefused(t *testing.T) {
	for _, raw := range []string{"ftp://h", "http://", "http://h/base", "http://h?x=1", "http://u@h", "http://h#f"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{BaseURL: u}); err == nil {
			t.Errorf("%s was taken", raw)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no URL was taken")
	}
}

func TestKeysAreNotInErrorsOrRecords(t *testing.T) {
	var records []CallRecord
	c := newTestClient(t, &canned{}, func(o *Options) { o.Observe = func(r CallRecord) { records = append(records, r) } })
	_, _, err := c.Get(t.Context(), "sessions", "personal-key")
	var call *CallError
	if !errors.As(err, &call) || strings.Contains(fmt.Sprint(err, records), "personal-key") {
		t.Errorf("got %v and %v", err, records)
	}
	if len(records) != 1 || records[0].Path != "/rest/v2/caches/sessions/{key}" || records[0].Status != 404 || records[0].Err == nil {
		t.Errorf("records %v", records)
	}
}

// TestRecordsHoldNoAnswerWithPersonalDataAndNoCookie: a record is what a log shows.
func TestRecordsHoldNoAnswerWithPersonalDataAndNoCookie(t *testing.T) {
	var records []CallRecord
	server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "secret")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`"personal"`))
	})
	c := newTestClient(t, server, func(o *Options) { o.Observe = func(r CallRecord) { records = append(records, r) } })
	if _, _, err := c.Get(t.Context(), "sessions", "key"); err != nil {
		t.Error(err)
	}
	_ = c.Put(t.Context(), "sessions", "key", "value")
	_, _ = c.CacheConfig(t.Context(), "sessions")
	_ = c.Keys(t.Context(), "sessions", func([]byte) error { return nil })
	_ = c.Clear(t.Context(), "sessions")
	if len(records) < 5 {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		if shown := strings.Contains(r.Path, "action=clear"); (r.Body != "") != shown {
			t.Errorf("%s %s has the answer %q in its record", r.Method, r.Path, r.Body)
		}
		if r.Received.Get("Set-Cookie") != "" {
			t.Errorf("%s %s has a cookie in its record", r.Method, r.Path)
		}
	}
}
