package e2e

import (
	"os"
	"regexp"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestTheDocumentedRolesAreEnough runs the recovery as a user who has nothing but the Roles of docs/permissions.md.
func TestTheDocumentedRolesAreEnough(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	kubeconfig := asUser(t, "operator", documentedRoles(t))
	beginWith(t, kubeconfig, straight()...).wait().mustSucceed(t)
	mustBeRecovered(t, truth)
}

// TestAMissingRightIsNamedBeforeAnyChange takes one rule after the other out of the documented Roles: the run is refused
// before it changes anything, and names what is missing.
func TestAMissingRightIsNamedBeforeAnyChange(t *testing.T) {
	for resource, word := range map[string]string{
		"secrets":          "infinispan-generated-operator-secret",
		"pods/portforward": "pods/portforward",
		"configmaps":       "configmaps",
	} {
		t.Run(resource, func(t *testing.T) {
			fresh(t, sites.Sync)
			roles := documentedRoles(t)
			secondary := roles["site-b"]
			secondary.Rules = slices.DeleteFunc(secondary.Rules, func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.Resources, resource) })
			kubeconfig := asUser(t, "limited", roles)
			before := observe(t)
			beginWith(t, kubeconfig, straight()...).wait().mustEnd(t, 3, word, "site-b", "nothing was changed")
			if diff := cmp.Diff(before, observe(t)); diff != "" {
				t.Errorf("the refused run changed something (-before +after):\n%s", short(diff))
			}
		})
	}
}

// documentedRoles reads the Roles from the documentation, by the name of the site they are for.
func documentedRoles(t *testing.T) map[string]*rbacv1.Role {
	t.Helper()
	page, err := os.ReadFile("../docs/permissions.md")
	must(t, err)
	roles := map[string]*rbacv1.Role{}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		var role rbacv1.Role
		must(t, yaml.UnmarshalStrict(block[1], &role))
		site, known := map[string]string{"ispn-resync-primary": "site-a", "ispn-resync-secondary": "site-b"}[role.Name]
		if known {
			roles[site] = &role
		}
	}
	if len(roles) != 2 {
		t.Fatalf("found %d documented Roles, want one for each site", len(roles))
	}
	return roles
}

// asUser binds the Roles to a user for the time of the test and returns a kubeconfig of that user.
func asUser(t *testing.T, user string, roles map[string]*rbacv1.Role) string {
	t.Helper()
	ctx := t.Context()
	for _, s := range pair.Sites() {
		rbac := s.Kube().RbacV1()
		role := roles[s.Name]
		_, err := rbac.Roles(sites.Namespace).Create(ctx, role, metav1.CreateOptions{})
		must(t, err)
		_, err = rbac.RoleBindings(sites.Namespace).Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		}, metav1.CreateOptions{})
		must(t, err)
	}
	t.Cleanup(func() {
		for _, s := range pair.Sites() {
			rbac, name := s.Kube().RbacV1(), roles[s.Name].Name
			ctx := withoutEnd(t)
			must(t, rbac.RoleBindings(sites.Namespace).Delete(ctx, name, metav1.DeleteOptions{}))
			must(t, rbac.Roles(sites.Namespace).Delete(ctx, name, metav1.DeleteOptions{}))
		}
	})
	kubeconfig, err := pair.UserKubeconfig(user)
	must(t, err)
	return kubeconfig
}
