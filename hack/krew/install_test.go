// Package krew tests that the release archives in dist/ are installed by the real krew, accepted by the validator of its
// index, and run by the real kubectl. Both tools of krew are pinned in this module, kubectl in that of the tests on real
// sites. `make dist` makes the archives and `make test-install` runs this.
package krew

import (
	"debug/buildinfo"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dist is where the archives are.
const dist = "../../dist"

// program is what krew installs, completer what kubectl completes with.
const (
	program   = "kubectl-ispn_resync"
	completer = "kubectl_complete-ispn_resync"
)

// tools builds kubectl, krew and the validator of its index, with krew where kubectl finds it, and gives their folder.
func tools(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []struct{ module, name, path string }{
		{".", "kubectl-krew", "sigs.k8s.io/krew/cmd/krew"},
		{".", "validate-krew-manifest", "sigs.k8s.io/krew/cmd/validate-krew-manifest"},
		{"../../e2e/kube", "kubectl", "k8s.io/kubernetes/cmd/kubectl"},
	} {
		// As the tests on real sites build kubectl, so that its packages are compiled once.
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(bin, tool.name), tool.path)
		cmd.Dir = tool.module
		output(t, cmd, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	}
	return bin
}

// output runs a command with more in its environment and gives what it writes, errors too.
func output(t *testing.T, cmd *exec.Cmd, env ...string) string {
	t.Helper()
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// served serves the archives on loopback and gives the manifest of dist with addresses there, in a file named as krew's
// index wants it.
func served(t *testing.T) (manifest string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dist, "ispn-resync.yaml"))
	if err != nil {
		t.Fatalf("%v\nmake dist makes it", err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dist)))
	t.Cleanup(server.Close)
	addresses := regexp.MustCompile(`(?m)^(\s+uri: ')\S*/`)
	if n := len(addresses.FindAll(content, -1)); n != len(platforms()) {
		t.Fatalf("the manifest has %d addresses, want one for each of %d platforms", n, len(platforms()))
	}
	manifest = filepath.Join(t.TempDir(), "ispn-resync.yaml")
	if err := os.WriteFile(manifest, addresses.ReplaceAll(content, []byte("${1}"+server.URL+"/")), 0o600); err != nil {
		t.Fatal(err)
	}
	return manifest
}

// platform is what an archive is for.
type platform struct{ os, arch string }

func platforms() []platform {
	return []platform{
		{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
	}
}

// root is a krew of the test's own.
type root struct {
	t        *testing.T
	bin, dir string
	env      []string
}

// newRoot makes one that believes to be on a platform; on this one, where it is the zero platform. bin holds the tools.
func newRoot(t *testing.T, bin string, p platform) *root {
	t.Helper()
	r := &root{t: t, bin: bin, dir: t.TempDir()}
	path := strings.Join([]string{filepath.Join(r.dir, "bin"), bin, os.Getenv("PATH")}, string(filepath.ListSeparator))
	r.env = []string{
		"PATH=" + path, "KREW_ROOT=" + r.dir, "KREW_NO_UPGRADE_CHECK=1", "HOME=" + t.TempDir(), "KUBECONFIG=" + filepath.Join(r.dir, "none"),
	}
	if p != (platform{}) {
		r.env = append(r.env, "KREW_OS="+p.os, "KREW_ARCH="+p.arch)
	}
	return r
}

// run runs one of the tools and gives what it says.
func (r *root) run(tool string, args ...string) string {
	r.t.Helper()
	return output(r.t, exec.Command(filepath.Join(r.bin, tool), args...), r.env...)
}

// installed gives the files of the plugin, as slashed paths below the folder of its version.
func (r *root) installed() map[string]string {
	r.t.Helper()
	files := map[string]string{}
	store := filepath.Join(r.dir, "store", "ispn-resync")
	err := filepath.WalkDir(store, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below, err := filepath.Rel(store, path)
		_, below, _ = strings.Cut(filepath.ToSlash(below), "/")
		files[below] = path
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return files
}

func TestReleaseArchives(t *testing.T) {
	bin, manifest := tools(t), served(t)
	t.Run("the validator of krew's index accepts the manifest", func(t *testing.T) {
		newRoot(t, bin, platform{}).run("validate-krew-manifest", "-manifest", manifest)
	})
	for _, p := range platforms() {
		t.Run("krew installs "+p.os+" "+p.arch, func(t *testing.T) { mustInstall(t, newRoot(t, bin, p), manifest, p) })
	}
	t.Run("kubectl runs and completes what krew installed", func(t *testing.T) { mustRun(t, newRoot(t, bin, platform{}), manifest) })
}

// mustInstall installs the archive of a platform and judges what came of it.
func mustInstall(t *testing.T, r *root, manifest string, p platform) {
	t.Helper()
	if said := r.run("kubectl-krew", "install", "--manifest="+manifest); !strings.Contains(said, "discarded") {
		t.Errorf("the caveats are not shown:\n%s", said)
	}
	files := r.installed()
	name, completes := program, completer
	if p.os == "windows" {
		name, completes = program+".exe", completer+".cmd"
	}
	for _, want := range []string{"LICENSE", "licenses/std/LICENSE", "licenses/k8s.io/client-go/LICENSE", name, completes} {
		if files[want] == "" {
			t.Errorf("%s is not installed", want)
		}
	}
	info, err := buildinfo.ReadFile(files[name])
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["GOOS"] != p.os || settings["GOARCH"] != p.arch || settings["CGO_ENABLED"] != "0" {
		t.Errorf("the program is for %v", settings)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "bin", name)); err != nil {
		t.Errorf("kubectl would not find it: %v", err)
	}
}

// mustRun installs the archive of this platform and calls the plugin through kubectl.
func mustRun(t *testing.T, r *root, manifest string) {
	t.Helper()
	r.run("kubectl", "krew", "install", "--manifest="+manifest)
	var version struct {
		Client struct{ Version, Commit string }
	}
	said := r.run("kubectl", "ispn-resync", "version", "--client", "-o", "json")
	if err := json.Unmarshal([]byte(said), &version); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	content, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if version.Client.Version == "" || !strings.Contains(string(content), `version: "`+version.Client.Version+`"`) {
		t.Errorf("the plugin calls itself %+v, the manifest says otherwise", version.Client)
	}
	r.run("kubectl", "ispn-resync", "completion", "install")
	if _, err := os.Stat(filepath.Join(r.dir, "bin", completer)); err != nil {
		t.Error(err)
	}
	if offered := r.run("kubectl", "__complete", "ispn-resync", "--verify", ""); !strings.Contains(offered, "entries\n") {
		t.Errorf("kubectl offers %q", offered)
	}
}
