package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// benchEntries is how many entries each of the eight caches holds.
const benchEntries = 10_000

// BenchmarkRecovery prints the figures of one recovery of eight caches of benchEntries each, a line a figure:
// bench NAME VALUE UNIT.
func BenchmarkRecovery(b *testing.B) {
	for range b.N {
		fresh(b, sites.Sync)
		for _, cache := range cachesOf(b, pair.A) {
			must(b, pair.Fill(b.Context(), cache, sites.Entries{Prefix: "e-", Count: benchEntries, ValueSize: 200}))
		}
		began := time.Now()
		run := begin(b, pair, straight()...)
		out := run.wait().mustSucceed(b)
		whole := time.Since(began)

		phases := phaseTimes(b, out.stderr)
		for _, phase := range slices.Sorted(maps.Keys(phases)) {
			figure("phase-"+phase, phases[phase].Seconds(), "s")
		}
		push := serversPush(b, out.stdout)
		figure("whole-run", whole.Seconds(), "s")
		figure("servers-own-push", push.Seconds(), "s")
		figure("overhead", (whole - phases["stop"] - phases["start"] - push).Seconds(), "s")
		usage, ok := run.command.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			b.Fatal("no resource usage on this system")
		}
		figure("memory", float64(usage.Maxrss)/1024, "MiB")
		// Once more for the requests, since writing them down takes time.
		traced := resync(b, straight("-v", "6")...).mustSucceed(b).stderr
		for _, role := range []string{"primary", "secondary"} {
			figure("requests-to-"+role, float64(strings.Count(traced, fmt.Sprintf("\"Infinispan call\" site=%q", role))), "requests")
		}
	}
}

// BenchmarkHelp prints the median time of --help.
func BenchmarkHelp(b *testing.B) {
	for range b.N {
		var took []time.Duration
		for range 21 {
			began := time.Now()
			must(b, exec.CommandContext(b.Context(), binary, "--help").Run())
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		figure("help", float64(took[len(took)/2].Microseconds())/1000, "ms")
	}
}

// figure prints one figure.
func figure(name string, value float64, unit string) {
	_, _ = fmt.Fprintf(os.Stdout, "bench %s %.1f %s\n", name, value, unit)
}

// phaseTimes reads the duration of every phase from what the plugin says when one is done.
func phaseTimes(t testing.TB, stderr string) map[string]time.Duration {
	t.Helper()
	times := map[string]time.Duration{}
	for _, found := range regexp.MustCompile(`(?m)^\S+ (\w+) +done in (\S+)$`).FindAllStringSubmatch(stderr, -1) {
		took, err := time.ParseDuration(found[2])
		must(t, err)
		times[found[1]] = took
	}
	if len(times) != 9 {
		t.Fatalf("found the times of %d phases, want 9", len(times))
	}
	return times
}

// serversPush reads the longest push of one cache from the summary: all are pushed at once.
func serversPush(t testing.TB, summary string) time.Duration {
	t.Helper()
	var longest time.Duration
	for _, found := range regexp.MustCompile(`(?m) (\S+) {3}keys$`).FindAllStringSubmatch(summary, -1) {
		took, err := time.ParseDuration(found[1])
		must(t, err)
		longest = max(longest, took)
	}
	if longest == 0 {
		t.Fatalf("the summary tells no push times:\n%s", summary)
	}
	return longest
}
