package sim_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// client makes a client of a node with changed options.
func (w *world) client(n *sim.Node, change func(*infinispan.Options)) *infinispan.Client {
	w.t.Helper()
	c, err := n.Client(change)
	w.must(err)
	w.t.Cleanup(c.Close)
	return c
}

func TestEveryEndpointLetsInWhoIsRight(t *testing.T) { // V36, V52, V72
	for _, endpoint := range []sim.Endpoint{sim.DataEndpoint, sim.AdminEndpoint, sim.BrokenEndpoint, sim.OpenEndpoint} {
		t.Run(string(endpoint), func(t *testing.T) {
			each(t, sim.Options{Endpoint: endpoint}, func(w *world) {
				for range 3 {
					if _, err := w.a0.CacheNames(w.ctx()); err != nil {
						t.Fatal(err)
					}
				}
				if endpoint == sim.OpenEndpoint {
					return
				}
				wrong := w.client(w.a.Node(0), func(o *infinispan.Options) { o.Credentials.Password = infinispan.NewSecret("wrong") })
				defer wrong.Close()
				if _, err := wrong.CacheNames(w.ctx()); !errors.Is(err, infinispan.ErrUnauthorized) {
					t.Errorf("with a wrong password: %v", err)
				}
			})
		})
	}
}

