package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/completer"
)

// fake stands in for the compiler: the program says what it was built for, and there are two modules in it.
type fake struct {
	dependencies []dependency
	err          error
}

func (f fake) build(_ context.Context, s settings, p platform, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return errors.Join(f.err, os.WriteFile(file, []byte(s.version+" "+p.OS+" "+p.Arch), 0o755))
}

func (f fake) modules(context.Context, platform) ([]dependency, error) { return f.dependencies, nil }

// released makes a release with the fake compiler, in a folder of its own.
func released(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	library := texts(t, map[string]string{"LICENSE": own(t)})
	library.path, library.version = stdlib, "1.26.0"
	other := texts(t, map[string]string{"LICENSE": own(t), "NOTICE": "by others"})
	other.path, other.version, other.sum = "example.org/other", "v2.0.0+incompatible", "h1:"+strings.Repeat("A", 43)+"="
	s := settings{version: "v1.2.3", releases: "https://example.org/download/", out: out}
	if err := release(t.Context(), s, fake{dependencies: []dependency{library, other}}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil { // where make runs it
		panic(err)
	}
	m.Run()
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	one, two := released(t), released(t)
	entries, err := os.ReadDir(one)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2*len(platforms())+3 {
		t.Errorf("%d files, want six archives, a list of contents for each, checksums and two manifests", len(entries))
	}
	for _, entry := range entries {
		a, errA := os.ReadFile(filepath.Join(one, entry.Name()))
		b, errB := os.ReadFile(filepath.Join(two, entry.Name()))
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between two releases of the same", entry.Name())
		}
	}
}

func TestEveryArchiveHoldsTheProgramAndTheLicence(t *testing.T) {
	out := released(t)
	for _, p := range platforms() {
		content, err := os.ReadFile(filepath.Join(out, p.archive()))
		if err != nil {
			t.Fatal(err)
		}
		files := unpack(t, p, content)
		complete, _ := completer.File(p.OS)
		want := []string{
			"LICENSE", p.program(), complete, "licenses/example.org/other/LICENSE", "licenses/example.org/other/NOTICE", "licenses/std/LICENSE",
		}
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
			t.Errorf("%s holds %v, want %v", p.archive(), got, want)
		}
		if !strings.HasSuffix(files[complete], " executable") {
			t.Errorf("%s: %s may not be run", p.archive(), complete)
		}
		if got, want := files[p.program()], "v1.2.3 "+p.OS+" "+p.Arch+" executable"; got != want {
			t.Errorf("%s: the program is %q, want %q", p.archive(), got, want)
		}
		if !strings.Contains(files["LICENSE"], "Apache License") {
			t.Errorf("%s: the licence is %.40q", p.archive(), files["LICENSE"])
		}
	}
}

// unpack gives the files of an archive, with a word about those that may be run.
func unpack(t *testing.T, p platform, content []byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	add := func(name string, mode os.FileMode, from io.Reader) {
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
		if mode&0o111 != 0 {
			files[name] += " executable"
		}
	}
	if p.OS == "windows" {
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.File {
			opened, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			add(f.Name, f.Mode(), opened)
		}
		return files
	}
	compressed, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(compressed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uname != "" || header.Uid != 0 || !header.ModTime.Equal(epoch()) {
			t.Errorf("%s bears traces of its making: %+v", header.Name, header)
		}
		add(header.Name, header.FileInfo().Mode(), archive)
	}
}

// krewManifest is what krew reads of a manifest.
type krewManifest struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
	Spec             struct {
		Version, ShortDescription, Description, Caveats, Homepage string
		Platforms                                                 []struct {
			URI, SHA256, Bin string
			Selector         struct{ MatchLabels map[string]string }
		}
	}
}

func TestTheManifestIsWhatKrewAccepts(t *testing.T) {
	out := released(t)
	var m krewManifest
	content, err := os.ReadFile(filepath.Join(out, indexFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, &m); err != nil {
		t.Fatal(err)
	}
	if m.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || m.Kind != "Plugin" || m.Metadata.Name+".yaml" != indexFile {
		t.Errorf("it is a %s %s named %s", m.APIVersion, m.Kind, m.Metadata.Name)
	}
	if m.Spec.Version != "v1.2.3" {
		t.Errorf("version %q", m.Spec.Version)
	}
	if n := len(m.Spec.ShortDescription); n == 0 || n > 50 {
		t.Errorf("the short description has %d characters, 50 are allowed", n)
	}
	for name, want := range map[string]string{m.Spec.Description: `"ispn"`, m.Spec.Caveats: "discarded"} {
		if !strings.Contains(name, want) {
			t.Errorf("%q does not say %s", name, want)
		}
	}
	if len(m.Spec.Platforms) != len(platforms()) {
		t.Fatalf("%d platforms", len(m.Spec.Platforms))
	}
	for i, p := range platforms() {
		got := m.Spec.Platforms[i]
		archive, err := os.ReadFile(filepath.Join(out, p.archive()))
		if err != nil {
			t.Fatal(err)
		}
		if got.SHA256 != checksum(archive) || !regexp.MustCompile(`^[a-f0-9]{64}$`).MatchString(got.SHA256) {
			t.Errorf("%v: checksum %s", p, got.SHA256)
		}
		if got.URI != "https://example.org/download/v1.2.3/"+p.archive() || got.Bin != p.program() {
			t.Errorf("%v: %s, %s", p, got.URI, got.Bin)
		}
		if !maps.Equal(got.Selector.MatchLabels, map[string]string{"os": p.OS, "arch": p.Arch}) {
			t.Errorf("%v: selector %v", p, got.Selector.MatchLabels)
		}
	}
}

func TestTheTemplateIsYAMLItself(t *testing.T) {
	content, err := os.ReadFile(manifestFile)
	if err != nil {
		t.Fatal(err)
	}
	var m krewManifest
	if err := yaml.UnmarshalStrict(content, &m); err != nil {
		t.Error(err)
	}
}

func TestAVersionThatKrewRefusesIsRefused(t *testing.T) {
	for _, version := range []string{"", "1.2.3", "v1.2", "latest"} {
		if err := run(t.Context(), []string{"-version", version, "-out", t.TempDir()}); err == nil {
			t.Errorf("%q is accepted", version)
		}
	}
}

func TestAPlatformWithoutAnArchiveIsNoticed(t *testing.T) {
	if _, err := (manifest{}).fill(`{{ .SHA256 "plan9" "amd64" }}`); err == nil {
		t.Error("a manifest without a checksum is written")
	}
}

func TestABuildThatFailsEndsTheRelease(t *testing.T) {
	broken := errors.New("does not compile")
	err := release(t.Context(), settings{version: "v1.2.3", out: t.TempDir()}, fake{err: broken})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestAModuleWithoutALicenceEndsTheRelease(t *testing.T) {
	bare := texts(t, map[string]string{"m.go": "package m"})
	err := release(t.Context(), settings{version: "v1.2.3", out: t.TempDir()}, fake{dependencies: []dependency{bare}})
	if err == nil || !strings.Contains(err.Error(), "has no licence") {
		t.Errorf("got %v", err)
	}
}
