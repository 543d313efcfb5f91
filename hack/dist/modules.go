package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// stdlib is how the standard library is named where modules are named.
const stdlib = "std"

// dependency is a module whose code is in the program, or the standard library.
type dependency struct {
	path, version string
	// sum is the checksum of go.sum, h1: and base64; empty for the standard library.
	sum string
	// root is the folder of the module, and folders are those of its packages that are compiled in.
	root    string
	folders []string
}

// listed is what `go list` tells about a package.
type listed struct {
	Dir      string        `json:"Dir"`
	Standard bool          `json:"Standard"`
	Module   *listedModule `json:"Module"`
}

// listedModule is the module of a package.
type listedModule struct {
	Path    string        `json:"Path"`
	Version string        `json:"Version"`
	Sum     string        `json:"Sum"`
	Dir     string        `json:"Dir"`
	Main    bool          `json:"Main"`
	Replace *listedModule `json:"Replace"`
}

// dependencies lists all modules that are compiled into a package for a platform, sorted by path, the standard library first.
func dependencies(ctx context.Context, p platform, args ...string) ([]dependency, error) {
	version, err := goOutput(ctx, p, "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	root, err := goOutput(ctx, p, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	packages, err := goOutput(ctx, p, append([]string{"list", "-deps", "-json=Dir,Standard,Module"}, args...)...)
	if err != nil {
		return nil, err
	}
	library := dependency{path: stdlib, version: strings.TrimPrefix(strings.TrimSpace(string(version)), "go"), root: strings.TrimSpace(string(root))}
	found := map[string]*dependency{}
	for decoder := json.NewDecoder(bytes.NewReader(packages)); ; {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading what go list says: %w", err)
		}
		if l.Standard || l.Module == nil || l.Module.Main {
			continue
		}
		if l.Module.Replace != nil {
			return nil, fmt.Errorf("module %s is replaced by %s: a release has published modules only", l.Module.Path, l.Module.Replace.Path)
		}
		d := found[l.Module.Path]
		if d == nil {
			d = &dependency{path: l.Module.Path, version: l.Module.Version, sum: l.Module.Sum, root: l.Module.Dir}
			found[l.Module.Path] = d
		}
		d.folders = append(d.folders, l.Dir)
	}
	all := []dependency{library}
	for _, d := range found {
		all = append(all, *d)
	}
	slices.SortFunc(all[1:], func(a, b dependency) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

// goOutput runs go for a platform and gives what it prints.
func goOutput(ctx context.Context, p platform, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch, "GOFLAGS=")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s for %s/%s: %w", args[0], p.OS, p.Arch, err)
	}
	return out, nil
}

// legalFiles finds the files about licences of a module: in its root, in the folders of the packages that are compiled
// in, and in those between. The paths are slashed and relative to the root.
func (d dependency) legalFiles() ([]string, error) {
	visited := map[string]bool{}
	var files []string
	for _, folder := range append([]string{d.root}, d.folders...) {
		for ; !visited[folder] && strings.HasPrefix(folder, d.root); folder = filepath.Dir(folder) {
			visited[folder] = true
			entries, err := os.ReadDir(folder)
			if err != nil {
				return nil, fmt.Errorf("looking for the licence of %s: %w", d.path, err)
			}
			for _, entry := range entries {
				if !entry.Type().IsRegular() || (!isLicence(entry.Name()) && !isNotice(entry.Name())) {
					continue
				}
				name, err := filepath.Rel(d.root, filepath.Join(folder, entry.Name()))
				if err != nil {
					return nil, err
				}
				files = append(files, filepath.ToSlash(name))
			}
		}
	}
	slices.Sort(files)
	return files, nil
}

// isLicence says whether a file of that name is a licence.
func isLicence(name string) bool { return begins(name, "LICENSE", "LICENCE", "COPYING", "UNLICENSE") }

// isNotice says whether it is one that belongs to a licence and has to go with the program as well.
func isNotice(name string) bool { return begins(name, "NOTICE", "PATENTS", "COPYRIGHT") }

// begins looks at the name of a file less a part that a reader of source code would call an extension of text.
func begins(name string, words ...string) bool {
	name = strings.ToUpper(name)
	if slices.Contains([]string{".GO", ".PY", ".SH", ".JSON", ".YML", ".YAML"}, filepath.Ext(name)) {
		return false
	}
	return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(name, word) })
}
