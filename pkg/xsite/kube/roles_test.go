package kube

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// rolesOf gives the text and what a cluster makes of it.
func rolesOf(t *testing.T, site *Site, role xsite.Role, optional bool) (string, []rbacv1.Role) {
	t.Helper()
	text, err := site.Roles(role, optional)
	if err != nil {
		t.Fatal(err)
	}
	var roles []rbacv1.Role
	for document := range strings.SplitSeq(strings.TrimPrefix(text, "---\n"), "---\n") {
		var r rbacv1.Role
		if err := yaml.UnmarshalStrict([]byte(document), &r); err != nil {
			t.Fatal(err)
		}
		roles = append(roles, r)
	}
	return text, roles
}

// grants says whether a Role allows what is asked for, as an API server reads it.
func grants(roles []rbacv1.Role, p permission) bool {
	return slices.ContainsFunc(roles, func(role rbacv1.Role) bool {
		return role.Namespace == p.namespace && slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Verbs, p.verb) && slices.Contains(r.APIGroups, p.group) && slices.Contains(r.Resources, p.path()) &&
				(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, p.name))
		})
	})
}

func TestTheDocumentedRolesAreWhatTheCommandPrints(t *testing.T) {
	const path = "../../../docs/permissions.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := newSite(t)
	site := f.mustConnect(nil)
	for _, role := range []xsite.Role{xsite.Primary, xsite.Secondary} {
		want, _ := rolesOf(t, site, role, true)
		block := regexp.MustCompile("(?s)(\n## Example: Role for the " + string(role) + "\n.*?```yaml\n)(.*?)```")
		found := block.FindSubmatch(page)
		if found == nil {
			t.Fatalf("the page has no Role for the %s", role)
		}
		if diff := cmp.Diff(want, string(found[2])); diff != "" {
			t.Errorf("%s (-command +page):\n%s", role, diff)
		}
	}
}

func TestRolesGrantAllThatARunAsksFor(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"found": nil,
		"named": func(o *Options) {
			o.Infinispan, o.Keycloaks = "infinispan/infinispan", []string{"deployment/kc", "keycloak/keycloak"}
		},
		"none": func(o *Options) { o.Keycloaks = []string{"none"} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.put(deployment("kc", 1))
			site := f.mustConnect(change)
			for _, role := range []xsite.Role{xsite.Primary, xsite.Secondary} {
				_, all := rolesOf(t, site, role, true)
				_, least := rolesOf(t, site, role, false)
				for _, p := range site.permissions(role) {
					if !grants(all, p) {
						t.Errorf("%s: %s %s is not granted", role, p.verb, p.named())
					}
					if grants(least, p) == p.optional {
						t.Errorf("%s: %s %s, optional %t, is wrong without optional rules", role, p.verb, p.named(), p.optional)
					}
				}
				if grants(all, permission{verb: "list", group: groupInfinispan, resource: "infinispans", namespace: testNamespace}) != (name != "named") {
					t.Errorf("%s: the right to list Infinispans is wrong", role)
				}
				if grants(least, permission{verb: "list", group: groupKeycloak, resource: "keycloaks", namespace: testNamespace}) != (name == "found") {
					t.Errorf("%s: the right to list Keycloaks is wrong", role)
				}
			}
		})
	}
}

func TestRolesWithoutThePrimarysLeaseGrantNoneOnLeases(t *testing.T) {
	site := newSite(t).mustConnect(func(o *Options) { o.NoPrimaryLease = true })
	for role, wanted := range map[xsite.Role]bool{xsite.Primary: false, xsite.Secondary: true} {
		if text, _ := rolesOf(t, site, role, true); strings.Contains(text, "leases") != wanted {
			t.Errorf("%s: leases in it %t, wanted %t", role, !wanted, wanted)
		}
	}
}

func TestAKeycloakElsewhereHasARoleOfItsOwn(t *testing.T) {
	f := newSite(t)
	elsewhere := deployment("kc", 1)
	elsewhere["metadata"].(object)["namespace"] = "login"
	f.put(elsewhere)
	site := f.mustConnect(func(o *Options) { o.Keycloaks = []string{"login/deployment/kc"} })
	_, roles := rolesOf(t, site, xsite.Secondary, true)
	if len(roles) != 2 || roles[0].Namespace != testNamespace || roles[1].Namespace != "login" {
		t.Fatalf("got %d Roles: %v", len(roles), roles)
	}
	if text, _ := rolesOf(t, site, xsite.Secondary, true); strings.Count(text, "deployments/scale") != 1 {
		t.Errorf("the right to scale is not in one Role: %s", text)
	}
	for _, p := range site.permissions(xsite.Secondary) {
		if !grants(roles, p) {
			t.Errorf("%s %s in %s is not granted", p.verb, p.named(), p.namespace)
		}
	}
}
