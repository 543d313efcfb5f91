package version

import (
	"runtime"
	"testing"
)

func TestABuildThatIsNoReleaseSaysSo(t *testing.T) {
	info := Get()
	if info.Version != "v0.0.0-dev" || info.Commit != "unknown" {
		t.Errorf("an unmarked build calls itself %s (%s)", info.Version, info.Commit)
	}
	if info.Go != runtime.Version() {
		t.Errorf("Go is %q, want %q", info.Go, runtime.Version())
	}
}

func TestAuditLogsCanNameTheBuild(t *testing.T) {
	info := Info{Version: "v1.2.3", Platform: "linux/amd64"}
	if got, want := info.UserAgent(), "kubectl-ispn-resync/v1.2.3 (linux/amd64)"; got != want {
		t.Errorf("user agent %q, want %q", got, want)
	}
	if got, want := info.Tool(), "kubectl-ispn-resync v1.2.3"; got != want {
		t.Errorf("tool %q, want %q", got, want)
	}
}
