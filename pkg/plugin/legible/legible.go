// Package legible writes numbers, durations and strings of servers so that people can read them and nothing can be
// hidden in them.
package legible

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"k8s.io/cli-runtime/pkg/printers"
)

// Text makes one line of text that came from a cluster harmless: escape sequences, line breaks, other control characters
// and invisible ones (bidirectional overrides among them) are spelled out.
func Text(s string) string {
	s = printers.EscapeTerminal(s)
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\t':
			b.WriteByte(' ')
		case r == '\n':
			b.WriteString(`\n`)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Count writes a number of things with thousands separated: 80,000.
func Count[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Plural writes a number with its noun: 1 cache, 8 caches.
func Plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, isY := strings.CutSuffix(noun, "y"); isY {
		return Count(n) + " " + stem + "ies"
	}
	return Count(n) + " " + noun + "s"
}

// Took writes a duration: 0.3s, 12.4s, 2m3s, 10m.
func Took(d time.Duration) string {
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	return Whole(d.Round(time.Second))
}

// Whole writes a duration of whole seconds without units that are zero at its end: 10m, not 10m0s.
func Whole(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
