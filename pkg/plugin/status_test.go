package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// fakeClock is a clock whose waits are over at once.
type fakeClock struct {
	xsite.WallClock

	now time.Time
	// waited is told each wait, before it is over.
	waited func(d time.Duration)
}

func (c *fakeClock) Now() time.Time { return c.now }

func (c *fakeClock) Wait(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	if c.waited != nil {
		c.waited(d)
	}
	return ctx.Err()
}

// evil is what a server could say to drive a terminal.
const evilName = "x\x1b[2J"

// sampleStatus is a pair with everything that a status can show: site-b is fenced and empty for one cache.
func sampleStatus() xsite.PairStatus {
	n := func(entries int64) *int64 { return &entries }
	site := func(role xsite.Role, name, peer string) xsite.SiteStatus {
		return xsite.SiteStatus{
			Role: role, Place: xsite.Place{Context: name, Namespace: "keycloak", Infinispan: "infinispan/infinispan"},
			Reachable: true, Name: name, Peer: peer, Version: "15.0.21.Final", Health: infinispan.HealthHealthy, View: []string{name, peer},
			Servers: []xsite.ServerStatus{
				{Pod: "infinispan-0", Ready: true, Version: "15.0.21.Final", Relay: true},
				{Pod: "infinispan-1", Ready: true, Restarts: 2, Version: "15.0.21.Final"},
			},
			KeycloakKnown: true, LeaseKnown: true, JournalsKnown: true, CachesKnown: true,
			Keycloaks: []xsite.Keycloak{{Ref: "keycloak/keycloak", Namespace: "keycloak", Instances: 2, ReadyPods: 2}},
		}
	}
	backup := func(cache string, flag infinispan.Flag, entries *int64) xsite.BackupStatus {
		return xsite.BackupStatus{
			Cache: cache, Strategy: infinispan.StrategySync, Flag: flag, Mode: infinispan.ModeManual, Push: infinispan.PushIdle, Entries: entries,
		}
	}
	s := xsite.PairStatus{
		Primary: site(xsite.Primary, "site-a", "site-b"), Secondary: site(xsite.Secondary, "site-b", "site-a"),
		Caches: []xsite.CacheStatus{
			{Name: "actionTokens", Primary: backup("actionTokens", "online", n(10)), Secondary: backup("actionTokens", "online", n(10))},
			{Name: "offlineClientSessions", Primary: backup("offlineClientSessions", "offline", n(1200300)), Secondary: backup("offlineClientSessions", "online", n(0))},
			{Name: "sessions", Primary: backup("sessions", xsite.FlagMixed, n(20000)), Secondary: backup("sessions-b", "", n(20003))},
			{Name: "work", Primary: backup("work", "online", nil), Secondary: xsite.BackupStatus{Cache: "work", Missing: true}},
		},
		Open: []xsite.PastRun{{
			RunID: "7f3a", Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC), Who: "sam@desk", Kept: "site-a", Discarded: "site-b",
			Phase: xsite.PhasePush, Contexts: []string{"site-a", "site-b"},
		}},
		Fences: []xsite.PastRun{{RunID: "6e29", Started: time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC), Who: "kim@desk", Kept: "site-a", Discarded: "site-b", Closed: "fence"}},
		Findings: []xsite.Finding{
			{Kind: xsite.FindingOffline, Role: xsite.Primary, Message: "site-a holds site-b offline for offlineClientSessions"},
			{Kind: xsite.FindingView, Role: xsite.Secondary, Message: "site-b does not see site-a"},
			{Kind: xsite.FindingRun, Message: "run 7f3a of sam@desk did not finish; it came to push", Run: "7f3a"},
		},
	}
	s.Caches[1].Primary.Push, s.Caches[1].Secondary.Mode = infinispan.PushSending, infinispan.ModeAuto
	s.Caches[2].Primary.ByPod = map[string]infinispan.Flag{"infinispan-0": "online", "infinispan-1": "offline"}
	s.Caches[2].Secondary.Strategy = infinispan.StrategyAsync
	recorded := 2
	s.Secondary.Keycloaks[0] = xsite.Keycloak{Ref: "keycloak/keycloak", Recorded: &recorded}
	s.Secondary.View = []string{"site-b"}
	s.Secondary.Unknown = []string{"flags: the server " + evilName + " answered 500"}
	s.Primary.Lease = &xsite.LeaseRecord{Version: "1", Holder: "h", Run: "7f3a", Who: "sam@desk", Role: xsite.Primary}
	return s
}

