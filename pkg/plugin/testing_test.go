package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

func TestMain(m *testing.M) {
	if os.Getenv(showEnv) != "" {
		showRun()
		return
	}
	flag.Bool("update", false, "write the golden files anew")
	goleak.VerifyTestMain(m)
}

// golden compares a text with testdata/NAME.golden, or writes that with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// fakeTerminal says what the test wants to be a terminal.
type fakeTerminal struct {
	streams        []any
	columns, lines int
}

func (f fakeTerminal) IsTerminal(stream any) bool {
	return slices.Contains(f.streams, stream)
}

func (f fakeTerminal) Size(stream any) (columns, lines int, ok bool) {
	return f.columns, f.lines, f.IsTerminal(stream)
}

// connected is what a connector was called with.
type connected = kube.Options

// fakeSite is a connected site that does nothing; the engine of these tests asks it nothing.
type fakeSite struct {
	xsite.Cluster

	context string
	closed  func(context string)
}

func (f *fakeSite) Roles(role xsite.Role, optional bool) (string, error) {
	return fmt.Sprintf("---\nkind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata:\n  name: %s-%s\n# optional rules %t\n", role, f.context, optional), nil
}

func (f *fakeSite) Tell(context.Context, kube.Happening) error { return nil }

func (f *fakeSite) Close() { f.closed(f.context) }

func (f *fakeSite) KubernetesVersion(context.Context) (string, error) { return "v1.36.2", nil }

func (f *fakeSite) Place() xsite.Place { return xsite.Place{Context: f.context} }

// Journals gives the record of a run that is over.
func (f *fakeSite) Journals(context.Context) ([]xsite.StoredJournal, error) {
	began := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	record, err := json.Marshal(xsite.JournalRecord{
		Schema: 1, RunID: "6e29", SiteRole: xsite.Secondary, PrimarySite: "site-a", SecondarySite: "site-b", PrimaryUID: "a", SecondaryUID: "b",
		Who: "kim@desk", Reason: "outage", Tool: "kubectl-ispn-resync v1", Started: began, Updated: began.Add(time.Minute),
		Phase: xsite.PhaseStart, Closed: "succeeded",
	})
	return []xsite.StoredJournal{{ID: "6e29", Version: "1", Record: record}}, err
}

// buffer is a stream that several goroutines write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
	// seen is told every piece written, if set.
	seen func(text string)
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen != nil {
		b.seen(string(p))
	}
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// rig is a command line whose surroundings are the test's.
type rig struct {
	t        *testing.T
	in       *bytes.Reader
	out, err *buffer
	env      map[string]string
	terminal fakeTerminal
	// refuse maps contexts to the error of connecting to them.
	refuse map[string]error
	// connects is told of each connection, if set.
	connects func(kube.Options)
	engine   Engine
	// clock is the time between two looks of status; looks are what they see, the last one again and again.
	clock *fakeClock
	looks []xsite.PairStatus
	// kubernetes are the versions of the API servers that answer although their site cannot be connected to, by context.
	kubernetes map[string]string
	// versions are those of a context.
	versions map[string]xsite.SiteVersions
	// differs is what diff finds, compared what it was asked.
	differs  xsite.DiffReport
	compared xsite.DiffOptions
	// diff is asked in its place, if set.
	diff func(context.Context, xsite.DiffOptions) (xsite.DiffReport, error)
	// silent are contexts that do not answer.
	silent []string
	check  func(context.Context, xsite.CheckOptions) xsite.CheckReport
	phase  func(context.Context, xsite.Phase, xsite.Options) (xsite.StepResult, error)

	mu        sync.Mutex
	connected []connected
	closed    []string
	// sides are the commands beside the recovery that were carried out.
	sides []string
}

