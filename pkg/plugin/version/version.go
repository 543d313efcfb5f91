// Package version says which build of the program this is.
package version

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Written by the linker (-X) in release builds, see the Makefile; they are the only package variables of the program.
var (
	version = development
	commit  = unknown
)

// development is the version of a build that is no release, unknown the commit of one that nobody told.
const (
	development = "v0.0.0-dev"
	unknown     = "unknown"
)

// Info describes a build.
type Info struct {
	// Version is the release with its leading v, or v0.0.0-dev for a build that is no release.
	Version string `json:"version"`
	// Commit is the full hash of the commit it was built from, or "unknown".
	Commit string `json:"commit"`
	// Go is the version of the Go toolchain, e.g. go1.26.0.
	Go string `json:"goVersion"`
	// Platform is OS/ARCH as Go spells them.
	Platform string `json:"platform"`
}

// Get describes the running build. One that no linker was told about is described by what Go knows of it.
func Get() Info {
	info := Info{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if built, ok := debug.ReadBuildInfo(); ok && commit == unknown {
		info = info.from(built)
	}
	return info
}

// from takes the release from a module that was installed as such, and the commit from a working tree.
func (i Info) from(built *debug.BuildInfo) Info {
	if built.Main.Sum != "" { // go install MODULE@VERSION: a working tree has none
		i.Version = built.Main.Version
	}
	for _, setting := range built.Settings {
		if setting.Key == "vcs.revision" {
			i.Commit = setting.Value
		}
	}
	return i
}

// UserAgent is how this build introduces itself to API servers and Infinispan, so that their audit logs can name it.
func (i Info) UserAgent() string {
	return "kubectl-ispn-resync/" + i.Version + " (" + i.Platform + ")"
}

// Tool is how this build is named in the journal of a run.
func (i Info) Tool() string { return "kubectl-ispn-resync " + i.Version }

// Page is where a document of this build can be read, e.g. docs/checks.md#caches: as it was at its release, or as it is now.
func (i Info) Page(document string) string {
	at := i.Version
	if at == development || strings.Count(at, "-") > 1 { // a version that go install made of a commit has no tag
		at = "main"
	}
	return "https://github.com/ispn-resync/kubectl-ispn-resync/blob/" + at + "/" + document
}
