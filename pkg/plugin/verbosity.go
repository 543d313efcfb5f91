package plugin

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// maxClientVerbosity is the last level at which client-go does not write bodies of answers, and with them Secrets. What is
// asked for beyond it, a tracer writes.
const maxClientVerbosity = 7

// verbosityFlag is the flag, long and short.
const verbosityFlag = "v"

// addVerbosity adds -v, which sets the level of the log on standard error, to a command and those below it.
func addVerbosity(cmd *cobra.Command) {
	var level int
	cmd.PersistentFlags().IntVarP(&level, verbosityFlag, verbosityFlag, 0,
		"Level of the log on standard error; 0 is none, 6 has each request to the API servers and to Infinispan, 7 headers, 8 answers without secrets.")
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error {
		if level < 0 {
			return usagef("-v %d is negative", level)
		}
		if level == 0 {
			// What client-go tells its log comes back as errors as well, and its lines would tear the picture apart.
			klog.SetSlogLogger(slog.New(slog.DiscardHandler))
			return nil
		}
		var verbosity klog.Level
		if err := verbosity.Set(strconv.Itoa(min(level, maxClientVerbosity))); err != nil {
			return fmt.Errorf("setting the log level: %w", err)
		}
		return nil
	}
}