// newRig makes a rig whose kubeconfig has the contexts site-a and site-b and whose engine confirms and succeeds.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, in: bytes.NewReader(nil), out: &buffer{}, err: &buffer{}, env: map[string]string{}, refuse: map[string]error{}}
	r.clock, r.looks = &fakeClock{now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)}, []xsite.PairStatus{sampleStatus()}
	r.differs = sampleDiff()
	r.engine = func(ctx context.Context, options xsite.Options) (xsite.Result, error) {
		result := xsite.Result{Plan: samplePlan(), DryRun: options.DryRun}
		if options.DryRun {
			result.Plan.RunID = ""
			return result, nil
		}
		if err := options.Confirm(ctx, samplePlan()); err != nil {
			return xsite.Result{}, &xsite.RunError{Outcome: xsite.NotConfirmed, Phase: xsite.PhasePreflight, Err: err}
		}
		return sampleResult(), nil
	}
	r.phase = confirmedPhase
	r.check = func(context.Context, xsite.CheckOptions) xsite.CheckReport { return allPassed() }
	t.Setenv("KUBECONFIG", writeKubeconfig(t, "site-a", "site-b"))
	return r
}

// types sets what a person types.
func (r *rig) types(text string) *rig {
	r.in = bytes.NewReader([]byte(text))
	return r
}

// onTerminal makes input and error stream a terminal.
func (r *rig) onTerminal() *rig {
	r.terminal = fakeTerminal{streams: []any{r.in, r.err}, columns: 80, lines: 24}
	return r
}

// run runs a command line.
func (r *rig) run(args ...string) ExitCode {
	r.t.Helper()
	return r.runIn(r.t.Context(), args...)
}

// runIn is run in a context of the test's own.
func (r *rig) runIn(ctx context.Context, args ...string) ExitCode {
	r.t.Helper()
	deps := Deps{
		Streams:   genericiooptions.IOStreams{In: r.in, Out: r.out, ErrOut: r.err},
		Terminal:  r.terminal,
		LookupEnv: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok },
		Who:       func() string { return "sam@desk" },
		Connect: func(ctx context.Context, options kube.Options) (Site, error) {
			r.mu.Lock()
			r.connected = append(r.connected, options)
			if r.connects != nil {
				r.connects(options)
			}
			r.mu.Unlock()
			if err := r.refuse[options.ContextName]; err != nil {
				return nil, err
			}
			if slices.Contains(r.silent, options.ContextName) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &fakeSite{context: options.ContextName, closed: r.close}, nil
		},
		Infinispans: r.lists("infinispan/infinispan"),
		Keycloaks:   r.lists("keycloak/keycloak", "none"),
		Clock:       r.clock,
		Status: func(_ context.Context, o xsite.StatusOptions) xsite.PairStatus {
			r.mu.Lock()
			defer r.mu.Unlock()
			look := r.looks[0]
			if len(r.looks) > 1 {
				r.looks = r.looks[1:]
			}
			for role, site := range map[xsite.Role]*xsite.SiteStatus{xsite.Primary: &look.Primary, xsite.Secondary: &look.Secondary} {
				if err := o.Unconnected[role]; err != nil {
					*site = xsite.SiteStatus{Role: role, Problem: err.Error()}
				}
			}
			return look
		},
		Kubernetes: func(_ context.Context, options kube.Options) (string, error) {
			if found := r.kubernetes[options.ContextName]; found != "" {
				return found, nil
			}
			return "", errors.New("no route")
		},
		Versions: func(_ context.Context, site xsite.Cluster) xsite.SiteVersions {
			return r.versions[site.Place().Context]
		},
		Diff: func(ctx context.Context, o xsite.DiffOptions) (xsite.DiffReport, error) {
			r.compared = o
			if r.diff != nil {
				return r.diff(ctx, o)
			}
			return r.differs, nil
		},
		Recover: func(ctx context.Context, options xsite.Options) (xsite.Result, error) { return r.engine(ctx, options) },
		RunPhase: func(ctx context.Context, phase xsite.Phase, options xsite.Options) (xsite.StepResult, error) {
			return r.phase(ctx, phase, options)
		},
		Check: func(ctx context.Context, options xsite.CheckOptions) xsite.CheckReport { return r.check(ctx, options) },
	}
	r.sideEngines(&deps)
	return Execute(ctx, deps, append([]string{"/somewhere/" + binaryName}, args...))
}

