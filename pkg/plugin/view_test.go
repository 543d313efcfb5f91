package plugin

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestThePlanShowsBothSitesAndEveryStep(t *testing.T) {
	for name, c := range map[string]struct {
		view   view
		verify xsite.Verification
	}{
		"plan":        {view{columns: 80}, xsite.VerifyKeys},
		"plan_narrow": {view{columns: 50, terminal: true}, xsite.VerifySizes},
		"plan_colour": {view{columns: 80, terminal: true, colour: true}, xsite.VerifyKeys},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, planText(planContent(samplePlan(), c.verify), c.view)) })
	}
}

func TestThePlanFitsTheScreenAndLosesNothing(t *testing.T) {
	plan := samplePlan()
	for _, columns := range []int{50, 60, 72, 73, 80, 100, 200} {
		text := planText(planContent(plan, xsite.VerifyKeys), view{columns: columns})
		box, _, _ := strings.Cut(text, "\n\n")
		joined := strings.NewReplacer("|", "", " ", "", "\n", "").Replace(box)
		for line := range strings.Lines(box) {
			if width(strings.TrimSuffix(line, "\n")) >= columns {
				t.Errorf("at %d columns a line of the box is %d wide: %q", columns, width(line)-1, line)
			}
		}
		if columns < sideBySide && !strings.Contains(joined, plan.Secondary.Place.Server) {
			t.Errorf("at %d columns the server's URL is not whole:\n%s", columns, box)
		}
	}
}

func TestALongServerURLIsBrokenNotCut(t *testing.T) {
	_, side := boxSides(planContent(samplePlan(), xsite.VerifyKeys))
	var whole strings.Builder
	for _, line := range side.lines([2]string{"server", samplePlan().Secondary.Place.Server}, 30) {
		whole.WriteString(strings.TrimSpace(strings.TrimPrefix(line, "server")))
	}
	if whole.String() != samplePlan().Secondary.Place.Server {
		t.Errorf("the URL became %q", whole.String())
	}
}

func TestWhatComesFromAClusterCannotDriveTheTerminal(t *testing.T) {
	const evil = "x\x1b[2J\r\u009b1m\u202eb\ny"
	plan := samplePlan()
	plan.RunID = evil
	plan.Warnings = []string{evil}
	plan.LeftAlone = map[string]string{evil: evil}
	plan.Secondary.StartCounts = map[string]int{evil: 1}
	for _, site := range []*xsite.SitePlan{&plan.Primary, &plan.Secondary} {
		site.Name, site.Version, site.Keycloaks[0].Ref = evil, evil, evil
		site.Place = xsite.Place{Context: evil, Server: evil, Namespace: evil, Infinispan: evil}
	}
	plan.Caches[0].Name, plan.Caches[0].RemoteName, plan.Caches[0].Strategy = evil, evil+"2", evil
	result := sampleResult()
	result.Plan, result.Remarks = plan, []string{evil}
	result.Caches[0].Name, result.Caches[0].Compared = evil, evil

	var failed strings.Builder
	writeError(&failed, &xsite.RunError{Outcome: xsite.Failed, Err: evilError(evil), State: []string{evil}, DataAtRisk: evil, Next: evil})
	for name, text := range map[string]string{
		"plan": planText(planContent(plan, xsite.VerifyKeys), view{columns: 80}), "summary": summaryText(resultObject(result, xsite.VerifyKeys), view{columns: 80}), "error": failed.String(),
	} {
		if i := strings.IndexAny(text, "\x1b\r\u009b\u202e"); i >= 0 {
			t.Errorf("%s lets %q through", name, text[max(0, i-20):i+5])
		}
	}
}

type evilError string

func (e evilError) Error() string { return string(e) }

func TestTheSummaryTellsWhatWasDoneAndWhatIsLeft(t *testing.T) {
	golden(t, "summary", summaryText(resultObject(sampleResult(), xsite.VerifyKeys), view{columns: 80}))
}

func TestARunThatComparedSizesOnlySaysSoLoudly(t *testing.T) {
	result := sampleResult()
	if !strings.Contains(summaryText(resultObject(result, xsite.VerifyKeys), view{columns: 80}), "WARNING: caches compared by sizes") {
		t.Error("nothing is said about the cache that was compared by sizes")
	}
	result.Caches = result.Caches[:1]
	if strings.Contains(summaryText(resultObject(result, xsite.VerifyKeys), view{columns: 80}), "WARNING") {
		t.Error("a warning stands where all was compared by keys")
	}
}

func TestAPlanWithoutKeycloakSaysSo(t *testing.T) {
	plan := samplePlan()
	plan.Secondary.Keycloaks, plan.Secondary.StartCounts, plan.Secondary.ReadyKeycloakPods = nil, nil, 0
	text := planText(planContent(plan, xsite.VerifyKeys), view{columns: 80})
	for _, want := range []string{"no Keycloak to stop", "no Keycloak to start", "keycloak  none"} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan does not say %q:\n%s", want, text)
		}
	}
}

func TestAPlanSpeaksOfTheKeycloakThatThereIs(t *testing.T) {
	plan := samplePlan()
	plan.Secondary.Keycloaks[0].Instances = 0 // it was stopped before
	if text := planText(planContent(plan, xsite.VerifyKeys), view{columns: 120}); !strings.Contains(text, "set keycloak/keycloak to 0 instances, as it is, and wait") {
		t.Errorf("a Keycloak that is down:\n%s", text)
	}
	plan.Secondary.Keycloaks, plan.Secondary.StartCounts = nil, nil
	if text := planText(planContent(plan, xsite.VerifyKeys), view{columns: 120}); !strings.Contains(text, "It takes about 2m30s. Run") || strings.Contains(text, "is down for") {
		t.Errorf("no Keycloak:\n%s", text)
	}
}
