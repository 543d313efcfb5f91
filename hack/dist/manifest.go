package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// manifestFile is the template of the krew manifest, and the name under which users install from a file.
const manifestFile = "krew-manifest.yaml"

// indexFile is the name that krew's index and its validator want.
const indexFile = "ispn-resync.yaml"

// manifest is what the template of the krew manifest asks for.
type manifest struct {
	Version  string
	releases string
	sums     map[platform]string
}

// URI is where the archive of a platform is downloaded from.
func (m manifest) URI(system, arch string) string {
	return strings.TrimSuffix(m.releases, "/") + "/" + m.Version + "/" + platform{system, arch}.archive()
}

// SHA256 is the checksum of the archive of a platform.
func (m manifest) SHA256(system, arch string) (string, error) {
	sum, ok := m.sums[platform{system, arch}]
	if !ok {
		return "", fmt.Errorf("there is no archive for %s/%s", system, arch)
	}
	return sum, nil
}

// fill fills in the template.
func (m manifest) fill(text string) ([]byte, error) {
	parsed, err := template.New(manifestFile).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, m); err != nil {
		return nil, err
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		if !bytes.HasPrefix(line, []byte("#")) { // they explain the template, not the manifest
			kept.Write(line)
		}
	}
	return kept.Bytes(), nil
}

// writeTexts writes the checksums and the krew manifest, the latter under both of its names.
func writeTexts(s settings, sums map[platform]string) error {
	text, err := os.ReadFile(manifestFile)
	if err != nil {
		return err
	}
	filled, err := manifest{Version: s.version, releases: s.releases, sums: sums}.fill(string(text))
	if err != nil {
		return fmt.Errorf("filling in %s: %w", manifestFile, err)
	}
	lines, err := sumLines(s, sums)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		manifestFile: filled, indexFile: filled, "sha256sums.txt": lines,
	} {
		if err := os.WriteFile(filepath.Join(s.out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sumLines gives the file of checksums, as sha256sum reads it.
func sumLines(s settings, sums map[platform]string) ([]byte, error) {
	var lines bytes.Buffer
	for _, p := range platforms() {
		contents, err := os.ReadFile(filepath.Join(s.out, p.contents()))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&lines, "%s  %s\n%s  %s\n", sums[p], p.archive(), checksum(contents), p.contents())
	}
	return lines.Bytes(), nil
}
