package plugin

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheRolesOfBothSitesArePrinted(t *testing.T) {
	document := func(role, site string, optional bool) string {
		return fmt.Sprintf("# %[1]s, context %[2]s\n---\nkind: Role\napiVersion: rbac.authorization.k8s.io/v1\n"+
			"metadata:\n  name: %[1]s-%[2]s\n# optional rules %[3]t\n", role, site, optional)
	}
	both := document("primary", "site-a", true) + document("secondary", "site-b", true)
	const names = "role.rbac.authorization.k8s.io/"
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"both":        {nil, both},
		"one":         {[]string{"--only", "secondary"}, document("secondary", "site-b", true)},
		"least":       {[]string{"--only", "primary", "--no-optional"}, document("primary", "site-a", false)},
		"as YAML":     {[]string{"-o", "yaml"}, both},
		"wide":        {[]string{"-o", "wide"}, both},
		"names":       {[]string{"-o", "name"}, names + "primary-site-a\n" + names + "secondary-site-b\n"},
		"by path":     {[]string{"-o", "jsonpath={.items[*].metadata.name}"}, "primary-site-a secondary-site-b"},
		"by template": {[]string{"-o", "go-template={{.kind}} of {{len .items}}"}, "List of 2"},
		"JSON of one": {[]string{"-o", "json", "--only", "primary"}, `{
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {
                "name": "primary-site-a"
            }
        }
    ],
    "kind": "List"
}
`},
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
