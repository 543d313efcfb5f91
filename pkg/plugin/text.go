package plugin

import (
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/legible"
)

// printable makes one line of text that came from a cluster harmless for a terminal: escape sequences, line breaks,
// other control characters and invisible ones (bidirectional overrides among them) are spelled out.
func printable(s string) string { return legible.Text(s) }

// printableLines is printable for text of several lines, whose line breaks are kept.
func printableLines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = line[:indent] + printable(line[indent:])
	}
	return lines
}

// count writes a number of things with thousands separated: 80,000.
func count[N int | int64](n N) string { return legible.Count(n) }

// plural writes a number with its noun: 1 cache, 8 caches.
func plural[N int | int64](n N, noun string) string { return legible.Plural(n, noun) }

// took writes a duration as people read it: 0.3s, 12.4s, 2m3s.
func took(d time.Duration) string { return legible.Took(d) }

// about writes an estimate no finer than it is: steps of five seconds, from ten minutes on whole minutes.
func about(d time.Duration) string {
	const fine, coarse = 5 * time.Second, 10 * time.Minute
	if d >= coarse {
		return "about " + trimZero(d.Round(time.Minute))
	}
	return "about " + trimZero(max(d.Round(fine), fine))
}

// trimZero writes a duration of whole seconds without units that are zero at its end: 10m, not 10m0s.
func trimZero(d time.Duration) string { return legible.Whole(d) }

// width counts the columns of a text, taking every character for one.
func width(s string) int { return len([]rune(s)) }

// pad fills a text with blanks on the right up to a number of columns.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-width(s), 0))
}

// padLeft fills a text with blanks on the left up to a number of columns.
func padLeft(s string, columns int) string {
	return strings.Repeat(" ", max(columns-width(s), 0)) + s
}

// clip cuts a text to a number of columns, and shows that it did.
func clip(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	if columns <= 1 {
		return string([]rune(s)[:max(columns, 0)])
	}
	return string([]rune(s)[:columns-1]) + "~"
}

// wrap breaks a text into lines of at most a number of columns, at blanks where there are any; nothing is lost, since
// what is shown for a decision must be whole.
func wrap(s string, columns int) []string {
	if columns < 1 {
		return []string{s}
	}
	rest := []rune(s)
	var lines []string
	for len(rest) > columns {
		cut, next := columns, columns
		for i := columns; i > 0; i-- {
			if rest[i] == ' ' {
				cut, next = i, i+1
				break
			}
		}
		lines = append(lines, string(rest[:cut]))
		rest = rest[next:]
	}
	return append(lines, string(rest))
}
