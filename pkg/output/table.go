package output

import (
	"io"
	"strings"
	"unicode/utf8"

	"okauth/pkg/okta"
)

// maxCell is the longest text in a table, in runes: the longest path that Linux knows fits.
const maxCell = 4096

// Table writes rows in aligned columns, two spaces apart, under a header; a nil header is left out. Rows may have fewer or more
// cells than others. Cells are made printable, and no line ends in white space. The error is that of the write.
func Table(w io.Writer, header []string, rows [][]string) error {
	var lines [][]string
	if header != nil {
		lines = append(lines, header)
	}
	lines = append(lines, rows...)
	var widths []int
	for i, line := range lines {
		cells := make([]string, len(line))
		for column, cell := range line {
			cells[column] = okta.Sanitize(cell, maxCell)
			if column == len(widths) {
				widths = append(widths, 0)
			}
			widths[column] = max(widths[column], utf8.RuneCountInString(cells[column]))
		}
		lines[i] = cells
	}
	var b strings.Builder
	for _, cells := range lines {
		var line strings.Builder
		for column, cell := range cells {
			line.WriteString(pad(cell, widths[column]+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return write(w, []byte(b.String()))
}

// pad fills text with spaces up to width runes.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
