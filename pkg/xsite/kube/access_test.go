package kube

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// asked gives the permissions as VERB RESOURCE[/NAME] with a mark at the optional ones.
func asked(t *testing.T, site *Site, role xsite.Role) []string {
	t.Helper()
	answers, err := site.Access(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, a := range answers {
		line := a.Verb + " " + a.Resource
		if a.Name != "" {
			line += " " + a.Name
		}
		if !a.Required {
			line += " (optional)"
		}
		if a.Why == "" || a.Namespace == "" {
			t.Errorf("%s lacks its reason or namespace", line)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestTheSecondaryNeedsMoreThanThePrimary(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	both := []string{
		"get infinispans.infinispan.org infinispan",
		"list infinispans.infinispan.org",
		"list caches.infinispan.org (optional)",
		"delete caches.infinispan.org (optional)",
		"get statefulsets.apps infinispan",
		"list pods",
		"get pods",
		"create pods/portforward",
		"list configmaps",
		"create configmaps",
		"update configmaps",
		"delete configmaps",
		"get secrets infinispan-generated-operator-secret",
		"get leases.coordination.k8s.io ispn-resync-" + string(site.server.uid),
		"create leases.coordination.k8s.io",
		"update leases.coordination.k8s.io ispn-resync-" + string(site.server.uid),
		"delete leases.coordination.k8s.io ispn-resync-" + string(site.server.uid),
		"list keycloaks.k8s.keycloak.org",
		"get keycloaks.k8s.keycloak.org keycloak",
		"get statefulsets.apps keycloak",
		"create events (optional)",
	}
	if diff := cmp.Diff(both, asked(t, site, xsite.Primary)); diff != "" {
		t.Error("primary:", diff)
	}
	secondary := slices.Concat(both, []string{
		"watch pods",
		"update keycloaks.k8s.keycloak.org/scale keycloak",
		"patch keycloaks.k8s.keycloak.org keycloak",
	})
	if diff := cmp.Diff(secondary, asked(t, site, xsite.Secondary)); diff != "" {
		t.Error("secondary:", diff)
	}
}

func TestWhatIsNamedNeedsNoList(t *testing.T) {
	f := newSite(t)
	f.put(deployment("kc", 1))
	site := f.mustConnect(func(o *Options) { o.Infinispan, o.Keycloaks = "infinispan/infinispan", []string{"deployment/kc"} })
	for _, line := range asked(t, site, xsite.Secondary) {
		switch line {
		case "list infinispans.infinispan.org", "list keycloaks.k8s.keycloak.org":
			t.Errorf("asked for %q", line)
		}
	}
}

func TestTheLeaseOfAPrimaryIsOptionalOnlyWhereItIsNotUsed(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(func(o *Options) { o.NoPrimaryLease = true })
	for role, wanted := range map[xsite.Role]int{xsite.Primary: 4, xsite.Secondary: 0} {
		optional := 0
		for _, line := range asked(t, site, role) {
			if strings.Contains(line, "leases") && strings.HasSuffix(line, "(optional)") {
				optional++
			}
		}
		if optional != wanted {
			t.Errorf("%s: %d of the lease's permissions are optional, wanted %d", role, optional, wanted)
		}
	}
}

func TestWhoMayNotHoldALeaseIsToldHowToDoWithoutOnThePrimaryOnly(t *testing.T) {
	site := newSite(t).mustConnect(nil)
	for role, wanted := range map[xsite.Role]bool{xsite.Primary: true, xsite.Secondary: false} {
		answers, err := site.Access(t.Context(), role)
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(answers, func(a xsite.Access) bool { return strings.Contains(a.Why, flagNoPrimaryLease) })
		if told != wanted {
			t.Errorf("%s: told is %t, want %t", role, told, wanted)
		}
	}
}

func TestARefusalIsReportedWithItsReason(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.denied["create pods/portforward"] = true
	answers, err := site.Access(t.Context(), xsite.Primary)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if refused := a.Resource == "pods/portforward"; a.Allowed == refused || (a.Reason != "") != refused {
			t.Errorf("got %+v", a)
		}
	}
}