func TestBasicIsNoMechanismOfTheDataPort(t *testing.T) { // V52
	simulate(t, sim.Options{}, func(w *world) {
		client := &http.Client{Transport: &http.Transport{DialContext: w.a.Node(0).DialContext}}
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, "http://a/rest/v2/caches", http.NoBody)
		w.must(err)
		req.SetBasicAuth(sim.Admin().Name, sim.Admin().Password)
		res, err := client.Do(req)
		w.must(err)
		w.must(res.Body.Close())
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}

func TestRightsAreThoseOfTheRole(t *testing.T) {
	o := sim.Options{Caches: sim.Caches("sessions"), Users: []sim.User{{Name: "reader", Password: "reader", Role: "observer"}}}
	simulate(t, o, func(w *world) {
		reader := w.client(w.a.Node(0), func(o *infinispan.Options) {
			o.Credentials = infinispan.Credentials{Username: "reader", Password: infinispan.NewSecret("reader")}
		})
		defer reader.Close()
		_, err := reader.Size(w.ctx(), "sessions")
		w.must(err)
		fill(w.a, "sessions", "fresh", 10)
		if err := reader.Clear(w.ctx(), "sessions"); !errors.Is(err, infinispan.ErrForbidden) {
			t.Errorf("clear: %v", err)
		}
		if err := reader.TakeOffline(w.ctx(), "sessions", "site-b"); !errors.Is(err, infinispan.ErrForbidden) {
			t.Errorf("take offline: %v", err)
		}
		w.want(w.a, "sessions", 10)
	})
}

func TestANonceThatDoesNotGrowIsRefused(t *testing.T) { // V68: the client still gets through
	simulate(t, pair(), func(w *world) {
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if _, err := w.a0.Size(w.ctx(), "sessions"); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	})
}

func TestMessagesAsKeysCannotBeListedAsKeys(t *testing.T) { // V40, V41, V70
	o := sim.Options{Caches: []sim.CacheSpec{{Name: "sessions", KeyType: "keycloak.ClientSessionKey"}}}
	each(t, o, func(w *world) {
		fill(w.a, "sessions", "fresh", 10)
		n := 0
		err := w.a0.Keys(w.ctx(), "sessions", func([]byte) error { n++; return nil })
		if !errors.Is(err, infinispan.ErrNotListable) || n != 0 {
			t.Errorf("keys: %v, %d", err, n)
		}
		w.must(w.a0.Entries(w.ctx(), "sessions", func(_, _ []byte) error { n++; return nil }))
		if n != 10 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestOtherClientsAreListedWhereThereIsAList(t *testing.T) { // V62, V76
	each(t, pair(), func(w *world) {
		end := w.a.Connect(sim.Client{Node: 1, Principal: "app", Protocol: "HOTROD/4.0", Remote: "/10.0.0.7:5555"})
		list, err := w.a0.Connections(w.ctx())
		if w.version == "14.0.28" {
			if !errors.Is(err, infinispan.ErrUnsupported) {
				t.Errorf("got %v", err)
			}
			return
		}
		w.must(err)
		foreign := func(c infinispan.Connection) bool { return c.Principal == "app" }
		if !slices.ContainsFunc(list, foreign) {
			t.Errorf("no foreign client in %+v", list)
		}
		end()
		list, err = w.a0.Connections(w.ctx())
		w.must(err)
		if slices.ContainsFunc(list, foreign) {
			t.Errorf("the client that left is in %+v", list)
		}
	})
}

func TestOneCacheCanBeFailedInAHealthyCluster(t *testing.T) { // V75
	simulate(t, sim.Options{Version: "16.0.7", Caches: sim.Caches("sessions")}, func(w *world) {
		w.a.SetCacheHealth("respCache", infinispan.HealthFailed)
		health, err := w.a0.Health(w.ctx())
		w.must(err)
		if health.Cluster != infinispan.HealthHealthy || health.Caches["respCache"] != infinispan.HealthFailed || health.Caches["sessions"] != infinispan.HealthHealthy {
			t.Errorf("health %+v", health)
		}
	})
}

// The first answer is kept and sent again, as a transport does with a connection that was closed under it.
func TestACountThatWasSeenIsRefused(t *testing.T) { // V68, V71
	simulate(t, pair(), func(w *world) {
		var kept http.Header
		transport := &http.Transport{DialContext: w.a.Node(0).DialContext}
		defer transport.CloseIdleConnections()
		signed := &digest.Transport{
			Username: sim.Admin().Name, Password: sim.Admin().Password,
			Transport: noting{transport, func(r *http.Request) { kept = r.Header.Clone() }},
		}
		for range 2 {
			req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, "http://a/rest/v2/caches", http.NoBody)
			w.must(err)
			var send http.RoundTripper = signed
			want := http.StatusOK
			if kept != nil {
				req.Header, send, want = kept, transport, http.StatusUnauthorized
			}
			res, err := send.RoundTrip(req)
			w.must(err)
			w.must(res.Body.Close())
			if res.StatusCode != want {
				t.Errorf("status %d, want %d", res.StatusCode, want)
			}
		}
	})
}

// noting tells of every request before it sends it.
type noting struct {
	http.RoundTripper

	of func(*http.Request)
}

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	n.of(r)
	return n.RoundTripper.RoundTrip(r)
}

func TestFaults(t *testing.T) { // V42
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	truncated := func(err error) bool { _, is := errors.AsType[*infinispan.TruncatedError](err); return is }
	unexpected := func(err error) bool { _, is := errors.AsType[*infinispan.UnexpectedAnswerError](err); return is }
	for name, c := range map[string]struct {
		fault sim.Fault
		after bool
		want  func(error) bool
	}{
		"401":                  {sim.Fault{Status: 401}, false, is(infinispan.ErrUnauthorized)},
		"403":                  {sim.Fault{Status: 403, Body: "ISPN000287"}, false, is(infinispan.ErrForbidden)},
		"404":                  {sim.Fault{Status: 404, Body: "no"}, false, is(infinispan.ErrNotFound)},
		"500":                  {sim.Fault{Status: 500, Body: "boom"}, false, func(err error) bool { return err != nil }},
		"unknown body":         {sim.Fault{Body: `{"surprise":1}`}, false, unexpected},
		"silence":              {sim.Fault{Hang: true}, false, is(infinispan.ErrNotListable)},
		"dropped":              {sim.Fault{Drop: true}, true, is(infinispan.ErrNotListable)},
		"truncated":            {sim.Fault{Truncate: 20}, true, truncated},
		"nothing after header": {sim.Fault{Truncate: -1}, true, truncated},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, pair(), func(w *world) {
				fill(w.a, "sessions", "fresh", 10)
				hook := w.Before
				if c.after {
					hook = w.After
				}
				off := hook(func(call sim.Call) sim.Fault {
					if call.Op == "keys" {
						return c.fault
					}
					return sim.Fault{}
				})
				list := func() error { return w.a0.Keys(w.ctx(), "sessions", func([]byte) error { return nil }) }
				if err := list(); !c.want(err) {
					t.Errorf("got %v", err)
				}
				off()
				w.must(list())
			})
		})
	}
}

