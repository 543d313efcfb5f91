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

// style is how text looks from a sequence on.
type style struct{ weight, colour string }

// class is the style as the classes of the picture.
func (s style) class() string { return strings.TrimSpace(s.weight + " " + s.colour) }

// with is the style after one code of a sequence.
func (s style) with(code string) (style, bool) {
	switch code {
	case "", "0":
		return style{}, true
	case "1":
		s.weight = "b"
	case "2":
		s.weight = "d"
	case "22":
		s.weight = ""
	case "31":
		s.colour = "r"
	case "32":
		s.colour = "g"
	case "33":
		s.colour = "y"
	case "39":
		s.colour = ""
	case "49": // the background, which nothing here sets
	default:
		return s, false
	}
	return s, true
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
	var look style
	for i, line := range lines {
		spans, after, err := spansOf(line, look)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		look = after
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", margin, margin+i*lineHeight+fontSize, spans)
	}
	b.WriteString("</svg>\n")
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// spansOf gives a line as spans of one style each, and the style that goes on in the next line.
func spansOf(line string, look style) (spans string, after style, err error) {
	var b strings.Builder
	add := func(text string) {
		switch class := look.class(); {
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
		for code := range strings.SplitSeq(rest[at[2]:at[3]], ";") {
			next, known := look.with(code)
			if !known {
				return "", style{}, fmt.Errorf("unknown sequence %q", rest[at[0]:at[1]])
			}
			look = next
		}
		rest = rest[at[1]:]
	}
	if strings.ContainsRune(rest, '\x1b') {
		return "", style{}, fmt.Errorf("unknown sequence in %q", rest)
	}
	add(rest)
	return b.String(), look, nil
}
