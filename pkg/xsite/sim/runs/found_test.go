package runs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// operate does something on one server of a site as somebody else, for every cache.
func (s *stage) operate(n *sim.Node, do func(ctx context.Context, c *infinispan.Client, cache string) error) {
	client, err := n.Client()
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	for _, cache := range s.caches {
		if err := do(s.t.Context(), client, cache); err != nil {
			s.t.Logf("%s: cache %s: %v", n.Name(), cache, err)
		}
	}
}

// version is that of the servers.
func (s *stage) version() (version string) {
	s.operate(s.a.site.Node(0), func(ctx context.Context, c *infinispan.Client, _ string) error {
		info, err := c.Info(ctx)
		version = info.Version
		return err
	})
	return version
}

// push has a server push its site's state to the other one, as somebody else.
func (s *stage) push(n *sim.Node) {
	s.operate(n, func(ctx context.Context, c *infinispan.Client, cache string) error {
		return c.StartPush(ctx, cache, n.Site().Peer().Name())
	})
}

// wantStatus demands what a server itself knows of its pushes, so that a beginning is what it is called.
func (s *stage) wantStatus(n *sim.Node, want infinispan.PushStatus) {
	s.t.Helper()
	for _, cache := range s.caches {
		if got := n.PushStatus(cache); got != want {
			s.t.Fatalf("%s says %s of its push of %s, want %s", n.Name(), got, cache, want)
		}
	}
}

// pushOverNoLink leaves the status ERROR on a server: the link is lost in the middle of its push, until it gives up.
func (s *stage) pushOverNoLink(n *sim.Node) {
	s.push(n)
	s.Cut()
	s.Pass(30 * time.Second)
	s.Heal()
	s.Pass(time.Minute)
	s.wantStatus(n, infinispan.PushError)
}

// found is what an operator may find on the two sites, who then runs the command.
type found struct {
	options func(o *sim.Options)
	act     func(s *stage)
	// after judges what is special about it.
	after func(s *stage)
}

