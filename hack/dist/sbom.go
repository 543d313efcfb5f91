package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbom lists what is in the program of a platform, as CycloneDX 1.6 in JSON: the modules with versions, checksums and
// licences. It bears no time and no serial number, so that the same program has the same list.
func sbom(s settings, p platform, program []byte, modules []licenced) ([]byte, error) {
	own := cdx.Component{
		BOMRef:     "pkg:golang/" + module + "@" + s.version,
		Type:       cdx.ComponentTypeApplication,
		Name:       module,
		Version:    s.version,
		PackageURL: "pkg:golang/" + module + "@" + s.version + "?goarch=" + p.Arch + "&goos=" + p.OS + "#cmd/" + binary,
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: checksum(program)}},
		Licenses:   licenceChoices([]string{"Apache-2.0"}),
		Properties: &[]cdx.Property{{Name: "commit", Value: s.commit}, {Name: "file", Value: p.program()}},
	}
	components := make([]cdx.Component, 0, len(modules))
	refs := make([]string, 0, len(modules))
	for _, m := range modules {
		c := cdx.Component{
			BOMRef:     purl(m.dependency),
			Type:       cdx.ComponentTypeLibrary,
			Name:       m.path,
			Version:    m.version,
			Scope:      cdx.ScopeRequired,
			PackageURL: purl(m.dependency),
			Licenses:   licenceChoices(m.licences),
		}
		if m.sum != "" {
			hash, err := goSum(m.sum)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", m.path, m.version, err)
			}
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hash}}
		}
		components = append(components, c)
		refs = append(refs, c.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &own}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: own.BOMRef, Dependencies: &refs}}
	var b bytes.Buffer
	encoder := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	if err := encoder.EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("writing the list of contents: %w", err)
	}
	return b.Bytes(), nil
}

// purl is the package URL of a module; what is not plain in a version, as +incompatible is not, is escaped.
func purl(d dependency) string {
	return "pkg:golang/" + d.path + "@" + strings.ReplaceAll(url.PathEscape(d.version), "+", "%2B")
}

// licenceChoices names licences: a component that holds parts under several has all of them.
func licenceChoices(names []string) *cdx.Licenses {
	choices := make(cdx.Licenses, 0, len(names))
	for _, name := range names {
		choices = append(choices, cdx.LicenseChoice{License: &cdx.License{ID: name}})
	}
	return &choices
}

// goSum gives the SHA-256 in hexadecimal of a checksum of go.sum, h1: and base64: the hash over the hashes of a module's
// files.
func goSum(sum string) (string, error) {
	encoded, ok := strings.CutPrefix(sum, "h1:")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !ok || len(raw) != 32 {
		return "", fmt.Errorf("the checksum %q is none of go.sum", sum)
	}
	return hex.EncodeToString(raw), nil
}
