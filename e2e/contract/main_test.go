// Package contract records what real servers answer, for the simulator to be judged by.
package contract

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim/contract"
)

// version is the Infinispan version of the sites; any that sites.Up knows.
var version = flag.String("infinispan", "15.0.21.Final", "Infinispan version of the sites")

// record makes the test write the record.
var record = flag.Bool("record", false, "write the answers to the simulator's test data instead of comparing them")

// TestServersAnswerAsRecorded asks real servers what the record holds. With -record it writes the record.
func TestServersAnswerAsRecorded(t *testing.T) {
	ctx := t.Context()
	pair, err := sites.Up(ctx, sites.Options{Version: *version, Caches: sites.None, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := pair.Down(ctx); err != nil {
			t.Error(err)
		}
	}()
	driven, err := newRealPair(ctx, pair)
	if err != nil {
		t.Fatal(err)
	}
	exchanges, err := contract.Script(ctx, *version, driven)
	if err != nil {
		t.Error(err)
	}
	file := filepath.Join("..", "..", "pkg", "xsite", "sim", "testdata", "contract", strings.TrimSuffix(*version, ".Final")+".json")
	if *record {
		if t.Failed() {
			file = filepath.Join(os.TempDir(), "failed-"+filepath.Base(file))
			t.Logf("the unfinished record is in %s", file)
		}
		r := contract.Record{Version: *version, NotReplayed: contract.Omissions(), Exchanges: exchanges}
		if err := r.Save(file); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := contract.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.Exchanges) != len(exchanges) {
		t.Errorf("%d answers are recorded, %d were given", len(kept.Exchanges), len(exchanges))
	}
	for i := range min(len(kept.Exchanges), len(exchanges)) {
		for _, d := range contract.Differences(kept.Exchanges[i], exchanges[i]) {
			t.Errorf("%s\n  %s", exchanges[i].Name(), d)
		}
	}
}

// realPair is a pair of real sites.
type realPair struct {
	pair                *sites.Pair
	operator, developer map[string]string // password by site
	// pods are those of a site, the one that speaks for it first; names are those of their servers.
	pods, names map[string][]string
}

// newRealPair reads the passwords where the operator leaves them.
func newRealPair(ctx context.Context, pair *sites.Pair) (*realPair, error) {
	r := &realPair{pair: pair, operator: map[string]string{}, developer: map[string]string{}, pods: map[string][]string{}, names: map[string][]string{}}
	for _, s := range pair.Sites() {
		secrets := s.Kube().CoreV1().Secrets(sites.Namespace)
		admin, err := secrets.Get(ctx, "infinispan-generated-operator-secret", metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("read the operator's password: %w", err)
		}
		r.operator[s.Name] = string(admin.Data["password"])
		users, err := secrets.Get(ctx, "infinispan-generated-secret", metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("read the developer's password: %w", err)
		}
		raw, err := yaml.YAMLToJSON(users.Data["identities.yaml"])
		if err != nil {
			return nil, fmt.Errorf("parse the identities: %w", err)
		}
		var identities struct {
			Credentials []struct {
				Password string `json:"password"`
			} `json:"credentials"`
		}
		if err := json.Unmarshal(raw, &identities); err != nil || len(identities.Credentials) == 0 {
			return nil, fmt.Errorf("the identities are not understood: %w", err)
		}
		r.developer[s.Name] = identities.Credentials[0].Password
		_, relay, err := s.Relay(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range s.Nodes() {
			if n.ServerName() == relay.Node {
				r.pods[s.Name] = append([]string{n.Name()}, r.pods[s.Name]...)
			} else {
				r.pods[s.Name] = append(r.pods[s.Name], n.Name())
			}
		}
		r.names[s.Name] = make([]string, len(r.pods[s.Name]))
		r.remember(s)
	}
	return r, nil
}

// remember notes the names of the nodes that run, also for when one of them has died.
func (r *realPair) remember(s *sites.Site) {
	for i, pod := range r.pods[s.Name] {
		if n, err := s.Node(pod); err == nil {
			r.names[s.Name][i] = n.ServerName()
		}
	}
}

func (r *realPair) site(name string) (*sites.Site, error) { return r.pair.Site(name) }

func (r *realPair) Send(ctx context.Context, name string, node int, q contract.Request) (contract.Answer, error) {
	s, err := r.site(name)
	if err != nil {
		return contract.Answer{}, err
	}
	n, err := s.Node(r.pods[name][node])
	if err != nil {
		return contract.Answer{}, err
	}
	door := contract.Door{Base: n.RestURL(sites.DataPort), User: "developer", Password: r.developer[name]}
	if q.Admin {
		door = contract.Door{Base: n.RestURL(sites.AdminPort), User: "operator", Password: r.operator[name]}
	}
	return door.Send(ctx, q)
}

func (r *realPair) NodeNames(site string) []string { return slices.Clone(r.names[site]) }

func (r *realPair) with(name string, do func(*sites.Site) error) error {
	s, err := r.site(name)
	if err != nil {
		return err
	}
	return do(s)
}

func (r *realPair) Freeze(site string) error { return r.with(site, (*sites.Site).Freeze) }
func (r *realPair) Thaw(site string) error   { return r.with(site, (*sites.Site).Thaw) }
func (r *realPair) FreezeNode(site string, node int) error {
	return r.with(site, func(s *sites.Site) error { return s.FreezeNode(r.pods[site][node]) })
}

func (r *realPair) ThawNode(site string, node int) error {
	return r.with(site, func(s *sites.Site) error { return s.ThawNode(r.pods[site][node]) })
}

func (r *realPair) RestartNode(ctx context.Context, site string, node int) error {
	return r.with(site, func(s *sites.Site) error {
		before, err := s.Node(r.pods[site][node])
		if err != nil {
			return err
		}
		if err := s.KillNode(r.pods[site][node]); err != nil {
			return err
		}
		<-before.Done()
		for {
			if now, err := s.Node(r.pods[site][node]); err == nil && now != before {
				break
			}
			if err := r.Wait(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
		if err := s.WaitReady(ctx); err != nil {
			return err
		}
		r.remember(s)
		return nil
	})
}

func (r *realPair) Cut()                             { r.pair.Cut() }
func (r *realPair) Delay(d time.Duration)            { r.pair.Delay(d) }
func (r *realPair) Heal()                            { r.pair.Heal() }
func (r *realPair) Linked(ctx context.Context) error { return r.pair.WaitLinked(ctx) }
func (r *realPair) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
