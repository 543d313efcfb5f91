package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// told is what the tests read of a report.
type told struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Outcome  string      `json:"outcome"`
	ExitCode int         `json:"exitCode"`
	Reason   string      `json:"reason"`
	State    []string    `json:"state"`
	Phases   []toldPhase `json:"phases"`
	Caches   []toldCache `json:"caches"`
}

// toldPhase is a phase of a report.
type toldPhase struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// toldCache is a cache of a report.
type toldCache struct {
	Name    string `json:"name"`
	Kept    int64  `json:"kept"`
	Pushes  int    `json:"pushes"`
	State   string `json:"state"`
	Entries []any  `json:"entries"`
}

// reports are the flags for a report in every format, in a folder.
func reports(dir string) []string {
	var flags []string
	for _, ending := range []string{"html", "md", "json"} {
		flags = append(flags, "--report", filepath.Join(dir, "run."+ending))
	}
	return flags
}

// readStory reads the report and checks that no format holds a password, or a key or a value that [makeStale] wrote.
func readStory(t *testing.T, dir string) told {
	t.Helper()
	secrets := []string{"only-on-b", "newer-0"}
	for _, s := range pair.Sites() {
		secret, err := s.Kube().CoreV1().Secrets(sites.Namespace).Get(t.Context(), "infinispan-generated-operator-secret", metav1.GetOptions{})
		must(t, err)
		secrets = append(secrets, string(secret.Data["password"]))
	}
	for _, ending := range []string{"html", "md", "json"} {
		text, err := os.ReadFile(filepath.Join(dir, "run."+ending))
		must(t, err)
		for _, secret := range secrets {
			if secret == "" || strings.Contains(string(text), secret) {
				t.Errorf("the .%s holds a secret, or there is none to look for", ending)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	must(t, err)
	var story told
	must(t, json.Unmarshal(text, &story))
	return story
}

// describe gives what kubectl tells of an object.
func describe(t *testing.T, s *sites.Site, object string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), pair.Kubectl(), "--kubeconfig", pair.Kubeconfig(), "--context", s.Name, "describe", object)
	text, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return string(text)
}

// mustTell checks that an object of a site tells the reasons in order, each with the run.
func mustTell(t *testing.T, run string, reasons ...string) {
	t.Helper()
	for _, s := range pair.Sites() {
		for _, object := range []string{"infinispan/infinispan", "keycloak/keycloak"} {
			_, events, _ := strings.Cut(describe(t, s, object), "\nEvents:")
			var got []string
			for line := range strings.Lines(events) {
				if fields := strings.Fields(line); len(fields) > 2 && strings.Contains(line, "(run "+run+" by ") {
					got = append(got, fields[1])
				}
			}
			slices.Sort(got) // describe sorts by seconds
			want := slices.Sorted(slices.Values(reasons))
			if !slices.Equal(got, want) {
				t.Errorf("%s of %s tells %q of run %s, want %q:\n%s", object, s.Name, got, run, want, events)
			}
		}
	}
}

// TestARunTellsItsStory: a report in every format, and Events on the resources of both sites.
func TestARunTellsItsStory(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 4000)
	dir := t.TempDir()
	resync(t, straight(append(reports(dir), "--reason", "outage of Tuesday")...)...).mustSucceed(t)
	mustBeRecovered(t, truth)
	story := readStory(t, dir)
	if story.Outcome != "succeeded" || story.Reason != "outage of Tuesday" || len(story.Caches) != 8 {
		t.Errorf("report: %+v", story)
	}
	for _, c := range story.Caches {
		if c.State != "equal" || c.Pushes != 1 || c.Kept != int64(len(truth[c.Name])) || len(c.Entries) < 4 {
			t.Errorf("cache %+v", c)
		}
	}
	mustTell(t, story.Metadata.Name, "ResyncStarted", "KeycloakScaledDown", "SiteTakenOffline", "CachesCleared", "StateTransferStarted",
		"StateTransferCompleted", "ContentsVerified", "SiteBroughtOnline", "KeycloakStarted", "ResyncCompleted")
}

// TestAnInterruptedRunAndItsAbortTellTheirStory interrupts the push, and kills a run in it.
func TestAnInterruptedRunAndItsAbortTellTheirStory(t *testing.T) {
	fresh(t, sites.Sync)
	makeStale(t, 400)
	dir := t.TempDir()
	run := begin(t, pair, straight(reports(dir)...)...)
	run.until(t.Context(), "sessions: pushing")
	must(t, run.command.Process.Signal(os.Interrupt))
	run.wait().mustEnd(t, 5, "report: "+filepath.Join(dir, "run.html"))
	story := readStory(t, dir)
	if story.Outcome != "interrupted" || story.ExitCode != 5 || len(story.State) == 0 {
		t.Errorf("report: %+v", story)
	}
	for _, phase := range story.Phases {
		if want, known := map[string]string{"clear": "passed", "push": "canceled", "verify": "skipped"}[phase.Name]; known && phase.Status != want {
			t.Errorf("phase %s is %s, want %s", phase.Name, phase.Status, want)
		}
	}
	mustTell(t, story.Metadata.Name, "ResyncStarted", "KeycloakScaledDown", "SiteTakenOffline", "CachesCleared", "StateTransferStarted",
		"StateTransferFailed", "ResyncInterrupted")

	dir = t.TempDir()
	resync(t, append([]string{"abort", "--discard-sessions"}, straight(reports(dir)...)...)...).mustSucceed(t)
	if story := readStory(t, dir); story.Outcome != "succeeded" {
		t.Errorf("report of the abort: %+v", story)
	}

	dir = t.TempDir()
	begin(t, pair, straight(reports(dir)...)...).kill(t.Context(), "sessions: pushing")
	if story := readStory(t, dir); story.Outcome != "unfinished" {
		t.Errorf("report of the killed run: %+v", story)
	}
	dropLeases(t)
	resync(t, straight()...).mustSucceed(t)
}

// TestARefusedRunLeavesAReportAndNoEvent changes nothing, and so has nothing to tell on the resources.
func TestARefusedRunLeavesAReportAndNoEvent(t *testing.T) {
	fresh(t, sites.Sync)
	dir := t.TempDir()
	resync(t, straight(append(reports(dir), "--cache", "nothing")...)...).mustEnd(t, 3, "checks-first:")
	if story := readStory(t, dir); story.Outcome != "refused" || story.ExitCode != 3 {
		t.Errorf("report: %+v", story)
	}
	dir = t.TempDir()
	resync(t, straight(append(reports(dir), "--dry-run")...)...).mustSucceed(t)
	story := readStory(t, dir)
	if story.Outcome != "checked" {
		t.Errorf("report: %+v", story)
	}
	mustTell(t, story.Metadata.Name)
}

// TestWithoutTheRightToLeaveEventsARunWarnsAndPasses runs as a user with the required rights only.
func TestWithoutTheRightToLeaveEventsARunWarnsAndPasses(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	dir := t.TempDir()
	kubeconfig := asUser(t, "required", printedRoles(t, "--no-optional"))
	out := beginWith(t, kubeconfig, straight(reports(dir)...)...).wait().mustSucceed(t)
	mustBeRecovered(t, truth)
	for _, place := range []string{"primary (context site-a", "secondary (context site-b"} {
		if want := place + ", namespace keycloak, infinispan/infinispan): this user may not create events"; !strings.Contains(out.stderr, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	mustTell(t, readStory(t, dir).Metadata.Name)
}
