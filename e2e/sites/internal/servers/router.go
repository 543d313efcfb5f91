package servers

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// Router is one site's JGroups GossipRouter: the bridge between the sites goes through it, and the site's
// own nodes find each other there.
type Router struct {
	address string
	process *proc.Process
}

// StartRouter starts the router of a site and returns when it accepts connections. Its log lies in dir.
func StartRouter(ctx context.Context, group *proc.Group, artifacts *Artifacts, site, dir string) (*Router, error) {
	ports, err := group.Ports(1)
	if err != nil {
		return nil, err
	}
	r := &Router{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))}
	r.process, err = group.Start(proc.Spec{
		Name: site + "-router", Path: artifacts.Java, Args: artifacts.routerArgs(ports[0]),
		LogFile: filepath.Join(dir, site+"-router.log"),
	})
	if err != nil {
		group.Release(ports...)
		return nil, err
	}
	go func() {
		<-r.process.Done()
		group.Release(ports...)
	}()
	err = r.waitReady(ctx)
	return r, err
}

// Address is where the router listens, host:port on loopback.
func (r *Router) Address() string { return r.address }

// Done is closed when the router has died.
func (r *Router) Done() <-chan struct{} { return r.process.Done() }

// Stop ends the router: TERM, then KILL.
func (r *Router) Stop(ctx context.Context) error { return r.process.Stop(ctx) }

func (r *Router) waitReady(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", r.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-r.Done():
			return fmt.Errorf("%s died while it started; its log is %s", r.process.Name(), r.process.LogFile())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer on %s: %w; its log is %s", r.process.Name(), r.address, ctx.Err(), r.process.LogFile())
		case <-tick.C:
		}
	}
}
