package infinispan

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestClearCarriesTheHeaderThatKeepsItAtHome(t *testing.T) {
	server := &canned{replies: map[string]reply{"POST /rest/v2/caches/sessions?action=clear": {204, ""}}}
	if err := newTestClient(t, server).Clear(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST /rest/v2/caches/sessions?action=clear flags=SKIP_XSITE_BACKUP"}, server.calls()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryActionIsOneExactCall(t *testing.T) {
	const at = "/rest/v2/caches/DC%2F1/x-site/backups/Site%20A"
	for _, tc := range []struct {
		want string
		do   func(context.Context, *Client) error
	}{
		{"POST " + at + "?action=take-offline", func(ctx context.Context, c *Client) error { return c.TakeOffline(ctx, "DC/1", "Site A") }},
		{"POST " + at + "?action=bring-online", func(ctx context.Context, c *Client) error { return c.BringOnline(ctx, "DC/1", "Site A") }},
		{"POST " + at + "?action=start-push-state", func(ctx context.Context, c *Client) error { return c.StartPush(ctx, "DC/1", "Site A") }},
		{"POST " + at + "?action=cancel-push-state", func(ctx context.Context, c *Client) error { return c.CancelPush(ctx, "DC/1", "Site A") }},
		{"POST " + at + "?action=cancel-receive-state", func(ctx context.Context, c *Client) error { return c.CancelReceive(ctx, "DC/1", "Site A") }},
		{"POST " + at + "/state-transfer-mode?action=set&mode=AUTO", func(ctx context.Context, c *Client) error {
			return c.SetStateTransferMode(ctx, "DC/1", "Site A", ModeAuto)
		}},
		{"POST /rest/v2/caches/DC%2F1?action=clear", func(ctx context.Context, c *Client) error { return c.Clear(ctx, "DC/1") }},
		{"DELETE /rest/v2/caches/DC%2F1", func(ctx context.Context, c *Client) error { return c.DeleteCache(ctx, "DC/1") }},
		{"POST /rest/v2/caches/DC%2F1", func(ctx context.Context, c *Client) error { return c.CreateCache(ctx, "DC/1", []byte(`{}`)) }},
		{"PUT /rest/v2/caches/DC%2F1/a%2Fb", func(ctx context.Context, c *Client) error { return c.Put(ctx, "DC/1", "a/b", "v") }},
	} {
		for body, ok := range map[string]bool{"": true, "ok but": false} {
			server := &canned{replies: map[string]reply{tc.want: {200, body}}}
			err := tc.do(t.Context(), newTestClient(t, server))
			var unexpected *UnexpectedAnswerError
			if ok != (err == nil) || !ok && !errors.As(err, &unexpected) {
				t.Errorf("%s answered %q: %v", tc.want, body, err)
			}
		}
		server := &canned{replies: map[string]reply{tc.want: {500, "ISPN012047: Site operation failed"}}}
		err := tc.do(t.Context(), newTestClient(t, server))
		var call *CallError
		if !errors.As(err, &call) || call.Status != 500 || !call.Mentions("ISPN012047") {
			t.Errorf("%s: %v", tc.want, err)
		}
	}
}

func TestModeThatIsSetAlreadyIsFine(t *testing.T) {
	call := "POST /rest/v2/caches/s/x-site/backups/b/state-transfer-mode?action=set&mode=MANUAL"
	c := newTestClient(t, &canned{replies: map[string]reply{call: {304, ""}}})
	if err := c.SetStateTransferMode(t.Context(), "s", "b", ModeManual); err != nil {
		t.Error(err)
	}
	if err := c.SetStateTransferMode(t.Context(), "s", "b", "SOMETIMES"); err == nil {
		t.Error("an unknown mode was sent")
	}
}

func TestContainerIsFoundInBothDialectsAndRemembered(t *testing.T) {
	for name, tc := range map[string]struct {
		replies map[string]reply
		want    []string
	}{
		"15 and later": {
			map[string]reply{"GET /rest/v2/container": {200, info15}, "GET /rest/v2/container/health": {200, health16}},
			[]string{"GET /rest/v2/container", "GET /rest/v2/container", "GET /rest/v2/container/health"},
		},
		"14": {
			map[string]reply{
				"GET /rest/v2/container": {400, "Invalid 'action' parameter supplied"}, "GET /rest/v2/server/cache-managers": {200, `["default"]`},
				"GET /rest/v2/cache-managers/default": {200, info14}, "GET /rest/v2/cache-managers/default/health": {200, health16},
			},
			[]string{
				"GET /rest/v2/container", "GET /rest/v2/server/cache-managers", "GET /rest/v2/cache-managers/default",
				"GET /rest/v2/cache-managers/default", "GET /rest/v2/cache-managers/default/health",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := &canned{replies: tc.replies}
			c := newTestClient(t, server)
			info, err := c.Info(t.Context())
			if err != nil || info.LocalSite != "site-a" || !info.RelayNode || !info.SeesSite("site-b") || info.SeesSite("site-c") {
				t.Fatalf("%+v, %v", info, err)
			}
			health, err := c.Health(t.Context())
			if err != nil || health.Cluster != HealthHealthy || health.Caches["respCache"] != HealthFailed {
				t.Fatalf("%+v, %v", health, err)
			}
			if diff := cmp.Diff(tc.want, server.calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFailuresAreTyped(t *testing.T) {
	at := "GET /rest/v2/caches/s?action=size"
	size := func(c *Client) error { _, err := c.Size(t.Context(), "s"); return err }
	for _, tc := range []struct {
		reply reply
		want  error
	}{
		{reply{404, noSuchCache}, ErrNotFound},
		{reply{404, "Cache 's' does not have backup sites."}, ErrNoBackup},
		{reply{404, "Resource not found"}, ErrUnsupported},
		{reply{403, "ISPN000287: lacks 'ADMIN'"}, ErrForbidden},
		{reply{403, "ISPN080052: The request authentication mechanism 'null' is not supported"}, ErrMechanism},
		{reply{302, ""}, ErrRedirect},
	} {
		if err := size(newTestClient(t, &canned{replies: map[string]reply{at: tc.reply}})); !errors.Is(err, tc.want) {
			t.Errorf("%v: got %v", tc.reply, err)
		}
	}
	waits := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newTestClient(t, waits, func(o *Options) { o.CallTimeout = 30 * time.Millisecond })
	if err := size(c); !errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable) {
		t.Errorf("no answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Size(ctx, "s"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("stopped: %v", err)
	}
	huge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, bodyLimit+1)) })
	var unexpected *UnexpectedAnswerError
	if err := size(newTestClient(t, huge)); !errors.As(err, &unexpected) || len(err.Error()) > 3000 {
		t.Errorf("a body without end: %T", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	followed := false
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed = true
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if err := newTestClient(t, server).Clear(t.Context(), "s"); !errors.Is(err, ErrRedirect) || followed {
		t.Errorf("got %v, followed %v", err, followed)
	}
}

func TestExcerptsAreEscaped(t *testing.T) {
	c := newTestClient(t, &canned{replies: map[string]reply{"GET /rest/v2/caches": {500, "\x1b[31mred\nline" + strings.Repeat("ü", 500)}}})
	_, err := c.CacheNames(t.Context())
	if text := err.Error(); strings.ContainsAny(text, "\x1b\n") || len(text) > 600 {
		t.Errorf("got %q", text)
	}
}

func TestNamesThatAreNoSegmentAreNotSent(t *testing.T) {
	server := &canned{}
	c := newTestClient(t, server)
	for _, name := range []string{"", ".", ".."} {
		if err := c.Clear(t.Context(), name); err == nil {
			t.Errorf("cache %q was sent", name)
		}
		if err := c.TakeOffline(t.Context(), "s", name); err == nil {
			t.Errorf("site %q was sent", name)
		}
		if err := c.Put(t.Context(), "s", name, ""); err == nil {
			t.Errorf("key %q was sent", name)
		}
	}
	if len(server.calls()) != 0 {
		t.Errorf("sent %v", server.calls())
	}
}

func TestTLSChecksTheServersName(t *testing.T) {
	server := httptest.NewUnstartedServer(&canned{replies: map[string]reply{"GET /rest/v2/caches": {200, `["a"]`}}})
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that is meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	for name, tc := range map[string]struct {
		o  Options
		ok bool
	}{
		"known authority":   {Options{BaseURL: base, TLS: trusting}, true},
		"unknown authority": {Options{BaseURL: base}, false},
	} {
		c, err := New(tc.o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		names, err := c.CacheNames(t.Context())
		if tc.ok != (err == nil) || tc.ok && !slices.Equal(names, []string{"a"}) || !tc.ok && !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: %v, %v", name, names, err)
		}
	}
}
