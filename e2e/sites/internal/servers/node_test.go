package servers_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// TestANodeIsWhatThePodOfTheOperatorIs walks through the life of one node, with TLS on the data endpoint.
func TestANodeIsWhatThePodOfTheOperatorIs(t *testing.T) {
	ctx := t.Context()
	cluster, config := oneNode(t)
	node, err := cluster.StartNode(ctx, "infinispan-0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.StartNode(ctx, "infinispan-0"); err == nil {
		t.Error("the same pod was started twice")
	}
	if err := node.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}

	data := clientOf(t, node.RestURL(servers.DataPort), config.Developer, cluster.CA())
	admin := clientOf(t, node.RestURL(servers.AdminPort), config.Operator, nil)
	for name, client := range map[string]*rest.Client{"data": data, "admin": admin} {
		info, err := client.ContainerInfo(ctx)
		if err != nil || info.Status != "RUNNING" || info.LocalSite != "site-a" || info.Node != node.ServerName() {
			t.Errorf("the %s endpoint says %+v, %v", name, info, err)
		}
	}
	stranger := clientOf(t, node.RestURL(servers.AdminPort), config.Developer, nil)
	var refused *rest.Error
	if _, err := stranger.ContainerInfo(ctx); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("the data endpoint's user at the admin endpoint: %v, want a 401", err)
	}
	wantMechanisms(t, node.RestURL(servers.AdminPort), "Basic", "Digest")

	if err := node.Freeze(); err != nil {
		t.Fatal(err)
	}
	if node.Ready(ctx) {
		t.Error("a frozen node is ready")
	}
	if err := node.Thaw(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the thawed node is ready", 10*time.Second, func() bool { return node.Ready(ctx) })

	cache, err := rest.KeycloakCache("site-b", rest.Sync)
	if err != nil {
		t.Fatal(err)
	}
	if err := data.CreateCache(ctx, "sessions", cache); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	if err := node.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped in %v", time.Since(stopped).Round(time.Millisecond))
	again, err := cluster.StartNode(ctx, "infinispan-0")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	if again.ServerName() == node.ServerName() {
		t.Error("a restarted node has the old one's name")
	}
	names, err := clientOf(t, again.RestURL(servers.AdminPort), config.Operator, nil).Caches(ctx)
	if err != nil || !strings.Contains(strings.Join(names, " "), "sessions") {
		t.Errorf("after the restart the caches are %q, %v: the volume is lost", names, err)
	}
}

// TestAServerThatCannotStartIsReportedWithItsLog starts one whose configuration names a schema of no release.
func TestAServerThatCannotStartIsReportedWithItsLog(t *testing.T) {
	_, config := oneNode(t)
	config.Artifacts.Version.Schema = "99.0"
	cluster, err := servers.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	node, err := cluster.StartNode(t.Context(), "infinispan-0")
	if err != nil {
		t.Fatal(err)
	}
	// Some releases end then, others stay alive and never answer.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if err := node.WaitReady(ctx); err == nil || !strings.Contains(err.Error(), "ISPN") {
		t.Errorf("got %v, want the server's own words", err)
	}
}

// oneNode describes a site of one node whose peer site is not there.
func oneNode(t *testing.T) (*servers.Cluster, servers.Config) {
	t.Helper()
	artifacts, err := servers.Resolve(t.Context(), servers.Source{Version: os.Getenv("ISPN_VERSION"), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	group := newGroup(t, dir)
	router, err := servers.StartRouter(t.Context(), group, artifacts, "site-a", dir)
	if err != nil {
		t.Fatal(err)
	}
	config := servers.Config{
		Site: "site-a", Sites: []string{"site-a", "site-b"}, Artifacts: artifacts, Group: group,
		Dir: filepath.Join(dir, "site-a"), Router: router.Address(), TLS: true,
		Operator:  servers.Credentials{User: "operator", Password: "op=er:at#or"},
		Developer: servers.Credentials{User: "developer", Password: "de!vel oper\\"},
	}
	cluster, err := servers.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	return cluster, config
}

// newGroup owns the processes of a test and ends them with it.
func newGroup(t *testing.T, dir string) *proc.Group {
	t.Helper()
	group, err := proc.NewGroup(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := group.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return group
}

func clientOf(t *testing.T, base string, user servers.Credentials, ca []byte) *rest.Client {
	t.Helper()
	client, err := rest.New(base, user.User, user.Password, ca)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// wantMechanisms asks without credentials and compares the schemes the server challenges with.
func wantMechanisms(t *testing.T, base string, want ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/rest/v2/caches", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	got := strings.Join(answer.Header.Values("WWW-Authenticate"), "\n")
	for _, scheme := range want {
		if !strings.Contains(got, scheme) {
			t.Errorf("the server challenges with %q, want %s in it", got, scheme)
		}
	}
	t.Logf("%s challenges with %q", base, got)
}
