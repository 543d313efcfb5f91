package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// What the engine tells to call must be what the user would type, with another kubeconfig as well as with the usual one.
func TestAnotherCommandForTheSameSitesHasTheFlagsThatItTakes(t *testing.T) {
	var command func(string) string
	r := newRig(t)
	r.engine = func(_ context.Context, options xsite.Options) (xsite.Result, error) {
		command = options.Command
		return xsite.Result{}, errors.New("ended")
	}
	r.run(pair("--primary-namespace", "my keycloak", "--secondary-namespace", "kc", "--max-pushes", "2", "--dry-run", "-o", "json")...)
	if command == nil {
		t.Fatal("the engine was not told")
	}
	const primary = " --primary-context site-a --primary-namespace 'my keycloak'"
	const both = primary + " --secondary-context site-b --secondary-namespace kc"
	for words, want := range map[string]string{
		"fence":                        "kubectl ispn-resync fence" + primary,
		"check":                        "kubectl ispn-resync check" + both,
		"abort --discard-journal 7f3a": "kubectl ispn-resync abort --discard-journal 7f3a" + both,
	} {
		if got := command(words); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A fence that is refused its way back needs to stay, not the same again.
func TestTheFenceThatIsOfferedIsNoWayBack(t *testing.T) {
	fence, _, err := NewCommand(Deps{}).Find([]string{"fence"})
	if err != nil {
		t.Fatal(err)
	}
	flags := fence.Flags()
	if err := flags.Parse([]string{"--primary-context", "site-a", "--lift"}); err != nil {
		t.Fatal(err)
	}
	if got := sister(fence.Root(), "fence", flags); got != "kubectl ispn-resync fence --primary-context site-a" {
		t.Error(got)
	}
}

func TestDataThatWasLostIsToldFirst(t *testing.T) {
	for risk, first := range map[string]string{"DATA OF THE PRIMARY WAS LOST: 3 keys": "data at risk: DATA", "none: all is there": "state: "} {
		var out strings.Builder
		writeError(&out, &xsite.RunError{Outcome: xsite.Failed, State: []string{"as it is"}, DataAtRisk: risk, Err: errors.New("ended")})
		if !strings.HasPrefix(out.String(), first) {
			t.Errorf("should begin with %q:\n%s", first, out.String())
		}
	}
}
