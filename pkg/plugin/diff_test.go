package plugin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

// sampleDiff has every kind of difference, and what a terminal would obey.
func sampleDiff() xsite.DiffReport {
	return xsite.DiffReport{
		Primary: "site-a", Secondary: "site-b", Took: 1300 * time.Millisecond,
		Caches: []xsite.CacheDiff{
			{Name: "actionTokens", RemoteName: "actionTokens", Found: compare.Result{Way: compare.WayEntryKeys, PrimaryEntries: 10, SecondaryEntries: 10}},
			{Name: "offlineClientSessions", RemoteName: "offlineClientSessions", Found: compare.Result{
				Way: compare.WayEntries, PrimaryEntries: 1200300, SecondaryEntries: 17, MissingOnSecondary: 1200285, ExtraOnSecondary: 2, Different: 15,
				Moving: 1, Shown: []compare.Difference{
					{Kind: compare.KindDifferent, Key: `"d"`},
					{Kind: compare.KindExtra, Key: `"` + evilName + `"`},
					{Kind: compare.KindMissing, Key: `{"_type":"org.keycloak.K","id":"1"}`},
					{Kind: compare.KindMissing, Key: `"m"`},
				},
			}},
			{Name: "sessions", RemoteName: "sessions", Found: compare.Result{Way: compare.WaySizes, Why: compare.ReasonLimit, PrimaryEntries: 20, SecondaryEntries: 20}},
			{Name: "work", RemoteName: "work", Found: compare.Result{Way: compare.WayKeys, Why: compare.ReasonNotListable, Partial: true}},
		},
	}
}

func TestTheDiffShowsWhatDiffersAndKeysEscaped(t *testing.T) {
	for name, v := range map[string]view{"diff": {columns: 80, terminal: true}, "diff_narrow": {columns: 40, terminal: true}} {
		object := diffObject(sampleDiff(), "site-a.site-b")
		apitest.ValidObject(t, object)
		text, err := textOf(object, v)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, text)
		if strings.Contains(text, evilName) {
			t.Error("a key reaches the terminal as it is")
		}
	}
	equal := sampleDiff()
	equal.Caches = equal.Caches[:1]
	text, err := textOf(diffObject(equal, "site-a.site-b"), view{columns: 80})
	if err != nil || !strings.HasPrefix(text, "EQUAL: no difference found in 1 cache") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestDiffTellsByItsExitCode(t *testing.T) {
	r := newRig(t)
	if code := r.run(append([]string{"diff"}, pair("--cache", "work", "--values", "--show", "7", "--verify-limit", "1Mi")...)...); code != ExitOutOfSync || r.out.String() == "" {
		t.Errorf("exit code %d\n%s", code, r.err)
	}
	if o := r.compared; !slices.Equal(o.Caches, []string{"work"}) || !o.Values || o.Show != 7 || o.VerifyLimit != 1<<20 {
		t.Errorf("compared with %+v", o)
	}
	r = newRig(t)
	r.differs.Caches = r.differs.Caches[:1]
	if code := r.run(append([]string{"diff"}, pair()...)...); code != ExitDone || r.compared.Show != 0 || r.compared.Values {
		t.Errorf("exit code %d", code)
	}
}

func TestNoKeyIsWrittenThatWasNotAskedFor(t *testing.T) {
	report := sampleDiff()
	for i := range report.Caches {
		report.Caches[i].Found.Shown = nil
	}
	object, err := api.ThroughJSON(diffObject(report, "x"))
	if err != nil {
		t.Fatal(err)
	}
	d, ok := object.(*api.Diff)
	if !ok || slices.ContainsFunc(d.Caches, func(c api.DiffCache) bool { return c.Keys != nil }) {
		t.Errorf("got %+v", d)
	}
}

func TestADiffThatCannotBeMadeIsAFailure(t *testing.T) {
	r := newRig(t)
	r.diff = func(context.Context, xsite.DiffOptions) (xsite.DiffReport, error) {
		return xsite.DiffReport{}, &xsite.RunError{Outcome: xsite.Refused, Phase: xsite.PhaseDiff, Err: errors.New("site-b does not answer"), State: []string{nothingChanged}}
	}
	if code := r.run(append([]string{"diff"}, pair("-o", "json")...)...); code != ExitRefused {
		t.Errorf("exit code %d", code)
	}
	apitest.Valid(t, api.KindFailure, r.out.String())
	r = newRig(t)
	if code := r.run(append([]string{"diff"}, pair("--show", "-1")...)...); code != ExitUsage {
		t.Errorf("--show -1: exit code %d", code)
	}
}
