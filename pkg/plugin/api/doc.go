// Package api holds what the commands write to standard output: one kind for each, printed as JSON, YAML and the other
// formats of kubectl, and as text. The text is made from the JSON, so that neither can say more than the other.
//
// docs/output.md has the promise of compatibility, docs/schema the JSON schemas, which are made from these structs. The
// structs are apart from those of the engine on purpose: the engine may change, what scripts read may not. They hold no
// secret, and keys and values of caches only where they were asked for (Diff).
//
// Lists and maps without omitempty are never null. Durations are seconds. Strings that come from a server are raw: who
// prints them on a terminal escapes them.
package api