// finds lists them by the scenario.
func finds() map[string]found {
	impatient := func(o *sim.Options) {
		o.ViewLoss, o.ViewReturn = 2*time.Second, 2*time.Second
		for i := range o.Caches {
			c := &o.Caches[i]
			c.ChunkSize, c.ChunkTimeout, c.ChunkWait, c.ChunkRetries = 1, time.Second, time.Second, 2
		}
	}
	return map[string]found{
		"ASYNC backups in mode MANUAL": {options: func(o *sim.Options) {
			for i := range o.Caches {
				o.Caches[i].Strategy = infinispan.StrategyAsync
			}
		}},
		"the OK of an earlier push on the server that pushes": {act: func(s *stage) {
			s.push(s.a.site.Node(0))
			s.Pass(time.Minute)
			s.wantStatus(s.a.site.Node(0), infinispan.PushOK)
		}},
		// F6: a stale ERROR on another server hides that ours ends well.
		"the ERROR of an earlier push on the server that pushes": {options: impatient, act: func(s *stage) { s.pushOverNoLink(s.a.site.Node(0)) }},
		"the ERROR of an earlier push on another server":         {options: impatient, act: func(s *stage) { s.pushOverNoLink(s.a.site.Node(1)) }},
		// F6, V15: the OK of the first push hides that the second, refused, is stuck.
		"an OK that hides a push that is stuck": {act: func(s *stage) {
			s.push(s.a.site.Node(0))
			s.push(s.a.site.Node(1))
			s.Pass(time.Minute)
			s.wantStatus(s.a.site.Node(0), infinispan.PushOK)
			s.wantStatus(s.a.site.Node(1), infinispan.PushSending)
		}},
		// F6: what an earlier push of the secondary left would hide that it pushes now.
		"a result of an earlier push of the secondary": {options: impatient, act: func(s *stage) {
			s.Cut()
			s.push(s.b.site.Node(1))
			s.operate(s.b.site.Node(1), func(ctx context.Context, c *infinispan.Client, cache string) error {
				return c.CancelPush(ctx, cache, s.a.site.Name())
			})
			s.Heal()
			s.Pass(time.Minute)
			s.wantStatus(s.b.site.Node(1), infinispan.PushCanceled)
		}},
		"relay nodes that are not the first servers": {act: func(s *stage) {
			s.a.site.Node(0).Restart()
			s.b.site.Node(0).Restart()
			s.Pass(2 * time.Minute)
		}},
		"one server of the primary that holds the secondary offline, and one that forgot": {act: func(s *stage) {
			s.fence()
			s.a.site.Node(1).Restart()
			s.Pass(2 * time.Minute)
		}},
		// An attempt by hand: a clear without the header could not be sent, and its sender pauses for minutes (F1, V3).
		"a clear of an earlier attempt that is still queued": {
			options: func(o *sim.Options) {
				for i := range o.Caches {
					o.Caches[i].Strategy = infinispan.StrategyAsync
				}
				o.ViewReturn = time.Second
			},
			act: func(s *stage) {
				s.accept = []xsite.Sign{xsite.SignPrimaryHeldOffline}
				s.fence()
				s.Reset()
				for _, cache := range s.caches {
					if err := s.b.site.Clear(s.t.Context(), cache, false); err != nil {
						s.t.Fatal(err)
					}
				}
				s.Pass(5 * time.Minute)
				s.operate(s.b.site.Node(0), func(ctx context.Context, c *infinispan.Client, cache string) error {
					return c.TakeOffline(ctx, cache, s.a.site.Name())
				})
				s.Heal()
				s.Pass(10 * time.Second)
				if _, clearing := s.b.site.Queued("sessions"); clearing != strings.HasPrefix(s.version(), "14.") {
					s.t.Fatalf("a clear is queued: %v", clearing)
				}
			},
		},
		"a third site that both sites back up to": {
			options: func(o *sim.Options) {
				for i := range o.Caches {
					o.Caches[i].Third = "site-c"
				}
			},
			act: func(s *stage) {
				for _, c := range []*cluster{s.a, s.b} {
					c.site.TakeThirdOffline("sessions")
				}
			},
			after: func(s *stage) {
				for _, c := range s.Calls() {
					if c.Changing && c.Target == "site-c" {
						s.t.Errorf("the third site was touched: %s", c)
					}
				}
				for _, site := range s.Sites() {
					for _, n := range site.Nodes() {
						if !n.ThirdOffline("sessions") || n.ThirdOffline("work") {
							s.t.Errorf("%s of %s has other flags of the third site than before", n.Name(), site.Name())
						}
					}
				}
			},
		},
	}
}

// pushesOf counts the pushes that a command started.
func (s *stage) pushesOf(p *process) (n int) {
	for _, c := range s.Calls() {
		if c.Op == "start-push-state" && c.Agent == p.name {
			n++
		}
	}
	return n
}

// TestWhateverIsFoundOnTheSitesTheRunEndsWell: one command is enough, with one push of each cache, and
// the end is the same (see [stage.judgeEnd]).
func TestWhateverIsFoundOnTheSitesTheRunEndsWell(t *testing.T) {
	t.Parallel()
	for name, f := range finds() {
		for _, version := range []string{"14.0.28", "16.0.7"} {
			t.Run(name+"/"+version, func(t *testing.T) {
				t.Parallel()
				o := small(version)
				if f.options != nil {
					f.options(&o)
				}
				perform(t, o, func(s *stage) {
					if f.act != nil {
						f.act(s)
					}
					p := s.newProcess()
					if err := s.recover(p); err != nil {
						t.Error(err)
					}
					if n := s.pushesOf(p); n != len(s.caches) {
						t.Errorf("%d pushes of %d caches", n, len(s.caches))
					}
					s.finish()
					s.Pass(6 * time.Minute) // what is queued for longest is sent
					s.ledger.judge("at the end")
					s.ledger.judgeLive()
					if f.after != nil {
						f.after(s)
					}
				})
			})
		}
	}
}
