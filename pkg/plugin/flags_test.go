package plugin

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

func TestWrongUseIsToldBeforeAnythingIsContacted(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no context":              {[]string{}, "--primary-context is required"},
		"one context":             {[]string{"--primary-context", "site-a"}, "--secondary-context is required"},
		"the example":             {[]string{}, "kubectl ispn-resync --primary-context site-a --secondary-context site-b"},
		"flags in one word":       {[]string{"status", "--primary-context site-a --secondary-context site-b"}, "the shell passed several flags as one word"},
		"shell misspelt":          {[]string{"completion", "bsh"}, "did you mean kubectl ispn-resync completion bash?"},
		"shell":                   {[]string{"completion", "elvish"}, `unknown argument "elvish"`},
		"shell with a word":       {[]string{"completion", "bash", "extra"}, `unknown argument "extra"`},
		"shell's folder":          {[]string{"completion", "install", "--dir", "/does/not/exist"}, "there is no folder /does/not/exist; make it"},
		"a file for a folder":     {[]string{"completion", "install", "--dir", "flags_test.go"}, "flags_test.go is not a folder"},
		"help of nothing":         {[]string{"help", "chek"}, "did you mean kubectl ispn-resync check?"},
		"help of a word":          {[]string{"help", "check", "everything"}, `unknown argument "everything"`},
		"undo":                    {[]string{"undo"}, "you probably want kubectl ispn-resync abort"},
		"preflight":               {[]string{"preflight"}, "you probably want kubectl ispn-resync check"},
		"plan":                    {[]string{"plan"}, "you probably want kubectl ispn-resync --dry-run"},
		"help of no phase":        {[]string{"help", "phase", "cler"}, "did you mean kubectl ispn-resync phase clear?"},
		"phase alone":             {[]string{"clear"}, "you probably want kubectl ispn-resync phase clear"},
		"dry":                     {[]string{"dry"}, "you probably want kubectl ispn-resync --dry-run"},
		"rollback":                {[]string{"rollback"}, "you probably want kubectl ispn-resync abort"},
		"lift alone":              {[]string{"lift"}, "you probably want kubectl ispn-resync fence --lift"},
		"prune alone":             {[]string{"prune"}, "you probably want kubectl ispn-resync history prune"},
		"resume":                  {[]string{"resume"}, "it also continues a run that did not finish"},
		"the way back":            {[]string{"fence", "--lift"}, "kubectl ispn-resync fence --lift --primary-context site-a"},
		"subcommand misspelt":     {pair("history", "purge"), `unknown argument "purge"`},
		"the pair for one site":   {[]string{"fence", "--primary-context", "site-a", "--secondary-context", "site-b"}, "fence contacts the primary only; leave it out"},
		"bare misspelt":           {pair("--contxt", "site-a"), "did you mean --primary-context or --secondary-context?"},
		"bare misspelt, one site": {[]string{"fence", "--namespce", "x"}, "did you mean --primary-namespace?"},
		"bare context":            {pair("--context", "site-a"), "--context does not say which of the two sites it is for: use --primary-context and --secondary-context"},
		"bare namespace":          {pair("-n", "keycloak"), "-n, --namespace does not say which of the two sites it is for: use --primary-namespace and --secondary-namespace"},
		"bare kubeconfig":         {pair("--kubeconfig", "x"), "use --primary-kubeconfig and --secondary-kubeconfig"},
		"bare beside it":          {append([]string{"status", "-n", "keycloak"}, pair()...), "use --primary-namespace and --secondary-namespace\n"},
		"bare with one site":      {[]string{"fence", "--context", "site-a"}, "which of the two sites it is for: use --primary-context\n"},
		"bare server":             {pair("-s", "x"), "use --primary-server and --secondary-server"},
		"same context twice":      {[]string{"--primary-context", "site-a", "--secondary-context", "site-a"}, `both sites are context "site-a"`},
		"context misspelt":        {[]string{"--primary-context", "site-a", "--secondary-context", "siteb"}, "did you mean site-b?"},
		"near to the other site":  {[]string{"--primary-context", "site-b", "--secondary-context", "siteb"}, "did you mean site-a?"},
		"context far off":         {[]string{"--primary-context", "production-eu", "--secondary-context", "site-b"}, "there are: site-a, site-b"},
		"kubeconfig missing":      {pair("--primary-kubeconfig", "/does/not/exist"), "reading the kubeconfig of the primary"},
		"command misspelt":        {[]string{"verion"}, "did you mean kubectl ispn-resync version?"},
		"argument":                {pair("everything"), `unknown argument "everything"`},
		"unknown flag":            {pair("--frobnicate"), "unknown flag: --frobnicate\n"},
		"unknown flag's help":     {pair("--frobnicate"), "see kubectl ispn-resync --help"},
		"flag misspelt":           {pair("--dryrun"), "did you mean --dry-run?"},
		"flag with underscore":    {pair("--dry_run"), "did you mean --dry-run?"},
		"flag of another tool":    {pair("--yes"), "did you mean --confirm?"},
		"shorthand of another":    {pair("-y"), "did you mean --confirm?"},
		"one dash too few":        {pair("-dry-run"), "did you mean --dry-run?"},
		"unknown shorthand":       {pair("-z"), "unknown shorthand flag: 'z' in -z\n       see"},
		"side misspelt":           {[]string{"--primary-ctx", "site-a"}, "did you mean --primary-context?"},
		"side of another guide":   {[]string{"--active-ctx", "site-a"}, "did you mean --primary-context?"},
		"stale side":              {[]string{"--stale-namespace", "sso"}, "did you mean --secondary-namespace?"},
		"of another command":      {[]string{"fence", "--lifft"}, "did you mean --lift?\n       see kubectl ispn-resync fence --help"},
		"sign misspelt":           {pair("--accept", "primary-smaler"), "did you mean primary-smaller?"},
		"no sign":                 {pair("--accept", "everything-at-once"), "there are: primary-keycloak-not-ready, primary-held-offline, primary-smaller"},
		"verify":                  {pair("--verify", "values"), "there are: keys, entries, sizes"},
		"verify misspelt":         {pair("--verify", "entires"), "did you mean entries?"},
		"fail-on misspelt":        {append([]string{"check", "--fail-on", "warnings"}, pair()...), "did you mean warning?"},
		"fail-on shortened":       {append([]string{"check", "--fail-on", "warn"}, pair()...), "did you mean warning?"},
		"verify in capitals":      {pair("--verify", "ENTRIES"), "did you mean entries?"},
		"sign shortened":          {pair("--accept", "primary-k"), "did you mean primary-keycloak-not-ready?"},
		"site shortened":          {append([]string{"rbac", "--only", "sec"}, pair()...), "did you mean secondary?"},
		"flag of diff":            {append([]string{"check", "--values"}, pair()...), "--values is a flag of kubectl ispn-resync diff\n"},
		"flag of the recovery":    {append([]string{"check", "--reason", "x"}, pair()...), "--reason is a flag of kubectl ispn-resync, "},
		"flag of a command":       {pair("--exit-code"), "--exit-code is a flag of kubectl ispn-resync status\n"},
		"shorthand of status":     {append([]string{"check", "-w"}, pair()...), "--watch is a flag of kubectl ispn-resync status\n"},
		"dry run of the client":   {pair("--dry-run=client"), "it always reads both sites and changes nothing; write --dry-run alone"},
		"dry run of the server":   {pair("--dry-run", "server"), "--dry-run=server: --dry-run takes no value"},
		"dry run of an abort":     {pair("abort", "--dry-run=server"), "write --dry-run alone"},
		"no dry run":              {pair("--dry-run=none"), "leave it out to have the work done"},
		"keycloak without a name": {pair("--keycloak", "deployment/"), "give it as TYPE/NAME"},
		"infinispan of a type":    {pair("--primary-infinispan", "pod/x"), "unknown type"},
		"verify limit":            {pair("--verify-limit", "much"), "not a number of bytes"},
		"verify limit zero":       {pair("--verify-limit", "0"), "not a number of bytes"},
		"empty cache":             {pair("--cache", "a,,b"), "--cache is given without a name, or with an empty one"},
		"instances":               {pair("--keycloak-instances", "0"), "at least 1 is started"},
		"pushes":                  {pair("--max-pushes", "-1"), "negative"},
		"timeout":                 {pair("--timeout", "-1s"), "--timeout -1s is too short"},
		"step timeout":            {pair("--step-timeout", "0"), "--step-timeout 0s is too short"},
		"keycloak none and other": {pair("--keycloak", "none,keycloak/keycloak"), "but another is named besides"},
		"port":                    {pair("--infinispan-port", "70000"), "not a valid port"},
		"scheme":                  {pair("--infinispan-scheme", "ftp"), "neither http nor https"},
		"transport misspelt":      {pair("--transport", "portforward"), "did you mean port-forward?"},
		"transport":               {pair("--transport", "telnet"), "there are: port-forward, exec"},
		"verbosity":               {pair("-v", "-1"), "negative"},
		"version output":          {[]string{"version", "-o", "xml"}, "did you mean yaml?"},
		"version argument":        {[]string{"version", "please"}, "unknown argument"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(c.args...); code != ExitUsage {
				t.Errorf("exit code %d, want %d", code, ExitUsage)
			}
			if !strings.Contains(r.err.String(), c.says) {
				t.Errorf("not said: %q in\n%s", c.says, r.err)
			}
			if len(r.connected) != 0 || r.out.String() != "" {
				t.Errorf("%d sites were contacted, standard output: %s", len(r.connected), r.out)
			}
		})
	}
}

