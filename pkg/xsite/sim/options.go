package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// Options say what to simulate. The zero value is a pair as Keycloak's guide describes it, without caches.
type Options struct {
	// Version is that of the servers: one of Versions. Empty means 15.0.21.
	Version string
	// Sites are the names of the two sites; site-a and site-b when empty.
	Sites [2]string
	// Nodes is the number of servers of each site; 2 when zero.
	Nodes int
	// Caches exist in the sites from the start, as permanent ones.
	Caches []CacheSpec
	// Endpoint is the kind of REST endpoint that the nodes have; DataEndpoint when empty.
	Endpoint Endpoint
	// Users are those of the endpoint's realm besides Admin.
	Users []User
	// RelayNodes is the most nodes of a site that see the other one (V50); 1 when zero.
	RelayNodes int
	// ViewLoss is how late a site notices that nothing comes from its peer any more; 48 s when zero (V24). ViewReturn is
	// how late it notices that the peer is back; 47 s when zero.
	ViewLoss, ViewReturn time.Duration
	// SuspectAfter is how late a cluster notices that one of its nodes is frozen; 40 s when zero.
	SuspectAfter time.Duration
	// ChunkTime is how long a node is busy with one chunk of a push, without the link's delay; 10 ms when zero.
	ChunkTime time.Duration
	// CallTime is how long a node is busy with a REST call; 2 ms when zero.
	CallTime time.Duration
	// Strangers makes the two sites members of two other pairs, which happen to use the same names: both see a peer of
	// the right name, and nothing that one sends reaches the other.
	Strangers bool
}

// Versions are the servers that can be simulated: those whose answers were recorded.
func Versions() []string { return []string{"14.0.28", "15.0.21", "15.2.6", "16.0.7"} }

// Endpoint is how a node's REST endpoint asks for a password.
type Endpoint string

// The kinds of endpoints.
const (
	// DataEndpoint knows Digest only (V36, V52).
	DataEndpoint Endpoint = "data"
	// AdminEndpoint is the operator's: Basic, and Digest with SHA-256, on 14 with MD5.
	AdminEndpoint Endpoint = "admin"
	// BrokenEndpoint is one of 14 that was set up for DIGEST-SHA-256: it offers Digest and refuses it (V72).
	BrokenEndpoint Endpoint = "broken"
	// OpenEndpoint asks for nothing.
	OpenEndpoint Endpoint = "open"
)

// User is a user of the endpoint's realm.
type User struct {
	Name, Password string
	// Role is admin, deployer, application, observer or monitor, as in the server; only admin may do everything.
	Role string
}

// Admin is the user that every world knows. [Node.Client] uses it.
func Admin() User { return User{Name: "operator", Password: "sim-operator", Role: "admin"} }

// CacheSpec is one cache with its backup to the other site. The zero value of every field but Name is what Keycloak's
// guide sets.
type CacheSpec struct {
	Name string
	// Only names the site that has the cache; empty means both.
	Only string
	// Kind is KindDistributed when empty.
	Kind infinispan.CacheKind
	// NoBackup leaves the backup to the other site out.
	NoBackup bool
	// Third names a site besides the peer that the cache backs up to as well; it is no part of the world.
	Third string
	// Strategy is SYNC when empty.
	Strategy infinispan.Strategy
	// FailurePolicy is FAIL for SYNC and WARN for ASYNC when empty (V69).
	FailurePolicy infinispan.FailurePolicy
	// Mode is MANUAL when empty; AUTO needs ASYNC (V8).
	Mode infinispan.Mode
	// Timeout is that of the backup; 4500 ms when zero.
	Timeout time.Duration
	// RemoteTimeout is how long a node waits for another of its own site; 5 s when zero.
	RemoteTimeout time.Duration
	// ChunkSize is that of a push; 16 when zero.
	ChunkSize int
	// ChunkTimeout, ChunkRetries and ChunkWait are what a SYNC push does about chunks that do not arrive: the server's
	// 20 min, 30 and 2 s when zero.
	ChunkTimeout, ChunkWait time.Duration
	ChunkRetries            int
	// BackupFor names the cache of the other site that this one takes the updates of; nil means the same name.
	BackupFor *infinispan.BackupFor
	// KeyType is the protobuf type of the keys, such as keycloak.ClientSessionKey; empty means strings. Keys that are
	// messages cannot be listed by action=keys (V40, V70).
	KeyType string
	// NonTransactional caches keep a local write whose SYNC backup failed.
	NonTransactional bool
	// NoStatistics caches do not count.
	NoStatistics bool
	// Extra is merged into the configuration as the server prints it, for instance "persistence" or "memory".
	Extra map[string]any
	// volatile caches are gone when the last node is.
	volatile bool
	// printed is the configuration of a cache that was made by REST.
	printed map[string]any
}