// calm is a pair in sync.
func calm() xsite.PairStatus {
	s := sampleStatus()
	s.Caches, s.Open, s.Fences, s.Findings, s.Primary.Lease, s.Secondary.Unknown = s.Caches[:1], nil, nil, nil, nil, nil
	s.Secondary.Keycloaks, s.Secondary.View = s.Primary.Keycloaks, s.Primary.View
	return s
}

// unreachable is a pair whose secondary cannot be reached.
func unreachable() xsite.PairStatus {
	s := calm()
	s.Secondary = xsite.SiteStatus{Role: xsite.Secondary, Problem: "no route to host"}
	s.Caches[0].Secondary = xsite.BackupStatus{Cache: "actionTokens"}
	s.Findings = []xsite.Finding{{Kind: xsite.FindingUnreachable, Role: xsite.Secondary, Message: "the secondary cannot be looked at: no route to host"}}
	return s
}

// shownStatus is the text of a status on a screen.
func shownStatus(t *testing.T, status xsite.PairStatus, v view) string {
	t.Helper()
	pair := newPairFlags()
	given(t, pair.primary.flags, "primary-context", "site-a")
	given(t, pair.secondary.flags, "secondary-context", "site-b")
	object := statusObject(status, pair, newTargetFlags())
	apitest.ValidObject(t, object)
	text, err := textOf(object, v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheStatusStandsSideBySide(t *testing.T) {
	for name, c := range map[string]struct {
		status xsite.PairStatus
		view   view
	}{
		"status":             {sampleStatus(), view{columns: 80, terminal: true}},
		"status_wide":        {sampleStatus(), view{columns: 80, wide: true}},
		"status_narrow":      {sampleStatus(), view{columns: 40, terminal: true}},
		"status_calm":        {calm(), view{columns: 80, terminal: true, colour: true}},
		"status_unreachable": {unreachable(), view{columns: 80, terminal: true}},
	} {
		t.Run(name, func(t *testing.T) {
			text := shownStatus(t, c.status, c.view)
			golden(t, name, text)
			if strings.Contains(text, evilName) {
				t.Error("what a server says reaches the terminal as it is")
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "    kubectl ") {
					continue // commands are whole, to be copied
				}
				if c.view.terminal && !c.view.colour && width(strings.TrimSuffix(line, "\n")) >= c.view.columns {
					t.Errorf("a line is wider than the screen: %q", line)
				}
			}
		})
	}
}

func TestStatusTellsByItsExitCodeOnlyWhenAsked(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		look xsite.PairStatus
		want ExitCode
	}{
		"in sync":              {[]string{"--exit-code"}, calm(), ExitDone},
		"not in sync":          {[]string{"--exit-code"}, sampleStatus(), ExitOutOfSync},
		"not asked":            {nil, sampleStatus(), ExitDone},
		"not in sync, as JSON": {[]string{"--exit-code", "-o", "json"}, sampleStatus(), ExitOutOfSync},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.looks = []xsite.PairStatus{c.look}
			if code := r.run(append(append([]string{"status"}, pair()...), c.args...)...); code != c.want {
				t.Errorf("exit code %d, want %d", code, c.want)
			}
			if r.out.String() == "" || r.err.String() != "" {
				t.Errorf("output %q, errors %q", r.out, r.err)
			}
		})
	}
}

