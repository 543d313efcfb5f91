// Package completer is the small program by which kubectl completes the plugin's command line. kubectl looks for an
// executable of the name kubectl_complete-NAME in PATH and takes what it prints for what may come next.
package completer

// Name is how kubectl finds it, less the ending that Windows wants.
const Name = "kubectl_complete-ispn_resync"

// Mark is in every such program, so that one can be told from another file of the same name.
const Mark = "kubectl ispn-resync: completion for kubectl"

// unix prefers the plugin of its own folder, so that a copy taken elsewhere works too. What goes wrong is nobody's
// business while a word is being completed.
const unix = `#!/bin/sh
# ` + Mark + `
here=$(dirname "$0")
if [ -x "$here/kubectl-ispn_resync" ]; then
  exec "$here/kubectl-ispn_resync" __complete "$@"
fi
exec kubectl-ispn_resync __complete "$@"
`

const windows = "@echo off\r\n" +
	"rem " + Mark + "\r\n" +
	"if exist \"%~dp0kubectl-ispn_resync.exe\" (\"%~dp0kubectl-ispn_resync.exe\" __complete %*) else (kubectl-ispn_resync.exe __complete %*)\r\n"

// File gives the name and the content of the program for an operating system, as Go spells it.
func File(system string) (name, content string) {
	if system == "windows" {
		return Name + ".cmd", windows
	}
	return Name, unix
}
