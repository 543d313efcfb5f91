package plugin

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestVersionContactsOnlyWhatItWasGiven(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{{nil, 0}, {[]string{"--primary-context", "site-a"}, 1}, {[]string{"--secondary-context", "site-b"}, 1}, {pair(), 2}, {[]string{"--client", "--secondary-context", "site-b"}, 0}} {
		r := newRig(t)
		r.versions = map[string]xsite.SiteVersions{"site-a": {Infinispan: []string{"15.0.21.Final"}}, "site-b": {Infinispan: []string{"15.0.21.Final"}}}
		code := r.run(append([]string{"version", "-o", "json"}, c.args...)...)
		v, ok := apitest.Valid(t, api.KindVersion, r.out.String()).(*api.Version)
		if code != ExitDone || !ok || len(r.connected) != c.want || len(r.closed) != c.want || len(v.Warnings) > 0 {
			t.Errorf("%v: exit code %d, %d sites\n%s", c.args, code, len(r.connected), r.out)
		}
		if (v.Primary != nil) != strings.Contains(strings.Join(c.args, " "), "site-a") {
			t.Errorf("%v: primary %+v", c.args, v.Primary)
		}
	}
	r := newRig(t)
	if code := r.run("version", "--primary-context", "site-x"); code != ExitUsage {
		t.Errorf("a context that does not exist: exit code %d", code)
	}
}

func TestVersionsThatDoNotFitTogetherAreToldAndASiteThatDoesNotAnswerToo(t *testing.T) {
	r := newRig(t)
	r.versions = map[string]xsite.SiteVersions{
		"site-a": {Infinispan: []string{"15.0.21.Final", "15.2.6.Final"}, OpenRuns: []string{"kubectl-ispn-resync v0.9.0"}},
		"site-b": {Infinispan: []string{"17.1.0.Final"}, OpenRuns: []string{"kubectl-ispn-resync v0.9.0", "kubectl-ispn-resync v0.0.0-dev"}},
	}
	if code := r.run(append([]string{"version"}, pair()...)...); code != ExitDone {
		t.Fatal(r.err)
	}
	_, sites, _ := strings.Cut(r.out.String(), "\n")
	golden(t, "version", sites)
	r = newRig(t)
	r.refuse["site-b"] = errors.New("no route to " + evilName)
	if code := r.run(append([]string{"version"}, pair()...)...); code != ExitDone || !strings.Contains(r.out.String(), "x^[[2J") {
		t.Errorf("exit code %d: %s", code, r.out)
	}
}

// A site without Infinispan is where it is about to be installed, or where the context is wrong: what is known helps there.
func TestTheVersionOfKubernetesIsToldWithoutInfinispanToo(t *testing.T) {
	r := newRig(t)
	r.versions = map[string]xsite.SiteVersions{"site-a": {Infinispan: []string{"15.0.21.Final"}}}
	r.refuse["site-b"], r.kubernetes = errors.New("no Infinispan was found"), map[string]string{"site-b": "v1.35.4"}
	if code := r.run(append([]string{"version", "-o", "json"}, pair()...)...); code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	v, ok := apitest.Valid(t, api.KindVersion, r.out.String()).(*api.Version)
	if !ok || v.Secondary.Kubernetes != "v1.35.4" || !strings.HasSuffix(v.Secondary.Problem, "no Infinispan was found") || len(v.Warnings) != 1 {
		t.Errorf("told is\n%s", r.out)
	}
}

func TestVersionOfSitesThatAreAllAwayIsNoSuccess(t *testing.T) {
	r := newRig(t)
	r.refuse["site-a"], r.refuse["site-b"] = errors.New("no route"), errors.New("no route")
	if code := r.run(append([]string{"version"}, pair()...)...); code != ExitUnexpected || !strings.Contains(r.out.String(), "v0.0.0-dev") {
		t.Errorf("exit code %d: %s", code, r.out)
	}
}

func TestAnAPIServerThatTheClientIsNotMadeForIsWarnedOf(t *testing.T) {
	for server, warned := range map[string]bool{
		"v1.35.9": true, "v1.36.0": false, "v1.37.2-gke.100": false, "v1.38.1+k3s1": false, "v1.39.0": true, "v1.33.5-eks-1a2b3c4": true, "v2.37.0": true,
		"": false, "nightly": false,
	} {
		warnings := skews(&api.Version{Primary: &api.SiteVersion{Context: "site-a", Kubernetes: server}}, nil)
		if got := strings.Contains(strings.Join(warnings, "\n"), "of context site-a: this program has the client of 1.37"); got != warned {
			t.Errorf("%q: %q", server, warnings)
		}
	}
}

func TestTheClientIsThatOfTheModule(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("k8s.io/client-go v0.%d.", kubernetesMinor); !strings.Contains(string(module), want) {
		t.Errorf("go.mod has no %s", want)
	}
}
