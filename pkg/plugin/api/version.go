package api

import "k8s.io/apimachinery/pkg/runtime"

// KindVersion is the kind of Version.
const KindVersion = "Version"

// Version says which build this is.
type Version struct {
	Header `json:",inline"`

	// Client is this program.
	Client ClientVersion `json:"client"`
}

// DeepCopyObject implements runtime.Object.
func (v *Version) DeepCopyObject() runtime.Object { return deepCopy(v) }

// ClientVersion describes a build of this program.
type ClientVersion struct {
	// Version is the release with its leading v, or v0.0.0-dev.
	Version string `json:"version"`
	// Commit is the full hash of the commit it was built from, or "unknown".
	Commit string `json:"commit"`
	// GoVersion is the version of the Go toolchain.
	GoVersion string `json:"goVersion"`
	// Platform is OS/ARCH as Go spells them.
	Platform string `json:"platform"`
}
