package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// login is the service account whose tokens these tests use.
const login = "login"

// TestCredentialsThatAPluginGaveAreRenewedInTheMiddleOfARun takes away the tokens that a credential plugin gave, of both sites,
// while the run is suspended: it is told 401 when it goes on, has the plugins run again, one at a time, and ends well.
func TestCredentialsThatAPluginGaveAreRenewedInTheMiddleOfARun(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	grant(t, serviceAccount(t), printedRoles(t))
	dir := t.TempDir()
	diary := filepath.Join(dir, "diary")
	kubeconfig := changed(t, func(site string, _ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
		*user = clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
			APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.IfAvailableExecInteractiveMode,
			Command: credentialPlugin(t), Args: []string{filepath.Join(dir, site), diary},
		}}
	})
	first := map[string]string{}
	for _, s := range pair.Sites() {
		first[s.Name] = newToken(t, s, filepath.Join(dir, s.Name), "first")
	}
	run := beginWith(t, kubeconfig, straight()...)
	run.until(t.Context(), "original state recorded")
	must(t, run.command.Process.Signal(syscall.SIGSTOP))
	before := runsOf(t, diary)
	for _, s := range pair.Sites() {
		must(t, s.Kube().CoreV1().Secrets(sites.Namespace).Delete(t.Context(), "first", metav1.DeleteOptions{}))
		eventually(t, "the token is refused at "+s.Name, func(ctx context.Context) bool { return refuses(ctx, t, s, first[s.Name]) })
		newToken(t, s, filepath.Join(dir, s.Name), "second")
	}
	must(t, run.command.Process.Signal(syscall.SIGCONT))
	run.wait().mustSucceed(t)
	mustBeRecovered(t, truth)
	for _, s := range pair.Sites() {
		if after := runsOf(t, diary); after[s.Name] <= before[s.Name] || before[s.Name] == 0 {
			t.Errorf("the plugin of %s ran %d times, and %d times after its token was taken away", s.Name, before[s.Name], after[s.Name]-before[s.Name])
		}
	}
	mustRunOneAtATime(t, diary)
}

// TestATokenInAFileIsUsed runs as a service account whose token is in a file.
func TestATokenInAFileIsUsed(t *testing.T) {
	fresh(t, sites.Sync)
	makeStale(t, 40)
	grant(t, serviceAccount(t), printedRoles(t))
	dir := t.TempDir()
	for _, s := range pair.Sites() {
		newToken(t, s, filepath.Join(dir, s.Name), "file")
	}
	kubeconfig := changed(t, func(site string, _ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
		*user = clientcmdapi.AuthInfo{TokenFile: filepath.Join(dir, site)}
	})
	beginWith(t, kubeconfig, straight("--dry-run")...).wait().mustSucceed(t)
}

// TestAUserWhoIsImpersonatedHasTheRightsThatCount runs as a user who may do nothing but be another one, in both ways.
func TestAUserWhoIsImpersonatedHasTheRightsThatCount(t *testing.T) {
	fresh(t, sites.Sync)
	makeStale(t, 40)
	ctx := t.Context()
	for _, s := range pair.Sites() {
		rbac := s.Kube().RbacV1()
		_, err := rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "be-operator"}, Rules: []rbacv1.PolicyRule{
			{Verbs: []string{"impersonate"}, APIGroups: []string{""}, Resources: []string{"users"}, ResourceNames: []string{"operator"}},
		}}, metav1.CreateOptions{})
		must(t, err)
		_, err = rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "be-operator"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "be-operator"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "helper"}},
		}, metav1.CreateOptions{})
		must(t, err)
		t.Cleanup(func() {
			ctx := withoutEnd(t)
			must(t, rbac.ClusterRoleBindings().Delete(ctx, "be-operator", metav1.DeleteOptions{}))
			must(t, rbac.ClusterRoles().Delete(ctx, "be-operator", metav1.DeleteOptions{}))
		})
	}
	helper, err := pair.UserKubeconfig("helper")
	must(t, err)
	beginWith(t, helper, straight("--dry-run")...).wait().mustEnd(t, 3, "not allowed")
	for _, way := range []string{"port-forward", "exec"} {
		t.Run(way, func(t *testing.T) {
			grant(t, "operator", printedRoles(t, "--transport", way))
			beginWith(t, helper, straight("--dry-run", "--primary-as", "operator", "--secondary-as", "operator")...).wait().mustSucceed(t)
		})
	}
}

// serviceAccount makes the service account at both sites for the time of the test, and gives its name as a user.
func serviceAccount(t *testing.T) string {
	t.Helper()
	for _, s := range pair.Sites() {
		accounts := s.Kube().CoreV1().ServiceAccounts(sites.Namespace)
		_, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: login}}, metav1.CreateOptions{})
		must(t, err)
		t.Cleanup(func() { must(t, accounts.Delete(withoutEnd(t), login, metav1.DeleteOptions{})) })
	}
	return "system:serviceaccount:" + sites.Namespace + ":" + login
}

// newToken writes a token of the service account to a file. It is good as long as the Secret of that name exists.
func newToken(t *testing.T, s *sites.Site, path, name string) string {
	t.Helper()
	core := s.Kube().CoreV1()
	secret, err := core.Secrets(sites.Namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		if err := core.Secrets(sites.Namespace).Delete(withoutEnd(t), name, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
			must(t, err)
		}
	})
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Secret", APIVersion: "v1", Name: name, UID: secret.UID},
	}}
	made, err := core.ServiceAccounts(sites.Namespace).CreateToken(t.Context(), login, request, metav1.CreateOptions{})
	must(t, err)
	must(t, os.WriteFile(path, []byte(made.Status.Token), 0o600))
	return made.Status.Token
}

// refuses tells whether the API server does not know a token any more. It remembers a good one for some seconds.
func refuses(ctx context.Context, t *testing.T, s *sites.Site, token string) bool {
	t.Helper()
	config := restclient.AnonymousClientConfig(s.RESTConfig())
	config.BearerToken = token
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	_, err = client.CoreV1().Pods(sites.Namespace).List(ctx, metav1.ListOptions{Limit: 1})
	return apierrors.IsUnauthorized(err)
}

// credentialPlugin makes a plugin that gives the token in a file and notes in a diary when it begins and ends.
func credentialPlugin(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	const script = `#!/bin/sh
site=$(basename "$1")
echo "begin $site" >>"$2"
sleep 0.2
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "$1")"
echo "end $site" >>"$2"
`
	must(t, os.WriteFile(path, []byte(script), 0o700))
	return path
}

// runsOf counts how often the plugin of each site ran to its end.
func runsOf(t *testing.T, diary string) map[string]int {
	t.Helper()
	content, err := os.ReadFile(diary)
	must(t, err)
	runs := map[string]int{}
	for line := range strings.Lines(string(content)) {
		if site, ended := strings.CutPrefix(strings.TrimSpace(line), "end "); ended {
			runs[site]++
		}
	}
	return runs
}

// mustRunOneAtATime checks that no plugin began before the one before it had ended.
func mustRunOneAtATime(t *testing.T, diary string) {
	t.Helper()
	content, err := os.ReadFile(diary)
	must(t, err)
	for pair := range slices.Chunk(strings.Split(strings.TrimSpace(string(content)), "\n"), 2) {
		begin, _ := strings.CutPrefix(pair[0], "begin ")
		if len(pair) != 2 || pair[1] != "end "+begin {
			t.Fatalf("two plugins ran at once:\n%s", content)
		}
	}
}
