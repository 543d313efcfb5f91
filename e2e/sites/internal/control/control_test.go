package control_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
)

// serve answers in a short folder until the test ends.
func serve(t *testing.T, handle control.Handler) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl") //nolint:usetesting // the test's own folder is too deep for a socket
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, dir, handle) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(dir, "control.sock")); err == nil {
			return dir
		}
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

func TestARequestArrivesWholeAndItsOutputComesBack(t *testing.T) {
	want := control.Request{Verb: control.Fill, Site: "site-a", Caches: []string{"x", "y"}, Count: 7, Delay: time.Second, Wait: true}
	var got control.Request
	dir := serve(t, func(_ context.Context, request control.Request, say func(string, ...any)) error {
		got = request
		say("one %d\ntwo\n", 1)
		say("three")
		return nil
	})
	var out strings.Builder
	if err := control.Send(t.Context(), dir, want, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
	if out.String() != "one 1\ntwo\nthree\n" {
		t.Errorf("output %q", out.String())
	}
}

func TestAFailureComesBackInItsOwnWords(t *testing.T) {
	dir := serve(t, func(context.Context, control.Request, func(string, ...any)) error {
		return errors.New("no such pod\nthere are two")
	})
	err := control.Send(t.Context(), dir, control.Request{Verb: control.Kill}, &strings.Builder{})
	if err == nil || err.Error() != "no such pod\nthere are two" {
		t.Errorf("error %v", err)
	}
}

func TestAComparisonThatFoundADifferenceIsToldFromOneThatFailed(t *testing.T) {
	dir := serve(t, func(_ context.Context, request control.Request, say func(string, ...any)) error {
		say("compared")
		if request.Site != "" {
			return errors.New("the other site does not answer")
		}
		return control.ErrUnequal
	})
	var out strings.Builder
	if err := control.Send(t.Context(), dir, control.Request{Verb: control.Compare}, &out); !errors.Is(err, control.ErrUnequal) || out.String() != "compared\n" {
		t.Errorf("error %v after %q", err, out.String())
	}
	if err := control.Send(t.Context(), dir, control.Request{Verb: control.Compare, Site: "x"}, &out); err == nil || errors.Is(err, control.ErrUnequal) {
		t.Errorf("error %v", err)
	}
}

func TestAnAnswerThatIsBrokenOffIsNoSuccess(t *testing.T) {
	dir := serve(t, func(_ context.Context, _ control.Request, say func(string, ...any)) error {
		say("half")
		panic(http.ErrAbortHandler)
	})
	if err := control.Send(t.Context(), dir, control.Request{}, &strings.Builder{}); err == nil {
		t.Error("half an answer was taken for a whole one")
	}
}

func TestWhereNothingIsUpTheErrorSaysSo(t *testing.T) {
	if err := control.Send(t.Context(), "/tmp", control.Request{}, &strings.Builder{}); !errors.Is(err, control.ErrNotUp) {
		t.Errorf("error %v", err)
	}
	deep := "/" + strings.Repeat("x", 200)
	if _, err := control.SocketPath(deep); err == nil || !strings.Contains(err.Error(), "too deep") {
		t.Errorf("error %v", err)
	}
}
