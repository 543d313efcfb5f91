package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

func TestEveryEndHasItsExitCode(t *testing.T) {
	ends := func(outcome xsite.Outcome) Engine {
		return func(context.Context, xsite.Options) (xsite.Result, error) {
			return xsite.Result{}, &xsite.RunError{Outcome: outcome, Phase: xsite.PhasePush, Err: errors.New("the cause")}
		}
	}
	for name, c := range map[string]struct {
		args   []string
		engine Engine
		refuse error
		want   ExitCode
	}{
		"done":            {args: pair("--confirm", "site-b"), want: ExitDone},
		"dry run":         {args: pair("--dry-run"), want: ExitDone},
		"usage":           {args: pair("--verify", "all"), want: ExitUsage},
		"connecting":      {args: pair(), refuse: errors.New("no route"), want: ExitRefused},
		"reference":       {args: pair(), refuse: &kube.RefError{Flag: "--infinispan", Value: "x/y", Problem: "unknown type"}, want: ExitUsage},
		"refused":         {args: pair(), engine: ends(xsite.Refused), want: ExitRefused},
		"not confirmed":   {args: pair(), want: ExitNotConfirmed},
		"interrupted":     {args: pair(), engine: ends(xsite.Interrupted), want: ExitInterrupted},
		"failed":          {args: pair(), engine: ends(xsite.Failed), want: ExitFailed},
		"not ready":       {args: pair(), engine: ends(xsite.NotReady), want: ExitNotReady},
		"unknown outcome": {args: pair(), engine: ends("melted"), want: ExitUnexpected},
		"unexpected": {args: pair(), want: ExitUnexpected, engine: func(context.Context, xsite.Options) (xsite.Result, error) {
			return xsite.Result{}, errors.New("out of cheese")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if c.engine != nil {
				r.engine = c.engine
			}
			if c.refuse != nil {
				r.refuse["site-b"] = c.refuse
			}
			if got := r.run(c.args...); got != c.want {
				t.Fatalf("exit code %d, want %d; errors:\n%s", got, c.want, r.err)
			}
			if c.want == ExitDone {
				return
			}
			if r.out.String() != "" {
				t.Errorf("a run that did not succeed writes to standard output: %s", r.out)
			}
			if !strings.Contains(r.err.String(), "error: ") {
				t.Errorf("nothing says what went wrong: %s", r.err)
			}
			unchanged := strings.HasSuffix(r.err.String(), nothingChanged+"\n")
			if want := c.want == ExitRefused || c.want == ExitNotConfirmed; unchanged != want {
				t.Errorf("says that nothing was changed: %t, want %t:\n%s", unchanged, want, r.err)
			}
		})
	}
}

// TestEveryCodeOfTheHelpIsReached ends the program with each code that its help lists.
func TestEveryCodeOfTheHelpIsReached(t *testing.T) {
	ends := func(outcome xsite.Outcome) func(*rig) {
		return func(r *rig) {
			r.engine = func(context.Context, xsite.Options) (xsite.Result, error) {
				return xsite.Result{}, &xsite.RunError{Outcome: outcome, Phase: xsite.PhasePush, Err: errors.New("the cause")}
			}
		}
	}
	as := func(*rig) {}
	ways := map[ExitCode]struct {
		args    []string
		prepare func(*rig)
	}{
		ExitDone: {pair("--dry-run"), as},
		ExitUnexpected: {pair(), func(r *rig) {
			r.engine = func(context.Context, xsite.Options) (xsite.Result, error) {
				return xsite.Result{}, errors.New("out of cheese")
			}
		}},
		ExitUsage:        {pair("--verify", "all"), as},
		ExitRefused:      {pair(), ends(xsite.Refused)},
		ExitNotConfirmed: {pair(), as},
		ExitInterrupted:  {pair(), ends(xsite.Interrupted)},
		ExitHeld:         {pair(), ends(xsite.Held)},
		ExitFailed:       {pair(), ends(xsite.Failed)},
		ExitWarned: {pair("check", "--fail-on", "warning"), func(r *rig) {
			r.check = func(context.Context, xsite.CheckOptions) xsite.CheckReport {
				return xsite.CheckReport{Status: xsite.CheckWarn}
			}
		}},
		ExitNotReady:  {pair(), ends(xsite.NotReady)},
		ExitOutOfSync: {pair("status", "--exit-code"), as},
	}
	for _, code := range exitCodes() {
		way, ok := ways[code.Code]
		if !ok {
			t.Errorf("nothing ends with exit code %d", code.Code)
			continue
		}
		r := newRig(t)
		way.prepare(r)
		if got := r.run(way.args...); got != code.Code {
			t.Errorf("%v: exit code %d, want %d: %s", way.args, got, code.Code, r.err)
		}
	}
}