// An example that is copied from an error must do what was asked for, and never the recovery instead.
func TestAMissingContextIsAnsweredWithAnExampleOfTheSameCommand(t *testing.T) {
	examples := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		r := newRig(t)
		words := strings.Fields(cmd.CommandPath())[2:] // without kubectl ispn-resync
		if cmd.Name() == "phase" {
			words = append(words, "stop")
		}
		code := r.run(words...)
		if strings.Contains(r.err.String(), "is required") {
			examples++
			want := "  " + strings.Join(append([]string{"kubectl", "ispn-resync"}, words...), " ") + " --primary-context site-a"
			if code != ExitUsage || !strings.Contains(r.err.String(), want) {
				t.Errorf("%s: exit code %d, no example of it in\n%s", cmd.CommandPath(), code, r.err)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(NewCommand(Deps{}))
	if examples < 8 {
		t.Errorf("only %d commands asked for a context", examples)
	}
}

func TestTheSameContextNameInTwoKubeconfigsIsTwoSites(t *testing.T) {
	r := newRig(t)
	a, b := writeKubeconfig(t, "admin"), writeKubeconfig(t, "admin")
	code := r.run("--primary-kubeconfig", a, "--primary-context", "admin", "--secondary-kubeconfig", b, "--secondary-context", "admin", "--dry-run")
	if code != ExitDone {
		t.Errorf("exit code %d: %s", code, r.err)
	}
	again := filepath.Join(filepath.Dir(a), ".", "..", filepath.Base(filepath.Dir(a)), "kubeconfig")
	code = r.run("--primary-kubeconfig", a, "--primary-context", "admin", "--secondary-kubeconfig", again, "--secondary-context", "admin", "--dry-run")
	if code != ExitUsage {
		t.Errorf("the same file under another spelling: exit code %d", code)
	}
}

func TestTheSidesShareNoSetting(t *testing.T) {
	primary, secondary := newSiteFlags(xsite.Primary), newSiteFlags(xsite.Secondary)
	seen := 0
	primary.flags.VisitAll(func(flag *pflag.Flag) {
		seen++
		name, _ := strings.CutPrefix(flag.Name, "primary-")
		other := secondary.flags.Lookup("secondary-" + name)
		if other == nil {
			t.Fatalf("the secondary has no form of %s", flag.Name)
		}
		if flag.Shorthand != "" {
			t.Errorf("%s has a shorthand", flag.Name)
		}
		before := other.Value.String()
		value := map[string]string{"bool": "true", "stringArray": "x=y"}[flag.Value.Type()]
		if value == "" {
			value = "changed"
		}
		if err := flag.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		if other.Value.String() != before {
			t.Errorf("%s changed the secondary", flag.Name)
		}
	})
	if seen < 19 {
		t.Errorf("only %d of kubectl's flags are there", seen)
	}
}

func TestFlagsReachTheConnector(t *testing.T) {
	r := newRig(t)
	code := r.run(pair("--dry-run", "--primary-namespace", "sso", "--infinispan", "infinispan/x", "--secondary-infinispan", "statefulset/y",
		"--keycloak", "keycloak/a", "--keycloak", "deployment/b", "--secondary-keycloak", "none", "--infinispan-secret", "s",
		"--primary-infinispan-secret", "p", "--infinispan-user", "u", "--infinispan-port", "11222", "--infinispan-scheme", "https",
		"--transport", "exec", "--insecure-skip-tls-verify-infinispan")...)
	if code != ExitDone {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	slices.SortFunc(r.connected, func(a, b connected) int { return strings.Compare(a.ContextName, b.ContextName) })
	want := []connected{
		{ContextName: "site-a", Infinispan: "infinispan/x", Keycloaks: []string{"keycloak/a", "deployment/b"}, Secret: "p"},
		{ContextName: "site-b", Infinispan: "statefulset/y", Keycloaks: []string{"none"}, Secret: "s"},
	}
	for i := range want {
		want[i].SecretUser, want[i].Port, want[i].Scheme, want[i].InsecureSkipTLSVerifyInfinispan = "u", 11222, "https", true
		want[i].Transport = kube.Exec
		want[i].UserAgent = r.connected[i].UserAgent
		namespace, _, err := r.connected[i].Getter.ToRawKubeConfigLoader().Namespace()
		if wanted := []string{"sso", "ns-of-site-b"}[i]; err != nil || namespace != wanted {
			t.Errorf("namespace %q, want %q (%v)", namespace, wanted, err)
		}
	}
	if diff := cmp.Diff(want, r.connected, cmpopts.IgnoreFields(connected{}, "Getter", "Warn", "Note", "Turn", "ObserveCall")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if turn := r.connected[0].Turn; turn == nil || turn != r.connected[1].Turn {
		t.Error("credential plugins of both sites may ask at once")
	}
	if !strings.Contains(r.err.String(), "NOT authenticated") {
		t.Errorf("nothing warns that servers are trusted blindly: %s", r.err)
	}
}

func TestKubectlsVariablesTurnWebSocketsOff(t *testing.T) {
	for name, c := range map[string]struct {
		env           map[string]string
		forward, exec bool
	}{
		"neither":      {},
		"port-forward": {env: map[string]string{"KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}, forward: true},
		"exec":         {env: map[string]string{"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "False"}, exec: true},
		"turned on":    {env: map[string]string{"KUBECTL_PORT_FORWARD_WEBSOCKETS": "true", "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.env = c.env
			if code := r.run(pair("--dry-run")...); code != ExitDone || len(r.connected) != 2 {
				t.Fatalf("exit code %d: %s", code, r.err)
			}
			for _, o := range r.connected {
				if o.SPDYForPortForward != c.forward || o.SPDYForExec != c.exec {
					t.Errorf("%s: SPDY for port-forward %t, for exec %t", o.ContextName, o.SPDYForPortForward, o.SPDYForExec)
				}
			}
		})
	}
}

func TestTheWayThatWasChosenIsSaidInOneLine(t *testing.T) {
	r := newRig(t)
	r.connects = func(o kube.Options) { o.Note("reached through exec\x1b[2J") }
	if code := r.run(pair("--dry-run")...); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, r.err)
	}
	for _, line := range []string{"primary: reached through exec^[[2J\n", "secondary: reached through exec^[[2J\n"} {
		if !strings.Contains(r.err.String(), line) {
			t.Errorf("%q was not said: %q", line, r.err)
		}
	}
}

func TestFlagsReachTheEngine(t *testing.T) {
	three := 3
	r := newRig(t)
	var got xsite.Options
	r.engine = func(_ context.Context, options xsite.Options) (xsite.Result, error) {
		got = options
		return xsite.Result{}, errors.New("enough")
	}
	r.run(pair("--cache", "a,b", "--cache", "c", "--all-caches", "--accept", "primary-smaller", "--linked", "site-b", "--verify", "entries",
		"--verify-limit", "1Ki", "--max-pushes", "2", "--step-timeout", "1m", "--stall-timeout", "2m", "--poll-interval", "1s",
		"--keycloak-instances", "3", "--keycloak", "none", "--reason", "drill")...)
	want := xsite.Options{
		Caches: []string{"a", "b", "c"}, AllCaches: true, Accept: []xsite.Sign{xsite.SignPrimarySmaller}, Linked: "site-b",
		Verify: xsite.VerifyEntries, VerifyLimit: 1024, MaxPushes: 2, StepTimeout: time.Minute, StallTimeout: 2 * time.Minute,
		PollInterval: time.Second, KeycloakInstances: &three, NoKeycloak: true, Reason: "drill", Who: "sam@desk", Tool: "kubectl-ispn-resync v0.0.0-dev",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(xsite.Options{}, "PrimaryCluster", "SecondaryCluster", "Confirm", "Observer", "Clock", "Command")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if p, s := got.PrimaryCluster.(*fakeSite).context, got.SecondaryCluster.(*fakeSite).context; p != "site-a" || s != "site-b" {
		t.Errorf("primary is %s, secondary %s", p, s)
	}
}

func TestATokenAppearsInNoOutput(t *testing.T) {
	const canary = "c4n4ry"
	secret := []string{"--primary-token", canary, "--secondary-token", canary, "--primary-proxy-url", "http://u:" + canary + "@proxy"}
	for name, args := range map[string][]string{
		"no terminal": pair(secret...),
		"dry run":     pair(append(secret, "--dry-run")...),
		"usage":       pair(append(secret, "--accept", "x")...),
		"bare token":  pair("--token", canary),
		"done":        pair(append(secret, "--confirm", "site-b")...),
		"help":        pair(append(secret, "--help")...),
		"misspelt":    pair("--primary-tokn", canary),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.run(args...)
			if all := r.out.String() + r.err.String(); strings.Contains(all, canary) || strings.Contains(all, "kubeconfig-canary") {
				t.Errorf("a secret is shown:\n%s", all)
			}
		})
	}
}

func TestKubeconfigsThatAreNotThereAreNamed(t *testing.T) {
	r := newRig(t)
	t.Setenv("KUBECONFIG", "/no/config")
	if code := r.run(pair()...); code != ExitUsage || !strings.Contains(r.err.String(), "none at all in /no/config (which cannot be read)") {
		t.Errorf("exit code %d, said %s", code, r.err)
	}
}
