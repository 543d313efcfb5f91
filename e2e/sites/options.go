package sites

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/controlplane"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/fill"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// Namespace holds everything in both sites.
const Namespace = controlplane.Namespace

// What callers outside need of the packages within.
type (
	// Client speaks to the REST endpoint of one Infinispan node; it shares nothing with the program
	// under test.
	Client = rest.Client
	// Info is what a node says of its cache container.
	Info = rest.Info
	// Action is an operation on the backup of one cache.
	Action = rest.Action
	// Error is an answer of a node that is no success.
	Error = rest.Error
	// Node is one running Infinispan server.
	Node = servers.Node
	// Entries are what Site.Fill writes.
	Entries = fill.Entries
	// Connection is a Hot Rod client that Site.Connect made.
	Connection = fill.Connection
	// Strategy is how caches back up to the other site.
	Strategy = rest.Strategy
)

// The values of these types.
const (
	Sync  = rest.Sync
	Async = rest.Async

	TakeOffline   = rest.TakeOffline
	BringOnline   = rest.BringOnline
	StartPush     = rest.StartPush
	CancelPush    = rest.CancelPush
	CancelReceive = rest.CancelReceive

	// KeepHome is the flag with which a write stays in its own site (V2).
	KeepHome = rest.KeepHome
	// DataPort and AdminPort are the container ports of a node's endpoints.
	DataPort  = servers.DataPort
	AdminPort = servers.AdminPort
)

// CacheSet names the caches that are made when the sites come up.
type CacheSet string

// The sets of caches.
const (
	// Eight are Keycloak's caches when sessions live in Infinispan alone.
	Eight CacheSet = "eight"
	// Four are those of Keycloak 26, whose sessions are in the database.
	Four CacheSet = "four"
	// None leaves the caches to the caller.
	None CacheSet = "none"
)

// Names lists the caches of the set.
func (s CacheSet) Names() ([]string, error) {
	switch s {
	case Eight:
		return rest.VolatileCaches(), nil
	case Four:
		return rest.PersistentCaches(), nil
	case None:
		return nil, nil
	}
	return nil, fmt.Errorf("there is no set of caches %q; use %s, %s or %s", string(s), Eight, Four, None)
}

// Options say what to bring up. The zero value is a pair as Keycloak's guide describes it.
type Options struct {
	// Dir keeps kubeconfigs, data and logs. What an earlier pair left there is removed; a pair that
	// is still up there is an error. Empty means a temporary folder that Down removes.
	Dir string
	// Version is the Infinispan server's Maven version; 15.0.21.Final when empty.
	Version string
	// NodesPerSite is the number of servers in each site; 2 when zero.
	NodesPerSite int
	// HeapMB is the largest heap of a server in MiB; 384 when zero.
	HeapMB int
	// KeycloakInstances is the count in the Keycloak CRs; 2 when nil.
	KeycloakInstances *int
	// SiteNames are the names the sites have in Infinispan; site-a and site-b when empty.
	SiteNames [2]string
	// ContextPrefix is put before the site names to make the names of the kubeconfig contexts.
	ContextPrefix string
	// Caches are made in both sites; Eight when empty.
	Caches CacheSet
	// Strategy is the backup strategy of these caches; Sync when empty.
	Strategy Strategy
	// TLS puts the data endpoints (not the admin endpoints) behind certificates.
	TLS bool
	// OperatorDetection notices a lost site as late as the operator's settings do (some 40 s) rather
	// than within ten seconds.
	OperatorDetection bool
	// Log hears what is being done, a line at a time; nil is silence.
	Log io.Writer
}

// complete fills in what was left open and checks the rest.
func (o Options) complete() (Options, error) {
	if o.SiteNames == [2]string{} {
		o.SiteNames = [2]string{"site-a", "site-b"}
	}
	if o.SiteNames[0] == "" || o.SiteNames[1] == "" || o.SiteNames[0] == o.SiteNames[1] {
		return o, fmt.Errorf("two different site names are needed, not %q", o.SiteNames)
	}
	if o.NodesPerSite == 0 {
		o.NodesPerSite = 2
	}
	if o.KeycloakInstances == nil {
		two := 2
		o.KeycloakInstances = &two
	}
	if o.NodesPerSite < 1 || *o.KeycloakInstances < 0 {
		return o, errors.New("a site needs a server, and Keycloak's instances cannot be less than 0")
	}
	if o.Caches == "" {
		o.Caches = Eight
	}
	if _, err := o.Caches.Names(); err != nil {
		return o, err
	}
	if o.Strategy == "" {
		o.Strategy = Sync
	}
	if o.Strategy != Sync && o.Strategy != Async {
		return o, fmt.Errorf("there is no backup strategy %q; use %s or %s", o.Strategy, Sync, Async)
	}
	if o.Version == "" {
		o.Version = servers.DefaultVersion
	}
	if _, err := servers.ParseVersion(o.Version); err != nil {
		return o, err
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o, nil
}

// StateDir is the folder of the pair that the command "sites" keeps under name:
// kubectl-ispn-resync/sites/NAME in $XDG_STATE_HOME, or in ~/.local/state without that.
func StateDir(name string) (string, error) {
	if !filepath.IsLocal(name) || filepath.Base(name) != name || name == "." {
		return "", fmt.Errorf("%q cannot name a pair of sites: it must be a plain file name", name)
	}
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the folder for state (set XDG_STATE_HOME or HOME): %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "kubectl-ispn-resync", "sites", name), nil
}