func TestAFailureTellsStateAndNextStepBeforeItsCause(t *testing.T) {
	r := newRig(t)
	r.engine = func(context.Context, xsite.Options) (xsite.Result, error) {
		return xsite.Result{}, &xsite.RunError{
			Outcome: xsite.Failed, Phase: xsite.PhasePush,
			Err: fmt.Errorf("pushing: %w", &xsite.Stop{
				Guard: xsite.GuardMoving, Where: "cache sessions", Found: "no entry arrived for 60s",
				Because: "the push would never end", Next: "look at the link",
			}),
			State:      []string{"site-b: Keycloak is stopped on purpose", "site-a: serves, site-b is offline for it"},
			DataAtRisk: "none on site-a",
		}
	}
	if code := r.run(pair("--cache", "sessions", "--cache", "work", "--primary-token", "canary", "--reason", "it's late")...); code != ExitFailed {
		t.Fatalf("exit code %d", code)
	}
	golden(t, "failure", r.err.String())
}

func TestARefusalIsNotToldHowToGoOn(t *testing.T) {
	var b strings.Builder
	writeError(&b, &failure{again: "again", err: &xsite.RunError{Outcome: xsite.Refused, Phase: xsite.PhasePreflight, Err: errors.New("swapped")}})
	if want := "error: refused in phase preflight: swapped\n" + nothingChanged + "\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestBothConnectionsAreClosedHoweverItEnds(t *testing.T) {
	r := newRig(t)
	r.run(pair("--dry-run")...)
	if len(r.closed) != 2 {
		t.Errorf("after a dry run closed: %v", r.closed)
	}
	r = newRig(t)
	r.refuse["site-b"] = errors.New("no route")
	r.run(pair()...)
	if len(r.closed) != 1 || r.closed[0] != "site-a" {
		t.Errorf("after the second site could not be reached closed: %v, want site-a", r.closed)
	}
}

func TestBothSitesThatCannotBeReachedAreTold(t *testing.T) {
	r := newRig(t)
	r.refuse["site-a"], r.refuse["site-b"] = errors.New("no route to a"), errors.New("no route to b")
	r.run(pair()...)
	for _, want := range []string{"connecting to the primary (context site-a): no route to a", "connecting to the secondary (context site-b): no route to b"} {
		if !strings.Contains(r.err.String(), want) {
			t.Errorf("not told: %q in\n%s", want, r.err)
		}
	}
}

func TestWhatToDoFollowsFromWhyASiteCouldNotBeConnectedTo(t *testing.T) {
	for name, c := range map[string]struct {
		cause error
		want  string
	}{
		"away": {errors.New("connection refused"), "check that kubectl can reach the primary: kubectl --context site-a --namespace kc --token=... get pods"},
		"nothing there": {
			&kube.NotFoundError{What: "Infinispan", Next: "check context and namespace, or name it with --infinispan"},
			"check context and namespace, or name it with --infinispan",
		},
		"several":     {&kube.AmbiguousError{What: "Infinispan", Next: "choose one, e.g. --infinispan infinispan/a"}, "choose one, e.g. --infinispan infinispan/a"},
		"not allowed": {&kube.ForbiddenError{Verb: "list", Resource: "pods", Namespace: "kc", Context: "site-a"}, `have this user granted the verb "list" on pods in namespace kc`},
		"no password": {&kube.SecretError{Secret: "s", Problem: "it has no user", Next: "name another one with --infinispan-secret"}, "name another one with --infinispan-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.refuse["site-a"], r.refuse["site-b"] = c.cause, errors.New("no route")
			if code := r.run(pair("--primary-namespace", "kc", "--primary-token", "canary")...); code != ExitRefused {
				t.Errorf("exit code %d", code)
			}
			for _, want := range []string{"next: " + c.want, "check that kubectl can reach the secondary: kubectl --context site-b get pods\n"} {
				if !strings.Contains(r.err.String(), want) {
					t.Errorf("not told: %q in\n%s", want, r.err)
				}
			}
			if strings.Contains(r.err.String(), "canary") {
				t.Error("the token is shown")
			}
		})
	}
}

func TestAPrimaryWhoseSecondaryIsAwayIsOfferedTheFence(t *testing.T) {
	for away, offered := range map[string]bool{"site-a": false, "site-b": true} {
		r := newRig(t)
		r.refuse[away] = errors.New("no route")
		r.run(pair()...)
		if got := strings.Contains(r.err.String(), "fail meanwhile: kubectl ispn-resync fence --primary-context site-a\n"); got != offered {
			t.Errorf("%s away: offered %t, want %t\n%s", away, got, offered, r.err)
		}
	}
}

