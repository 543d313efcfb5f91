package rest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
)

func TestADigestChallengeIsAnsweredAndTheBodySentAgain(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			var bodies []string
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				authorization := r.Header.Get("Authorization")
				if !strings.HasPrefix(authorization, "Digest ") {
					w.Header().Add("WWW-Authenticate", `Basic realm="default"`)
					w.Header().Add("WWW-Authenticate", `Digest realm="default", nonce="n", qop="auth", algorithm=`+algorithm)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if strings.Contains(authorization, "secret") {
					t.Error("the password was sent")
				}
				bodies = append(bodies, string(body))
			})
			if err := client.Put(t.Context(), "c", "k", "value", 0); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(bodies, []string{"value"}) {
				t.Errorf("bodies that were authenticated: %q", bodies)
			}
		})
	}
}

func TestANonceIsNeverUsedByTwoRequestsAtATime(t *testing.T) {
	var mu sync.Mutex
	nonces, busy := 0, map[string]bool{}
	nonce := regexp.MustCompile(`nonce="([^"]+)"`)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		used := nonce.FindStringSubmatch(r.Header.Get("Authorization"))
		mu.Lock()
		if used == nil {
			nonces++
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="default", nonce="n%d", qop="auth"`, nonces))
			w.WriteHeader(http.StatusUnauthorized)
			mu.Unlock()
			return
		}
		if busy[used[1]] {
			t.Errorf("nonce %s is used twice at a time", used[1])
		}
		busy[used[1]] = true
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		busy[used[1]] = false
		mu.Unlock()
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := client.Put(t.Context(), "c", "k", "v", 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if nonces > 8 {
		t.Errorf("%d nonces were asked for by 8 callers", nonces)
	}
}

func TestAnAnswerThatIsNoSuccessIsATypedError(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	var failed *rest.Error
	if err := client.SetMode(t.Context(), "c", "site-b", "MANUAL"); !errors.As(err, &failed) || failed.Status != 304 {
		t.Errorf("got %v, want a 304 (V8)", err)
	}
}

func TestAMissingEntryIsNotAMissingCache(t *testing.T) {
	body := ""
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, body)
	})
	if _, found, err := client.Get(t.Context(), "c", "k"); found || err != nil {
		t.Errorf("a missing entry: %v, %v", found, err)
	}
	body = "ISPN012010: Cache with name 'c' not found amongst the configured caches"
	if _, _, err := client.Get(t.Context(), "c", "k"); err == nil {
		t.Error("a missing cache is no error")
	}
}

func TestEntriesAreReadInBothFormsOfAString(t *testing.T) {
	client := serve(t, answer(`[{"key":{"_type":"string","_value":"a"},"value":"1"},{"key":"b","value":{"_type":"string","_value":"2"}}]`))
	got, err := client.Entries(t.Context(), "c")
	if err != nil || !maps.Equal(got, map[string]string{"a": "1", "b": "2"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWhatIsNoStringIsAnError(t *testing.T) {
	client := serve(t, answer(`[{"_type":"keycloak.ClientSessionKey","userSessionId":"x"}]`))
	if keys, err := client.Keys(t.Context(), "c"); err == nil {
		t.Errorf("got %q", keys)
	}
}

func TestAnAnswerWithoutItsEndIsAnError(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"the array is not closed": answer(`["a","b"`),
		"the connection breaks": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `["a","b"]`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := serve(t, handle).Keys(t.Context(), "c"); err == nil {
				t.Errorf("got %q (V42)", keys)
			}
		})
	}
}

func TestAClearCarriesTheHeaderOnlyWhenAsked(t *testing.T) {
	var flags [][]string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		flags = append(flags, r.Header.Values("flags"))
		w.WriteHeader(http.StatusNoContent)
	})
	if err := errors.Join(client.Clear(t.Context(), "c"), client.Clear(t.Context(), "c", rest.KeepHome)); err != nil {
		t.Fatal(err)
	}
	if len(flags) != 2 || len(flags[0]) != 0 || !slices.Equal(flags[1], []string{"SKIP_XSITE_BACKUP"}) {
		t.Errorf("flags: %q", flags)
	}
}

func TestAContainerActionThatFailedForOneCacheIsAnError(t *testing.T) {
	client := serve(t, answer(`{"a":"ok","b":"Incorrect site name: nope"}`))
	if err := client.BackupAll(t.Context(), "nope", rest.TakeOffline); err == nil || !strings.Contains(err.Error(), "Incorrect site name") {
		t.Errorf("got %v (V32)", err)
	}
}

func TestNamesAreEscapedInPaths(t *testing.T) {
	var path string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		_, _ = io.WriteString(w, `{"n":"online"}`)
	})
	if _, err := client.Flags(t.Context(), "a/b", "DC 1"); err != nil {
		t.Fatal(err)
	}
	if path != "/rest/v2/caches/a%2Fb/x-site/backups/DC%201" {
		t.Errorf("path is %s", path)
	}
}

func TestKeycloaksCachesAreAsTheGuideMakesThem(t *testing.T) {
	for strategy, policy := range map[rest.Strategy]string{rest.Sync: "FAIL", rest.Async: "WARN"} {
		raw, err := rest.KeycloakCache("site-b", strategy)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"distributed-cache":{"mode":"SYNC","owners":2,"statistics":true,"remote-timeout":5000,` +
			`"encoding":{"media-type":"application/x-protostream"},"locking":{"acquire-timeout":4000},` +
			`"transaction":{"mode":"NON_DURABLE_XA","locking":"PESSIMISTIC"},"state-transfer":{"chunk-size":16},` +
			`"backups":{"site-b":{"backup":{"strategy":"` + string(strategy) + `","timeout":4500,"failure-policy":"` + policy + `","state-transfer":{"chunk-size":16}}}}}}`
		if !cmp.Equal(decode(t, raw), decode(t, []byte(want))) {
			t.Errorf("%s: %s", strategy, cmp.Diff(decode(t, []byte(want)), decode(t, raw)))
		}
	}
	volatile := rest.VolatileCaches()
	for _, name := range rest.PersistentCaches() {
		if !slices.Contains(volatile, name) {
			t.Errorf("%s is not among the eight", name)
		}
	}
}

func decode(t *testing.T, raw []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func serve(t *testing.T, handle http.HandlerFunc) *rest.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, err := rest.New(server.URL, "user", "secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
