package plugin

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestOnlyTheSecondarysOwnNameConfirms(t *testing.T) {
	for name, c := range map[string]struct {
		typed, flag string
		terminal    bool
		want        ExitCode
		says        string
	}{
		"typed":                     {typed: "site-b\n", terminal: true, want: ExitDone},
		"typed with blanks":         {typed: "  site-b \r\n", terminal: true, want: ExitDone},
		"the primary typed":         {typed: "site-a\n", terminal: true, want: ExitNotConfirmed, says: `"site-a" was typed, the site whose data would be discarded is "site-b"`},
		"yes typed":                 {typed: "yes\n", terminal: true, want: ExitNotConfirmed},
		"other case typed":          {typed: "SITE-B\n", terminal: true, want: ExitNotConfirmed},
		"return typed":              {typed: "\n", terminal: true, want: ExitNotConfirmed},
		"end of input":              {terminal: true, want: ExitNotConfirmed, says: "the input ended without an answer"},
		"end in the middle":         {typed: "site-b", terminal: true, want: ExitNotConfirmed},
		"flag":                      {flag: "site-b", want: ExitDone},
		"flag on a terminal":        {flag: "site-b", terminal: true, want: ExitDone},
		"flag names the primary":    {flag: "site-a", want: ExitNotConfirmed, says: `--confirm names "site-a", but the site whose data would be discarded is "site-b"`},
		"wrong flag is not mended":  {flag: "site-a", typed: "site-b\n", terminal: true, want: ExitNotConfirmed},
		"no terminal":               {typed: "site-b\n", want: ExitNotConfirmed, says: "kubectl ispn-resync --primary-context site-a --secondary-context site-b --confirm site-b"},
		"flag is taken literally":   {flag: "site-b ", want: ExitNotConfirmed},
		"an answer without its end": {typed: strings.Repeat("site-b", 1000) + "\n", terminal: true, want: ExitNotConfirmed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).types(c.typed)
			if c.terminal {
				r.onTerminal()
			}
			args := pair()
			if c.flag != "" {
				args = append(args, "--confirm", c.flag)
			}
			if got := r.run(args...); got != c.want {
				t.Fatalf("exit code %d, want %d:\n%s", got, c.want, r.err)
			}
			if !strings.Contains(r.err.String(), c.says) {
				t.Errorf("not said: %q in\n%s", c.says, r.err)
			}
			if n := strings.Count(r.err.String(), "not confirmed"); n != 0 && n != 1 {
				t.Errorf("says %d times that it is not confirmed:\n%s", n, r.err)
			}
			if !strings.Contains(r.err.String(), "DATA DISCARDED (secondary)") {
				t.Error("the plan was not shown before the question")
			}
			asked := strings.Contains(r.err.String(), "Type the name of the site whose data is discarded (site-b) to go on: ")
			if want := c.terminal && c.flag == ""; asked != want {
				t.Errorf("asked: %t, want %t", asked, want)
			}
		})
	}
}

func TestASiteWithoutANameCannotBeConfirmed(t *testing.T) {
	plan := samplePlan()
	plan.Secondary.Name = ""
	c := confirmation{in: strings.NewReader("\n"), out: io.Discard, interactive: true}
	if err := c.ask(t.Context(), plan); !errors.Is(err, xsite.ErrNotConfirmed) {
		t.Errorf("got %v", err)
	}
}

func TestAQuestionThatCannotBeSeenIsNotConfirmed(t *testing.T) {
	c := confirmation{in: strings.NewReader("site-b\n"), out: brokenWriter{}, interactive: true}
	if err := c.ask(t.Context(), samplePlan()); !errors.Is(err, xsite.ErrNotConfirmed) {
		t.Errorf("got %v", err)
	}
}

func TestASignalAtTheQuestionIsNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		in, typed := io.Pipe()
		defer typed.Close() //nolint:errcheck // closing a pipe does not fail
		stopped := errors.New("stopped by signal: interrupt")
		answered := make(chan error, 1)
		go func() {
			answered <- confirmation{in: in, out: io.Discard, interactive: true}.ask(ctx, samplePlan())
		}()
		synctest.Wait()
		cancel(stopped)
		if err := <-answered; !errors.Is(err, xsite.ErrNotConfirmed) || !errors.Is(err, stopped) {
			t.Errorf("got %v", err)
		}
	})
}

func TestADryRunAsksNothingAndWritesThePlanAsItsResult(t *testing.T) {
	r := newRig(t).types("site-b\n").onTerminal()
	if code := r.run(pair("--dry-run")...); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	if r.in.Len() != len("site-b\n") {
		t.Error("the dry run read from the input")
	}
	if out := r.out.String(); !strings.Contains(out, "DATA DISCARDED") || !strings.HasSuffix(out, nothingChanged+".\n") {
		t.Errorf("standard output is\n%s", out)
	}
}

// A run that is only looked at leaves no record: a name of it would be asked for in vain.
func TestWhatIsOnlyCheckedIsNamedAfterThePair(t *testing.T) {
	for kind, args := range map[string][]string{
		api.KindPlan: pair("--dry-run"), api.KindPhaseResult: pair("phase", "stop", "--dry-run"), "preflight": pair("phase", "preflight"),
	} {
		r := newRig(t)
		if code := r.run(args...); code != ExitDone || strings.Contains(r.out.String(), "Run ") {
			t.Errorf("%s: exit code %d, standard output\n%s", kind, code, r.out)
		}
		r = newRig(t)
		if code := r.run(append(args, "-o", "json")...); code != ExitDone || !strings.Contains(r.out.String(), `"name": "site-a.site-b"`) ||
			strings.Contains(r.out.String(), "runID") {
			t.Errorf("%s: exit code %d, standard output\n%s", kind, code, r.out)
		}
	}
}
