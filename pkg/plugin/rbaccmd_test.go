package plugin

import (
	"strings"
	"testing"
)

func TestTheRolesOfBothSitesArePrinted(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"both": {nil, "# primary, context site-a\n---\n# Role of the primary in site-a, optional rules true\n" +
			"# secondary, context site-b\n---\n# Role of the secondary in site-b, optional rules true\n"},
		"one":   {[]string{"--only", "secondary"}, "# secondary, context site-b\n---\n# Role of the secondary in site-b, optional rules true\n"},
		"least": {[]string{"--only", "primary", "--no-optional"}, "# primary, context site-a\n---\n# Role of the primary in site-a, optional rules false\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(append([]string{"rbac"}, pair(test.args...)...)...); code != ExitDone {
				t.Fatalf("exit code %d: %s", code, r.err)
			}
			if r.out.String() != test.want {
				t.Errorf("got %q, want %q", r.out, test.want)
			}
		})
	}
}

func TestRolesOfAnUnknownSiteAreRefused(t *testing.T) {
	r := newRig(t)
	if code := r.run(append([]string{"rbac"}, pair("--only", "site-b")...)...); code != ExitUsage || !strings.Contains(r.err.String(), "--only") || len(r.connected) > 0 {
		t.Errorf("exit code %d, %d connections: %s", code, len(r.connected), r.err)
	}
}
