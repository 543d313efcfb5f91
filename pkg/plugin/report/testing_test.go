package report

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run()) //nolint:forbidigo // main of the tests
}

// golden compares a text with testdata/NAME, or writes that with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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

// play is a run on a clock that the test turns.
type play struct {
	*Recorder

	time  time.Time
	phase xsite.Phase
	began time.Time
}

// newPlay begins a recovery.
func newPlay() *play { return newPlayOf("Recovery", xsite.Phases()...) }

// newPlayOf begins what has a title and phases.
func newPlayOf(title string, phases ...xsite.Phase) *play {
	p := &play{time: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)}
	p.Recorder = NewRecorder(func() time.Time { return p.time }, Begin{
		Title: title, Command: "kubectl ispn-resync --primary-context a --secondary-context b --primary-token=...",
		Who: "sam@desk", Reason: "outage of Tuesday", Tool: "kubectl-ispn-resync v1.2.3", Platform: "linux/amd64",
		PrimaryContext: "a", SecondaryContext: "b", Phases: phases,
	})
	return p
}

// after lets time pass.
func (p *play) after(d time.Duration) *play {
	p.time = p.time.Add(d)
	return p
}

// tell hands the recorder an event.
func (p *play) tell(e xsite.Event) *play {
	e.Time, e.Phase = p.time, p.phase
	p.Observe(e)
	return p
}

func (p *play) begin(phase xsite.Phase) *play {
	p.phase, p.began = phase, p.time
	return p.tell(xsite.Event{Kind: xsite.PhaseStarted})
}

func (p *play) end(err error) *play {
	return p.tell(xsite.Event{Kind: xsite.PhaseEnded, Elapsed: p.time.Sub(p.began), Err: err})
}

func (p *play) changed(role xsite.Role, text string) *play {
	return p.tell(xsite.Event{Kind: xsite.Changed, Role: role, Message: text})
}

func (p *play) cacheIs(c xsite.CacheState) *play {
	return p.tell(xsite.Event{Kind: xsite.CacheProgress, Cache: c})
}

// samplePlan is the plan of the runs that are played; its names are name and what follows from it.
func samplePlan(name string) xsite.Plan {
	site := func(role xsite.Role, site string, ready int, entries int64) xsite.SitePlan {
		return xsite.SitePlan{
			Role: role, Name: site + name, Version: "15.0.21.Final", Entries: entries, ReadyKeycloakPods: ready,
			Place:     xsite.Place{Context: site + name, Server: "https://" + site + ".example.org:6443", Namespace: "keycloak", Infinispan: "infinispan/infinispan"},
			Pods:      []xsite.Pod{{Name: "infinispan-0"}, {Name: "infinispan-1"}},
			Keycloaks: []xsite.Keycloak{{Ref: "keycloak/keycloak", Namespace: "keycloak", Instances: 2, ReadyPods: ready}},
		}
	}
	return xsite.Plan{
		RunID: "1f2e3d4c", Primary: site(xsite.Primary, "site-a", 2, 20010), Secondary: site(xsite.Secondary, "site-b", 1, 817),
		Caches: []xsite.CachePlan{
			{Name: "actionTokens" + name, RemoteName: "actionTokens" + name, PrimaryEntries: 10, SecondaryEntries: 17},
			{Name: "sessions" + name, RemoteName: "sessions-b" + name, PrimaryEntries: 20000, SecondaryEntries: 800},
		},
	}
}

// untilPush plays a run up to the time when both pushes go on; name is part of what servers say.
func untilPush(name string) *play {
	p := newPlay()
	plan := samplePlan(name)
	p.begin(xsite.PhasePreflight).after(300 * time.Millisecond).
		tell(xsite.Event{Kind: xsite.CheckPassed, Guard: xsite.GuardIdentity, Message: "primary is site site-a" + name}).after(500 * time.Millisecond).
		tell(xsite.Event{Kind: xsite.CheckWarned, Guard: xsite.GuardChecksFirst, Message: "chunk size 16 of cache sessions" + name + " makes the push slow"}).
		tell(xsite.Event{Kind: xsite.Planned, Plan: &plan}).end(nil)
	p.Asked()
	p.after(4 * time.Second).Answered(nil)
	p.begin(xsite.PhaseProbe).after(time.Second).changed("", "an entry crossed").end(nil)
	p.begin(xsite.PhaseStop)
	for range 3 {
		p.tell(xsite.Event{Kind: xsite.Waiting, Role: xsite.Secondary, Message: "Keycloak's pods to be gone: keycloak-0"}).after(2 * time.Second)
	}
	p.changed(xsite.Secondary, "Keycloak of site site-b is stopped").end(nil)
	p.begin(xsite.PhaseOffline).after(time.Second).changed(xsite.Secondary, "site site-b holds site site-a offline").end(nil)
	p.begin(xsite.PhaseClear)
	for _, c := range plan.Caches {
		p.after(200 * time.Millisecond).cacheIs(xsite.CacheState{Cache: c.Name, State: "cleared", Counted: map[xsite.Role]int64{xsite.Secondary: 0}})
	}
	p.end(nil).begin(xsite.PhasePush).after(100 * time.Millisecond)
	for _, c := range plan.Caches {
		p.cacheIs(xsite.CacheState{Cache: c.Name, State: "pushing", Total: c.PrimaryEntries, Attempt: 1})
	}
	for n := range int64(5) {
		p.after(time.Second).cacheIs(xsite.CacheState{
			Cache: plan.Caches[1].Name, State: "pushing", Done: 3000 * n, Total: 20000, Attempt: 1, Counted: map[xsite.Role]int64{xsite.Secondary: 3000 * n},
		})
	}
	return p
}

