// Package xsite recovers an out-of-sync secondary site of a two-site Keycloak: it discards the cache contents of the
// secondary Infinispan and replaces them with those of the primary, in the order that no slow, cut or dying server can
// turn against the primary.
//
// The package is the engine only. It reaches Infinispan through [Node] and Kubernetes through [Cluster], tells what it
// does through [Observer], and takes time from [Clock]; it prints nothing and knows no command line.
//
// Every rule that keeps data safe is a [Guard] with one name; the rule itself stands in the file guard_NAME.go and is
// checked again immediately before each step that it protects.
package xsite
