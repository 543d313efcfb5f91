package fill_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/fill"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
)

func TestAValueIsPaddedButNeverCutShort(t *testing.T) {
	entries := fill.Entries{Prefix: "k-", ValueSize: 10}
	if got := entries.Value(7); got != "value-7..." {
		t.Errorf("value 7 is %q", got)
	}
	if got := entries.Value(1234567); got != "value-1234567" {
		t.Errorf("value 1234567 is %q", got)
	}
}

func TestPutWritesEachEntryOnce(t *testing.T) {
	var mu sync.Mutex
	written := map[string]int{}
	lifespans := map[string]bool{}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		written[r.Method+" "+r.URL.Path]++
		lifespans[r.Header.Get("timeToLiveSeconds")] = true
		w.WriteHeader(http.StatusNoContent)
	})
	err := fill.Put(t.Context(), []*rest.Client{client}, "c", fill.Entries{Prefix: "k-", First: 5, Count: 40, Lifespan: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if len(written) != 40 || written["PUT /rest/v2/caches/c/k-5"] != 1 || written["PUT /rest/v2/caches/c/k-44"] != 1 {
		t.Errorf("written: %v", written)
	}
	if len(lifespans) != 1 || !lifespans["60"] {
		t.Errorf("lifespans: %v", lifespans)
	}
}

func TestPutEndsAtTheFirstFailureAndTellsIt(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "ISPN000476: Timed out", http.StatusInternalServerError)
	})
	err := fill.Put(t.Context(), []*rest.Client{client}, "c", fill.Entries{Prefix: "k-", Count: 1000})
	var failed *rest.Error
	if !errors.As(err, &failed) || failed.Status != 500 || !strings.Contains(failed.Body, "ISPN000476") {
		t.Errorf("got %v", err)
	}
}

func serve(t *testing.T, handle http.HandlerFunc) *rest.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, err := rest.New(server.URL, "user", "password", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
