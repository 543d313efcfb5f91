package plugin

import (
	"sync"

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

// newProgress shows the progress of this command. It leaves the screen to a credential plugin that asks in the middle of a run.
func (o *resyncOptions) newProgress() progress {
	shown := &manyPauses{progress: newProgress(o.deps, o.all.Changed(verbosityFlag))}
	o.turn.Watch(func(asking bool) {
		if asking {
			shown.Pause()
		} else {
			shown.Resume()
		}
	})
	return shown
}

// manyPauses goes on after the last of several pauses at the same time.
type manyPauses struct {
	progress

	mu     sync.Mutex
	paused int
}

// Pause implements progress.
func (m *manyPauses) Pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused++
	if m.paused == 1 {
		m.progress.Pause()
	}
}

// Resume implements progress.
func (m *manyPauses) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused--
	if m.paused == 0 {
		m.progress.Resume()
	}
}