// succeeded plays a run that succeeds.
func succeeded() api.Report {
	p := untilPush("")
	plan := samplePlan("")
	var result xsite.Result
	for i, c := range plan.Caches {
		p.after(time.Second).cacheIs(xsite.CacheState{Cache: c.Name, State: "pushed", Done: c.PrimaryEntries, Total: c.PrimaryEntries, Attempt: 1})
		result.Caches = append(result.Caches, xsite.CacheResult{
			Name: c.Name, Discarded: c.SecondaryEntries, PrimaryEntries: c.PrimaryEntries, SecondaryEntries: c.PrimaryEntries + int64(i)*3,
			Compared: xsite.VerifyKeys, Extra: int64(i) * 3, Pushes: 1,
		})
	}
	p.end(nil).begin(xsite.PhaseVerify)
	for i, c := range plan.Caches {
		p.cacheIs(xsite.CacheState{Cache: c.Name, State: "comparing", Attempt: 1}).after(700 * time.Millisecond)
		p.cacheIs(xsite.CacheState{
			Cache: c.Name, State: "equal", Done: c.PrimaryEntries, Total: c.PrimaryEntries, Attempt: 1, Extra: int64(i) * 3,
			Counted: map[xsite.Role]int64{xsite.Primary: c.PrimaryEntries, xsite.Secondary: c.PrimaryEntries + int64(i)*3},
		})
	}
	p.end(nil).begin(xsite.PhaseOnline).after(400 * time.Millisecond).end(nil)
	p.begin(xsite.PhaseStart).tell(xsite.Event{Kind: xsite.Waiting, Role: xsite.Secondary, Message: "Keycloak to be ready: 0 of 2"}).after(9 * time.Second)
	p.changed(xsite.Secondary, "keycloak/keycloak of site site-b is ready with 2 instances").end(nil)
	result.Plan, result.Remarks = plan, []string{"cache sessions: 3 entries are only on site site-b: they expired on site site-a"}
	return p.End(End{Outcome: OutcomeSucceeded, Result: result})
}

// stopped plays a run that a guard stops in the push; the outcome is the caller's.
func stopped(name string, outcome xsite.Outcome) api.Report {
	p := untilPush(name)
	stop := &xsite.Stop{
		Guard: xsite.GuardMoving, Found: "the push of cache sessions" + name + " has made no progress for 60s", Where: "primary site-a" + name,
		Because: "its status would say SENDING for ever (V18)", Next: "look at the servers' logs",
	}
	p.after(time.Minute).end(stop).after(time.Second).changed(xsite.Primary, "site site-a holds site site-b offline again")
	return p.after(time.Second).End(End{Outcome: string(outcome), ExitCode: 7, Next: "to go on: kubectl ispn-resync", Err: &xsite.RunError{
		Outcome: outcome, Phase: xsite.PhasePush, Err: stop, State: []string{"primary site-a" + name + " serves"}, DataAtRisk: "none: the primary has everything",
	}})
}

// aborted plays an abort.
func aborted() api.Report {
	p, plan := newPlayOf("Going back from the recovery"), samplePlan("")
	plan.Primary.Entries, plan.Secondary.Entries = 0, 0
	p.begin(xsite.PhasePreflight).after(time.Second).tell(xsite.Event{Kind: xsite.Planned, Plan: &plan}).end(nil)
	p.begin(xsite.PhaseAbort).after(time.Second).changed("", "flags of 2 caches are as they were before run 1f2e3d4c, on both sites").end(nil)
	return p.End(End{Outcome: OutcomeSucceeded})
}

// unreachable is a run that never began.
func unreachable() api.Report {
	return newPlay().after(2 * time.Second).End(End{Outcome: "refused", ExitCode: 3, Err: errors.New("connecting to the primary (context a): no route")})
}
