package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// sampleUndertaking has everything that one can have, and what a terminal would obey.
func sampleUndertaking() xsite.Undertaking {
	return xsite.Undertaking{
		Title: "Go back from run 7f3a, begun 2026-03-01T03:00:00Z by \x1b[31msam@desk", Site: "site-b",
		Found: []string{"run 7f3a is unfinished"}, Does: []string{"end what is pushed", "set flags of 2 caches"}, Loses: "sessions of site-b",
	}
}

// agreed asks for agreement and gives a report.
func agreed(ctx context.Context, agree xsite.Agree) (xsite.Report, error) {
	if err := agree(ctx, sampleUndertaking()); err != nil {
		return xsite.Report{}, &xsite.RunError{Outcome: xsite.NotConfirmed, Phase: xsite.PhasePreflight, Err: err}
	}
	return xsite.Report{Did: []string{"set flags of 2 caches", "set \x1b]0;keycloak\a to 2"}}, nil
}

// sideEngines are the engines of the commands beside the recovery.
func (r *rig) sideEngines(deps *Deps) {
	deps.Abort = func(ctx context.Context, o xsite.AbortOptions) (xsite.Report, error) {
		return r.side(ctx, "abort", o.Agree)
	}
	deps.DiscardJournal = func(ctx context.Context, o xsite.DiscardOptions) (xsite.Report, error) {
		return r.side(ctx, "discard "+o.RunID, o.Agree)
	}
	deps.Prune = func(ctx context.Context, o xsite.PruneOptions) (xsite.Report, error) {
		return r.side(ctx, "prune", o.Agree)
	}
	deps.Fence = func(ctx context.Context, o xsite.FenceOptions) (xsite.Report, error) {
		return r.side(ctx, "fence", o.Agree)
	}
	deps.Lift = func(ctx context.Context, o xsite.FenceOptions) (xsite.Report, error) {
		return r.side(ctx, "lift", o.Agree)
	}
}

// side notes which engine was called.
func (r *rig) side(ctx context.Context, name string, agree xsite.Agree) (xsite.Report, error) {
	r.sides = append(r.sides, name)
	return agreed(ctx, agree)
}

func TestEveryCommandBesideTheRecoveryAsksAndThenDoesItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		want  string
		sites string
	}{
		"abort":   {append([]string{"abort"}, pair()...), "abort", "site-a site-b"},
		"discard": {append([]string{"abort", "--discard-journal", "7f3a"}, pair()...), "discard 7f3a", "site-a site-b"},
		"prune":   {append([]string{"history", "prune"}, pair()...), "prune", "site-a site-b"},
		"fence":   {[]string{"fence", "--primary-context", "site-a"}, "fence", "site-a"},
		"lift":    {[]string{"fence", "--lift", "--primary-context", "site-a"}, "lift", "site-a"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(c.args...); code != ExitNotConfirmed {
				t.Fatalf("without a confirmation: exit code %d\n%s", code, r.err)
			}
			if !strings.Contains(r.err.String(), "--confirm site-b") || r.out.String() != "" {
				t.Errorf("does not say how to confirm it, or says that it is done:\n%s%s", r.err, r.out)
			}
			r = newRig(t)
			if code := r.run(append(c.args, "--confirm", "site-b")...); code != ExitDone {
				t.Fatalf("exit code %d\n%s", code, r.err)
			}
			if len(r.sides) != 1 || r.sides[0] != c.want {
				t.Errorf("did %v", r.sides)
			}
			var sites []string
			for _, options := range r.connected {
				sites = append(sites, options.ContextName)
			}
			if len(sites) != len(strings.Fields(c.sites)) {
				t.Errorf("connected to %v, wanted %s", sites, c.sites)
			}
			if text := r.out.String() + r.err.String(); strings.ContainsAny(text, "\x1b\a") {
				t.Errorf("writes what a terminal obeys: %q", text)
			}
		})
	}
}

func TestTheUndertakingIsShownWhole(t *testing.T) {
	golden(t, "undertaking", undertakingText(sampleUndertaking()))
}

func TestCommandsBesideTheRecoveryRefuseWhatDoesNotFit(t *testing.T) {
	for name, args := range map[string][]string{
		"abort both ways":          append([]string{"abort", "--discard-sessions", "--discard-journal", "x"}, pair()...),
		"lift of what is linked":   {"fence", "--primary-context", "site-a", "--lift", "--even-if-linked"},
		"history in a strange way": append([]string{"history", "-o", "xml"}, pair()...),
		"a flag of the recovery":   append([]string{"abort", "--cache", "work"}, pair()...),
		"fence of a secondary":     {"fence", "--primary-context", "site-a", "--secondary-context", "site-b"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(args...); code != ExitUsage || len(r.connected) > 0 {
				t.Errorf("exit code %d, connected to %d sites\n%s", code, len(r.connected), r.err)
			}
		})
	}
}

func TestTheHistoryIsATable(t *testing.T) {
	begun := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	cleared := xsite.CacheReached{Cleared: begun}
	compared := xsite.CacheReached{Cleared: begun, Pushed: begun, Verified: begun}
	runs := historyObject([]xsite.PastRun{
		{
			RunID: "7f3a", Started: begun, Who: "sam@desk", Kept: "site-a", Discarded: "site-b", Phase: xsite.PhaseClear, Contexts: []string{"a", "b"},
			Caches: []xsite.PastCache{{Name: "sessions", CacheReached: cleared}, {Name: "work"}},
		},
		{
			RunID: "6e29", Started: begun.Add(-time.Hour), Who: "\x1b[31mkim", Kept: "site-a", Discarded: "site-b", Phase: xsite.PhaseStart, Closed: "succeeded", Contexts: []string{"a", "b"},
			Caches: []xsite.PastCache{{Name: "sessions", CacheReached: compared}, {Name: "work", CacheReached: compared}},
		},
		{RunID: "5d18", Unreadable: "no JSON", Contexts: []string{"b"}},
	}, "a.b")
	golden(t, "history", historyText(runs, view{columns: 80}))
	golden(t, "history-wide", historyText(runs, view{columns: 160, wide: true}))
	if text := historyText(historyObject(nil, "a.b"), view{}); !strings.Contains(text, "No run") {
		t.Errorf("an empty history says %q", text)
	}
}

func TestARunThatIsHeldOffHasAnExitCodeOfItsOwn(t *testing.T) {
	r := newRig(t)
	r.engine = func(context.Context, xsite.Options) (xsite.Result, error) {
		return xsite.Result{}, &xsite.RunError{Outcome: xsite.Held, Phase: xsite.PhasePreflight, Err: errors.New("kim is at work"), State: []string{nothingChanged}}
	}
	if code := r.run(pair()...); code != ExitHeld || !strings.Contains(r.err.String(), nothingChanged) {
		t.Errorf("exit code %d\n%s", code, r.err)
	}
}
