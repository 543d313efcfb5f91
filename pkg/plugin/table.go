package plugin

import "strings"

// column is the heading of a table's column; numbers stand on the right.
type column struct {
	title string
	right bool
}

// table is text in columns, measured in characters; its cells must be printable already.
type table struct {
	columns []column
	rows    [][]string
	// gap is the number of blanks between columns.
	gap int
}

// newTable makes an empty table.
func newTable(columns ...column) *table { return &table{columns: columns, gap: 3} }

// row adds a row.
func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// fit lays the table out for a screen: on a terminal that is too narrow for it each row becomes a block of lines.
// Where no person looks, a row is a line however long it is.
func (t *table) fit(v view) string {
	if v.terminal && t.width() >= v.columns {
		return t.blocks(v)
	}
	return t.text()
}

// width is that of the longest line.
func (t *table) width() int {
	longest := 0
	for line := range strings.Lines(t.text()) {
		longest = max(longest, width(strings.TrimSuffix(line, "\n")))
	}
	return longest
}

// blocks lays each row out as lines of title and cell, with what the first column says above them.
func (t *table) blocks(v view) string {
	titles := 0
	for _, c := range t.columns[1:] {
		titles = max(titles, width(c.title))
	}
	var b strings.Builder
	for _, row := range t.rows {
		writeWrapped(&b, "", row[0], v.width())
		for i, cell := range row[1:] {
			if cell != "" {
				writeWrapped(&b, "  "+pad(t.columns[i+1].title, titles)+"  ", cell, v.width())
			}
		}
	}
	return b.String()
}

// text lays the table out.
func (t *table) text() string {
	head := make([]string, len(t.columns))
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		head[i] = c.title
		widths[i] = width(c.title)
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString(strings.Repeat(" ", t.gap))
			}
			if t.columns[i].right {
				line.WriteString(padLeft(cell, widths[i]))
			} else {
				line.WriteString(pad(cell, widths[i]))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
