package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestTwoRunsAtOnceOneWorks starts a second plugin in the middle of the first, with the same roles and with mirrored ones.
func TestTwoRunsAtOnceOneWorks(t *testing.T) {
	for name, second := range map[string][]string{
		"same roles": straight(),
		"mirrored roles": {
			"--primary-context", "site-b", "--secondary-context", "site-a", "--confirm", "site-a",
			"--accept", "primary-keycloak-not-ready", "--accept", "primary-smaller", "--accept", "primary-held-offline",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 400)
			slowLink(t)
			first := begin(t, pair, straight()...)
			first.until(t.Context(), "sessions: pushing")
			resync(t, second...).mustEnd(t, 6, "single-run:", "another run is at work", "holds it since", "nothing was changed")
			first.wait().mustSucceed(t)
			mustBeRecovered(t, truth)
		})
	}
}

// TestARunThatWasSuspendedChangesNothingWhenItWakes stops the plugin beyond its leases, lets a second one finish the work, and
// wakes it.
func TestARunThatWasSuspendedChangesNothingWhenItWakes(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	first := begin(t, pair, straight()...)
	first.until(t.Context(), "clear     done")
	must(t, first.command.Process.Signal(syscall.SIGSTOP))
	began := time.Now()
	resync(t, straight()...).mustSucceed(t)
	t.Logf("the second run took over and finished after %s", time.Since(began).Round(time.Second))
	mustBeRecovered(t, truth)
	before := observe(t)
	must(t, first.command.Process.Signal(syscall.SIGCONT))
	first.wait().mustEnd(t, 5, "single-run:", "lost its leases", "changed nothing after that")
	if diff := cmp.Diff(before, observe(t)); diff != "" {
		t.Errorf("the run that woke up changed something (-before +after):\n%s", short(diff))
	}
}
