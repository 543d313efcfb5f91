package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// Container ports of an Infinispan pod, as the operator names them.
const (
	// DataPort is the data endpoint: Hot Rod and REST, realm "default", Digest.
	DataPort int32 = 11222
	// AdminPort is the admin endpoint: REST, realm "admin", Basic and Digest, never TLS.
	AdminPort int32 = 11223
)

const (
	defaultHeap = 384
	defaultName = "infinispan"
	// socketOffset puts the failure detection's sockets below the ports that proc hands out and thus
	// below those the kernel gives to outgoing connections; the server's own default is +50000.
	socketOffset = -12000
	stopGrace    = 20 * time.Second
	// archiveGrace is for a server that writes its class archive before it ends.
	archiveGrace = 2 * time.Minute
)

// Credentials are one user of one endpoint.
type Credentials struct{ User, Password string }

// Config describes one site's servers.
type Config struct {
	// Site is the name this site has in Infinispan. Sites are all sites of the deployment, this one too.
	Site  string
	Sites []string
	// Name is the cluster's name inside the site, the Infinispan CR's; "infinispan" when empty.
	Name string
	// Artifacts is the release to run.
	Artifacts *Artifacts
	// Group owns the processes and their ports.
	Group *proc.Group
	// Dir keeps a server root per node name. What a node stored there is found again by the next node
	// of that name, as on a pod's volume.
	Dir string
	// HeapMB is the largest heap of a node in MiB; 384 when zero.
	HeapMB int
	// Router is the address (host:port) of this site's own router; PeerRouters are those of the other
	// sites as this site reaches them, that is: through the link.
	Router      string
	PeerRouters []string
	// Operator is the user of the admin endpoint, Developer that of the data endpoint. Both are in the
	// role admin, though authorization is off, as the operator leaves it.
	Operator, Developer Credentials
	// TLS puts the data endpoint behind a certificate of the cluster's own CA, see [Cluster.CA].
	TLS bool
	// OperatorDetection notices a lost site as late as the operator's settings do (about 40 s) rather
	// than within ten seconds.
	OperatorDetection bool
}

// Cluster is one site's Infinispan: what its nodes have in common. Its methods may be called from any
// goroutine.
type Cluster struct {
	config Config
	tls    *certificate
	// recordTo is where nodes write an archive of their classes; empty except in training.
	recordTo string

	mu    sync.Mutex
	nodes map[string]*Node // by pod name; the latest of each
}

// NewCluster checks a site's description. Nothing is started.
func NewCluster(config Config) (*Cluster, error) {
	if config.Name == "" {
		config.Name = defaultName
	}
	if config.HeapMB == 0 {
		config.HeapMB = defaultHeap
	}
	switch {
	case config.Artifacts == nil || config.Group == nil:
		return nil, errors.New("a cluster needs artifacts and a process group")
	case config.Dir == "" || config.Router == "":
		return nil, errors.New("a cluster needs a folder and its site's router")
	case !slices.Contains(config.Sites, config.Site):
		return nil, fmt.Errorf("site %q is not among the sites %q", config.Site, config.Sites)
	case config.Operator.User == "" || config.Developer.User == "":
		return nil, errors.New("a cluster needs an operator and a developer user")
	}
	c := &Cluster{config: config, nodes: map[string]*Node{}}
	if config.TLS {
		var err error
		if c.tls, err = newCertificate(config.Name, "localhost", config.Name+".keycloak.svc"); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// CA is the certificate (PEM) that signed the data endpoint's, nil without TLS.
func (c *Cluster) CA() []byte {
	if c.tls == nil {
		return nil
	}
	return c.tls.ca
}

// ServerCertificate is the data endpoint's certificate and its key (both PEM), nil without TLS: what
// the operator keeps in the certificate Secret as tls.crt and tls.key.
func (c *Cluster) ServerCertificate() (certificate, key []byte) {
	if c.tls == nil {
		return nil, nil
	}
	return c.tls.server, c.tls.key
}

// StartNode starts the JVM that stands for the pod name, infinispan-0 for instance, and returns as soon
// as the process runs: it answers some seconds later, see [Node.WaitReady]. Ports are new at each start,
// and the server's node name is the pod's with five digits, as the operator has it. A node of that name
// that still runs is an error.
func (c *Cluster) StartNode(ctx context.Context, name string) (*Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s of %s: %w", name, c.config.Site, err)
	}
	if old := c.nodes[name]; old != nil && old.running() {
		return nil, fmt.Errorf("%s of %s still runs (pid %d)", name, c.config.Site, old.Pid())
	}
	ports, err := c.config.Group.Ports(3)
	if err != nil {
		return nil, err
	}
	n := &Node{
		name: name, serverName: fmt.Sprintf("%s-%05d", name, rand.IntN(100000)),
		site: c.config.Site, data: ports[0], admin: ports[1], tls: c.config.TLS,
		container: c.config.Artifacts.Version.container(),
	}
	if n.process, err = c.launch(n, ports[2]); err != nil {
		c.config.Group.Release(ports...)
		return nil, fmt.Errorf("start %s of %s: %w", name, c.config.Site, err)
	}
	go func() {
		<-n.process.Done()
		c.config.Group.Release(ports...)
	}()
	c.nodes[name] = n
	return n, nil
}

// Nodes are the nodes whose processes run, ordered by name.
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	var running []*Node
	for _, n := range c.nodes {
		if n.running() {
			running = append(running, n)
		}
	}
	slices.SortFunc(running, func(a, b *Node) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return running
}

func (c *Cluster) launch(n *Node, localPort int) (*proc.Process, error) {
	cfg := c.config
	s := settings{
		detection: shortDetection(),
		Schema:    cfg.Artifacts.Version.Schema, AdminMechanisms: cfg.Artifacts.Version.Admin,
		Cluster: cfg.Name, Site: cfg.Site, Sites: cfg.Sites, Node: n.serverName,
		OwnRouter: routerHosts(cfg.Router),
		Routers:   routerHosts(append([]string{cfg.Router}, cfg.PeerRouters...)...),
		LocalPort: localPort, DataPort: n.data, AdminPort: n.admin,
		SocketOffset: socketOffset, TLS: cfg.TLS,
	}
	if cfg.OperatorDetection {
		s.detection = operatorDetection()
	}
	var pem []byte
	if c.tls != nil {
		pem = c.tls.keystore()
	}
	root := filepath.Join(cfg.Dir, n.name)
	if err := layOut(root, s, cfg.Developer, cfg.Operator, pem); err != nil {
		return nil, err
	}
	grace := stopGrace
	if c.recordTo != "" {
		grace = archiveGrace
	}
	return cfg.Group.Start(proc.Spec{
		Name: cfg.Site + "-" + n.name,
		Path: cfg.Artifacts.Java,
		Args: cfg.Artifacts.serverArgs(root, cfg.HeapMB, c.recordTo),
		Dir:  root, LogFile: filepath.Join(cfg.Dir, n.name+".log"), Grace: grace,
	})
}
