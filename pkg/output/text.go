package output

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"okauth/pkg/internal/safetext"
)

// TextOptions says how text for people looks.
type TextOptions struct {
	Now      time.Time      // relative times count from here
	Location *time.Location // of the times; nil = time.Local
	Width    int            // columns, at least 20; 0 breaks no line
	Color    bool           // whether SGR codes may be used
	Prefix   string         // stands before the first line of a report
	Time     string         // how times look: one of [TimeFormats], the first if empty
}

const (
	maxValue   = 4096 // runes of one value that are shown; JSON has them all
	wideEnough = 60   // columns from which a name and its value fit on one line
)

// SGR codes: https://ecma-international.org/publications-and-standards/standards/ecma-48/ section 8.3.117.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// printable returns text as one line that no terminal acts on.
func printable(text string) string { return safetext.Sanitize(text, maxValue) }

// Table writes rows in aligned columns, two spaces apart. The first row is usually a header. Rows may differ in their
// number of cells. Cells are made printable, and no line ends in white space. Where the table is wider than width, each
// row is broken by itself; a width of 0 breaks nothing.
func Table(w io.Writer, rows [][]string, width int) error {
	var table, aligned, broken strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		var cells []string
		for _, cell := range row {
			cell = printable(cell)
			fmt.Fprint(columns, cell, "\t")
			if cell != "" {
				cells = append(cells, cell)
			}
		}
		fmt.Fprintln(columns)
		broken.WriteString(strings.ReplaceAll(Wrap(strings.Join(cells, "  "), 0, 4, width), " \n", "\n") + "\n")
	}
	columns.Flush() // a strings.Builder returns no error
	text := &aligned
	for line := range strings.Lines(table.String()) {
		line = strings.TrimRight(line, " \n")
		if width > 0 && utf8.RuneCountInString(line) > width {
			text = &broken
		}
		aligned.WriteString(line + "\n")
	}
	return write(w, []byte(text.String()))
}

// page collects text for people. What is written to it is printable.
type page struct {
	strings.Builder
	opts TextOptions
}

func newPage(opts TextOptions) *page {
	if opts.Location == nil {
		opts.Location = time.Local
	}
	if opts.Width == 0 {
		opts.Width = math.MaxInt
	}
	opts.Width = max(20, opts.Width)
	return &page{opts: opts}
}

func (p *page) write(w io.Writer) error { return write(w, []byte(p.String())) }

// color returns text in a color, if there is one and colors are wanted.
func (p *page) color(code, text string) string {
	if !p.opts.Color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// title starts a section, with an empty line above unless it is the first.
func (p *page) title(text string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(p.color(bold, strings.TrimSuffix(p.wrap(text, 0), "\n")) + "\n")
}

// sentence writes a sentence of which the first words have a color.
func (p *page) sentence(indent int, code, words, rest string) {
	text := p.wrap(words+rest, indent)
	p.WriteString(strings.Repeat(" ", indent) + strings.Replace(text, words, p.color(code, words), 1))
}

// wrap breaks text, which starts at column indent, and ends the line.
func (p *page) wrap(text string, indent int) string {
	return Wrap(text, indent, indent, p.opts.Width) + "\n"
}

// Wrap breaks text, which starts at column, at spaces. Each further line starts at column indent. No line is wider than
// width, unless a single word is; a width of 0 breaks nothing.
func Wrap(text string, column, indent, width int) string {
	var b strings.Builder
	for i, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width > 0 && column+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}

// pad fills text with spaces up to width runes.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// field is a line of a section: a name, what it means, and a value.
type field struct {
	name, meaning, value string
	code                 string // color of the name
}

// fields writes fields in columns. The column of the names is as wide as the widest of them, at most maxName; a longer
// name moves its own line to the right. No line is wider than the page, unless a single word is.
func (p *page) fields(fields []field, maxName int) {
	nameWidth, meaningWidth := 0, 0
	for _, f := range fields {
		nameWidth = max(nameWidth, min(maxName, utf8.RuneCountInString(f.name)))
		meaningWidth = max(meaningWidth, utf8.RuneCountInString(f.meaning))
	}
	for _, f := range fields {
		if p.opts.Width < wideEnough {
			p.stacked(f)
			continue
		}
		name := pad(f.name, nameWidth)
		p.WriteString("  " + p.color(f.code, name) + "  ")
		indent := 2 + utf8.RuneCountInString(name) + 2
		if meaningWidth > 0 {
			p.WriteString(p.color(dim, f.meaning) + pad("", meaningWidth-utf8.RuneCountInString(f.meaning)+2))
			indent += meaningWidth + 2
		}
		p.WriteString(p.wrap(f.value, indent))
	}
}

// stacked writes a field on a narrow page: name and meaning on one line if they fit, the value below.
func (p *page) stacked(f field) {
	p.WriteString("  " + p.color(f.code, f.name))
	if f.meaning != "" {
		between := "  "
		if utf8.RuneCountInString(f.name+f.meaning)+4 > p.opts.Width {
			between = "\n  "
		}
		p.WriteString(between + p.color(dim, f.meaning))
	}
	indent := 4 + len(f.name) - len(strings.TrimLeft(f.name, " "))
	p.WriteString("\n" + pad("", indent) + p.wrap(f.value, indent))
}

// The states of a check.
const (
	stateOK   = "ok"
	stateNote = "note"
	stateWarn = "warn"
	stateFail = "fail"
	stateSkip = "skip"
)

// check writes the result of a check: a mark if the page has colors, else a word, then its name in nameWidth columns,
// then texts below each other, beside the name or, if there is no room, below it.
func (p *page) check(state, name string, nameWidth int, texts ...string) {
	mark := map[string][3]string{
		stateOK: {"✓", "ok", green}, stateNote: {"–", "note", dim}, stateWarn: {"!", "warn", yellow},
		stateFail: {"✗", "FAIL", red}, stateSkip: {"–", "skip", dim},
	}[state]
	indent := 2 + 1 + 1 + nameWidth + 2
	if p.opts.Color {
		p.WriteString("  " + p.color(mark[2], mark[0]) + " ")
	} else {
		p.WriteString("  " + pad(mark[1], len("FAIL")) + " ")
		indent += len("FAIL") - 1
	}
	switch {
	case len(texts) == 0:
		p.WriteString(name + "\n")
	case p.opts.Width >= wideEnough && utf8.RuneCountInString(name) <= nameWidth:
		p.WriteString(pad(name, nameWidth+2))
	default:
		indent = 4
		p.WriteString(name + "\n" + pad("", indent))
	}
	for i, text := range texts {
		if i > 0 {
			p.WriteString(pad("", indent))
		}
		p.WriteString(p.wrap(text, indent))
	}
}
