package report

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// written gives a report in the format of an ending.
func written(t *testing.T, ending string, r api.Report) string {
	t.Helper()
	var b strings.Builder
	if err := formats()["."+ending](&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheThreeFormatsTellTheSameStory(t *testing.T) {
	for name, r := range map[string]api.Report{
		"succeeded":   succeeded(),
		"failed":      stopped("", xsite.Failed),
		"aborted":     aborted(),
		"unreachable": unreachable(),
	} {
		for _, ending := range Endings() {
			t.Run(name+"."+ending, func(t *testing.T) { golden(t, name+"."+ending, written(t, ending, r)) })
		}
		apitest.Valid(t, api.KindReport, written(t, "json", r))
	}
}

func TestTheFormatsAreMadeFromTheReportAlone(t *testing.T) {
	r := succeeded()
	var read api.Report
	if err := json.Unmarshal([]byte(written(t, "json", r)), &read); err != nil {
		t.Fatal(err)
	}
	for _, ending := range Endings() {
		if written(t, ending, read) != written(t, ending, r) {
			t.Errorf("the .%s of a report that was read from its JSON is another", ending)
		}
	}
}

func TestAnInterruptedPhaseIsCanceledAndWhatIsAheadSkipped(t *testing.T) {
	for outcome, want := range map[xsite.Outcome]api.ReportStatus{xsite.Interrupted: api.ReportCanceled, xsite.Failed: api.ReportFailed} {
		r := stopped("", outcome)
		var got []api.ReportStatus
		for _, p := range r.Phases {
			if p.Name == string(xsite.PhasePush) {
				got = append(got, p.Status, p.Steps[0].Status, p.Steps[len(p.Steps)-1].Status)
			}
		}
		if !slices.Equal(got, []api.ReportStatus{want, api.ReportCanceled, want}) {
			t.Errorf("%s: push, its open step and its last are %v", outcome, got)
		}
		if last := r.Phases[len(r.Phases)-1]; last.Name != string(xsite.PhaseStart) || last.Status != api.ReportSkipped {
			t.Errorf("%s: the last phase is %s, %s", outcome, last.Name, last.Status)
		}
		after := r.Phases[slices.IndexFunc(r.Phases, func(p api.ReportPhase) bool { return p.Name == phaseAfter })]
		if after.TookSeconds != 2 || len(after.Steps) != 1 {
			t.Errorf("what was done after the failure: %+v", after)
		}
	}
}

func TestAReportOfARunThatGoesOnSaysSo(t *testing.T) {
	p := untilPush("")
	r := p.Snapshot()
	if r.Outcome != OutcomeUnfinished || r.ExitCode != nil {
		t.Errorf("outcome %q, exit code %v", r.Outcome, r.ExitCode)
	}
	if text := written(t, "md", r); !strings.Contains(text, "Not finished when this was written") {
		t.Errorf("Markdown:\n%s", text)
	}
	p.after(time.Second).cacheIs(xsite.CacheState{Cache: "sessions", State: "pushing", Done: 1, Counted: map[xsite.Role]int64{xsite.Secondary: 1}})
	if len(r.Caches[1].Entries) == len(p.Snapshot().Caches[1].Entries) {
		t.Error("a snapshot follows the run")
	}
}

func TestWaitsAreOneStepUntilSomethingElseHappens(t *testing.T) {
	for _, phase := range succeeded().Phases {
		if phase.Name != string(xsite.PhaseStop) {
			continue
		}
		if len(phase.Steps) != 2 || phase.Steps[0].Kind != KindWait || phase.Steps[0].TookSeconds != 6 || phase.Steps[0].Status != api.ReportPassed {
			t.Errorf("steps of stop: %+v", phase.Steps)
		}
	}
}

func TestAWaitThatEndsInAFailureHasNotPassed(t *testing.T) {
	p := newPlay().begin(xsite.PhasePush).tell(xsite.Event{Kind: xsite.Waiting, Message: "the probe's entry to arrive: not there yet"})
	p.after(8 * time.Second).end(errors.New("it did not arrive"))
	wait := p.Snapshot().Phases[0].Steps[0]
	if wait.Kind != KindWait || wait.Status != api.ReportCanceled || wait.TookSeconds != 8 {
		t.Errorf("the wait: %+v", wait)
	}
}

func TestARepeatedPushIsAStepOfItsOwn(t *testing.T) {
	p := untilPush("")
	p.cacheIs(xsite.CacheState{Cache: "sessions", State: "repeating", Attempt: 1})
	p.after(time.Second).cacheIs(xsite.CacheState{Cache: "sessions", State: "cleared", Counted: map[xsite.Role]int64{xsite.Secondary: 0}})
	p.after(time.Second).cacheIs(xsite.CacheState{Cache: "sessions", State: "pushing", Attempt: 2})
	r := p.after(time.Second).cacheIs(xsite.CacheState{Cache: "sessions", State: "pushed", Attempt: 2}).Snapshot()
	var got []string
	for _, s := range r.Phases[len(r.Phases)-1].Steps {
		got = append(got, s.Text+" "+string(s.Status))
	}
	want := []string{"actionTokens: pushing, 0 of 10 running", "sessions: repeating failed", "sessions: cleared passed", "sessions: pushed passed"}
	if !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	if c := r.Caches[1]; c.Pushes != 2 || c.PushTookSeconds != 1 {
		t.Errorf("cache %+v", c)
	}
}

func TestALongPushKeepsABoundedNumberOfReadings(t *testing.T) {
	p := untilPush("")
	for n := range int64(100_000) {
		p.after(time.Second).cacheIs(xsite.CacheState{Cache: "sessions", State: "pushing", Done: n, Attempt: 1, Counted: map[xsite.Role]int64{xsite.Secondary: n}})
	}
	counts := p.Snapshot().Caches[1].Entries
	if len(counts) > mostCounts || counts[0].Entries != 20000 || counts[1].Entries != 800 || counts[len(counts)-1].Entries != 99_999 {
		t.Errorf("%d readings, the last %+v", len(counts), counts[len(counts)-1])
	}
	if !slices.IsSortedFunc(counts, func(a, b api.ReportCount) int { return int(a.AtSeconds - b.AtSeconds) }) {
		t.Error("they are out of order")
	}
}

// TestStringsOfServersAreNoMarkup gives every string of a server all that means something in HTML, Markdown or a terminal.
func TestStringsOfServersAreNoMarkup(t *testing.T) {
	const hostile = "<script>alert(1)</script>\"'&amp;</title></style>|[x](javascript:y)`**__~~\x1b[2J\r\n# h\u202e@all<!--"
	r := stopped(hostile, xsite.Failed)
	page := written(t, "html", r)
	if i := strings.IndexAny(page, "\x1b\r\u202e"); i >= 0 {
		t.Errorf("HTML lets %q through", page[max(0, i-20):i+5])
	}
	for _, markup := range []string{"<script", "</title>", "</style>", "<!--", "javascript:y\"", "&amp;amp;\""} {
		if n := strings.Count(strings.ToLower(page), markup); n > map[string]int{"</title>": 1 + 2, "</style>": 1}[markup] {
			t.Errorf("HTML has %d times %q", n, markup)
		}
	}
	text := written(t, "md", r)
	if i := strings.IndexAny(text, "\x1b\r\u202e"); i >= 0 {
		t.Errorf("Markdown lets %q through", text[max(0, i-20):i+5])
	}
	prose, _, _ := strings.Cut(text, "\n## Error") // what follows is a block of code
	for name, markup := range map[string]string{
		"HTML": `<[a-z/!]`, "a link": `(^|[^\\])\]\(`, "code": "(^|[^\\\\])`", "a mention": `@`, "strong text": `\w\*\*__`, "struck text": `(^|[^\\])~~`,
	} {
		if found := regexp.MustCompile(markup).FindString(prose); found != "" {
			t.Errorf("Markdown has %s: %q", name, found)
		}
	}
	for line := range strings.Lines(prose) {
		if strings.HasPrefix(line, "| ") && strings.Count(line, "|")-strings.Count(line, `\|`) > 10 {
			t.Errorf("a cell of a table ends early: %s", line)
		}
	}
}

func TestThePageAsksForNothingAndRunsNothing(t *testing.T) {
	page := written(t, "html", succeeded())
	for _, wish := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "src=", "href=", "onload", "<form"} {
		if strings.Contains(page, wish) {
			t.Errorf("the page has %s", wish)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Error("the page does not forbid what it does not need")
	}
}

func TestEveryOutcomeHasAVerdict(t *testing.T) {
	seen := map[string]string{}
	for _, outcome := range []string{
		OutcomeSucceeded, OutcomeChecked, OutcomeUnfinished, string(xsite.Refused), string(xsite.Held), string(xsite.NotConfirmed),
		string(xsite.Interrupted), string(xsite.Failed), string(xsite.NotReady),
	} {
		says := verdict(outcome)
		if other, same := seen[says]; same {
			t.Errorf("%s and %s say the same: %s", outcome, other, says)
		}
		seen[says] = outcome
	}
	if verdict("new") != "Failed." {
		t.Error("an outcome that is not known does not count as a failure")
	}
}

func TestMarkdownAtTheBeginningOfALine(t *testing.T) {
	for text, want := range map[string]string{
		"# x": `\# x`, "1. x": "&#49;. x", "2026 x": "2026 x", "- x": `\- x`, "    x": "&#32;   x", "a_b": `a\_b`, "plain": "plain",
	} {
		if got := markdown(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
