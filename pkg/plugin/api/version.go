package api

import "k8s.io/apimachinery/pkg/runtime"

// KindVersion is the kind of Version.
const KindVersion = "Version"

// Version says which build this is, and what both sites run.
type Version struct {
	Header `json:",inline"`

	// Client is this program.
	Client ClientVersion `json:"client"`
	// Primary is what the primary runs; absent when its context was not given.
	Primary *SiteVersion `json:"primary,omitempty"`
	// Secondary is what the secondary runs; absent when its context was not given.
	Secondary *SiteVersion `json:"secondary,omitempty"`
	// Warnings say what does not fit together.
	Warnings []string `json:"warnings"`
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

// SiteVersion is what one site runs.
type SiteVersion struct {
	// Context is the kubeconfig context.
	Context string `json:"context"`
	// Kubernetes is the version of the API server; absent when it was not told.
	Kubernetes string `json:"kubernetes,omitempty"`
	// Infinispan are the versions of the Infinispan servers, each once.
	Infinispan []string `json:"infinispan"`
	// Problem says what could not be asked, and why.
	Problem string `json:"problem,omitempty"`
}