// A transport repeats a GET whose kept connection was closed, with the same count of the same nonce.
func TestRepeatedCountIsRefusedAndAskedForAnew(t *testing.T) { // V71
	simulate(t, pair(), func(w *world) {
		_, err := w.a0.Size(w.ctx(), "sessions")
		w.must(err)
		w.Before(func(c sim.Call) sim.Fault { return sim.Fault{Drop: c.Op == "size" && c.Seen == 2} })
		_, err = w.a0.Size(w.ctx(), "sessions")
		w.must(err)
		if calls := w.Calls(); len(calls) != 3 {
			t.Errorf("%d calls: %v", len(calls), calls)
		}
	})
}

func TestDroppedAnswerLeavesTheEffect(t *testing.T) {
	for _, after := range []bool{false, true} {
		simulate(t, pair(), func(w *world) {
			hook := w.Before
			if after {
				hook = w.After
			}
			hook(func(c sim.Call) sim.Fault { return sim.Fault{Drop: c.Op == "take-offline"} })
			if err := w.a0.TakeOffline(w.ctx(), "sessions", "site-b"); !errors.Is(err, infinispan.ErrUnreachable) {
				t.Errorf("got %v", err)
			}
			if w.a.Node(0).Offline("sessions") != after {
				t.Errorf("after %v: offline %v", after, !after)
			}
		})
	}
}

func TestWhatADeadNodeWasAskedIsLost(t *testing.T) {
	o := pair()
	o.Endpoint = sim.OpenEndpoint // a new server refuses the nonces of the old one
	simulate(t, o, func(w *world) {
		_, err := w.a0.Size(w.ctx(), "sessions")
		w.must(err)
		w.a.Freeze()
		asked := make(chan error, 1)
		go func() { asked <- w.a0.TakeOffline(w.ctx(), "sessions", "site-b") }()
		w.Pass(time.Second)
		w.a.Restart()
		if err := <-asked; !errors.Is(err, infinispan.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		w.Pass(time.Minute)
		if w.a.Node(0).Offline("sessions") {
			t.Error("the successor did what its predecessor was asked")
		}
	})
}

func TestFrozenNodeDoesWhatItWasAskedWhenItThaws(t *testing.T) {
	simulate(t, pair(), func(w *world) {
		_, err := w.a0.Size(w.ctx(), "sessions") // the client knows the challenge from now on
		w.must(err)
		w.a.Freeze()
		began := time.Now()
		if err := w.a0.TakeOffline(w.ctx(), "sessions", "site-b"); !errors.Is(err, infinispan.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("the client waited %s", took)
		}
		w.a.Thaw()
		w.Pass(time.Second)
		if !w.a.Node(0).Offline("sessions") {
			t.Error("the call was lost")
		}
	})
}

// Outside of a bubble a node can be asked over a socket, by any client.
func TestNodeListensOnLoopbackWhenAskedTo(t *testing.T) {
	w, err := sim.New(pair())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	node := w.Site("site-a").Node(0)
	for range 2 {
		address, err := node.URL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		client, err := node.Client(func(o *infinispan.Options) {
			o.DialContext = nil
			o.BaseURL, err = url.Parse(address)
		})
		if err != nil {
			t.Fatal(err)
		}
		if info, err := client.Info(t.Context()); err != nil || info.LocalSite != "site-a" {
			t.Errorf("%s: %+v %v", address, info, err)
		}
		client.Close()
		node.Restart()
	}
	node.Kill()
	if address, err := node.URL(t.Context()); err == nil {
		t.Errorf("a dead node listens on %s", address)
	}
}
