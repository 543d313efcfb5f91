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
}

// newTable makes an empty table.
func newTable(columns ...column) *table { return &table{columns: columns} }

// row adds a row.
func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

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
				line.WriteString("   ")
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
