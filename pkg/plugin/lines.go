package plugin

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// heartbeat is how long the output may be silent, so that nobody takes the run for dead and ends it.
const heartbeat = 30 * time.Second

// lines shows progress as one timestamped line per change, for logs and terminals that cannot be drawn on.
type lines struct {
	mu     sync.Mutex
	out    io.Writer
	board  board
	timer  *time.Timer
	last   time.Time // of the last line
	paused bool
	closed bool
}

// newLines begins to show progress.
func newLines(out io.Writer) *lines {
	l := &lines{out: out}
	l.mu.Lock() // the timer may ring before it is kept
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(heartbeat, l.beat)
	return l
}

// Observe implements xsite.Observer.
func (l *lines) Observe(e xsite.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.board.apply(e) {
		l.write(e.Time, n.text)
	}
}

// Pause implements progress.
func (l *lines) Pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = true
	l.timer.Stop()
}

// Resume implements progress.
func (l *lines) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = false
	if !l.closed {
		l.timer.Reset(heartbeat)
	}
}

// Close implements progress.
func (l *lines) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.timer.Stop()
}

// beat says that the run goes on.
func (l *lines) beat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.paused {
		return
	}
	now := time.Now()
	if silent := now.Sub(l.last); silent < heartbeat { // a line came while the timer rang
		l.timer.Reset(heartbeat - silent)
		return
	}
	if l.board.running {
		l.write(now, "going on: "+l.board.headline(now))
		return
	}
	l.timer.Reset(heartbeat)
}

// write writes a line; a stream that cannot be written to must not end a recovery.
func (l *lines) write(at time.Time, text string) {
	_, _ = fmt.Fprintf(l.out, "%s %-9s %s\n", at.UTC().Format(time.RFC3339), l.board.phase, text)
	l.last = time.Now()
	if !l.closed && !l.paused {
		l.timer.Reset(heartbeat)
	}
}
