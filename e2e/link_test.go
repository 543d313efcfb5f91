package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// failingWrites writes at the primary all the time and measures for how long writes fail.
type failingWrites struct {
	end  context.CancelFunc
	done sync.WaitGroup

	mu          sync.Mutex
	first, last time.Time
}

// watchWrites begins to write.
func watchWrites(t *testing.T, cache string) *failingWrites {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &failingWrites{end: cancel}
	a := client(t, pair.A)
	w.done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			sent := time.Now()
			if err := a.Put(context.WithoutCancel(ctx), cache, "watch", sent.String(), 0); err == nil {
				continue
			}
			w.mu.Lock()
			if w.first.IsZero() {
				w.first = sent
			}
			w.last = time.Now()
			w.mu.Unlock()
		}
	})
	return w
}

// stop ends the writes and tells from when to when writes failed; both zero when none did.
func (w *failingWrites) stop() (first, last time.Time) {
	w.end()
	w.done.Wait()
	return w.first, w.last
}

// slowLink makes pushes of a few hundred entries take some ten seconds, for the time of the test.
func slowLink(t *testing.T) {
	t.Helper()
	pair.Delay(150 * time.Millisecond)
	t.Cleanup(func() { pair.Delay(0) })
}

// mustStaySeen waits until the sites have seen each other for five seconds on end: one that stood still may be missed a moment
// after it goes on.
func mustStaySeen(t *testing.T) {
	t.Helper()
	since := time.Time{}
	eventually(t, "the sites see each other for five seconds on end", func(ctx context.Context) bool {
		quick, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		switch err := pair.WaitLinked(quick); {
		case err != nil:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) > 5*time.Second
	})
}

// TestWritesOfThePrimaryFailOnlyBrieflyWhenTheLinkGoesDown cuts the link in the middle of the pushes. Until the tool answers,
// the primary's writes fail, since a push has brought the secondary online there (V10). The secondary's cluster often goes with it.
func TestWritesOfThePrimaryFailOnlyBrieflyWhenTheLinkGoesDown(t *testing.T) {
	for name, breakLink := range map[string]func(way *proxy){
		"silence": func(*proxy) { pair.Cut() },
		"reset":   func(*proxy) { pair.Reset() },
		"silence, with the secondary's cluster away": func(way *proxy) { pair.Cut(); way.end() },
	} {
		t.Run(name, func(t *testing.T) {
			fresh(t, sites.Sync)
			truth := makeStale(t, 400)
			slowLink(t)
			delete(truth["work"], "watch")
			writes := watchWrites(t, "work")
			way := listen(t, serveConnect)
			run := beginWith(t, changed(t, func(site string, cluster *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
				if site == pair.B.Name {
					cluster.ProxyURL = "http://" + way.address
				}
			}), straight("--step-timeout", "2m")...)
			run.until(t.Context(), "sessions: pushing")
			breakLink(way)
			cut := time.Now()
			out := run.wait()
			ended := time.Now()
			eventually(t, "a write after the end", func(context.Context) bool { return time.Since(ended) > 3*time.Second })
			first, last := writes.stop()
			t.Logf("exit code %d after %s; writes failed from %s to %s after the cut", out.code, ended.Sub(cut).Round(time.Second), first.Sub(cut), last.Sub(cut))
			if out.code == 0 {
				t.Fatal("the run succeeded over a link that is down")
			}
			out.mustEnd(t, out.code, "state:", "data at risk: none", "next:")
			if lasted := last.Sub(first); lasted > 10*time.Second {
				t.Errorf("the primary's writes failed for %s", lasted)
			}
			if last.After(ended.Add(time.Second)) {
				t.Error("the primary's writes still fail after the end of the run")
			}
			pair.Heal()
			must(t, pair.WaitLinked(t.Context()))
			mustKeepPrimary(t, truth)
			resync(t, straight()...).mustSucceed(t)
			truth["work"]["watch"] = read(t, pair.A, "work")["watch"]
			mustBeRecovered(t, truth)
		})
	}
}

