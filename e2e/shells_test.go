package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// shell is how a real shell is started with nothing of a user's own, and how it learns to complete kubectl and the plugin.
type shell struct {
	name, start, prepare string
}

func shells() []shell {
	return []shell{
		{
			"bash", "bash --norc --noprofile",
			"source /usr/share/bash-completion/bash_completion; source <(kubectl completion bash); source <(kubectl-ispn_resync completion bash)",
		},
		{
			"zsh", "zsh -f",
			"autoload -Uz compinit; compinit -u -D; source <(kubectl completion zsh); source <(kubectl-ispn_resync completion zsh)",
		},
		{"fish", "fish --no-config --private", "kubectl completion fish | source; kubectl-ispn_resync completion fish | source"},
	}
}

// TestShellsCompleteThroughKubectl presses the tab key in real shells, in a real terminal, with kubectl, the plugin and its
// completer in PATH and two real sites in the kubeconfig.
func TestShellsCompleteThroughKubectl(t *testing.T) {
	fresh(t, sites.Sync)
	path := toolsInPath(t)
	run := recordOfAFence(t)
	defer dropJournals(t)
	const plugin = "kubectl ispn-resync "
	const sited = plugin + "--primary-context site-a "
	const both = "--primary-context site-a --secondary-context site-b "
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			x := newPress(t, s, "PATH="+path, "KUBECONFIG="+pair.Kubeconfig(), "HOME="+t.TempDir(), "HISTFILE=/dev/null")
			for _, c := range []struct{ name, typed, want string }{
				{"the plugin itself", "kubectl ispn-re", "kubectl ispn-resync"},
				{"commands", plugin + "stat", plugin + "status"},
				{"flags", plugin + "--primary-cont", plugin + "--primary-context"},
				{"contexts, of which there are two", plugin + "--primary-context s", plugin + "--primary-context site-"},
				{"namespaces", sited + "--primary-namespace keyc", sited + "--primary-namespace " + sites.Namespace},
				{"Infinispan", sited + "--infinispan inf", sited + "--infinispan infinispan/infinispan"},
				{"Keycloak", sited + "--primary-keycloak key", sited + "--primary-keycloak keycloak/keycloak"},
				{"caches", sited + "--cache actionT", sited + "--cache actionTokens"},
				{"a second cache", sited + "--cache work,actionT", sited + "--cache work,actionTokens"},
				{"values", plugin + "--verify ent", plugin + "--verify entries"},
				{"phases", plugin + "phase cl", plugin + "phase clear"},
				{"phases behind flags", plugin + "phase " + both + "onl", plugin + "phase " + both + "online"},
				{"runs", plugin + "history " + both + run[:4], plugin + "history " + both + run},
				{"the only run", plugin + "abort " + both + "--discard-journal ", plugin + "abort " + both + "--discard-journal " + run},
				{"called by its own name", "kubectl-ispn_resync stat", "kubectl-ispn_resync status"},
			} {
				x.completes(c.name, c.typed, c.want)
			}
		})
	}
}

// recordOfAFence leaves the record of a run in one cluster and gives its name. A fence takes less time than any other run, and
// stops no Keycloak. It is ended by hand, since --lift would watch the link for a while.
func recordOfAFence(t *testing.T) string {
	t.Helper()
	resync(t, "fence", "--primary-context", "site-a", "--even-if-linked", "--confirm", "site-b").mustSucceed(t)
	setFlags(t, pair.A, "site-b", sites.BringOnline)
	listed := resync(t, "history", "--primary-context", "site-a", "--secondary-context", "site-b", "-o", "jsonpath={.runs[*].runID}").mustSucceed(t)
	run := strings.TrimSpace(listed.stdout)
	if len(run) != len("0123abcd") {
		t.Fatalf("the runs on record are %q, want one", run)
	}
	return run
}

// press is a real terminal with a shell in it.
type press struct {
	t      *testing.T
	socket string
	env    []string
}

// newPress starts a shell in a terminal that is wide enough for every line, and waits until it can complete.
func newPress(t *testing.T, s shell, env ...string) *press {
	t.Helper()
	for _, name := range []string{"tmux", s.name} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is needed, since completion is tested in it: apt-get install %s", name, name)
		}
	}
	// The environment is that of tmux: what is given to a session as PATH is replaced by its client's.
	x := &press{t: t, socket: filepath.Join(t.TempDir(), "tmux"), env: append(os.Environ(), env...)}
	x.tmux("-f", os.DevNull, "new-session", "-d", "-x", "200", "-y", "50", s.start)
	t.Cleanup(func() { x.tmux("kill-server") })
	x.typed(s.prepare)
	x.tmux("send-keys", "Enter")
	x.typed(`echo re""ady`)
	x.tmux("send-keys", "Enter")
	x.shows("the shell", "ready")
	return x
}

// tmux gives a command to the terminal and returns its answer.
func (x *press) tmux(args ...string) string {
	x.t.Helper()
	command := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...)
	command.Env = x.env
	out, err := command.CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v: %s", args[0], err, out)
	}
	return string(out)
}

// typed types a text.
func (x *press) typed(text string) {
	x.t.Helper()
	x.tmux("send-keys", "-l", text)
}

// completes demands that the tab key makes a line of another.
func (x *press) completes(name, typed, want string) {
	x.t.Helper()
	x.tmux("send-keys", "C-u", "C-l")
	x.typed(typed)
	x.shows(name, typed)
	x.tmux("send-keys", "Tab")
	x.shows(name, want)
}

// shows waits until a text is on the screen.
func (x *press) shows(what, text string) {
	x.t.Helper()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	deadline := time.After(30 * time.Second)
	for {
		screen := x.tmux("capture-pane", "-p", "-N")
		if strings.Contains(strings.ReplaceAll(screen, `\,`, ","), text) { // bash quotes a comma, which changes nothing
			return
		}
		select {
		case <-deadline:
			x.t.Fatalf("%s: never seen: %q on\n%s", what, text, screen)
		case <-ticks.C:
		}
	}
}
