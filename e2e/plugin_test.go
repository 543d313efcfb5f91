package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// outcome is what one run of the plugin left.
type outcome struct {
	code           int
	stdout, stderr string
}

// straight are the arguments of the recovery that keeps site-a and discards site-b, confirmed.
func straight(more ...string) []string {
	return append([]string{"--primary-context", "site-a", "--secondary-context", "site-b", "--confirm", "site-b"}, more...)
}

// resync runs the plugin on the pair and waits for its end.
func resync(t testing.TB, args ...string) outcome {
	t.Helper()
	return begin(t, pair, args...).wait()
}

// running is a plugin at work. Its standard error can be watched.
type running struct {
	t       testing.TB
	command *exec.Cmd
	stdout  bytes.Buffer
	stderr  *watched
	// ended is closed when the plugin has ended; err is how.
	ended chan struct{}
	err   error
}

// begin starts the plugin with the kubeconfig of a pair.
func begin(t testing.TB, p *sites.Pair, args ...string) *running {
	t.Helper()
	return beginWith(t, p.Kubeconfig(), args...)
}

// beginWith starts the plugin with a kubeconfig.
func beginWith(t testing.TB, kubeconfig string, args ...string) *running {
	t.Helper()
	return beginIn(t, []string{"KUBECONFIG=" + kubeconfig}, args...)
}

// beginIn starts the plugin with more in its environment.
func beginIn(t testing.TB, env []string, args ...string) *running {
	t.Helper()
	if *transport != "" && !slices.Contains(args, "--transport") {
		args = append(slices.Clone(args), "--transport", *transport)
	}
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Env = env
	return start(t, command)
}

// start starts a command that is, or becomes, the plugin. Its environment comes on top of that of the tests.
func start(t testing.TB, command *exec.Cmd) *running {
	t.Helper()
	r := &running{t: t, command: command, stderr: &watched{seen: make(chan struct{})}, ended: make(chan struct{})}
	r.command.Env = append(os.Environ(), command.Env...)
	r.command.Stdout = &r.stdout
	r.command.Stderr = io.MultiWriter(r.stderr, &logWriter{t: t})
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		r.err = r.command.Wait()
	}()
	t.Cleanup(func() { <-r.ended }) // the test's end has killed it
	return r
}

// wait waits for the plugin's end.
func (r *running) wait() outcome {
	r.t.Helper()
	<-r.ended
	var exit *exec.ExitError
	if r.err != nil && !errors.As(r.err, &exit) {
		r.t.Fatal(r.err)
	}
	return outcome{code: r.command.ProcessState.ExitCode(), stdout: r.stdout.String(), stderr: r.stderr.String()}
}

// until waits until the plugin has written text to its standard error. One that ends without it fails the test.
func (r *running) until(ctx context.Context, text string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := r.stderr.until(ctx, text); err != nil {
		r.t.Fatalf("the plugin did not say %q: %v", text, err)
	}
}

// watched collects output and tells who waits for a text in it.
type watched struct {
	mu   sync.Mutex
	text strings.Builder
	seen chan struct{} // closed and replaced at every write
}

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	close(w.seen)
	w.seen = make(chan struct{})
	return len(p), nil
}

// String returns what was written.
func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// until waits for a text. One that was written by the time ctx ends was written.
func (w *watched) until(ctx context.Context, text string) error {
	for {
		over := ctx.Err()
		w.mu.Lock()
		found, next := strings.Contains(w.text.String(), text), w.seen
		w.mu.Unlock()
		switch {
		case found:
			return nil
		case over != nil:
			return over
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
}

// logWriter shows the plugin's progress in the test's log.
type logWriter struct{ t testing.TB }

// Write implements io.Writer.
func (w *logWriter) Write(p []byte) (int, error) {
	w.t.Logf("plugin: %s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// mustSucceed fails the test unless the run ended with exit code 0.
func (o outcome) mustSucceed(t testing.TB) outcome {
	t.Helper()
	if o.code != 0 {
		t.Fatalf("exit code %d\nstdout:\n%s\nstderr:\n%s", o.code, o.stdout, o.stderr)
	}
	return o
}

// mustEnd fails the test unless the run ended with the given exit code and all of these words on standard error.
func (o outcome) mustEnd(t testing.TB, code int, words ...string) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.stdout, o.stderr)
	}
	for _, word := range words {
		if !strings.Contains(o.stderr, word) {
			t.Errorf("standard error does not say %q:\n%s", word, o.stderr)
		}
	}
	return o
}
