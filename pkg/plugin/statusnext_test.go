package plugin

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// given sets a flag as a command line does.
func given(t *testing.T, flags *pflag.FlagSet, name, value string) {
	t.Helper()
	if err := flags.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// found is a pair in sync but for one finding.
func found(f xsite.Finding, changes ...func(*xsite.PairStatus)) xsite.PairStatus {
	s := calm()
	s.Findings = []xsite.Finding{f}
	s.Caches = slices.Clone(s.Caches)
	for _, change := range changes {
		change(&s)
	}
	return s
}

func TestEveryFindingOfAStatusNamesTheCommandsThatGoOn(t *testing.T) {
	const (
		both    = " --primary-context site-a --secondary-context site-b"
		swapped = " --primary-context site-b --secondary-context site-a"
		check   = "kubectl ispn-resync check" + both
	)
	open := func(change func(*xsite.PastRun)) func(*xsite.PairStatus) {
		return func(s *xsite.PairStatus) {
			s.Open = []xsite.PastRun{{RunID: "7f3a", Kept: "site-a", Discarded: "site-b"}}
			change(&s.Open[0])
		}
	}
	fenced := func(kept, discarded string) func(*xsite.PairStatus) {
		return func(s *xsite.PairStatus) {
			s.Fences = []xsite.PastRun{{RunID: "6e29", Kept: kept, Discarded: discarded, Closed: "fence"}}
		}
	}
	as := func(*xsite.PastRun) {}
	run := xsite.Finding{Kind: xsite.FindingRun, Run: "7f3a"}
	for name, c := range map[string]struct {
		status xsite.PairStatus
		want   []string
	}{
		"unreachable": {found(xsite.Finding{Kind: xsite.FindingUnreachable, Role: xsite.Secondary}), []string{"kubectl --context site-b get pods"}},
		"servers":     {found(xsite.Finding{Kind: xsite.FindingServers, Role: xsite.Primary}), []string{"kubectl --context site-a --namespace keycloak get pods"}},
		"view":        {found(xsite.Finding{Kind: xsite.FindingView, Role: xsite.Primary}), []string{"kubectl ispn-resync fence --primary-context site-a", check}},
		"view, fenced already": {
			found(xsite.Finding{Kind: xsite.FindingView, Role: xsite.Primary}, func(s *xsite.PairStatus) { s.Caches[0].Primary.Flag = infinispan.FlagOffline }),
			[]string{check},
		},
		"health":  {found(xsite.Finding{Kind: xsite.FindingHealth, Role: xsite.Primary}), []string{check}},
		"caches":  {found(xsite.Finding{Kind: xsite.FindingCaches}), []string{check}},
		"unknown": {found(xsite.Finding{Kind: xsite.FindingUnknown}), []string{check}},
		"push":    {found(xsite.Finding{Kind: xsite.FindingPush, Role: xsite.Primary}), []string{check}},
		"offline": {found(xsite.Finding{Kind: xsite.FindingOffline, Role: xsite.Primary}), []string{check}},
		"drift":   {found(xsite.Finding{Kind: xsite.FindingDrift}), []string{"kubectl ispn-resync diff" + both, check}},
		"offline, by a fence": {
			found(xsite.Finding{Kind: xsite.FindingOffline, Role: xsite.Primary}, fenced("site-a", "site-b")),
			[]string{"kubectl ispn-resync" + both, "kubectl ispn-resync fence --lift --primary-context site-a"},
		},
		"offline, by a fence the other way round": {
			found(xsite.Finding{Kind: xsite.FindingOffline, Role: xsite.Secondary}, fenced("site-b", "site-a")),
			[]string{"kubectl ispn-resync" + swapped, "kubectl ispn-resync fence --lift --primary-context site-b"},
		},
		"offline, by a run": {
			found(xsite.Finding{Kind: xsite.FindingOffline, Role: xsite.Primary}, open(as)),
			[]string{"kubectl ispn-resync" + both, "kubectl ispn-resync abort" + both},
		},
		"run at work": {found(xsite.Finding{Kind: xsite.FindingRun, Role: xsite.Primary}, open(as)), []string{"kubectl ispn-resync status --watch" + both}},
		"unfinished":  {found(run, open(as)), []string{"kubectl ispn-resync" + both, "kubectl ispn-resync abort" + both}},
		"unfinished, cleared": {
			found(run, open(func(r *xsite.PastRun) { r.Cleared = true })),
			[]string{"kubectl ispn-resync" + both, "kubectl ispn-resync abort" + both + " --discard-sessions"},
		},
		"unfinished, verified": {
			found(run, open(func(r *xsite.PastRun) { r.Cleared, r.Verified = true, true })), []string{"kubectl ispn-resync" + both},
		},
		"unfinished, the other way round": {
			found(run, open(func(r *xsite.PastRun) { r.Kept, r.Discarded = "site-b", "site-a" })),
			[]string{"kubectl ispn-resync" + swapped, "kubectl ispn-resync abort" + swapped},
		},
		"unfinished, of another pair": {
			found(run, open(func(r *xsite.PastRun) { r.Discarded = "site-c" })), []string{"kubectl ispn-resync history 7f3a" + both},
		},
		"unreadable": {
			found(run, open(func(r *xsite.PastRun) { r.Unreadable = "no JSON" })),
			[]string{"kubectl ispn-resync abort --discard-journal 7f3a" + both},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.looks = []xsite.PairStatus{c.status}
			if code := r.run(append([]string{"status"}, pair("-o", "json", "--cache", "work", "--interval", "5s")...)...); code != ExitDone {
				t.Fatalf("exit code %d: %s", code, r.err)
			}
			var status api.Status
			if err := json.Unmarshal([]byte(r.out.String()), &status); err != nil {
				t.Fatal(err)
			}
			var commands []string
			for _, way := range status.Findings[0].Next {
				commands = append(commands, way.Command)
			}
			if diff := cmp.Diff(c.want, commands); diff != "" {
				t.Errorf("commands differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheNextCommandsKeepWhereThingsAreAndLeaveOutSecrets(t *testing.T) {
	r := newRig(t)
	r.looks = []xsite.PairStatus{found(xsite.Finding{Kind: xsite.FindingView, Role: xsite.Primary}), unreachable()}
	r.run(append([]string{"status"}, pair("-o", "json", "--infinispan", "infinispan/two words", "--secondary-infinispan", "statefulset/b",
		"--primary-namespace", "idm", "--secondary-token", "s3cret")...)...)
	r.run(append([]string{"status"}, pair("-o", "json", "--secondary-namespace", "idm", "--secondary-token", "s3cret")...)...)
	for _, want := range []string{
		`kubectl ispn-resync fence --primary-context site-a --primary-namespace idm --infinispan 'infinispan/two words'"`,
		`kubectl ispn-resync check --primary-context site-a --primary-namespace idm --secondary-context site-b --secondary-token=... ` +
			`--infinispan 'infinispan/two words' --secondary-infinispan statefulset/b"`,
		`kubectl --context site-b --namespace idm --token=... get pods"`,
	} {
		if !strings.Contains(r.out.String(), want) {
			t.Errorf("no %s in %s", want, r.out)
		}
	}
	if strings.Contains(r.out.String(), "s3cret") {
		t.Error("a token is shown")
	}
}
