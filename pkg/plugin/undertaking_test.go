package plugin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
)

func TestEveryUndertakingSaysInItsObjectWhatItWas(t *testing.T) {
	both, one := "site-a.site-b", "site-a"
	for name, c := range map[string]struct {
		args    []string
		command string
		dryRun  bool
		name    string
	}{
		"abort":         {pair("abort"), api.CommandAbort, false, both},
		"abort dry run": {pair("abort", "--dry-run"), api.CommandAbort, true, both},
		"discard":       {pair("abort", "--discard-journal", "7f3a"), api.CommandDiscardJournal, false, both},
		"prune":         {append([]string{"history", "prune"}, pair()...), api.CommandPrune, false, both},
		"fence":         {[]string{"fence", "--primary-context", "site-a"}, api.CommandFence, false, one},
		"fence dry run": {[]string{"fence", "--primary-context", "site-a", "--dry-run"}, api.CommandFence, true, one},
		"lift":          {[]string{"fence", "--lift", "--primary-context", "site-a"}, api.CommandLift, false, one},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(append(c.args, "--confirm", "site-b", "-o", "json")...); code != ExitDone {
				t.Fatalf("exit code %d\n%s", code, r.err)
			}
			want := &api.Undertaking{
				Header: api.NewHeader(api.KindUndertaking, c.name), Command: c.command, DryRun: c.dryRun,
				Did: []string{"set flags of 2 caches", "set \x1b]0;keycloak\a to 2"},
			}
			if diff := cmp.Diff(want, apitest.Valid(t, api.KindUndertaking, r.out.String())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTheTextOfAnUndertakingSaysWhetherItIsDone(t *testing.T) {
	for name, c := range map[string]struct {
		object api.Undertaking
		want   string
	}{
		"done":    {api.Undertaking{Did: []string{"set \x1b[31mflags"}}, "- set ^[[31mflags\n"},
		"nothing": {api.Undertaking{}, "There was nothing to do.\n"},
		"dry run": {
			api.Undertaking{DryRun: true, Did: []string{"set flags"}},
			"This would be done; it was a dry run: " + nothingChanged + ".\n- set flags\n",
		},
	} {
		if got := undertakenText(&c.object); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAnUndertakingWhoseResultCannotBeWrittenIsSaidToBeDone(t *testing.T) {
	for name, c := range map[string]struct {
		more []string
		done bool
	}{
		"done":    {nil, true},
		"dry run": {[]string{"--dry-run"}, false},
	} {
		r := newRig(t)
		code := r.run(append(pair("abort", "--confirm", "site-b", "-o", "go-template={{index .did 99}}"), c.more...)...)
		if code != ExitUnexpected || strings.Contains(r.err.String(), "it is done, but the result could not be written") != c.done {
			t.Errorf("%s: exit code %d\n%s", name, code, r.err)
		}
	}
}
