package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// operatorSecret holds the credentials that a run uses.
const operatorSecret = "infinispan-generated-operator-secret"

// ending is one way in which a run ends, by what is done to it.
type ending struct {
	// prepare comes before the run, during while it runs.
	prepare func(t *testing.T) (undo func())
	during  func(t *testing.T, run *running)
	// proof is what standard error must hold for the ending to be the one that was meant.
	proof string
}

// endings are all of them.
func endings() map[string]ending {
	signal := func(s syscall.Signal) func(*testing.T, *running) {
		return func(t *testing.T, run *running) {
			t.Helper()
			run.until(t.Context(), "sessions: pushing")
			must(t, run.command.Process.Signal(s))
		}
	}
	return map[string]ending{
		"success":        {proof: "contents compared"},
		"wrong password": {prepare: wrongPassword, proof: "nothing was changed"},
		"a server dies": {proof: "sessions: pushing", during: func(t *testing.T, run *running) {
			t.Helper()
			run.until(t.Context(), "sessions: pushing")
			_, other := podsOf(t, pair.B) // a crash of the relay is felt by the tests that follow (V84)
			must(t, pair.B.KillNode(other))
		}},
		"Ctrl-C": {during: signal(syscall.SIGINT), proof: "once more ends at once"},
		"killed": {during: signal(syscall.SIGKILL), proof: "sessions: pushing"},
		"crash":  {during: signal(syscall.SIGQUIT), proof: "goroutine "},
	}
}

// TestThePasswordIsNowhereInWhatARunShowsOrLeaves looks for the passwords of Infinispan's users, in all forms, and for keys and
// values of entries, in everything that a run with the highest verbosity and every report shows or leaves, whichever way it ends.
func TestThePasswordIsNowhereInWhatARunShowsOrLeaves(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 400)
			slowLink(t)
			if end.prepare != nil {
				defer end.prepare(t)()
			}
			forms, secrets := passwordsOf(t)
			if len(secrets.leaks(forms...)) == 0 {
				t.Fatal("the passwords are not even found in the Secrets: the test would prove nothing")
			}
			forms = append(forms, entryForms(truth["sessions"]))

			dir, seen := t.TempDir(), surface{}
			run := beginWithin(t, dir)
			watching := watchProcess(t.Context(), run.command.Process.Pid, seen)
			if end.during != nil {
				end.during(t, run)
			}
			out := run.wait()
			watching()
			seen.outcome(out)
			if !strings.Contains(seen["standard error"], end.proof) {
				t.Fatalf("the run ended in another way:\n%s", seen["standard error"])
			}
			seen.files(t, dir)
			seen.clusters(t)
			if leaks := seen.leaks(forms...); len(leaks) > 0 {
				t.Errorf("a secret is\n%s", strings.Join(leaks, "\n"))
			}
			t.Logf("looked at %d places", len(seen))
		})
	}
}

// entryForms are keys and values of a cache, which nobody must read either.
func entryForms(entries contents) map[string]string {
	forms := map[string]string{"the key that is discarded": "only-on-b"}
	for key, value := range entries {
		forms["the key "+key], forms["the value of "+key] = key, value
	}
	return forms
}

// passwordsOf reads the credentials of both sites: the forms of their passwords, and the Secrets themselves.
func passwordsOf(t *testing.T) (forms []map[string]string, secrets surface) {
	t.Helper()
	secrets = surface{}
	for _, s := range pair.Sites() {
		secret, err := s.Kube().CoreV1().Secrets(sites.Namespace).Get(t.Context(), operatorSecret, metav1.GetOptions{})
		must(t, err)
		forms = append(forms, secretForms(string(secret.Data["username"]), string(secret.Data["password"])))
		text, err := secret.Marshal()
		must(t, err)
		secrets[s.Name] = string(text)
	}
	return forms, secrets
}

// beginWithin starts a run with every file that it may write below dir, and without a core file: that one holds all memory.
func beginWithin(t *testing.T, dir string) *running {
	t.Helper()
	const withoutCore = `ulimit -c 0; exec "$0" "$@"`
	command := exec.CommandContext(t.Context(), "sh", append([]string{"-c", withoutCore, binary}, straight(append(reports(dir), "-v", "9")...)...)...)
	command.Dir = dir
	command.Env = []string{"KUBECONFIG=" + pair.Kubeconfig(), "GOTRACEBACK=crash"}
	for variable, name := range map[string]string{"TMPDIR": "tmp", "HOME": "home", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config"} {
		path := filepath.Join(dir, name)
		must(t, os.Mkdir(path, 0o700))
		command.Env = append(command.Env, variable+"="+path)
	}
	return start(t, command)
}

// watchProcess looks at a process again and again until the returned function is called.
func watchProcess(ctx context.Context, pid int, seen surface) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			seen.process(pid)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}
