package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
)

func TestAComparisonReadsAsATableWithAVerdictForEachCache(t *testing.T) {
	same := sites.Comparison{Cache: "work", A: 7, B: 7}
	apart := sites.Comparison{Cache: "sessions", A: 2300, B: 2000, Missing: 500, Extra: 200, Different: 50}
	text, equal := comparisonTable("site-a", "dc1", []sites.Comparison{apart, same})
	want := `CACHE      site-a   dc1
sessions   2300     2000   DIFFERENT: 500 only on site-a, 200 only on dc1, 50 with another value
work       7        7      equal
site-a and dc1 differ in 1 of 2 caches
`
	if diff := cmp.Diff(want, text); diff != "" || equal {
		t.Errorf("equal %v, text (-want +got)\n%s", equal, diff)
	}
	if text, equal := comparisonTable("a", "b", []sites.Comparison{same}); !equal || text != "CACHE   a   b\nwork    7   7   equal\na and b hold the same keys and values in 1 caches\n" {
		t.Errorf("equal %v, text\n%s", equal, text)
	}
}

func TestSitesThatDifferAndSitesThatCouldNotBeComparedHaveCodesOfTheirOwn(t *testing.T) {
	for want, err := range map[int]error{
		1: control.ErrUnequal,
		2: fmt.Errorf("sites: %w", &uncomparedError{errors.New("no answer")}),
	} {
		if got := codeOf(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
	if got := codeOf(control.ErrNotUp); got != 1 {
		t.Errorf("another error: exit code %d", got)
	}
}
