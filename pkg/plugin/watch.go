package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// What a terminal is told to draw anew: to begin at the top left, to clear a line to its end, to clear what is below.
const (
	cursorHome = "\x1b[H"
	clearAll   = "\x1b[2J"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// watch looks again and again until the context ends, and shows what changed. Its end is no failure, and no site that cannot be
// reached ends it, the first time neither: it may come back.
func (l *statusLook) watch(ctx context.Context) error {
	defer l.close()
	var last *api.Status
	for first := true; ; first = false {
		if err := l.connectMissing(ctx); err != nil && first {
			return err
		}
		status := l.once(ctx)
		if ctx.Err() == nil {
			if err := l.show(last, status); err != nil {
				return err
			}
			last = status
		}
		if err := l.o.deps.Clock.Wait(ctx, l.flags.interval); err != nil {
			break
		}
	}
	if last == nil {
		return nil
	}
	return l.verdict(last)
}

// show shows a look after another: redrawn on a terminal, elsewhere only what changed.
func (l *statusLook) show(before, now *api.Status) error {
	out, s := l.o.deps.Streams.Out, screenOf(l.o.deps, l.o.deps.Streams.Out)
	if !l.o.output.text() {
		if same(before, now) {
			return nil
		}
		return l.o.output.write(out, now, l.o.outView())
	}
	shown, err := api.ThroughJSON(now)
	if err != nil {
		return err
	}
	if s.live {
		text, err := textOf(shown, l.o.outView())
		if err != nil {
			return err
		}
		_, lines := s.size()
		stamp := l.o.deps.Clock.Now().UTC().Format("15:04:05Z")
		picture := redrawn(fmt.Sprintf("%s, every %s until Ctrl-C\n%s", stamp, l.flags.interval, text), lines)
		if before == nil {
			picture = clearAll + picture
		}
		return writeAll(out, picture)
	}
	status, ok := shown.(*api.Status)
	if !ok || before != nil && statusLine(before) == statusLine(status) {
		return nil
	}
	return writeAll(out, l.o.deps.Clock.Now().UTC().Format("2006-01-02T15:04:05Z ")+statusLine(status)+"\n")
}

// same tells whether two looks saw the same.
func same(a, b *api.Status) bool {
	if a == nil {
		return false
	}
	left, leftErr := json.Marshal(a)
	right, rightErr := json.Marshal(b)
	return leftErr == nil && rightErr == nil && bytes.Equal(left, right)
}

// redrawn writes a text over what stands on the screen. What does not fit is left out, and said.
func redrawn(text string, lines int) string {
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if room := max(lines-1, 1); len(all) > room {
		left := len(all) - room + 1
		all = append(all[:room-1], fmt.Sprintf("... %d more lines; make the window higher", left))
	}
	return cursorHome + strings.Join(all, clearLine+"\n") + clearLine + "\n" + clearBelow
}

// statusLine says how the sites stand in a line.
func statusLine(s *api.Status) string {
	if s.InSync {
		return "IN SYNC"
	}
	parts := make([]string, 0, len(s.Findings))
	for _, f := range s.Findings {
		parts = append(parts, printable(f.Message))
	}
	return "NOT IN SYNC: " + strings.Join(parts, "; ")
}