func TestAnInterruptWhileConnectingIsNoRefusal(t *testing.T) {
	for name, flags := range map[string][]string{"a run": pair(), "a phase": append([]string{"phase", "probe"}, pair()...)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("stopped by signal: interrupt"))
			if code := r.runIn(ctx, flags...); code != ExitInterrupted {
				t.Errorf("exit code %d", code)
			}
			for _, want := range []string{"stopped by signal", "run the same command again", nothingChanged} {
				if !strings.Contains(r.err.String(), want) {
					t.Errorf("not told: %q in\n%s", want, r.err)
				}
			}
		})
	}
}

func TestAResultThatCannotBeWrittenIsNoSuccess(t *testing.T) {
	r := newRig(t)
	o := newResyncOptions(Deps{Terminal: fakeTerminal{}})
	o.deps.Streams.Out = brokenWriter{}
	if err := o.writeResult(sampleResult()); err == nil || CodeOf(err) != ExitUnexpected {
		t.Errorf("got %v", err)
	}
	_ = r
}

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestSitesThatMayAskForACodeAreConnectedOneAfterTheOther(t *testing.T) {
	for name, c := range map[string]struct {
		user string
		want bool // whether both may be connected at the same time
	}{
		"token":             {user: "{token: x}", want: true},
		"credential plugin": {user: "{exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: IfAvailable}}"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			path := writeKubeconfig(t, "site-a", "site-b")
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.ReplaceAll(string(content), "{token: kubeconfig-canary}", c.user)
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			o := newResyncOptions(Deps{LookupEnv: noEnv})
			for _, site := range []*siteFlags{o.pair.primary, o.pair.secondary} {
				*site.config.KubeConfig, *site.config.Context = path, "site-a"
			}
			arrived := make(chan string, 2)
			release := make(chan struct{})
			o.deps.Connect = func(_ context.Context, options kube.Options) (Site, error) {
				arrived <- options.ContextName
				<-release
				return &fakeSite{closed: r.close}, nil
			}
			synctest.Test(t, func(t *testing.T) {
				arrived, release = make(chan string, 2), make(chan struct{})
				done := make(chan error, 1)
				go func() {
					_, _, err := o.connect(t.Context())
					done <- err
				}()
				synctest.Wait()
				if together := len(arrived) == 2; together != c.want {
					t.Errorf("connected at the same time: %t, want %t", together, c.want)
				}
				close(release)
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestASignalIsAnsweredWithWhatHappensNow(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	told := make(chan struct{})
	r.err.seen = func(text string) {
		if strings.Contains(text, "stopping at a safe place") {
			close(told)
		}
	}
	r.engine = func(ctx context.Context, _ xsite.Options) (xsite.Result, error) {
		cancel(errors.New("stopped by signal: interrupt"))
		<-told
		return xsite.Result{}, &xsite.RunError{Outcome: xsite.Interrupted, Phase: xsite.PhasePush, Err: context.Cause(ctx)}
	}
	if code := r.runIn(ctx, pair()...); code != ExitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if want := "next: to go on: kubectl ispn-resync --primary-context site-a --secondary-context site-b\n"; !strings.Contains(r.err.String(), want) {
		t.Errorf("not told how to go on:\n%s", r.err)
	}
}

func TestAnInterruptDoesNotWaitForASilentServer(t *testing.T) {
	r := newRig(t)
	flags := newSiteFlags(xsite.Primary)
	*flags.config.Context = "site-a"
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		o := newResyncOptions(Deps{LookupEnv: noEnv, Connect: func(context.Context, kube.Options) (Site, error) {
			<-answer // whatever happens to the context
			return &fakeSite{context: "site-a", closed: r.close}, nil
		}})
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("stopped by signal: interrupt"))
		_, err := o.connectOne(ctx, flags)
		if err == nil || CodeOf(err) != ExitInterrupted || !strings.Contains(err.Error(), "stopped by signal") {
			t.Errorf("got %v", err)
		}
		close(answer)
		synctest.Wait()
		if len(r.closed) != 1 {
			t.Error("the connection that came too late is left open")
		}
	})
}

func TestTheDocumentsListEveryExitCodeAsTheHelpDoes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "exit-codes.md"))
	if err != nil {
		t.Fatal(err)
	}
	table := strings.ReplaceAll(string(page), "`", "")
	for _, code := range exitCodes() {
		if row := fmt.Sprintf("| %d | %s |", code.Code, code.Meaning); !strings.Contains(table, row+"\n") {
			t.Errorf("the table lacks %q", row)
		}
	}
	if rows := strings.Count(table, "\n| ") - 1; rows != len(exitCodes()) {
		t.Errorf("the table has %d rows, there are %d codes", rows, len(exitCodes()))
	}
}
