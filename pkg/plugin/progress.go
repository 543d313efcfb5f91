package plugin

import (
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// progress shows the events of a run on standard error. All methods are safe for concurrent use.
type progress interface {
	xsite.Observer
	// Pause stops the output and leaves the screen to somebody else, until Resume.
	Pause()
	// Resume goes on.
	Resume()
	// Close ends the output for good; the last state stays on the screen. It may be called again.
	Close()
}

// newProgress chooses how progress is shown: drawn in place on a terminal that can, as timestamped lines elsewhere,
// and when a log is written to the same stream.
func newProgress(deps Deps, logging bool) progress {
	s := screenOf(deps, deps.Streams.ErrOut)
	if s.live && !logging {
		return newLive(deps.Streams.ErrOut, s)
	}
	return newLines(deps.Streams.ErrOut)
}
