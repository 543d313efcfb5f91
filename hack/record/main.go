// Command record draws what a terminal shows as an SVG, which needs nothing else to be looked at.
//
//	tmux capture-pane -p -e | go run ./hack/record > session.svg
//
// It knows the colours and weights that this project uses; other escape sequences are an error, so that nothing is lost
// without a word.
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// The measures of the picture, in pixels.
const (
	cellWidth  = 8.43 // of a monospaced character at fontSize
	lineHeight = 19
	fontSize   = 14
	margin     = 18
)

// sequence is a colour or a weight, as a terminal is told it.
var sequence = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// classes maps what a sequence says to the class of the text after it; "" ends all.
func classes() map[string]string {
	return map[string]string{"": "", "0": "", "39": "", "22": "", "1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "0;31": "r", "0;32": "g", "1;31": "r b"}
}

// run reads what the terminal shows and writes the picture.
func run(in io.Reader, out io.Writer) error {
	var lines []string
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		lines = append(lines, strings.TrimRight(scanner.Text(), " "))
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read the screen: %w", err)
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	columns := 0
	for _, line := range lines {
		columns = max(columns, len([]rune(sequence.ReplaceAllString(line, ""))))
	}
	width, height := int(float64(columns)*cellWidth)+2*margin, len(lines)*lineHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<style>text{font:%dpx ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#e8ebf1;white-space:pre}`+
		`.r{fill:#f08a75}.g{fill:#7fd19b}.y{fill:#e5c07b}.b{font-weight:600}.d{fill:#9aa3b2}</style>`+"\n", fontSize)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#14171d"/>`+"\n", width, height)
	class := ""
	for i, line := range lines {
		spans, after, err := spansOf(line, class)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		class = after
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", margin, margin+i*lineHeight+fontSize, spans)
	}
	b.WriteString("</svg>\n")
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// spansOf gives a line as spans of one class each, and the class that goes on in the next line.
func spansOf(line, class string) (spans, after string, err error) {
	var b strings.Builder
	add := func(text string) {
		switch {
		case text == "":
		case class == "":
			b.WriteString(html.EscapeString(text))
		default:
			fmt.Fprintf(&b, `<tspan class="%s">%s</tspan>`, class, html.EscapeString(text))
		}
	}
	rest := line
	for {
		at := sequence.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		add(rest[:at[0]])
		next, known := classes()[rest[at[2]:at[3]]]
		if !known {
			return "", "", fmt.Errorf("unknown sequence %q", rest[at[0]:at[1]])
		}
		class, rest = next, rest[at[1]:]
	}
	if strings.ContainsRune(rest, '\x1b') {
		return "", "", fmt.Errorf("unknown sequence in %q", rest)
	}
	add(rest)
	return b.String(), class, nil
}
