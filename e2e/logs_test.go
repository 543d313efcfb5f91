package e2e

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestNoLogHoldsASecret asks for all that can be logged, as a user with a token, and looks for the token, the passwords of
// Infinispan, keys and values in all that is written.
func TestNoLogHoldsASecret(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	grant(t, serviceAccount(t), printedRoles(t))
	dir := t.TempDir()
	secrets := map[string]string{}
	for _, s := range pair.Sites() {
		secrets["token of "+s.Name] = newToken(t, s, filepath.Join(dir, s.Name), "log")
		secret, err := s.Kube().CoreV1().Secrets(sites.Namespace).Get(t.Context(), "infinispan-generated-operator-secret", metav1.GetOptions{})
		must(t, err)
		user, password := string(secret.Data["username"]), string(secret.Data["password"])
		secrets["password of "+s.Name] = password
		secrets["password of "+s.Name+" in base64"] = base64.StdEncoding.EncodeToString([]byte(password))
		secrets["login at "+s.Name] = base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	}
	for key, value := range truth["sessions"] {
		secrets["key "+key], secrets["value of "+key] = key, value
	}
	kubeconfig := changed(t, func(site string, _ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
		*user = clientcmdapi.AuthInfo{TokenFile: filepath.Join(dir, site)}
	})
	for _, c := range []struct {
		level string
		args  []string
		logs  []string
	}{
		{"6", []string{"--dry-run"}, []string{"Infinispan call", "/rest/v2/caches"}},
		{"7", []string{"--dry-run"}, []string{"sent=", "Authorization: Bearer <masked>"}},
		{"8", []string{"--dry-run"}, []string{"received=", "Response body", "Response headers"}},
		{"9", []string{"-o", "json"}, []string{"SKIP_XSITE_BACKUP", "Request body", "holderIdentity"}},
	} {
		out := beginWith(t, kubeconfig, straight(append(c.args, "-v", c.level)...)...).wait().mustSucceed(t)
		for _, word := range c.logs {
			if !strings.Contains(out.stderr, word) {
				t.Errorf("-v %s does not log %q", c.level, word)
			}
		}
		if strings.Contains(out.stderr, "unknown transport") || !utf8.ValidString(out.stderr) || strings.Contains(out.stderr, `\x00`) {
			t.Errorf("-v %s logs what nobody can read", c.level)
		}
		for what, secret := range secrets {
			if secret == "" || strings.Contains(out.stderr+out.stdout, secret) {
				t.Errorf("-v %s: the %s is written, or there is none to look for", c.level, what)
			}
		}
	}
	mustBeRecovered(t, truth)
}