// Caches makes specs of the guide's caches.
func Caches(names ...string) []CacheSpec {
	specs := make([]CacheSpec, len(names))
	for i, name := range names {
		specs[i].Name = name
	}
	return specs
}

// complete fills in what was left open and checks the rest.
func (o Options) complete() (Options, error) {
	o.Version = cmp.Or(strings.TrimSuffix(o.Version, ".Final"), "15.0.21")
	if !slices.Contains(Versions(), o.Version) {
		return o, fmt.Errorf("sim: version %q is none of %s", o.Version, strings.Join(Versions(), ", "))
	}
	if o.Sites == [2]string{} {
		o.Sites = [2]string{"site-a", "site-b"}
	}
	if o.Sites[0] == o.Sites[1] || o.Sites[0] == "" || o.Sites[1] == "" {
		return o, fmt.Errorf("sim: two different site names are needed, not %q", o.Sites)
	}
	o.Nodes = cmp.Or(o.Nodes, 2)
	o.RelayNodes = cmp.Or(o.RelayNodes, 1)
	o.Endpoint = cmp.Or(o.Endpoint, DataEndpoint)
	o.ViewLoss = cmp.Or(o.ViewLoss, 48*time.Second)
	o.ViewReturn = cmp.Or(o.ViewReturn, 47*time.Second)
	o.SuspectAfter = cmp.Or(o.SuspectAfter, 40*time.Second)
	o.ChunkTime = cmp.Or(o.ChunkTime, 10*time.Millisecond)
	o.CallTime = cmp.Or(o.CallTime, 2*time.Millisecond)
	caches := slices.Clone(o.Caches)
	for i, c := range caches {
		completed, err := c.complete(o)
		if err != nil {
			return o, err
		}
		caches[i] = completed
	}
	o.Caches = caches
	return o, nil
}

// complete fills in the defaults and refuses what the server refuses.
func (c CacheSpec) complete(o Options) (CacheSpec, error) {
	c.Kind = cmp.Or(c.Kind, infinispan.KindDistributed)
	c.Strategy = cmp.Or(c.Strategy, infinispan.StrategySync)
	c.Mode = cmp.Or(c.Mode, infinispan.ModeManual)
	c.Timeout = cmp.Or(c.Timeout, 4500*time.Millisecond)
	c.RemoteTimeout = cmp.Or(c.RemoteTimeout, 5*time.Second)
	c.ChunkSize = cmp.Or(c.ChunkSize, 16)
	c.ChunkTimeout = cmp.Or(c.ChunkTimeout, 20*time.Minute)
	c.ChunkWait = cmp.Or(c.ChunkWait, 2*time.Second)
	c.ChunkRetries = cmp.Or(c.ChunkRetries, 30)
	async := c.Strategy == infinispan.StrategyAsync
	if c.FailurePolicy == "" {
		c.FailurePolicy = infinispan.FailureFail
		if async {
			c.FailurePolicy = infinispan.FailureWarn
		}
	}
	switch {
	case c.Name == "":
		return c, errors.New("sim: a cache without a name")
	case c.Only != "" && !slices.Contains(o.Sites[:], c.Only):
		return c, fmt.Errorf("sim: cache %s in site %s, which does not exist", c.Name, c.Only)
	case async && c.FailurePolicy == infinispan.FailureFail:
		return c, fmt.Errorf("sim: cache %s: ISPN000656: failure policy FAIL is not for ASYNC (V69)", c.Name)
	case !async && c.Mode == infinispan.ModeAuto:
		return c, fmt.Errorf("sim: cache %s: ISPN000634: mode AUTO is not for SYNC (V8)", c.Name)
	}
	return c, nil
}

// release is a server version as numbers.
type release [3]int

func parseRelease(version string) release {
	var r release
	for i, part := range strings.SplitN(version, ".", 3) {
		r[i], _ = strconv.Atoi(part) // versions come from Versions
	}
	return r
}

// before tells whether this release is older than another.
func (r release) before(major, minor, patch int) bool {
	return slices.Compare(r[:], []int{major, minor, patch}) < 0
}

// replicatedFlags: the nodes of a cluster share their flags (F12).
func (r release) replicatedFlags() bool { return !r.before(15, 0, 11) }

// asksMembers: a node asked for the flags of its cluster asks the others; later ones repeat their own (F12).
func (r release) asksMembers() bool { return r.before(15, 1, 0) }

// locksUp: two flags that change at the same time lock the site's servers for ever (V66).
func (r release) locksUp() bool { return !r.before(15, 0, 11) && r.before(15, 1, 0) }

// reworded: the words about the other site are those of 16.
func (r release) reworded() bool { return !r.before(16, 0, 0) }

// old: the dialect and the listings of 14.
func (r release) old() bool { return r.before(15, 0, 0) }
