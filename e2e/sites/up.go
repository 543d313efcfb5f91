package sites

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/controlplane"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/link"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// runDir is the folder of pid files within a pair's folder.
const runDir = "run"

// ErrAlreadyUp says that another harness has a pair up in the same folder.
var ErrAlreadyUp = errors.New("a pair of sites is already up there")

// Up brings a pair of sites up and returns when all servers answer, the caches are there, the sites see
// each other and every pod is Ready. It needs a checkout of the project as current folder, go, java 17
// and Maven; what is missing is said at once. Once all is built it takes well under a minute. The pair
// goes down when ctx ends; after an error nothing is left running.
func Up(ctx context.Context, o Options) (*Pair, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	p := &Pair{o: o, downDone: make(chan struct{}), log: &logger{to: o.Log, start: time.Now()}}
	if err := p.claimDir(); err != nil {
		return nil, err
	}
	if p.group, err = proc.NewGroup(filepath.Join(p.o.Dir, runDir)); err != nil {
		return nil, errors.Join(err, p.lock.Close())
	}
	p.life, p.endLife = context.WithCancel(context.WithoutCancel(ctx))
	p.A, p.B = p.newSite(0), p.newSite(1)
	p.A.peer, p.B.peer = p.B.Name, p.A.Name
	if err := p.up(ctx); err != nil {
		return nil, errors.Join(err, p.downDetached(ctx))
	}
	p.unhook = context.AfterFunc(ctx, func() {
		if err := p.downDetached(ctx); err != nil {
			p.log.printf("taking the sites down: %v", err)
		}
	})
	return p, nil
}

// downDetached takes the pair down though ctx may have ended.
func (p *Pair) downDetached(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return p.Down(ctx)
}

func (p *Pair) up(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := p.startServers(ctx); err != nil {
		return err
	}
	// The servers start while the apiservers do; their pods find them running.
	if err := parallel(ctx, p.startKubernetes, p.finishServers); err != nil {
		return err
	}
	for _, s := range p.Sites() {
		s.operators.SetLinked(true)
	}
	for _, s := range p.Sites() {
		if err := s.WaitReady(ctx); err != nil {
			return err
		}
		if err := s.waitKeycloak(ctx, *p.o.KeycloakInstances); err != nil {
			return err
		}
	}
	p.log.printf("the sites are up: KUBECONFIG=%s, contexts %s and %s", p.Kubeconfig(), p.A.Context, p.B.Context)
	return nil
}

// claimDir makes the pair's folder its own and empty.
func (p *Pair) claimDir() error {
	if p.o.Dir == "" {
		dir, err := os.MkdirTemp("", "sites-")
		if err != nil {
			return fmt.Errorf("make a folder for the sites: %w", err)
		}
		p.o.Dir, p.temporary = dir, true
	}
	var err error
	if p.o.Dir, err = filepath.Abs(p.o.Dir); err != nil {
		return fmt.Errorf("find the sites' folder: %w", err)
	}
	if err := os.MkdirAll(p.o.Dir, 0o700); err != nil {
		return fmt.Errorf("make the sites' folder: %w", err)
	}
	if p.lock, err = lockDir(p.o.Dir); err != nil {
		return err
	}
	killed, err := Clean(p.o.Dir)
	if err != nil {
		return errors.Join(fmt.Errorf("clean up after an earlier harness: %w", err), p.lock.Close())
	}
	if len(killed) > 0 {
		p.log.printf("ended what an earlier harness had left: %v", killed)
	}
	for _, old := range []string{runDir, "kubernetes", "infinispan"} {
		if err := os.RemoveAll(filepath.Join(p.o.Dir, old)); err != nil {
			return errors.Join(fmt.Errorf("remove an earlier pair: %w", err), p.lock.Close())
		}
	}
	return nil
}

// lockDir takes the lock that a living harness holds on its folder.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the sites' folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w (%w)", dir, ErrAlreadyUp, err), file.Close())
	}
	return file, nil
}

