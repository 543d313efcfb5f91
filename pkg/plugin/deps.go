package plugin

import (
	"context"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// Site is a connected site of the pair; *kube.Site is one.
type Site interface {
	xsite.Cluster
	// Roles gives the least Roles of a user for a site in that role as YAML, with or without what a run can do without.
	Roles(role xsite.Role, optional bool) (string, error)
	// KubernetesVersion asks the API server for its version.
	KubernetesVersion(ctx context.Context) (string, error)
	// Tell leaves an Event on the resources of the site.
	Tell(ctx context.Context, h kube.Happening) error
	// Close ends its connections.
	Close()
}

// Connector finds a site and connects to it. Nothing may be changed by it.
type Connector func(ctx context.Context, options kube.Options) (Site, error)

// Lister lists what a flag may name in the namespace of a site, as TYPE/NAME; [kube.Infinispans] is one.
type Lister func(ctx context.Context, options kube.Options) ([]string, error)

// Engine runs a recovery; [xsite.Recover] is one.
type Engine func(ctx context.Context, options xsite.Options) (xsite.Result, error)

// Terminal tells what the streams are connected to.
type Terminal interface {
	// IsTerminal says whether a stream is a terminal.
	IsTerminal(stream any) bool
	// Size gives columns and lines of the terminal behind a stream, and false when it is none or will not tell.
	Size(stream any) (columns, lines int, ok bool)
}

// Deps is everything a command reaches outside of itself, so that tests can stand in for it.
type Deps struct {
	Streams   genericiooptions.IOStreams
	Terminal  Terminal
	LookupEnv func(name string) (value string, set bool)
	// Who names the person at the keyboard as user@host.
	Who     func() string
	Connect Connector
	// Infinispans and Keycloaks are for completing command lines.
	Infinispans, Keycloaks Lister
	Recover                Engine
	// RunPhase does one phase of a recovery; [xsite.RunPhase] does.
	RunPhase func(ctx context.Context, phase xsite.Phase, options xsite.Options) (xsite.StepResult, error)
	// Clock is the time between two looks.
	Clock xsite.Clock
	// Status looks at both sites; [xsite.Status] does.
	Status func(ctx context.Context, options xsite.StatusOptions) xsite.PairStatus
	// Diff compares the contents of both sites; [xsite.Diff] does.
	Diff func(ctx context.Context, options xsite.DiffOptions) (xsite.DiffReport, error)
	// Kubernetes asks the API server of a site that cannot be connected to for its version; [kube.KubernetesVersion] does.
	Kubernetes func(ctx context.Context, options kube.Options) (string, error)
	// Versions asks one site; [xsite.Versions] does.
	Versions func(ctx context.Context, site xsite.Cluster) xsite.SiteVersions
	// Check is that of package xsite.
	Check func(ctx context.Context, options xsite.CheckOptions) xsite.CheckReport
	// Abort, DiscardJournal, Prune, Fence and Lift are those of package xsite.
	Abort          func(ctx context.Context, options xsite.AbortOptions) (xsite.Report, error)
	DiscardJournal func(ctx context.Context, options xsite.DiscardOptions) (xsite.Report, error)
	Prune          func(ctx context.Context, options xsite.PruneOptions) (xsite.Report, error)
	Fence          func(ctx context.Context, options xsite.FenceOptions) (xsite.Report, error)
	Lift           func(ctx context.Context, options xsite.FenceOptions) (xsite.Report, error)
}
