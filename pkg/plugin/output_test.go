package plugin

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// writingCommands are the commands that write an object, by its kind, with the exit code they end with.
func writingCommands() []struct {
	kind string
	args []string
	code ExitCode
} {
	return []struct {
		kind string
		args []string
		code ExitCode
	}{
		{api.KindPlan, pair("--dry-run"), ExitDone},
		{api.KindResult, pair("--confirm", "site-b"), ExitDone},
		{api.KindPhaseResult, pair("phase", "clear", "--confirm", "site-b"), ExitDone},
		{api.KindHistory, append([]string{"history"}, pair()...), ExitDone},
		{api.KindStatus, append([]string{"status", "--exit-code"}, pair()...), ExitOutOfSync},
		{api.KindDiff, append([]string{"diff", "--show", "3"}, pair()...), ExitOutOfSync},
		{api.KindRun, append([]string{"history", "6e2"}, pair()...), ExitDone},
		{api.KindVersion, append([]string{"version"}, pair()...), ExitDone},
		{api.KindUndertaking, append([]string{"abort", "--confirm", "site-b"}, pair()...), ExitDone},
		{api.KindUndertaking, []string{"fence", "--primary-context", "site-a", "--confirm", "site-b"}, ExitDone},
		{api.KindUndertaking, append([]string{"history", "prune", "--confirm", "site-b"}, pair()...), ExitDone},
		{api.KindCheckReport, append([]string{"check"}, pair()...), ExitDone},
	}
}

// screenView is how the rig's standard output, which is no terminal, shows text.
func screenView(wide bool) view { return view{columns: 80, wide: wide} }

func TestTextSaysWhatTheJSONSaysAndNothingElse(t *testing.T) {
	for _, c := range writingCommands() {
		t.Run(c.kind, func(t *testing.T) {
			for _, wide := range []bool{false, true} {
				asJSON, asText := newRig(t), newRig(t)
				if code := asJSON.run(append(c.args, "-o", "json")...); code != c.code {
					t.Fatalf("exit code %d: %s", code, asJSON.err)
				}
				textArgs := c.args
				if wide {
					textArgs = append(textArgs, "-o", formatWide)
				}
				if code := asText.run(textArgs...); code != c.code {
					t.Fatalf("exit code %d: %s", code, asText.err)
				}
				object := apitest.Valid(t, c.kind, asJSON.out.String())
				text, err := textOf(object, screenView(wide))
				if err != nil {
					t.Fatal(err)
				}
				if asText.out.String() != text {
					t.Errorf("the command says\n%s\nbut its JSON says\n%s", asText.out, text)
				}
			}
		})
	}
}

func TestEveryKindHasATextAndACommandThatIsTested(t *testing.T) {
	tested := map[string]bool{api.KindFailure: true, api.KindReport: true, api.KindCheck: true} // by tests of their own
	for _, c := range writingCommands() {
		tested[c.kind] = true
	}
	for _, kind := range api.Kinds() {
		object, err := api.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := textOf(object, screenView(false)); err != nil && kind != api.KindReport { // which --report writes, in forms of its own
			t.Error(err)
		}
		if !tested[kind] {
			t.Errorf("no command that writes a %s is in writingCommands", kind)
		}
	}
}

func TestEveryFormatOfKubectlIsWritten(t *testing.T) {
	for format, want := range map[string]string{
		"name":                               "plan.ispn-resync.io/site-a.site-b\n",
		"jsonpath={.primary.entries}":        "20010",
		"jsonpath-as-json={.caches[*].name}": "[\n    \"actionTokens\",\n    \"sessions\"\n]\n",
		"go-template={{.secondary.name}}":    "site-b",
		"yaml":                               "kind: Plan\n",
		"kyaml":                              `kind: "Plan",`,
		"json":                               `"kind": "Plan"`,
		"wide":                               "Every check passed",
		"go-template={{range .caches}}.{{end}}\n": "..",
	} {
		r := newRig(t)
		if code := r.run(pair("--dry-run", "-o", format)...); code != ExitDone || !strings.Contains(r.out.String(), want) {
			t.Errorf("-o %s: exit code %d\n%s%s", format, code, r.out, r.err)
		}
	}
}

func TestLargeNumbersAreWrittenInFull(t *testing.T) {
	for _, format := range []string{
		"jsonpath={.caches[1].primary.entries}", "jsonpath-as-json={.caches[1].primary.entries}",
		"go-template={{(index .caches 1).primary.entries}}", "json", "yaml",
	} {
		r := newRig(t)
		if code := r.run(append([]string{"status"}, pair("-o", format)...)...); code != ExitDone || !strings.Contains(r.out.String(), "1200300") {
			t.Errorf("-o %s: exit code %d\n%s%s", format, code, r.out, r.err)
		}
	}
}

func TestAFormatThatCannotBeIsRefusedBeforeAnythingIsContacted(t *testing.T) {
	for _, format := range []string{"jsn", "jsonpath={.a[", "go-template={{", "jsonpath", "table"} {
		r := newRig(t)
		if code := r.run(pair("--dry-run", "-o", format)...); code != ExitUsage || len(r.connected) > 0 || r.out.String() != "" {
			t.Errorf("-o %s: exit code %d, %d connections\n%s", format, code, len(r.connected), r.err)
		}
	}
}

