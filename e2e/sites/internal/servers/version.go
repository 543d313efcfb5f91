package servers

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultVersion is the Infinispan server that the harness runs unless told otherwise.
const DefaultVersion = "15.0.21.Final"

// Version is one Infinispan server release that the harness can run.
type Version struct {
	// Name is the Maven version, "15.0.21.Final".
	Name string
	// Schema is the version in the XML namespaces of its configuration, "15.0".
	Schema string
	// Admin is the list of mechanisms that the operator gives the admin endpoint for this release.
	Admin string
}

// container is the path of the cache container under /rest/v2. 14 knows the old one alone; later releases
// log a warning each time they are asked by it (V30).
func (v Version) container() string {
	if v.Schema == "14.0" {
		return "cache-managers/default"
	}
	return "container"
}

// Versions lists the releases the harness can run, oldest first. Each has a profile in pom.xml.
func Versions() []Version {
	const (
		md5    = "BASIC DIGEST"
		sha256 = "BASIC DIGEST-SHA-256"
	)
	return []Version{
		{Name: "14.0.28.Final", Schema: "14.0", Admin: md5},
		{Name: "15.0.21.Final", Schema: "15.0", Admin: sha256},
		{Name: "15.2.6.Final", Schema: "15.2", Admin: sha256},
		{Name: "16.0.7", Schema: "16.0", Admin: sha256},
	}
}

// ParseVersion finds a release by its Maven version, with or without its ".Final"; the empty string is [DefaultVersion]. The
// error of an unknown one lists the known ones.
func ParseVersion(name string) (Version, error) {
	if name == "" {
		name = DefaultVersion
	}
	known := Versions()
	i := slices.IndexFunc(known, func(v Version) bool { return v.Name == name || v.Name == name+".Final" })
	if i < 0 {
		names := make([]string, len(known))
		for i, v := range known {
			names[i] = v.Name
		}
		return Version{}, fmt.Errorf("infinispan %q has no profile in e2e/servers/pom.xml; use one of %s", name, strings.Join(names, ", "))
	}
	return known[i], nil
}