func TestStatusShowsOneSiteWhenTheOtherCannotBeReachedAndFailsForBoth(t *testing.T) {
	r := newRig(t)
	r.looks = []xsite.PairStatus{unreachable()}
	r.refuse["site-b"] = errors.New("no route to host")
	if code := r.run(append([]string{"status"}, pair("--exit-code")...)...); code != ExitOutOfSync {
		t.Errorf("exit code %d: %s", code, r.err)
	}
	if !strings.Contains(r.out.String(), "site-a (primary)") || !strings.Contains(r.out.String(), "reachable    yes                NO") {
		t.Errorf("got %s", r.out)
	}
	if len(r.closed) != 1 {
		t.Errorf("closed %v", r.closed)
	}
	r.refuse["site-a"] = errors.New("no route to host")
	if code := r.run(append([]string{"status"}, pair()...)...); code != ExitRefused {
		t.Errorf("with no site reachable: exit code %d", code)
	}
	r.refuse = map[string]error{"site-b": &kube.RefError{Flag: "--infinispan", Value: "x/y", Problem: "unknown type"}}
	if code := r.run(append([]string{"status"}, pair("--infinispan", "x/y")...)...); code != ExitUsage {
		t.Errorf("with a name that cannot be: exit code %d", code)
	}
}

func TestStatusOnlyLooks(t *testing.T) {
	r := newRig(t)
	r.run(append([]string{"status"}, pair()...)...)
	for _, options := range r.connected {
		if !options.LookOnly {
			t.Error("a status is connected like a run, which needs more rights")
		}
	}
}

func TestAWatchOffATerminalWritesALineForEachChange(t *testing.T) {
	r := newRig(t)
	r.looks = []xsite.PairStatus{sampleStatus(), sampleStatus(), calm(), calm(), unreachable(), calm()}
	ctx, cancel := context.WithCancel(t.Context())
	waits := 0
	r.clock.waited = func(d time.Duration) {
		waits++
		if waits == 6 {
			cancel()
		}
		if d != 30*time.Second {
			t.Errorf("a pause of %s", d)
		}
	}
	code := r.runIn(ctx, append([]string{"status"}, pair("-w", "--exit-code", "--interval", "30s")...)...)
	golden(t, "status_watch", r.out.String())
	if code != ExitDone {
		t.Errorf("ended by Ctrl-C in sync: exit code %d, %s", code, r.err)
	}
}

func TestAWatchOnATerminalIsRedrawn(t *testing.T) {
	r := newRig(t)
	r.terminal = fakeTerminal{streams: []any{r.out}, columns: 80, lines: 12}
	r.looks = []xsite.PairStatus{sampleStatus(), calm()}
	ctx, cancel := context.WithCancel(t.Context())
	waits := 0
	r.clock.waited = func(time.Duration) {
		waits++
		if waits == 2 {
			cancel()
		}
	}
	r.runIn(ctx, append([]string{"status"}, pair("-w")...)...)
	pictures := strings.Split(r.out.String(), cursorHome)
	if len(pictures) != 3 || pictures[0] != clearAll {
		t.Fatalf("%d pictures: %q", len(pictures), r.out)
	}
	for _, picture := range pictures[1:] {
		if lines := strings.Count(picture, "\n"); lines > 11 || !strings.HasSuffix(picture, clearBelow) {
			t.Errorf("a picture of %d lines on a screen of 12: %q", lines, picture)
		}
	}
	if !strings.Contains(pictures[1], "more lines") || !strings.Contains(pictures[2], "IN SYNC") {
		t.Errorf("got %q", pictures[1:])
	}
}

func TestAWatchAsJSONWritesAnObjectForEachChange(t *testing.T) {
	r := newRig(t)
	r.looks = []xsite.PairStatus{sampleStatus(), sampleStatus(), calm()}
	ctx, cancel := context.WithCancel(t.Context())
	waits := 0
	r.clock.waited = func(time.Duration) {
		waits++
		if waits == 4 {
			cancel()
		}
	}
	r.runIn(ctx, append([]string{"status"}, pair("-w", "-o", "json")...)...)
	if n := strings.Count(r.out.String(), `"kind": "Status"`); n != 2 {
		t.Errorf("%d objects, want 2", n)
	}
}

