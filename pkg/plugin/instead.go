package plugin

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
)

// insteadOf says what does the work of a flag that other tools have, where that is no flag with another name; empty for a flag
// that it does not know. The name is without dashes.
func insteadOf(cmd *cobra.Command, name string) string {
	has := func(flag string) bool { return cmd.Flags().Lookup(flag) != nil }
	switch name = strings.ReplaceAll(strings.ToLower(name), "_", "-"); name {
	case "version", "v": // -V; the small letter is a flag
		return "it is a command: " + displayName + " version"
	case "verbose", "debug", "trace", "log-level", "loglevel":
		return tellMore()
	case "quiet", "silent", "q":
		short := ""
		if has("short") {
			short = "--short leaves out the checks that passed; "
		}
		return short + "progress goes to standard error, and the result alone to standard output: 2>/dev/null leaves only that, " +
			"and hides what a failure has to say; its exit code remains"
	case "no-color", "no-colour", "nocolor", "color", "colour", "plain", "no-ansi":
		return "NO_COLOR=1 in the environment turns colours off, TERM=dumb also lines that are drawn anew; neither is there in a file or a pipe"
	case "force", "f":
		if has("confirm") { // what only looks is held up by no check
			return force(has)
		}
	case "in-cluster", "incluster", "service-account":
		return "in a pod, too, it takes two contexts of a kubeconfig, one for each site; how to make one with the rights that a Job needs: " +
			version.Get().Page("docs/job.md")
	case "resume", "continue", "retry":
		if has("confirm") && !cmd.HasParent() {
			return "none is needed; the same command continues a run that did not finish"
		}
	case "wait", "no-wait":
		if has("step-timeout") {
			return "it always waits until all is done; --step-timeout bounds the wait for one thing"
		}
	case "json", "yaml", "wide":
		if has("output") {
			return "write -o " + name
		}
	}
	return ""
}

// tellMore is how the program tells more.
func tellMore() string {
	return "-v=6 logs each request to standard error, -v=7 also its headers, -v=8 also answers without secrets"
}

// force says what there is in the place of a flag that would override everything, for a command that asks.
func force(has func(flag string) bool) string {
	text := "nothing overrides the checks; --confirm SITE answers the question"
	if has("accept") {
		text += ", --accept SIGN accepts one thing that speaks against the run; a refusal names it, where there is one"
	}
	return text
}