// prepare builds and fetches what is not in the cache.
func (p *Pair) prepare(ctx context.Context) error {
	if err := requirements(); err != nil {
		return err
	}
	module, err := controlplane.FindModule(".")
	if err != nil {
		return err
	}
	cache, err := controlplane.CacheDir()
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context) (err error) {
		if p.artifacts, err = servers.Resolve(ctx, servers.Source{Version: p.o.Version, Log: p.log}); err != nil {
			return err
		}
		if p.artifacts.HasArchive() {
			return nil
		}
		p.log.printf("teaching java the server's classes, once: later starts take a third less")
		if err := p.artifacts.Train(ctx, p.group, filepath.Join(p.o.Dir, "infinispan", "training")); err != nil {
			p.log.printf("the servers will start without it: %v", err)
		}
		return ctx.Err()
	}
	return parallel(ctx, fetch, func(ctx context.Context) (err error) {
		p.binaries, err = controlplane.Build(ctx, module, cache, p.log.printf)
		return err
	})
}

// startServers starts the routers, the link and the servers' JVMs, without waiting for the latter.
func (p *Pair) startServers(ctx context.Context) error {
	p.log.printf("starting %d infinispan servers %s in each site", p.o.NodesPerSite, p.o.Version)
	dir := filepath.Join(p.o.Dir, "infinispan")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the servers' folder: %w", err)
	}
	var routers [2]*servers.Router
	start := func(i int) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			routers[i], err = servers.StartRouter(ctx, p.group, p.artifacts, p.o.SiteNames[i], dir)
			return err
		}
	}
	if err := parallel(ctx, start(0), start(1)); err != nil {
		return err
	}
	var err error
	if p.link, err = link.Open(routers[0].Address(), routers[1].Address()); err != nil {
		return err
	}
	peers := []string{p.link.ToB(), p.link.ToA()}
	for i, s := range p.Sites() {
		if s.operator.Password, err = password(); err != nil {
			return err
		}
		if s.developer.Password, err = password(); err != nil {
			return err
		}
		s.cluster, err = servers.NewCluster(servers.Config{
			Site: s.Name, Sites: p.o.SiteNames[:], Artifacts: p.artifacts, Group: p.group,
			Dir: filepath.Join(dir, s.Name), HeapMB: p.o.HeapMB,
			Router: routers[i].Address(), PeerRouters: []string{peers[i]},
			Operator: s.operator, Developer: s.developer,
			TLS: p.o.TLS, OperatorDetection: p.o.OperatorDetection,
		})
		if err != nil {
			return err
		}
		for n := range p.o.NodesPerSite {
			if err := s.prestart(ctx, "infinispan-"+strconv.Itoa(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishServers waits until the servers answer and the sites see each other, and makes the caches.
func (p *Pair) finishServers(ctx context.Context) error {
	var waits []func(context.Context) error
	for _, s := range p.Sites() {
		for _, node := range s.Nodes() {
			waits = append(waits, node.WaitReady)
		}
	}
	if err := parallel(ctx, waits...); err != nil {
		return err
	}
	p.log.printf("the infinispan servers answer")
	if err := p.WaitLinked(ctx); err != nil {
		return err
	}
	p.log.printf("the sites see each other")
	names, err := p.o.Caches.Names()
	if err != nil {
		return err
	}
	if err := p.CreateCaches(ctx, p.o.Strategy, names...); err != nil {
		return err
	}
	if len(names) > 0 {
		p.log.printf("%d caches with %s backups are there", len(names), p.o.Strategy)
	}
	return nil
}

// startKubernetes starts the control planes, the nodes and the operators.
func (p *Pair) startKubernetes(ctx context.Context) error {
	var err error
	p.plane, err = controlplane.Start(ctx, controlplane.Options{
		Group: p.group, Binaries: p.binaries, Dir: filepath.Join(p.o.Dir, "kubernetes"),
		Sites: []string{p.A.Context, p.B.Context}, Log: p.log.printf,
	})
	if err != nil {
		return err
	}
	// The nodes and operators live as long as the pair, not as long as its start.
	return parallel(ctx,
		func(context.Context) error { return p.A.startKubernetes(p.life, p.plane) }, //nolint:contextcheck // see above
		func(context.Context) error { return p.B.startKubernetes(p.life, p.plane) }, //nolint:contextcheck // see above
	)
}

// password makes a password as the operator generates them: 16 letters and digits.
func password() (string, error) {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	word := make([]byte, 16)
	for i := range word {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", fmt.Errorf("make a password: %w", err)
		}
		word[i] = alphabet[n.Int64()]
	}
	return string(word), nil
}
