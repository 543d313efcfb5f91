package xsite_test

import (
	"slices"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestVersionsAreThoseOfTheServersAndOfToolsWhoseRunsAreOpen(t *testing.T) {
	p := newPair(t)
	p.before(occasion{site: siteB, method: "Clear", cache: "sessions"}, func() error { return errFake })
	if _, err := p.recover(t); err == nil {
		t.Fatal("the run succeeded")
	}
	proc := &process{pair: p}
	found := xsite.Versions(t.Context(), seat{p.b, proc})
	if !slices.Equal(found.Infinispan, []string{"15.0.21.Final"}) || !slices.Equal(found.OpenRuns, []string{"kubectl-ispn-resync test"}) || found.Err != nil {
		t.Errorf("got %+v", found)
	}
	p.before(occasion{site: siteB, method: "Journals"}, func() error { return errFake })
	if found = xsite.Versions(t.Context(), seat{p.b, proc}); found.Err == nil || len(found.Infinispan) != 1 {
		t.Errorf("records that cannot be read: %+v", found)
	}
	p.before(occasion{site: siteB, method: "Pods"}, func() error { return errFake })
	if found = xsite.Versions(t.Context(), seat{p.b, proc}); found.Err == nil || len(found.OpenRuns) != 1 {
		t.Errorf("servers that cannot be asked: %+v", found)
	}
}