// failing is an engine that ends in a failure with everything a failure can have.
func failing(context.Context, xsite.Options) (xsite.Result, error) {
	return xsite.Result{}, &xsite.RunError{
		Outcome: xsite.Failed, Phase: xsite.PhasePush, State: []string{"site-b: Keycloak is stopped on purpose"}, DataAtRisk: "none on site-a",
		Err: &xsite.Stop{
			Guard: xsite.GuardMoving, Where: "cache sessions", Found: "no entry arrived for 60s", Because: "the push would never end",
			Next: "look at the link", Err: errors.New("reset"),
		},
	}
}

func TestAFailureIsAnObjectOnStandardOutputAndTextOnTheErrorStream(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		engine Engine
		refuse error
		want   func(*api.Failure) bool
	}{
		"failed": {pair("-o", "json"), failing, nil, func(f *api.Failure) bool {
			return f.Outcome == "failed" && f.ExitCode == 7 && f.Phase == "push" && len(f.State) == 1 && f.DataAtRisk != "" && !f.NothingChanged &&
				strings.HasPrefix(f.Next, "to go on: kubectl ispn-resync") &&
				*f.Stop == api.Stop{Guard: "moving", Found: "no entry arrived for 60s: reset", Where: "cache sessions", Why: "the push would never end", Next: "look at the link"}
		}},
		"usage": {pair("-o", "json", "--verify", "all"), nil, nil, func(f *api.Failure) bool {
			return f.Outcome == "usage" && f.ExitCode == 2 && f.NothingChanged && f.Undone && f.Stop == nil
		}},
		"a flag that is none": {pair("-o", "json", "--verfy", "all"), nil, nil, func(f *api.Failure) bool { return f.ExitCode == 2 }},
		"connecting": {pair("-o", "json"), nil, errors.New("no route"), func(f *api.Failure) bool {
			return f.Outcome == "refused" && f.ExitCode == 3 && f.NothingChanged && f.Undone && strings.Contains(f.Error, "no route")
		}},
		"not confirmed": {pair("-o", "json"), nil, nil, func(f *api.Failure) bool { return f.Outcome == "not-confirmed" && f.NothingChanged }},
		"history":       {append([]string{"history", "-o", "json"}, pair()...), nil, errors.New("no route"), func(f *api.Failure) bool { return f.ExitCode == 3 }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if c.engine != nil {
				r.engine = c.engine
			}
			if c.refuse != nil {
				r.refuse["site-b"] = c.refuse
			}
			code := r.run(c.args...)
			f, ok := apitest.Valid(t, api.KindFailure, r.out.String()).(*api.Failure)
			if !ok || !c.want(f) || f.ExitCode != int(code) {
				t.Errorf("exit code %d, and\n%s", code, r.out)
			}
			if !strings.HasSuffix(r.err.String(), failureText(f)) {
				t.Errorf("people are told\n%s\nscripts\n%s", r.err, failureText(f))
			}
		})
	}
}

func TestAFailureWithoutJSONLeavesStandardOutputEmpty(t *testing.T) {
	for _, format := range []string{"", "name", "jsonpath={.primary}", "wide"} {
		r := newRig(t)
		r.engine = failing
		if code := r.run(pair("-o", format)...); code == ExitDone || r.out.String() != "" || r.err.String() == "" {
			t.Errorf("-o %q: exit code %d\n%s", format, code, r.out)
		}
	}
}

func TestAYAMLFailureIsYAML(t *testing.T) {
	r := newRig(t)
	r.engine = failing
	r.run(pair("-o", "yaml")...)
	if !strings.Contains(r.out.String(), "kind: Failure\n") {
		t.Errorf("got %s", r.out)
	}
}

func TestProgressStaysOffStandardOutput(t *testing.T) {
	r := newRig(t)
	r.engine = func(_ context.Context, o xsite.Options) (xsite.Result, error) {
		o.Observer.Observe(xsite.Event{Kind: xsite.Noted, Phase: xsite.PhasePush, Message: "half-way"})
		return sampleResult(), nil
	}
	if code := r.run(pair("--confirm", "site-b", "-o", "json")...); code != ExitDone {
		t.Fatal(r.err)
	}
	apitest.Valid(t, api.KindResult, r.out.String())
	if !strings.Contains(r.err.String(), "half-way") {
		t.Errorf("no progress on the error stream: %s", r.err)
	}
}

func TestSamplesFillEveryFieldThatIsPublished(t *testing.T) {
	plan, result := samplePlan(), sampleResult()
	plan.StalePushes = []xsite.StalePush{{From: xsite.Primary, Cache: "work", To: "site-b"}}
	for _, object := range []api.Object{planObject(plan, "site-a.site-b", xsite.VerifyKeys), resultObject(result, xsite.VerifyKeys), failureObject(errors.New("x"))} {
		apitest.ValidObject(t, object)
	}
	published := reflect.ValueOf(planContent(plan, xsite.VerifyKeys))
	for i := range published.NumField() {
		if published.Field(i).IsZero() {
			t.Errorf("the plan is published without %s", published.Type().Field(i).Name)
		}
	}
}
