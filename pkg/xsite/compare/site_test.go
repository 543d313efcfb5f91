package compare

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// contents is a cache's canonical keys and values.
type contents map[string]string

// fake is one site. Each listing gives the next of its states, the last one again and again; Go's map order shuffles.
type fake struct {
	states []contents
	// twice are keys that every listing gives twice.
	twice map[string]bool
	// keysErr and entriesErr end the listings after the given contents.
	keysErr, entriesErr error
	sizeErr             error
	// wait, where set, is called at the start of every listing.
	wait func(ctx context.Context) error

	mu       sync.Mutex
	listings []string
	next     int
}

func site(states ...contents) *fake {
	return &fake{states: states}
}

func (f *fake) list(ctx context.Context, how string, visit func(key, value []byte) error, end error) error {
	f.mu.Lock()
	f.listings = append(f.listings, how)
	state := f.states[min(f.next, len(f.states)-1)]
	f.mu.Unlock()
	if f.wait != nil {
		if err := f.wait(ctx); err != nil {
			return err
		}
	}
	for k, v := range state {
		n := 1
		if f.twice[k] {
			n = 2
		}
		for range n {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("stopped: %w", err)
			}
			if err := visit([]byte(k), []byte(v)); err != nil {
				return err
			}
		}
	}
	if end == nil {
		f.mu.Lock()
		f.next++
		f.mu.Unlock()
	}
	return end
}

func (f *fake) Keys(ctx context.Context, _ string, visit func([]byte) error) error {
	return f.list(ctx, "keys", func(k, _ []byte) error { return visit(k) }, f.keysErr)
}

func (f *fake) Entries(ctx context.Context, _ string, visit func(k, v []byte) error) error {
	return f.list(ctx, "entries", visit, f.entriesErr)
}

func (f *fake) Size(context.Context, string) (int64, error) {
	return int64(len(f.states[len(f.states)-1])), f.sizeErr
}

func mustCompare(t *testing.T, p, s Lister, o Options) Result {
	t.Helper()
	r, err := Cache(t.Context(), p, s, "sessions", "sessions-b", o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
