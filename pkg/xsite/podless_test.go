package xsite_test

import (
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// A secondary of one server whose pod is evicted has none for a while. The run waits or ends safely, whichever phase it is in,
// and the primary depends on nobody meanwhile.
func TestASiteWithoutAnyPodForAWhileCostsNothing(t *testing.T) {
	for name, at := range map[string]occasion{
		"before the clear":  {site: siteB, method: "TakeOffline"},
		"in the clear":      {site: siteB, method: "Clear", cache: "sessions"},
		"in the push":       {site: siteA, method: "PushStatus", cache: "sessions"},
		"in the comparison": {site: siteB, method: "Keys", cache: "work"},
		"behind it":         {site: siteB, method: "BringOnline"},
		"at the end":        {site: siteB, method: "ScaleKeycloak", nth: 2},
	} {
		for _, who := range []string{siteA, siteB} {
			for _, looks := range []int{1, 3, 1000} {
				t.Run(name, func(t *testing.T) {
					p := newPair(t)
					p.after(at, happens(func() { p.site(who).podless = looks }))
					_, err := p.recover(t)
					if err != nil {
						p.wantOutcome(t, err, xsite.Failed)
					}
					p.wantPrimaryWhole(t)
					p.site(who).podless = 0
					p.continues(t)
				})
			}
		}
	}
}
