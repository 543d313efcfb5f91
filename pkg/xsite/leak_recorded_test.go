package xsite_test

import (
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// A leak that cannot be recorded everywhere must be known to the next command all the same: it clears nothing.
func TestALeakThatCannotBeRecordedIsKnownToTheNextCommand(t *testing.T) {
	for name, c := range map[string]struct {
		fails map[string]bool
		times int
		by    string
	}{
		"the secondary's record fails":            {map[string]bool{siteB: true}, 100, "unfinished run"},
		"the primary's record fails":              {map[string]bool{siteA: true}, 100, "unfinished run"},
		"both fail once":                          {map[string]bool{siteA: true, siteB: true}, 2, "unfinished run"},
		"both fail: the mark of the canary tells": {map[string]bool{siteA: true, siteB: true}, 100, "held 10 entries before"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.b.leaksThroughFlags = true
			p.before(occasion{method: "PutJournal", always: true}, func() error {
				if last := p.calls[len(p.calls)-1]; p.count(siteB, "Clear", "") > 0 && c.fails[last.site] && c.times > 0 {
					c.times--
					return errFake
				}
				return nil
			})
			_, err := p.recover(t)
			failed := asRunError(t, err)
			if !strings.Contains(failed.DataAtRisk, "10 of 10 lasting entries of cache work") {
				t.Fatalf("does not name the loss: %v", failed)
			}
			if said := strings.Contains(strings.Join(failed.State, " "), "could not be recorded"); said != (c.times > 0) {
				t.Errorf("that the record failed is said: %v: %q", said, failed.State)
			}
			clear(p.truth["work"]) // that much is lost
			p.hooks = nil
			clears := p.count(siteB, "Clear", "")
			_, err = p.recover(t)
			if guard, _ := xsite.StoppedBy(err); guard != xsite.GuardCanary || !strings.Contains(err.Error(), c.by) {
				t.Errorf("the next command: %v", err)
			}
			if again := p.count(siteB, "Clear", "") - clears; again != 0 {
				t.Errorf("the next command cleared %d caches", again)
			}
			p.wantPrimaryWhole(t)
		})
	}
}
