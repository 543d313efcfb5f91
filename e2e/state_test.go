package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// instances is the count of Keycloak at both sites in every test.
const instances = 2

// contents are the entries of one cache at one site.
type contents map[string]string

// fresh puts the shared pair into the state of a healthy one: caches with the given strategy, empty, backed up both ways,
// Keycloak at its count, no trace of an earlier run.
func fresh(t testing.TB, strategy sites.Strategy) {
	t.Helper()
	ctx := t.Context()
	must(t, pair.A.Thaw())
	must(t, pair.B.Thaw())
	pair.Heal()
	must(t, pair.A.WaitReady(ctx))
	must(t, pair.B.WaitReady(ctx))
	must(t, pair.WaitLinked(ctx))
	freshCaches(t, strategy)
	dropLeases(t)
	dropJournals(t)
	for _, s := range pair.Sites() {
		must(t, s.SetKeycloakInstances(ctx, instances))
	}
}

// dropJournals removes the records of all runs from both clusters.
func dropJournals(t testing.TB) {
	t.Helper()
	for _, s := range pair.Sites() {
		journals := s.Kube().CoreV1().ConfigMaps(sites.Namespace)
		must(t, journals.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-ispn-resync"}))
	}
}

// made is the strategy of the caches that the shared pair has; making them anew takes seconds.
var made = sites.Sync

// freshCaches leaves exactly the eight caches, empty, with the given strategy, online both ways.
func freshCaches(t testing.TB, strategy sites.Strategy) {
	t.Helper()
	ctx := t.Context()
	names, err := sites.Eight.Names()
	must(t, err)
	slices.Sort(names)
	usable := made == strategy
	for _, s := range pair.Sites() {
		all := cachesOf(t, s)
		slices.Sort(all)
		usable = usable && slices.Equal(all, names)
	}
	if usable {
		endPushes(t, names)
		for _, s := range pair.Sites() {
			for _, name := range names {
				must(t, client(t, s).Clear(ctx, name, sites.KeepHome))
				forgetPush(t, s, name)
			}
		}
	} else {
		// Both sites are without the old caches before one has a new one: a cache that starts asks for the state of its
		// namesake, which is given by one that is in mode AUTO.
		must(t, pair.ResetCaches(ctx, sites.Eight, strategy))
	}
	made = strategy
	setFlags(t, pair.A, "site-b", sites.BringOnline)
	setFlags(t, pair.B, "site-a", sites.BringOnline)
}

// endPushes ends every push of the caches that an earlier test left, by a plugin that was killed for one, at both ends (V13).
func endPushes(t testing.TB, names []string) {
	t.Helper()
	for _, from := range pair.Sites() {
		to := pair.A
		if from == pair.A {
			to = pair.B
		}
		senders, err := from.Clients()
		must(t, err)
		for _, name := range names {
			eventually(t, "no push of "+name+" from "+from.Name, func(ctx context.Context) bool {
				idle := true
				for _, sender := range senders {
					statuses, err := sender.PushStatus(ctx, name)
					must(t, err)
					if statuses[to.Name] != "SENDING" {
						continue
					}
					idle = false
					must(t, sender.Backup(ctx, name, to.Name, sites.CancelPush))
					must(t, client(t, to).Backup(ctx, name, from.Name, sites.CancelReceive))
				}
				return idle
			})
		}
	}
}

// forgetPush clears the status that a push of a cache left.
func forgetPush(t testing.TB, s *sites.Site, cache string) {
	t.Helper()
	statuses, err := client(t, s).PushStatus(t.Context(), cache)
	must(t, err)
	if statuses[s.Peer()] != "IDLE" {
		must(t, client(t, s).ClearPushStatus(t.Context(), cache))
	}
}

// setFlags takes the peer offline or brings it online for every cache of a site, on every server.
func setFlags(t testing.TB, s *sites.Site, peer string, action sites.Action) {
	t.Helper()
	clients, err := s.Clients()
	must(t, err)
	for _, client := range clients {
		must(t, client.BackupAll(t.Context(), peer, action))
	}
}

// flagsOf reads the flag of the peer for every cache, from every server of a site, as the set of what they say.
func flagsOf(t testing.TB, s *sites.Site, peer string) string {
	t.Helper()
	said := map[string]bool{}
	clients, err := s.Clients()
	must(t, err)
	for _, cache := range cachesOf(t, s) {
		for _, client := range clients {
			flags, err := client.Flags(t.Context(), cache, peer)
			must(t, err)
			for _, flag := range flags {
				said[flag] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(said)), ",")
}

// cachesOf lists the caches of a site.
func cachesOf(t testing.TB, s *sites.Site) []string {
	t.Helper()
	names, err := s.Caches(t.Context())
	must(t, err)
	return names
}

// client returns a client of one server of a site.
func client(t testing.TB, s *sites.Site) *sites.Client {
	t.Helper()
	clients, err := s.Clients()
	must(t, err)
	return clients[0]
}

// read reads a cache of a site.
func read(t testing.TB, s *sites.Site, cache string) contents {
	t.Helper()
	entries, err := client(t, s).Entries(t.Context(), cache)
	must(t, err)
	return entries
}

// readAll reads all caches of a site.
func readAll(t testing.TB, s *sites.Site) map[string]contents {
	t.Helper()
	all := map[string]contents{}
	for _, cache := range cachesOf(t, s) {
		all[cache] = read(t, s, cache)
	}
	return all
}

// makeStale fills both sites and lets them drift apart, as a partition does: the secondary misses entries of the primary,
// has others that the primary no longer has, and holds older values. It returns what the primary holds then.
func makeStale(t testing.TB, n int) map[string]contents {
	t.Helper()
	ctx := t.Context()
	for _, cache := range cachesOf(t, pair.A) {
		must(t, pair.A.Fill(ctx, cache, sites.Entries{Prefix: "both-", Count: n, ValueSize: 100}))
	}
	setFlags(t, pair.A, "site-b", sites.TakeOffline)
	setFlags(t, pair.B, "site-a", sites.TakeOffline)
	a, b := client(t, pair.A), client(t, pair.B)
	for _, cache := range cachesOf(t, pair.A) {
		must(t, pair.A.Fill(ctx, cache, sites.Entries{Prefix: "missing-", Count: n / 4, ValueSize: 100}))
		must(t, pair.B.Fill(ctx, cache, sites.Entries{Prefix: "stale-", Count: n / 4, ValueSize: 100}))
		keys := slices.Sorted(maps.Keys(read(t, pair.A, cache)))
		for i, key := range keys[:min(10, len(keys))] {
			must(t, a.Put(ctx, cache, key, fmt.Sprintf("newer-%d", i), 0))
		}
		must(t, b.Put(ctx, cache, "only-on-b", "stale", 0))
	}
	setFlags(t, pair.B, "site-a", sites.BringOnline)
	setFlags(t, pair.A, "site-b", sites.BringOnline)
	truth := readAll(t, pair.A)
	if cmp.Equal(truth, readAll(t, pair.B)) {
		t.Fatal("the secondary is not stale: the test would prove nothing")
	}
	return truth
}

// mustBeRecovered checks the end of a successful run: both sites hold exactly the truth, both directions are online on
// every server, no push status is left, Keycloak is back, and the run is closed.
func mustBeRecovered(t testing.TB, truth map[string]contents) {
	t.Helper()
	for _, s := range pair.Sites() {
		if diff := cmp.Diff(truth, readAll(t, s)); diff != "" {
			t.Errorf("contents of %s (-truth +found):\n%s", s.Name, short(diff))
		}
	}
	mustBeWhole(t)
}

// mustBeWhole checks everything about the end of a successful run but the contents.
func mustBeWhole(t testing.TB) {
	t.Helper()
	for _, s := range pair.Sites() {
		peer := map[string]string{"site-a": "site-b", "site-b": "site-a"}[s.Name]
		if flags := flagsOf(t, s, peer); flags != "online" {
			t.Errorf("%s says that %s is %s, want online on every server for every cache", s.Name, peer, flags)
		}
		for _, cache := range cachesOf(t, s) {
			statuses, err := client(t, s).PushStatus(t.Context(), cache)
			must(t, err)
			if statuses[peer] != "IDLE" {
				t.Errorf("push status of %s at %s is %s, want IDLE", cache, s.Name, statuses[peer])
			}
			if strings.HasPrefix(cache, "ispn-resync") {
				t.Errorf("cache %s is left on %s", cache, s.Name)
			}
		}
		ready, err := s.KeycloakReady(t.Context())
		must(t, err)
		if ready != instances {
			t.Errorf("%d Keycloak pods of %s are ready, want %d", ready, s.Name, instances)
		}
	}
}

// everything is all that a refused run must leave as it was.
type everything struct {
	Contents  map[string]map[string]contents
	Flags     map[string]string
	Keycloak  map[string]int
	Journals  map[string]int
	Resources map[string][]string
}

// observe reads everything of both sites.
func observe(t testing.TB) everything {
	t.Helper()
	e := everything{map[string]map[string]contents{}, map[string]string{}, map[string]int{}, map[string]int{}, map[string][]string{}}
	for _, s := range pair.Sites() {
		peer := map[string]string{"site-a": "site-b", "site-b": "site-a"}[s.Name]
		e.Contents[s.Name] = readAll(t, s)
		e.Flags[s.Name] = flagsOf(t, s, peer)
		count, err := s.KeycloakInstances(t.Context())
		must(t, err)
		e.Keycloak[s.Name] = count
		journals, err := s.Kube().CoreV1().ConfigMaps(sites.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-ispn-resync"})
		must(t, err)
		e.Journals[s.Name] = len(journals.Items)
		pods, err := s.Kube().CoreV1().Pods(sites.Namespace).List(t.Context(), metav1.ListOptions{})
		must(t, err)
		for _, pod := range pods.Items {
			e.Resources[s.Name] = append(e.Resources[s.Name], pod.Name+" "+string(pod.UID))
		}
	}
	return e
}

// eventually checks until it holds, for things that another process does in its own time.
func eventually(t testing.TB, what string, holds func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(withoutEnd(t), time.Minute) // cleaning up waits too
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// withoutEnd is the test's context for work that must be done after the test has ended.
func withoutEnd(t testing.TB) context.Context {
	t.Helper()
	return context.WithoutCancel(t.Context())
}

// short keeps a difference readable.
func short(diff string) string {
	const most = 2000
	if len(diff) > most {
		return diff[:most] + "..."
	}
	return diff
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
