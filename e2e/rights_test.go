package e2e

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
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
	beginWith(t, kubeconfig, straight("--transport", "port-forward")...).wait().mustSucceed(t)
	mustBeRecovered(t, truth)
}

// TestEachMissingRightIsNamedBeforeAnyChange takes one rule after the other out of the printed Roles: without a required
// one the run is refused and names what is missing, without an optional one it warns and passes.
func TestEachMissingRightIsNamedBeforeAnyChange(t *testing.T) {
	fresh(t, sites.Sync)
	all, required := printedRoles(t), printedRoles(t, "--no-optional")
	before := observe(t)
	for site, role := range all {
		for i, rule := range role.Rules {
			name := strings.Join(slices.Concat([]string{site}, rule.Verbs, rule.Resources, rule.ResourceNames), " ")
			t.Run(name, func(t *testing.T) {
				lacking := role.DeepCopy()
				lacking.Rules = slices.Delete(lacking.Rules, i, i+1)
				roles := maps.Clone(all)
				roles[site] = lacking
				kubeconfig := asUser(t, "limited", roles)
				code := 0
				if slices.ContainsFunc(required[site].Rules, func(r rbacv1.PolicyRule) bool { return cmp.Equal(r, rule) }) {
					code = 3
				}
				beginWith(t, kubeconfig, straight("--dry-run")...).wait().mustEnd(t, code, append(strings.Split(rule.Resources[0], "/"), site)...)
			})
		}
	}
	if diff := cmp.Diff(before, observe(t)); diff != "" {
		t.Errorf("a refused run changed something (-before +after):\n%s", short(diff))
	}
}

// TestWhoMayNotHoldThePrimarysLeaseIsToldHowToDoWithout: the Roles narrowed by an option are what a run with that option needs.
func TestWhoMayNotHoldThePrimarysLeaseIsToldHowToDoWithout(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	kubeconfig := asUser(t, "limited", printedRoles(t, "--no-primary-lease"))
	beginWith(t, kubeconfig, straight()...).wait().mustEnd(t, 3, "leases", "site-a", "--no-primary-lease")
	beginWith(t, kubeconfig, straight("--no-primary-lease")...).wait().mustEnd(t, 0,
		"--no-primary-lease: a run with mirrored roles", "17 of 21 permissions are there")
	mustBeRecovered(t, truth)
}

// printedRoles are those of the command, by the name of the site they are for.
func printedRoles(t *testing.T, more ...string) map[string]*rbacv1.Role {
	t.Helper()
	roles := map[string]*rbacv1.Role{}
	for role, site := range map[string]string{"primary": "site-a", "secondary": "site-b"} {
		args := []string{"rbac", "--primary-context", "site-a", "--secondary-context", "site-b", "--only", role}
		printed := begin(t, pair, append(args, more...)...).wait().mustSucceed(t)
		roles[site] = &rbacv1.Role{}
		must(t, yaml.UnmarshalStrict([]byte(printed.stdout), roles[site]))
	}
	return roles
}

// documentedRoles reads the Roles from the documentation, by the name of the site they are for. The name of a lease holds
// the UID of an Infinispan, and gets that of the site.
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
			lease := leaseNameOf(t, site)
			for _, rule := range role.Rules {
				if slices.Contains(rule.Resources, "leases") && len(rule.ResourceNames) > 0 {
					rule.ResourceNames[0] = lease
				}
			}
		}
	}
	if len(roles) != 2 {
		t.Fatalf("found %d documented Roles, want one for each site", len(roles))
	}
	return roles
}

// leaseNameOf gives the name of a site's lease.
func leaseNameOf(t *testing.T, site string) string {
	t.Helper()
	for _, s := range pair.Sites() {
		if s.Name != site {
			continue
		}
		const path = "/apis/infinispan.org/v1/namespaces/" + sites.Namespace + "/infinispans/infinispan"
		body, err := s.Kube().Discovery().RESTClient().Get().AbsPath(path).DoRaw(t.Context())
		must(t, err)
		var found metav1.PartialObjectMetadata
		must(t, yaml.Unmarshal(body, &found))
		return "ispn-resync-" + string(found.UID)
	}
	t.Fatalf("there is no site %s", site)
	return ""
}

// asUser binds the Roles to a user for the time of the test and returns a kubeconfig of that user.
func asUser(t *testing.T, user string, roles map[string]*rbacv1.Role) string {
	t.Helper()
	grant(t, user, roles)
	kubeconfig, err := pair.UserKubeconfig(user)
	must(t, err)
	return kubeconfig
}

// grant binds the Roles to a user for the time of the test.
func grant(t *testing.T, user string, roles map[string]*rbacv1.Role) {
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
}
