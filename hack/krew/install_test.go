// Package krew tests that the release archives in dist/ are installed by the real krew, accepted by the validator of its
// index, and run by the real kubectl. Both tools of krew are pinned in this module, kubectl in that of the tests on real
// sites. `make dist` makes the archives and `make test-install` runs this.
package krew

import (
	"bytes"
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

// tool builds a tool of a module, or takes it from Go's cache of builds, and gives its path.
func tool(t *testing.T, module, name string) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "-n", name)
	cmd.Dir = module
	// As the tests on real sites build kubectl, so that its packages are compiled once.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -trimpath", "GOWORK=off")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("building %s: %v\n%s", name, err, &complaints)
	}
	return strings.TrimSpace(string(out))
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
	addresses := regexp.MustCompile(`(?m)^(\s+uri: )\S*/`)
	if n := len(addresses.FindAll(content, -1)); n != len(platforms()) {
		t.Fatalf("the manifest has %d addresses, want one for each of %d platforms", n, len(platforms()))
	}
	manifest = filepath.Join(t.TempDir(), "ispn-resync.yaml")
	content = addresses.ReplaceAll(content, []byte("${1}"+server.URL+"/"))
	if err := os.WriteFile(manifest, bytes.ReplaceAll(content, []byte("'\n"), []byte("\n")), 0o600); err != nil {
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
	t    *testing.T
	krew string
	dir  string
	env  []string
}

// newRoot makes one that believes to be on a platform; on this one, where it is the zero platform.
func newRoot(t *testing.T, krew string, p platform) *root {
	t.Helper()
	r := &root{t: t, krew: krew, dir: t.TempDir()}
	r.env = append(os.Environ(), "KREW_ROOT="+r.dir, "KREW_NO_UPGRADE_CHECK=1", "HOME="+t.TempDir())
	if p != (platform{}) {
		r.env = append(r.env, "KREW_OS="+p.os, "KREW_ARCH="+p.arch)
	}
	return r
}

// run runs krew and gives what it says.
func (r *root) run(args ...string) string {
	r.t.Helper()
	return output(r.t, r.env, r.krew, args...)
}

// output runs a program and gives what it writes, errors too.
func output(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
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

func TestTheValidatorOfKrewsIndexAcceptsTheManifest(t *testing.T) {
	validator := tool(t, ".", "validate-krew-manifest")
	output(t, os.Environ(), validator, "-manifest", served(t))
}

func TestKrewInstallsEveryPlatformsArchive(t *testing.T) {
	krew, manifest := tool(t, ".", "krew"), served(t)
	for _, p := range platforms() {
		t.Run(p.os+" "+p.arch, func(t *testing.T) {
			r := newRoot(t, krew, p)
			said := r.run("install", "--manifest="+manifest)
			if !strings.Contains(said, "discarded") {
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
			r.run("uninstall", "ispn-resync")
			if _, err := os.Lstat(filepath.Join(r.dir, "bin", name)); err == nil {
				t.Error("krew leaves it when it is uninstalled")
			}
		})
	}
}

func TestKubectlRunsAndCompletesWhatKrewInstalled(t *testing.T) {
	r := newRoot(t, tool(t, ".", "krew"), platform{})
	kubectl := tool(t, "../../e2e/kube", "kubectl")
	r.run("install", "--manifest="+served(t))
	bin := filepath.Join(r.dir, "bin")
	env := append(r.env, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "KUBECONFIG="+filepath.Join(r.dir, "none"))

	var version struct {
		Client struct{ Version, Commit string }
	}
	said := output(t, env, kubectl, "ispn-resync", "version", "--client", "-o", "json")
	if err := json.Unmarshal([]byte(said), &version); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	manifest, err := os.ReadFile(filepath.Join(dist, "ispn-resync.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if version.Client.Version == "" || !strings.Contains(string(manifest), `version: "`+version.Client.Version+`"`) {
		t.Errorf("the plugin calls itself %+v, the manifest says otherwise", version.Client)
	}

	output(t, env, kubectl, "ispn-resync", "completion", "install")
	if _, err := os.Stat(filepath.Join(bin, completer)); err != nil {
		t.Error(err)
	}
	if offered := output(t, env, kubectl, "__complete", "ispn-resync", "--verify", ""); !strings.Contains(offered, "entries\n") {
		t.Errorf("kubectl offers %q", offered)
	}
}
