package plugin

import (
	"strings"
	"testing"
)

// wantWrongUse fails unless a command line is refused as wrong use, with these words, before a site is contacted.
func wantWrongUse(t *testing.T, says string, args ...string) {
	t.Helper()
	r := newRig(t)
	if code := r.run(args...); code != ExitUsage {
		t.Errorf("exit code %d, want %d", code, ExitUsage)
	}
	if !strings.Contains(r.err.String(), says) {
		t.Errorf("does not say %q:\n%s", says, r.err)
	}
	if len(r.connected) != 0 || r.out.String() != "" {
		t.Errorf("%d sites were contacted, standard output: %s", len(r.connected), r.out)
	}
}

// A variable that is empty in a script must not make one cache all caches.
func TestAFlagThatChoosesByNameIsRefusedWithoutAName(t *testing.T) {
	for name, c := range map[string]struct {
		flag string
		args []string
	}{
		"a recovery":            {"cache", pair("--confirm", "site-b", "--cache=")},
		"as a word of its own":  {"cache", pair("--confirm", "site-b", "--cache", "")},
		"twice":                 {"cache", pair("--confirm", "site-b", "--cache=", "--cache=")},
		"a phase":               {"cache", append([]string{"phase", "preflight"}, pair("--cache=")...)},
		"a check":               {"cache", append([]string{"check"}, pair("--cache=")...)},
		"a comparison":          {"cache", append([]string{"diff"}, pair("--cache=")...)},
		"one of two to compare": {"cache", append([]string{"diff"}, pair("--cache=a,")...)},
		"a look":                {"cache", append([]string{"status"}, pair("--cache=")...)},
		"one of two to look at": {"cache", append([]string{"status"}, pair("--cache=a,")...)},
		"a record":              {"discard-journal", append([]string{"abort"}, pair("--confirm", "site-b", "--discard-journal=")...)},
		"the Roles of a site":   {"only", append([]string{"rbac"}, pair("--only=")...)},
	} {
		t.Run(name, func(t *testing.T) { wantWrongUse(t, "--"+c.flag+" is given without a name", c.args...) })
	}
}

func TestWhatTheKubeconfigDoesNotHaveIsAMistakeOnTheCommandLine(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a cluster near to one":  {pair("--primary-cluster", "site-aa"), `--primary-cluster: the kubeconfig has no cluster "site-aa"; did you mean site-a?`},
		"a cluster far off":      {pair("--secondary-cluster", "production"), `no cluster "production"; there are: site-a, site-b`},
		"a user near to one":     {pair("--secondary-user", "admn"), `--secondary-user: the kubeconfig has no user "admn"; did you mean admin?`},
		"a user far off":         {append([]string{"status"}, pair("--primary-user", "kim")...), `--primary-user: the kubeconfig has no user "kim"; there are: admin`},
		"a file that is missing": {pair("--secondary-kubeconfig", "nofile"), "reading the kubeconfig of the secondary, given with --secondary-kubeconfig: "},
	} {
		t.Run(name, func(t *testing.T) { wantWrongUse(t, c.says, c.args...) })
	}
}
