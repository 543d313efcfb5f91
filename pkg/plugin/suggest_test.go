package plugin

import (
	"strings"
	"testing"
)

// said tells what a command line that is used wrong is answered with. Nothing may be contacted for it.
func said(t *testing.T, args ...string) string {
	t.Helper()
	r := newRig(t)
	if code := r.run(args...); code != ExitUsage || len(r.connected) > 0 || r.out.String() != "" {
		t.Errorf("%v: exit code %d, %d sites contacted, standard output %q", args, code, len(r.connected), r.out)
	}
	return r.err.String()
}

func TestAFlagOfOtherToolsIsAnsweredWithWhatDoesItHere(t *testing.T) {
	const more = "-v=6 logs each request to standard error"
	const calm = "progress goes to standard error, and the result alone to standard output"
	for line, want := range map[string]string{
		"--to site-b":             "did you mean --secondary-context?",
		"--from site-a":           "did you mean --primary-context?",
		"--primary site-a":        "did you mean --primary-context?",
		"--secondary=site-b":      "did you mean --secondary-context?",
		"fence --to site-b":       "kubectl ispn-resync fence contacts the primary only; leave it out",
		"fence --stale-namespace": "kubectl ispn-resync fence contacts the primary only; leave it out",
		"--in-cluster":            "two contexts of a kubeconfig, one for each site",
		"check --in_cluster":      "/docs/job.md\n",
		"--version":               "it is a command: kubectl ispn-resync version\n",
		"status -V":               "it is a command: kubectl ispn-resync version\n",
		"--verbose":               more,
		"fence --debug":           more,
		"-verbose":                `-v "erbose" is not a whole number: write it in digits, e.g. -v 3; ` + more,
		"-v=debug":                "; " + more,
		"--quiet":                 "--quiet: " + calm,
		"diff --silent":           calm,
		"check -q":                "-q: --short leaves out the checks that passed; " + calm,
		"--no-color":              "NO_COLOR=1 in the environment",
		"history --no_colour":     "NO_COLOR=1 in the environment",
		"--force":                 "--accept SIGN accepts one thing that speaks against the run",
		"abort --force":           "nothing overrides the checks; --confirm SITE answers the question\n",
		"status -f":               "unknown shorthand flag: 'f' in -f\n       see",
		"check --force":           "unknown flag: --force\n       see",
		"--resume":                "the same command continues a run that did not finish",
		"fence --wait":            "--step-timeout bounds the wait for one thing",
		"status --json":           "write -o json\n",
		"--dry":                   "did you mean --dry-run?",
		"--xy":                    "unknown flag: --xy\n",
	} {
		if got := said(t, strings.Fields(line)...); !strings.Contains(got, want) {
			t.Errorf("%s is not answered with %q:\n%s", line, want, got)
		}
	}
}

func TestAWordThatIsNoCommandIsAnsweredWithTheCommandThatWasMeant(t *testing.T) {
	for line, want := range map[string]string{
		"start":           "kubectl ispn-resync phase start: the last phase, which starts Keycloak of the secondary\n       or kubectl ispn-resync without a command,",
		"Stop":            "you probably want kubectl ispn-resync phase stop\n",
		"offline":         "kubectl ispn-resync phase offline\n",
		"push-state":      "kubectl ispn-resync phase push\n",
		"cler":            "did you mean kubectl ispn-resync phase clear?",
		"verfy":           "did you mean kubectl ispn-resync phase verify?",
		"sta":             "did you mean kubectl ispn-resync status or kubectl ispn-resync phase start?",
		"help start":      "kubectl ispn-resync phase start: ",
		"watch":           "kubectl ispn-resync status --watch\n",
		"plan":            "kubectl ispn-resync --dry-run, with the contexts of both sites\n",
		"heal":            "kubectl ispn-resync without a command, with the contexts of both sites: the whole recovery",
		"completion pwsh": "did you mean kubectl ispn-resync completion powershell?",
		"completion PS1":  "did you mean kubectl ispn-resync completion powershell?",
		"history p":       "did you mean kubectl ispn-resync history prune?",
	} {
		if got := said(t, strings.Fields(line)...); !strings.Contains(got, want) {
			t.Errorf("%s is not answered with %q:\n%s", line, want, got)
		}
	}
}

// What is copied from the answer must be about the same sites, and must not do at once what was only to be looked at.
func TestTheCommandThatWasMeantHasTheFlagsThatWereGiven(t *testing.T) {
	const sites = "--primary-context site-a --secondary-context site-b"
	for line, want := range map[string]string{
		"stop --dry-run " + sites:         "phase stop --dry-run " + sites + "\n",
		"plan --dry-run " + sites:         "want kubectl ispn-resync --dry-run " + sites + "\n",
		"undo --max-pushes 2 " + sites:    "abort " + sites + "\n",
		"start --confirm site-b " + sites: "or kubectl ispn-resync " + sites + ": the whole recovery",
	} {
		if got := said(t, strings.Fields(line)...); !strings.Contains(got, want) {
			t.Errorf("%s is not answered with %q:\n%s", line, want, got)
		}
	}
}
