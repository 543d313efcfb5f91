package infinispan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listing answers every listing with do, and container info properly.
func listing(do func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/container") {
			_, _ = fmt.Fprint(w, info15)
			return
		}
		do(w, r)
	})
}

func text(body string) http.Handler {
	return listing(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
}

// drop closes the connection under the handler.
func drop(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.Close()
}

func keys(ctx context.Context, c *Client) ([]string, error) {
	var got []string
	err := c.Keys(ctx, "sessions", func(k []byte) error {
		got = append(got, string(k))
		return nil
	})
	return got, err
}

func TestListingsGiveOneFormForOneKey(t *testing.T) {
	body := ` [ "k1" , {"_type":"string","_value":"k1"}, {"uid":"u","_type":"K" , "n": 2}, 7, "\u00e9\/" ]` + "\n"
	got, err := keys(t.Context(), newTestClient(t, text(body)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`"k1"`, `"k1"`, `{"_type":"K","n":2,"uid":"u"}`, `7`, `"é/"`}, got); diff != "" {
		t.Error(diff)
	}
	entries := `[{"key":{"_type":"string","_value":"k/2 \"x"},"value":{"_type":"string","_value":"v2"},"timeToLiveSeconds":600,"maxIdleTimeSeconds":-1},` +
		`{"value":{"b":1,"a":2},"key":"k1","timeToLiveSeconds":-1,"maxIdleTimeSeconds":-1}]`
	var found []string
	c := newTestClient(t, text(entries))
	err = c.Entries(t.Context(), "sessions", func(k, v []byte) error {
		found = append(found, string(k)+"="+string(v))
		return nil
	})
	if diff := cmp.Diff([]string{`"k/2 \"x"="v2"`, `"k1"={"a":2,"b":1}`}, found); err != nil || diff != "" {
		t.Error(err, diff)
	}
	found = nil
	err = c.EntriesWithMetadata(t.Context(), "sessions", 2, func(e Entry) error {
		found = append(found, fmt.Sprintf("%s %s %s %v", e.Key, e.Value, e.Lifespan, e.Lasting()))
		return nil
	})
	if diff := cmp.Diff([]string{`"k/2 \"x" "v2" 10m0s false`, `"k1" {"a":2,"b":1} -1s true`}, found); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestListingWithoutItsEndIsAnError(t *testing.T) {
	for _, body := range []string{``, `[`, `["a"`, `["a",`, `["a","b`, `[{"key":`} {
		_, err := keys(t.Context(), newTestClient(t, text(body)))
		if _, ok := errors.AsType[*TruncatedError](err); !ok {
			t.Errorf("%q: got %v", body, err)
		}
	}
	broken := listing(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `["a","b",`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := keys(t.Context(), newTestClient(t, broken))
	var truncated *TruncatedError
	if !errors.As(err, &truncated) || truncated.Elements != 2 {
		t.Errorf("a connection cut in the middle: %v", err)
	}
	whole := listing(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `["a"]`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if _, err := keys(t.Context(), newTestClient(t, whole)); !errors.As(err, &truncated) {
		t.Errorf("an array closed in a body that is not: %v", err)
	}
}

func TestListingThatIsNotOneIsUnexpectedAndNotShown(t *testing.T) {
	for _, body := range []string{`{"personal":1}`, `"personal"`, `["personal" 1]`, `["personal",]`, `["a"] personal`, `["a"]["personal"]`, `personal`, `[personal]`} {
		_, err := keys(t.Context(), newTestClient(t, text(body)))
		var unexpected *UnexpectedAnswerError
		if !errors.As(err, &unexpected) || strings.Contains(err.Error(), "personal") {
			t.Errorf("%q: got %v", body, err)
		}
	}
	for _, body := range []string{`["a"]`, `[{"key":"a"}]`, `[{"value":"a"}]`, `[[]]`} {
		err := newTestClient(t, text(body)).Entries(t.Context(), "sessions", func(_, _ []byte) error { return nil })
		if _, ok := errors.AsType[*UnexpectedAnswerError](err); !ok {
			t.Errorf("%q: got %v", body, err)
		}
	}
}

func TestDroppedListingIsNotListableOnlyIfTheNodeStillAnswers(t *testing.T) {
	dropping := listing(func(w http.ResponseWriter, _ *http.Request) { drop(t, w) })
	_, err := keys(t.Context(), newTestClient(t, dropping))
	if !errors.Is(err, ErrNotListable) {
		t.Errorf("got %v", err)
	}
	gone := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { drop(t, w) })
	if _, err := keys(t.Context(), newTestClient(t, gone)); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrNotListable) {
		t.Errorf("a node that answers nothing: %v", err)
	}
	once := true
	flaky := listing(func(w http.ResponseWriter, _ *http.Request) {
		if once {
			once = false
			drop(t, w)
			return
		}
		_, _ = fmt.Fprint(w, `["a"]`)
	})
	if got, err := keys(t.Context(), newTestClient(t, flaky)); err != nil || len(got) != 1 {
		t.Errorf("a connection dropped once: %v %v", got, err)
	}
}

// The server refuses a Digest answer that it has seen, so a request repeated by the transport comes back as 401.
func TestDroppedListingIsNotTakenForAWrongPassword(t *testing.T) {
	server := &digestServer{
		algorithms: []string{"MD5"}, user: "operator", password: canary,
		next: listing(func(w http.ResponseWriter, _ *http.Request) { drop(t, w) }),
	}
	c := newTestClient(t, server)
	for range 2 {
		if _, err := keys(t.Context(), c); !errors.Is(err, ErrNotListable) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestListingThatNeverAnswersIsNotListable(t *testing.T) {
	silent := listing(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newTestClient(t, silent, func(o *Options) { o.CallTimeout = 50 * time.Millisecond })
	if _, err := keys(t.Context(), c); !errors.Is(err, ErrNotListable) {
		t.Errorf("got %v", err)
	}
	stalled := listing(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, `["a",`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	c = newTestClient(t, stalled, func(o *Options) { o.CallTimeout = 50 * time.Millisecond })
	_, err := keys(t.Context(), c)
	var truncated *TruncatedError
	if !errors.As(err, &truncated) || !errors.Is(err, ErrTimeout) || errors.Is(err, ErrNotListable) {
		t.Errorf("a listing that stalls in the middle: %v", err)
	}
}

func TestVisitorEndsTheListing(t *testing.T) {
	stop := errors.New("enough")
	n := 0
	err := newTestClient(t, text(`["a","b","c"]`)).Keys(t.Context(), "sessions", func([]byte) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("got %v after %d", err, n)
	}
}

func TestStoppedListingSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	waits := listing(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, `["a",`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	err := newTestClient(t, waits).Keys(ctx, "sessions", func([]byte) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfTheDialerStayRecognisable(t *testing.T) {
	gone := errors.New("the pod is gone")
	c := newTestClient(t, text(`[]`), func(o *Options) {
		o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, gone }
	})
	_, listErr := keys(t.Context(), c)
	_, callErr := c.Size(t.Context(), "a")
	for _, err := range []error{listErr, callErr} {
		if !errors.Is(err, gone) || !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrNotListable) {
			t.Errorf("got %v", err)
		}
	}
}
