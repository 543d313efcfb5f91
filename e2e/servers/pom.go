// Package pom carries the Maven project that resolves the class paths of Infinispan's servers, so that
// a built harness needs no checkout to find it.
package pom

import _ "embed"

// XML is the Maven project file, pom.xml. One profile in it is one server version, chosen by the
// property infinispan.version.
//
//go:embed pom.xml
var XML []byte