func TestAWatchConnectsAgainToASiteThatComesBack(t *testing.T) {
	r := newRig(t)
	r.refuse["site-b"] = errors.New("no route to host")
	r.looks = []xsite.PairStatus{calm()}
	ctx, cancel := context.WithCancel(t.Context())
	waits := 0
	r.clock.waited = func(time.Duration) {
		r.mu.Lock()
		delete(r.refuse, "site-b")
		r.mu.Unlock()
		waits++
		if waits == 2 {
			cancel()
		}
	}
	r.runIn(ctx, append([]string{"status"}, pair("-w", "-o", "json")...)...)
	if !strings.Contains(r.out.String(), `"reachable": false`) || strings.Count(r.out.String(), `"kind"`) != 2 || len(r.closed) != 2 || len(r.connected) != 3 {
		t.Errorf("connected %d, closed %v\n%s", len(r.connected), r.closed, r.out)
	}
}

func TestAWatchBeginsAlsoWhenNoSiteCanBeReached(t *testing.T) {
	r := newRig(t)
	r.refuse = map[string]error{"site-a": errors.New("no route to host"), "site-b": errors.New("no route to host")}
	r.looks = []xsite.PairStatus{calm()}
	ctx, cancel := context.WithCancel(t.Context())
	waits := 0
	r.clock.waited = func(time.Duration) {
		r.mu.Lock()
		clear(r.refuse)
		r.mu.Unlock()
		waits++
		if waits == 2 {
			cancel()
		}
	}
	if code := r.runIn(ctx, append([]string{"status"}, pair("-w", "-o", "json")...)...); code != ExitDone {
		t.Errorf("exit code %d: %s", code, r.err)
	}
	if n := strings.Count(r.out.String(), `"reachable": false`); n != 2 || strings.Count(r.out.String(), `"kind": "Status"`) != 2 {
		t.Errorf("%d sites out of reach, want both in the first of two looks:\n%s", n, r.out)
	}
}

func TestAWatchOfASiteThatIsWronglyNamedEndsAtOnce(t *testing.T) {
	for name, args := range map[string][]string{
		"a context that is not there": {"--primary-context", "site-x", "--secondary-context", "site-b"},
		"a name that cannot be":       pair("--infinispan", "x/y"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.clock.waited = func(time.Duration) { t.Fatal("it looked on") }
			if code := r.run(append([]string{"status", "-w"}, args...)...); code != ExitUsage {
				t.Errorf("exit code %d: %s", code, r.err)
			}
		})
	}
}

func TestTheToleranceIsPerCentAndAtLeastTenEntries(t *testing.T) {
	for _, c := range []struct {
		percent       float64
		entries, want int64
	}{{1, 50, 10}, {1, 20000, 200}, {0, 20000, 0}, {2.5, 1000, 25}} {
		f := newStatusFlags()
		f.tolerance = c.percent
		if got := f.allowed(c.entries); got != c.want {
			t.Errorf("%g per cent of %d: %d, want %d", c.percent, c.entries, got, c.want)
		}
	}
}

func TestStatusRefusesFlagsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{{"--interval", "1ms"}, {"--timeout", "0s"}, {"--tolerance", "-1"}} {
		r := newRig(t)
		if code := r.run(append(append([]string{"status"}, pair()...), args...)...); code != ExitUsage || len(r.connected) > 0 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}

func TestEveryFieldOfAStatusIsPublished(t *testing.T) {
	pair := newPairFlags()
	*pair.primary.config.Context = "site-a"
	object, err := api.ThroughJSON(statusObject(sampleStatus(), pair, newTargetFlags()))
	s, ok := object.(*api.Status)
	if err != nil || !ok || s.Caches[2].Primary.ByPod["infinispan-1"] != "offline" || *s.Caches[1].Drift != -1200300 ||
		s.Primary.Lease.RunID != "7f3a" || *s.Secondary.SeesOther || s.Caches[3].Drift != nil || len(s.Fences) != 1 {
		t.Errorf("%v: %+v", err, s)
	}
}