// TestALinkThatIsLostBetweenTheClearAndThePushLeavesThePrimaryServing: the secondary is empty by then, and the primary holds it
// offline still.
func TestALinkThatIsLostBetweenTheClearAndThePushLeavesThePrimaryServing(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	delete(truth["work"], "watch")
	writes := watchWrites(t, "work")
	run := begin(t, pair, straight("--step-timeout", "2m")...)
	run.until(t.Context(), "clear     done")
	pair.Cut()
	cut := time.Now()
	out := run.wait()
	first, last := writes.stop()
	t.Logf("ended after %s; writes failed for %s", time.Since(cut).Round(time.Second), last.Sub(first))
	out.mustEnd(t, 7, "state:", "data at risk: none", "next:")
	if lasted := last.Sub(first); lasted > 10*time.Second {
		t.Errorf("the primary's writes failed for %s", lasted)
	}
	must(t, pair.WaitUnlinked(t.Context())) // else they may lose sight of each other behind the healing
	pair.Heal()
	must(t, pair.WaitLinked(t.Context()))
	mustKeepPrimary(t, truth)
	began := time.Now()
	resync(t, straight()...).mustSucceed(t)
	t.Logf("recovered in %s", time.Since(began).Round(100*time.Millisecond))
	truth["work"]["watch"] = read(t, pair.A, "work")["watch"]
	mustBeRecovered(t, truth)
}

// TestALinkThatComesBackInTheMiddleOfThePushCostsNothing heals it before anybody has noticed.
func TestALinkThatComesBackInTheMiddleOfThePushCostsNothing(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 400)
	slowLink(t)
	run := begin(t, pair, straight()...)
	run.until(t.Context(), "sessions: pushing")
	pair.Cut()
	time.AfterFunc(4*time.Second, pair.Heal)
	out := run.wait()
	must(t, pair.WaitLinked(t.Context()))
	mustKeepPrimary(t, truth)
	if out.code != 0 {
		resync(t, straight()...).mustSucceed(t)
	}
	mustBeRecovered(t, truth)
}

// TestAFenceKeepsThePrimarysWritesWorkingUntilTheRecovery goes the whole way of an outage: fence, heal, lift; and recovers behind a
// fence that stands.
func TestAFenceKeepsThePrimarysWritesWorkingUntilTheRecovery(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	pair.Cut()
	must(t, pair.WaitUnlinked(t.Context()))
	a := client(t, pair.A)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if a.Put(ctx, "sessions", "before", "value", 0) == nil {
		t.Fatal("writes work without a fence: the test would prove nothing")
	}
	resync(t, straight()...).mustEnd(t, 3, "reachable:", "kubectl ispn-resync fence ", "--primary-context site-a")
	began := time.Now()
	resync(t, "fence", "--primary-context", "site-a", "--confirm", "site-b").mustSucceed(t)
	t.Logf("fenced in %s", time.Since(began).Round(10*time.Millisecond))
	mustKeepPrimary(t, truth)
	resync(t, "fence", "--primary-context", "site-a", "--lift", "--confirm", "site-b").mustEnd(t, 3, "reachable:")
	pair.Heal()
	must(t, pair.WaitLinked(t.Context()))
	resync(t, "fence", "--primary-context", "site-a", "--lift", "--confirm", "site-b").mustSucceed(t)
	if flags := flagsOf(t, pair.A, "site-b"); flags != "online" {
		t.Errorf("behind the fence site-b is %s on site-a, want online", flags)
	}
	resync(t, "fence", "--primary-context", "site-a", "--even-if-linked", "--confirm", "site-b").mustSucceed(t)
	resync(t, straight()...).mustSucceed(t)
	truth["sessions"]["before"] = read(t, pair.A, "sessions")["before"] // a failed write may have been kept (V10)
	if truth["sessions"]["before"] == "" {
		delete(truth["sessions"], "before")
	}
	mustBeRecovered(t, truth)
}
