package version

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestABuildByGoInstallNamesItsRelease(t *testing.T) {
	for name, c := range map[string]struct {
		built debug.BuildInfo
		want  Info
	}{
		"installed":    {debug.BuildInfo{Main: debug.Module{Version: "v1.2.3", Sum: "h1:x"}}, Info{Version: "v1.2.3", Commit: "unknown"}},
		"working tree": {debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.2026+dirty"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}}, Info{Version: "v0.0.0-dev", Commit: "abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (Info{Version: "v0.0.0-dev", Commit: "unknown"}).from(&c.built); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

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

func TestTheDocumentsOfAReleaseAreThoseOfItsTag(t *testing.T) {
	for version, want := range map[string]string{"v1.2.3": "v1.2.3", "v1.3.0-rc.1": "v1.3.0-rc.1", "v0.0.0-20260301030000-0123456789ab": "main", "v0.0.0-dev": "main"} {
		if got := (Info{Version: version}).Page("docs/x.md#y"); got != "https://github.com/ispn-resync/kubectl-ispn-resync/blob/"+want+"/docs/x.md#y" {
			t.Errorf("%s: %s", version, got)
		}
	}
}
