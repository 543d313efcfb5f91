package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryModuleOfEveryPlatformHasAPermissiveLicence looks at what is really compiled in; the tests' own modules are
// judged on one platform.
func TestEveryModuleOfEveryPlatformHasAPermissiveLicence(t *testing.T) {
	judge := func(t *testing.T, p platform, args ...string) {
		t.Helper()
		all, err := dependencies(t.Context(), p, args...)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < 40 || all[0].path != stdlib {
			t.Errorf("%d modules beginning with %v", len(all), all[0])
		}
		for _, d := range all {
			l, err := licence(d)
			if err != nil {
				t.Error(err)
				continue
			}
			if d.version == "" || (d.sum == "") != (d.path == stdlib) {
				t.Errorf("%s: version %q, checksum %q", d.path, d.version, d.sum)
			}
			t.Log(d.path, d.version, l.licences, len(l.files))
		}
	}
	for _, p := range platforms() {
		t.Run(p.OS+" "+p.Arch, func(t *testing.T) { judge(t, p, "./cmd/"+binary) })
	}
	t.Run("tests and tools", func(t *testing.T) { judge(t, platforms()[0], "-test", "./...") })
}

// texts gives a module with these files, all in packages that are compiled in.
func texts(t *testing.T, files map[string]string) dependency {
	t.Helper()
	d := dependency{path: "example.org/m", version: "v1.0.0", root: t.TempDir()}
	for name, text := range files {
		file := filepath.Join(d.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		d.folders = append(d.folders, filepath.Dir(file))
	}
	return d
}

// own is the text of this repository's licence.
func own(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestALicenceThatIsNotPermissiveIsRefused(t *testing.T) {
	apache := own(t)
	const mozilla = "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not " +
		"distributed with this file, You can obtain one at http://mozilla.org/MPL/2.0/."
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none at all":            {map[string]string{"m.go": "package m"}, "has no licence"},
		"a notice alone":         {map[string]string{"NOTICE": apache}, "has no licence"},
		"source about licences":  {map[string]string{"license.go": apache}, "has no licence"},
		"words of its own":       {map[string]string{"LICENSE": "Free for Tuesdays."}, "of the licence are known text"},
		"one that binds others":  {map[string]string{"LICENSE": mozilla}, "the licence is MPL-2.0"},
		"such a one in a folder": {map[string]string{"LICENSE": apache, "a/b/COPYING": mozilla}, "a/b/COPYING: the licence is MPL-2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := licence(texts(t, c.files))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheLicencesOfFoldersGoWithTheProgram(t *testing.T) {
	apache := own(t)
	d := texts(t, map[string]string{"LICENSE": apache, "NOTICE.txt": "by me", "a/b/LICENSE": apache, "c/LICENSE": "not compiled in"})
	d.folders = []string{filepath.Join(d.root, "a", "b")}
	l, err := licence(d)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range l.files {
		names = append(names, f.name)
	}
	const want = "licenses/example.org/m/LICENSE licenses/example.org/m/NOTICE.txt licenses/example.org/m/a/b/LICENSE"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