func (r *rig) close(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = append(r.closed, name)
}

// pair are the flags that name both sites.
func pair(more ...string) []string {
	return append([]string{"--primary-context", "site-a", "--secondary-context", "site-b"}, more...)
}

// writeKubeconfig writes a kubeconfig with contexts, each with a cluster of its own at a port nobody listens on.
func writeKubeconfig(t *testing.T, contexts ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user: {token: kubeconfig-canary}\nclusters:\n")
	for _, c := range contexts {
		b.WriteString("- name: " + c + "\n  cluster: {server: 'https://127.0.0.1:1'}\n")
	}
	b.WriteString("contexts:\n")
	for _, c := range contexts {
		b.WriteString("- name: " + c + "\n  context: {cluster: " + c + ", user: admin, namespace: ns-of-" + c + "}\n")
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// samplePlan is a plan with everything a plan can have, in harmless strings.
func samplePlan() xsite.Plan {
	site := func(role xsite.Role, name, server string, ready int, entries int64) xsite.SitePlan {
		return xsite.SitePlan{
			Role: role, Name: name, Version: "15.0.21.Final", Entries: entries, ReadyKeycloakPods: ready,
			Place:     xsite.Place{Context: name, Server: server, Namespace: "keycloak", Infinispan: "infinispan/infinispan"},
			Keycloaks: []xsite.Keycloak{{Ref: "keycloak/keycloak", Instances: 2, ReadyPods: ready}},
		}
	}
	plan := xsite.Plan{
		RunID:     "7f3a",
		Primary:   site(xsite.Primary, "site-a", "https://a.example.org:6443", 2, 20010),
		Secondary: site(xsite.Secondary, "site-b", "https://0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.example.org", 1, 17),
		Caches: []xsite.CachePlan{
			{Name: "actionTokens", RemoteName: "actionTokens", Strategy: infinispan.StrategySync, PrimaryEntries: 10, SecondaryEntries: 17},
			{Name: "sessions", RemoteName: "sessions-b", Strategy: infinispan.StrategyAsync, PrimaryEntries: 20000},
		},
		LeftAlone: map[string]string{"orders": "Keycloak does not know it; --all-caches takes it in", "local": "it has no backup"},
		Settle:    60 * time.Second,
		Estimate:  xsite.Estimate{Downtime: 151 * time.Second, Push: 12 * time.Second},
		Warnings:  []string{"chunk size 16 of cache sessions makes the push slow: with 512 it takes about a fifth of the time"},
	}
	plan.Secondary.StartCounts = map[string]int{"keycloak/keycloak": 2}
	return plan
}

// sampleResult is a success with everything a result can have.
func sampleResult() xsite.Result {
	return xsite.Result{
		Plan: samplePlan(),
		Phases: []xsite.PhaseTime{
			{Phase: xsite.PhasePreflight, Took: 1200 * time.Millisecond},
			{Phase: xsite.PhasePush, Took: 75 * time.Second},
		},
		Caches: []xsite.CacheResult{
			{Name: "actionTokens", Discarded: 17, PrimaryEntries: 10, SecondaryEntries: 10, Compared: xsite.VerifyKeys, Pushes: 1, PushTook: time.Second},
			{Name: "sessions", PrimaryEntries: 20000, SecondaryEntries: 20003, Compared: xsite.VerifySizes, Extra: 3, Pushes: 2, PushTook: 71 * time.Second},
		},
		Took:    130 * time.Second,
		Remarks: []string{"3 keys of cache sessions are on site-b only: they expired on site-a meanwhile"},
	}
}
