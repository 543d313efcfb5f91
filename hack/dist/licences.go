package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/google/licensecheck"
)

// permissive lists the licences, by their SPDX names, that a module may have: none asks more of a user than to keep it.
// MPL, EPL and all of the GPL family are not among them.
func permissive() []string {
	return []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "Unlicense", "Zlib", "CC0-1.0"}
}

// covered is how much of a licence's file, in per cent, must be known text. What is left over are lines of copyright and
// the names of the files that a licence is about.
const covered = 60

// licenced is a module with what has to be said about its licences.
type licenced struct {
	dependency

	// licences are the SPDX names, sorted.
	licences []string
	// files are those that go into the archive, under their names there.
	files []file
}

// licence reads all that a module says about its licences, and refuses one that is not known to be permissive.
func licence(d dependency) (licenced, error) {
	names, err := d.legalFiles()
	if err != nil {
		return licenced{}, err
	}
	l := licenced{dependency: d}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(d.root, filepath.FromSlash(name)))
		if err != nil {
			return licenced{}, err
		}
		l.files = append(l.files, file{path.Join("licenses", d.path, name), 0o644, text})
		if !isLicence(path.Base(name)) {
			continue
		}
		found, err := identify(text)
		if err != nil {
			return licenced{}, fmt.Errorf("%s %s, %s: %w", d.path, d.version, name, err)
		}
		l.licences = append(l.licences, found...)
	}
	slices.Sort(l.licences)
	l.licences = slices.Compact(l.licences)
	if len(l.licences) == 0 {
		return licenced{}, fmt.Errorf("%s %s has no licence", d.path, d.version)
	}
	return l, nil
}

// identify gives the licences of a text, and an error where one of them is not permissive or too much of it is unknown.
func identify(text []byte) ([]string, error) {
	cover := licensecheck.Scan(text)
	if cover.Percent < covered {
		return nil, fmt.Errorf("only %.0f %% of the licence are known text: read it, and choose another module unless it is permissive", cover.Percent)
	}
	var names []string
	for _, match := range cover.Match {
		if match.IsURL {
			continue
		}
		if !slices.Contains(permissive(), match.ID) {
			return nil, fmt.Errorf("the licence is %s, which is not among those that are known to be permissive", match.ID)
		}
		names = append(names, match.ID)
	}
	return names, nil
}

// licences reads those of all modules.
func licences(all []dependency) ([]licenced, error) {
	read := make([]licenced, 0, len(all))
	for _, d := range all {
		l, err := licence(d)
		if err != nil {
			return nil, err
		}
		read = append(read, l)
	}
	return read, nil
}
