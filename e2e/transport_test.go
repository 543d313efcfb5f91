package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestARecoveryByAUserWhoMayExecAndNotPortForward runs as a user who has nothing but the Roles that rbac prints for exec, and
// is told nothing of the way. It is killed once in the middle and interrupted once; each time nothing of it is left in the
// pods, and the same command goes on.
func TestARecoveryByAUserWhoMayExecAndNotPortForward(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	kubeconfig := asUser(t, "executor", printedRoles(t, "--transport", "exec"))
	const says = "Infinispan is reached through exec (pods/exec), since this user may not create pods/portforward in namespace keycloak"

	beginWith(t, kubeconfig, straight()...).kill(t.Context(), "actionTokens: cleared")
	mustLeaveNothingInThePods(t)
	mustKeepPrimary(t, truth)
	dropLeases(t)

	interrupted := beginWith(t, kubeconfig, straight()...)
	interrupted.until(t.Context(), "sessions: pushing")
	must(t, interrupted.command.Process.Signal(os.Interrupt))
	interrupted.wait().mustEnd(t, 5, "primary: "+says, "state:", "data at risk: none", "next:")
	mustLeaveNothingInThePods(t)
	mustKeepPrimary(t, truth)

	out := beginWith(t, kubeconfig, straight()...).wait().mustSucceed(t)
	out.mustEnd(t, 0, "primary: "+says, "secondary: "+says)
	if strings.Count(out.stderr, says) != 2 {
		t.Errorf("the way is not said once for each site:\n%s", out.stderr)
	}
	mustBeRecovered(t, truth)
	mustLeaveNothingInThePods(t)
}

// TestAServerThatDiesDuringARunThroughExec deletes a pod of the secondary while the primary pushes to it.
func TestAServerThatDiesDuringARunThroughExec(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	run := begin(t, pair, straight("--transport", "exec", "--step-timeout", "2m")...)
	run.until(t.Context(), "sessions: pushing")
	must(t, pair.B.DeletePod(t.Context(), "infinispan-1"))
	out := run.wait()
	must(t, pair.B.WaitReady(t.Context()))
	must(t, pair.WaitLinked(t.Context()))
	mustKeepPrimary(t, truth)
	if out.code != 0 {
		out.mustEnd(t, out.code, "state:", "data at risk: none", "next:")
		resync(t, straight("--transport", "exec")...).mustSucceed(t)
	}
	mustBeRecovered(t, truth)
	mustLeaveNothingInThePods(t)
}

// mustLeaveNothingInThePods waits until no command runs that was started in a pod of the pair. The stand-in for a kubelet
// tells each of them the ports of its pod, which shows the commands and all that they started.
func mustLeaveNothingInThePods(t *testing.T) {
	t.Helper()
	var marks []string
	for _, s := range pair.Sites() {
		for _, node := range s.Nodes() {
			if port, ok := node.HostPort(sites.AdminPort); ok {
				marks = append(marks, fmt.Sprintf("ISPN_PORT_%d=%d\x00", sites.AdminPort, port))
			}
		}
	}
	if len(marks) == 0 {
		t.Fatal("no server runs")
	}
	eventually(t, "nothing runs in the pods but the servers", func(context.Context) bool {
		environments, err := filepath.Glob("/proc/[0-9]*/environ")
		must(t, err)
		for _, path := range environments {
			environment, err := os.ReadFile(path)
			if err != nil {
				continue // it has ended
			}
			for _, mark := range marks {
				if strings.Contains(string(environment), mark) {
					return false
				}
			}
		}
		return true
	})
}
