package plugin

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// redraw is the time between two pictures.
const redraw = 200 * time.Millisecond

// live shows progress on a terminal: what is over as lines that stay, and below them the present phase with one line
// for each cache, drawn in place. The cursor is never hidden, so no end of the program can leave it so.
type live struct {
	mu     sync.Mutex
	out    io.Writer
	screen screen
	board  board
	timer  *time.Timer
	drawn  []int // the width of each line of the picture on the screen
	paused bool
	closed bool
}

// newLive begins to show progress.
func newLive(out io.Writer, s screen) *live {
	l := &live{out: out, screen: s}
	l.mu.Lock() // the timer may ring before it is kept
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(redraw, l.tick)
	return l
}

// Observe implements xsite.Observer.
func (l *live) Observe(e xsite.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, n := range l.board.apply(e) {
		if n.detail {
			continue
		}
		columns, _ := l.screen.size()
		label := pad(string(l.board.phase), phaseColumns) + "  "
		for i, line := range wrap(n.text, max(columns-1-width(label), narrowestNote)) {
			if i > 0 {
				label = strings.Repeat(" ", width(label))
			}
			b.WriteString(label + l.colour(line, n.tone) + "\n")
		}
	}
	if b.Len() > 0 && !l.closed {
		l.draw(b.String())
	}
}

// phaseColumns is the width of the longest name of a phase.
const phaseColumns = len(xsite.PhasePreflight)

// narrowestNote is how few columns a line that stays is broken to; a screen with fewer breaks it itself.
const narrowestNote = 12

// Pause implements progress.
func (l *live) Pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = true
	l.draw("")
	l.timer.Stop()
}

// Resume implements progress.
func (l *live) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = false
	if !l.closed {
		l.timer.Reset(redraw)
	}
}

// Close implements progress.
func (l *live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.draw("")
	l.closed = true
	l.timer.Stop()
}

// tick draws the next picture.
func (l *live) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.paused {
		return
	}
	l.draw("")
	l.timer.Reset(redraw)
}

// draw replaces the picture on the screen, with lines that stay above it, in one write. Its lines are deleted, not cleared:
// some terminals keep what is cleared among the lines that scrolled off, or where a line was broken when they became
// narrower. A stream that cannot be written to must not end a recovery.
func (l *live) draw(stay string) {
	var b strings.Builder
	if rows := l.rows(); rows > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[%dM", rows, rows)
	}
	b.WriteString(stay)
	l.drawn = l.drawn[:0]
	for _, line := range l.picture(time.Now()) {
		b.WriteString(line + "\n")
		l.drawn = append(l.drawn, width(line))
	}
	if b.Len() > 0 {
		_, _ = io.WriteString(l.out, b.String())
	}
}

// rows is how many rows of the screen the picture takes: a terminal that became narrower since has broken its lines.
func (l *live) rows() int {
	columns, _ := l.screen.size()
	rows := 0
	for _, columnsOfLine := range l.drawn {
		rows += max((columnsOfLine+columns-1)/max(columns, 1), 1)
	}
	return rows
}

// picture is the present phase as it fits the screen; nothing while another has the screen or no phase runs.
func (l *live) picture(now time.Time) []string {
	if l.paused || !l.board.running {
		return nil
	}
	columns, height := l.screen.size()
	all := []string{pad(string(l.board.phase), phaseColumns) + "  " + l.board.headline(now)}
	names := l.board.names()
	columnsOfNames := 0
	for _, name := range names {
		columnsOfNames = max(columnsOfNames, width(printable(name)))
	}
	columnsOfNames = min(columnsOfNames, columns/2) //nolint:mnd // the other half is for what becomes of it
	room := max(height-3, 1)                        // the headline, the line for the rest, and the one with the cursor
	for i, name := range names {
		if i == room {
			all = append(all, fmt.Sprintf("  and %d more", len(names)-i))
			break
		}
		label := "  " + pad(clip(printable(name), columnsOfNames), columnsOfNames) + "  "
		all = append(all, label+l.board.caches[name].line(now, columns-1-width(label)))
	}
	for i := range all {
		all[i] = clip(all[i], max(columns-1, 1))
	}
	return all
}

// colour lays a colour on a line that is laid out already.
func (l *live) colour(line, tone string) string {
	if !l.screen.colour {
		return line
	}
	switch tone {
	case "good":
		return green + line + plain
	case "bad":
		return red + line + plain
	default:
		return line
	}
}
