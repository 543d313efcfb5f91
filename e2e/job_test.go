package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestTheJobOfTheDocumentsRecovers does what docs/job.md says, with the commands that stand there: ServiceAccounts with
// nothing but the Roles that rbac prints, and a kubeconfig with their tokens, are enough for the arguments of the Job. The
// Job itself is offered to a real API server.
func TestTheJobOfTheDocumentsRecovers(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	page, err := os.ReadFile("../docs/job.md")
	must(t, err)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("found %d blocks of commands, want rights, kubeconfig, and the way back", len(blocks))
	}
	dir := t.TempDir()
	environment := append(os.Environ(), "PATH="+toolsInPath(t), "KUBECONFIG="+pair.Kubeconfig())
	script := func(text string) {
		t.Helper()
		command := exec.CommandContext(withoutEnd(t), "sh", "-euc", text)
		command.Dir, command.Env = dir, environment
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, said, text)
		}
	}
	t.Cleanup(func() { script(string(blocks[2][1])) })
	script(string(blocks[0][1]))
	script(string(blocks[1][1]))

	const manifest = "../docs/job/job.yaml"
	path, err := filepath.Abs(manifest)
	must(t, err)
	script("kubectl --context site-b -n " + sites.Namespace + " create --dry-run=server --validate=strict -f " + path)

	content, err := os.ReadFile(manifest)
	must(t, err)
	var job batchv1.Job
	must(t, yaml.UnmarshalStrict(content, &job))
	beginWith(t, filepath.Join(dir, "kubeconfig"), job.Spec.Template.Spec.Containers[0].Args...).wait().mustSucceed(t)
	mustBeRecovered(t, truth)
}

// toolsInPath gives a PATH that begins with a folder that holds kubectl, the plugin and what completes for kubectl.
func toolsInPath(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	must(t, os.Symlink(pair.Kubectl(), filepath.Join(bin, "kubectl")))
	plugin := filepath.Join(bin, "kubectl-ispn_resync")
	must(t, os.Symlink(binary, plugin))
	if said, err := exec.CommandContext(t.Context(), plugin, "completion", "install", "--dir", bin).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return bin + string(filepath.ListSeparator) + os.Getenv("PATH")
}
