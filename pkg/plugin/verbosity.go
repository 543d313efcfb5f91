package plugin

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// maxVerbosity is the last level at which client-go does not write bodies of answers, and with them Secrets.
const maxVerbosity = 7

// callVerbosity is the level from which on calls are logged, as client-go does with its own.
const callVerbosity = 6

// traceCalls gives the observer that logs the calls to one site's Infinispan. A record holds no secret and no key.
func traceCalls(role xsite.Role) func(infinispan.CallRecord) {
	return func(call infinispan.CallRecord) {
		klog.V(callVerbosity).InfoS("Infinispan call", "site", role, "method", call.Method, "path", call.Path,
			"status", call.Status, "milliseconds", call.Duration.Milliseconds(), "err", call.Err)
	}
}

// addVerbosity adds -v, which sets the level of client-go's log on standard error, to a command and those below it.
func addVerbosity(cmd *cobra.Command, errOut io.Writer) {
	var level int
	cmd.PersistentFlags().IntVarP(&level, "v", "v", 0,
		"Level of the log on standard error; 0 is none, from 6 on it has every request to the API servers and to Infinispan, 7 is the highest.")
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error {
		if level < 0 {
			return usagef("-v %d is negative", level)
		}
		if level > maxVerbosity {
			if _, err := fmt.Fprintf(errOut, "warning: -v %d is taken as -v %d: above it the log would hold Secrets\n", level, maxVerbosity); err != nil {
				return fmt.Errorf("writing a warning: %w", err)
			}
			level = maxVerbosity
		}
		if level == 0 {
			// What client-go tells its log comes back as errors as well, and its lines would tear the picture apart.
			klog.SetSlogLogger(slog.New(slog.DiscardHandler))
			return nil
		}
		var verbosity klog.Level
		if err := verbosity.Set(strconv.Itoa(level)); err != nil {
			return fmt.Errorf("setting the log level: %w", err)
		}
		return nil
	}
}
