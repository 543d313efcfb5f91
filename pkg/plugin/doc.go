// Package plugin is the command line of kubectl ispn-resync: flags, confirmation, progress, results and exit codes.
//
// It decides nothing about the recovery itself; that is package xsite's, which it drives with what the flags say and
// whose events and results it shows. Every command has an options value with Complete (reads flags and kubeconfigs),
// Validate (judges without contacting anything) and Run. Standard output carries the result alone; plan, prompts,
// progress and errors go to standard error.
package plugin
