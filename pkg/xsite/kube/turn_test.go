package kube

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// plugin writes a credential plugin that takes a moment and tells a file when it begins and ends. Its credentials have a fixed
// end of life; those of the past make it run for every call.
func plugin(t *testing.T, name, diary, expires, takes string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	script := `#!/bin/sh
echo begin >>"` + diary + `"
sleep ` + takes + `
echo end >>"` + diary + `"
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"` + name + `","expirationTimestamp":"` + expires + `"}}'
`
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: %q}}`, path)
}

// secure gives an address of the server that speaks TLS, without which client-go uses no credentials.
func secure(f *fakeAPI) string {
	server := httptest.NewTLSServer(f)
	f.t.Cleanup(server.Close)
	return server.URL
}

func TestCredentialPluginsOfTwoSitesNeverRunAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		expires string
		unknown bool // the API server does not know the credentials any more
	}{
		"credentials that expire":     {expires: "2001-01-01T00:00:00Z"},
		"credentials that are denied": {expires: "2999-01-01T00:00:00Z", unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			diary := filepath.Join(t.TempDir(), "diary")
			turn := NewTurn()
			var sites []*Site
			for _, side := range []string{"a", "b"} {
				f := newSite(t)
				user := plugin(t, side, diary, test.expires, "0.02")
				sites = append(sites, f.mustConnect(func(o *Options) { o.Getter, o.Turn = f.getterAs(secure(f), user), turn }))
				f.mu.Lock()
				f.unauthorized = test.unknown
				f.mu.Unlock()
			}
			var group sync.WaitGroup
			for _, site := range sites {
				for range 4 {
					group.Go(func() { _, _ = site.Access(t.Context(), xsite.Secondary) }) // that it was asked counts, not the answer
				}
			}
			group.Wait()
			content, err := os.ReadFile(diary)
			if err != nil {
				t.Fatal(err)
			}
			entries := strings.Fields(string(content))
			if len(entries) < 8 {
				t.Errorf("the plugins ran %d times only", len(entries)/2)
			}
			for i, entry := range entries {
				if want := []string{"begin", "end"}[i%2]; entry != want {
					t.Fatalf("two plugins ran at once: %v", entries)
				}
			}
		})
	}
}

func TestAWaitForTheOtherSitesPluginEndsWithItsCall(t *testing.T) {
	f := newSite(t)
	turn := NewTurn()
	diary := filepath.Join(t.TempDir(), "diary")
	site := f.mustConnect(func(o *Options) {
		o.Getter, o.Turn = f.getterAs(secure(f), plugin(t, "a", diary, "2999-01-01T00:00:00Z", "0")), turn
	})
	<-turn.token // the other site asks its user
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := site.Pods(ctx); err == nil {
		t.Error("nothing was waited for")
	}
	turn.token <- struct{}{}
	if _, err := site.Pods(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAPluginThatTakesItsTimeIsTakenForOneThatAsks(t *testing.T) {
	for takes, want := range map[string]string{"0": "", "0.8": "asks ended "} {
		t.Run(takes, func(t *testing.T) {
			f := newSite(t)
			turn := NewTurn()
			site := f.mustConnect(func(o *Options) {
				o.Getter, o.Turn = f.getterAs(secure(f), plugin(t, "a", filepath.Join(t.TempDir(), "diary"), "2001-01-01T00:00:00Z", takes)), turn
			})
			var mu sync.Mutex
			var told strings.Builder
			turn.Watch(func(asking bool) {
				mu.Lock()
				defer mu.Unlock()
				told.WriteString(map[bool]string{true: "asks ", false: "ended "}[asking])
			})
			if err := site.forward.check(t.Context(), podZero()); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if told.String() != want {
				t.Errorf("told %q", told.String())
			}
		})
	}
}
