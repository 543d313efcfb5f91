package sites

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/controlplane"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/link"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// Pair is two sites and the link between them. Its methods may be called from any goroutine.
type Pair struct {
	// A and B are the sites, in the order of Options.SiteNames.
	A, B *Site

	o         Options
	binaries  controlplane.Binaries
	artifacts *servers.Artifacts
	group     *proc.Group
	plane     *controlplane.Plane
	link      *link.Link
	lock      *os.File
	temporary bool
	log       *logger

	// life is what the nodes and operators work under; Down ends it.
	life    context.Context //nolint:containedctx // the pair outlives the call that made it
	endLife context.CancelFunc
	unhook  func() bool

	down     sync.Once
	downDone chan struct{}
	downErr  error
}

// Dir is the folder of the pair: kubeconfigs, data and logs.
func (p *Pair) Dir() string { return p.o.Dir }

// Version is the version of the Infinispan servers.
func (p *Pair) Version() string { return p.o.Version }

// Kubeconfig is the path of a kubeconfig with a context for each site, as cluster administrator.
func (p *Pair) Kubeconfig() string { return p.plane.Kubeconfig() }

// UserKubeconfig writes a kubeconfig with the same contexts for a user who has no right but what RBAC
// objects of a site give him, and returns its path.
func (p *Pair) UserKubeconfig(name string, groups ...string) (string, error) {
	return p.plane.UserKubeconfig(name, groups...)
}

// Kubectl is the path of a kubectl of the control plane's version.
func (p *Pair) Kubectl() string { return p.binaries.Kubectl }

// Sites are A and B.
func (p *Pair) Sites() []*Site { return []*Site{p.A, p.B} }

// Site finds a site by its name or its context.
func (p *Pair) Site(name string) (*Site, error) {
	for _, s := range p.Sites() {
		if s.Name == name || s.Context == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no site %q, there are %s and %s", name, p.A.Name, p.B.Name)
}

// Cut makes the link between the sites silent, as a lost route does.
func (p *Pair) Cut() { p.link.Cut() }

// Reset breaks every connection between the sites; new ones may be made at once.
func (p *Pair) Reset() { p.link.Reset() }

// Delay makes everything between the sites arrive d later, in either direction.
func (p *Pair) Delay(d time.Duration) { p.link.Delay(d) }

// Heal ends a cut and a delay.
func (p *Pair) Heal() { p.link.Heal() }

// WaitLinked waits until each site's relay node sees both sites, for good.
func (p *Pair) WaitLinked(ctx context.Context) error { return p.waitView(ctx, 2, "both sites") }

// WaitUnlinked waits until each site's relay node sees its own site alone.
func (p *Pair) WaitUnlinked(ctx context.Context) error {
	return p.waitView(ctx, 1, "its own site alone")
}

// waitView waits until both sites have the view at the same time, some times in a row: while a link comes back it comes and
// goes.
func (p *Pair) waitView(ctx context.Context, size int, what string) error {
	const inARow = 4
	seen := 0
	return poll(ctx, "each site sees "+what, func(ctx context.Context) (bool, error) {
		for _, s := range p.Sites() {
			_, info, err := s.Relay(ctx)
			if err == nil && len(info.SitesView) != size {
				err = fmt.Errorf("%s, the relay node of %s, sees %q", info.Node, s.Name, info.SitesView)
			}
			if err != nil {
				seen = 0
				return false, err
			}
		}
		seen++
		return seen == inARow, nil
	})
}

// Down ends everything that Up started and returns when nothing of it runs. It may be called again,
// and is called by itself when the context given to Up ends.
func (p *Pair) Down(ctx context.Context) error {
	p.down.Do(func() {
		p.downErr = p.tearDown(ctx)
		close(p.downDone)
	})
	<-p.downDone
	return p.downErr
}

// Done is closed when the pair is down.
func (p *Pair) Done() <-chan struct{} { return p.downDone }

// tearDown works on whatever was built so far: it also cleans up after an Up that failed.
func (p *Pair) tearDown(ctx context.Context) error {
	p.log.printf("taking the sites down")
	if p.unhook != nil {
		p.unhook()
	}
	p.endLife()
	var steps []func() error
	for _, s := range p.Sites() {
		steps = append(steps, func() error { return s.close(ctx) })
	}
	// Nothing here has anything to lose, so nobody is given long to end by himself.
	steps = append(steps, func() error {
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return p.group.Close(short)
	})
	err := every(steps...)
	if p.link != nil {
		err = errors.Join(err, p.link.Close())
	}
	if p.temporary {
		err = errors.Join(err, os.RemoveAll(p.o.Dir))
	}
	err = errors.Join(err, p.lock.Close())
	p.log.printf("the sites are down")
	return err
}

// Usage is what one process of the pair uses.
type Usage struct {
	// Name says what the process is; PID is its id.
	Name string
	PID  int
	// Resident is its memory in bytes.
	Resident int64
}

// Usage lists the pair's processes with their memory, this program not included.
func (p *Pair) Usage() []Usage {
	var all []Usage
	for _, process := range p.group.Processes() {
		all = append(all, Usage{Name: process.Name(), PID: process.Pid(), Resident: process.Resident()})
	}
	return all
}

// Clean ends what a crashed harness has left running in dir (a folder given to Up before): every
// process that its pid files name and that is still that process. It returns their names.
func Clean(dir string) ([]string, error) {
	killed, err := proc.Clean(filepath.Join(dir, runDir))
	names := make([]string, len(killed))
	for i, record := range killed {
		names[i] = record.Name
	}
	return names, err
}

// logger writes lines with the time since its start.
type logger struct {
	mu    sync.Mutex
	to    io.Writer
	start time.Time
}

func (l *logger) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A log that cannot be written must not end what it describes.
	_, _ = fmt.Fprintf(l.to, "%6.1fs %s\n", time.Since(l.start).Seconds(), fmt.Sprintf(format, args...))
}

// Write makes the logger a target for what other programs say.
func (l *logger) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(text)
}
