package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// columns is what man(1) leaves a line in a terminal of 80: it indents by seven.
const columns = 80 - 7

func (p *page) line(text string) { p.WriteString(text + "\n") }

// macro calls a macro with arguments of plain text.
func (p *page) macro(name string, arguments ...string) {
	p.WriteString("." + name)
	for _, a := range arguments {
		p.WriteString(` "` + escape(a) + `"`)
	}
	p.WriteByte('\n')
}

func (p *page) section(title string) { p.macro("SH", title) }

// item is a paragraph below a tag; both are escaped already.
func (p *page) item(tag, text string) {
	p.line(".TP")
	p.line(tag)
	p.line(guard(text))
}

// text writes a help text: lines at the margin are paragraphs, to be filled; those
// that are indented stay as they are, or are a list; a line of capitals is a heading.
func (p *page) text(text string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	apart := false // from what stands above
	for len(lines) > 0 {
		n := 1
		switch {
		case lines[0] == "":
			apart = true
			lines = lines[1:]
			continue
		case isHeading(lines[0]):
			p.macro("SS", lines[0])
		case isIndented(lines[0]), isRow(lines[0]):
			n = alike(lines, func(l string) bool { return isIndented(l) || isRow(l) || l == "" })
			p.indented(lines[:n], apart)
		default:
			n = alike(lines, func(l string) bool { return l != "" && !isIndented(l) && !isRow(l) })
			p.line(".PP")
			p.line(guard(escape(strings.Join(lines[:n], " ")))) // one line: at the end of one, a full stop is followed by two spaces
		}
		apart = false
		lines = lines[n:]
	}
}

// alike counts the first line and those that follow it for which like holds.
func alike(lines []string, like func(string) bool) int {
	n := 1
	for n < len(lines) && like(lines[n]) {
		n++
	}
	return n
}

func isIndented(line string) bool {
	return strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
}

// isRow tells whether line is a row of a table that stands at the margin.
func isRow(line string) bool {
	label, _, ok := strings.Cut(line, "  ")
	return ok && label != "" && !strings.Contains(label, " ")
}

func isHeading(line string) bool {
	return !isIndented(line) && line == strings.ToUpper(line) && line != strings.ToLower(line)
}

// indented writes lines as they are, or, where they have labels, as a list that
// man(1) can fill.
func (p *page) indented(lines []string, apart bool) {
	rows := labelled(lines)
	if rows == nil {
		p.block(lines)
		return
	}
	widest := 0
	for _, row := range rows {
		widest = max(widest, utf8.RuneCountInString(row[0]))
	}
	if apart {
		p.line(".sp")
	}
	p.line(".RS 2")
	p.line(".PD 0")
	for _, row := range rows {
		p.line(fmt.Sprintf(".TP %d", widest+2))
		p.line(guard(escape(row[0])))
		p.line(guard(escape(row[1])))
	}
	p.line(".PD")
	p.line(".RE")
}

// labelled returns the label and the text of each row of a table; nil if lines are
// none. What a row goes on with is indented deeper than its label.
func labelled(lines []string) [][2]string {
	var rows [][2]string
	margin := indent(lines[0])
	for _, l := range lines {
		body := strings.TrimLeft(l, " ")
		label, text, ok := strings.Cut(body, "  ")
		switch {
		case body == "":
		case indent(l) == margin && ok:
			rows = append(rows, [2]string{label, strings.TrimSpace(text)})
		case indent(l) > margin && len(rows) > 0:
			rows[len(rows)-1][1] += " " + body
		default:
			return nil
		}
	}
	return rows
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// block writes lines as they are, less the indent that they share, and further to
// the left where they are wide.
func (p *page) block(lines []string) {
	lines = outdent(lines)
	widest := 0
	for _, l := range lines {
		widest = max(widest, utf8.RuneCountInString(l))
	}
	p.line(".PP")
	p.line(fmt.Sprintf(".RS %d", max(-6, min(4, columns-widest))))
	p.line(".nf")
	for _, l := range lines {
		p.line(guard(escape(l)))
	}
	p.line(".fi")
	p.line(".RE")
}

// outdent takes away the indent that all lines share, and empty lines at the end.
func outdent(lines []string) []string {
	lines = strings.Split(strings.TrimRight(strings.Join(lines, "\n"), "\n"), "\n")
	shared := indent(lines[0])
	for _, l := range lines {
		if l != "" {
			shared = min(shared, indent(l))
		}
	}
	var shorter []string
	for _, l := range lines {
		shorter = append(shorter, l[min(shared, len(l)):])
	}
	return shorter
}

// guard keeps a line of text from being read as a request.
// https://man7.org/linux/man-pages/man7/groff.7.html: control lines begin with a dot
// or a neutral apostrophe
func guard(line string) string {
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line // escape leaves no apostrophe
}

// escape makes text show as it is: a hyphen that can be copied and searched for,
// straight quotes, and what is not ASCII by number, whatever encoding man(1) expects.
// https://man7.org/linux/man-pages/man7/groff_char.7.html
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch r {
		case '\\':
			b.WriteString(`\(rs`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '"':
			b.WriteString(`\(dq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		default:
			if r < utf8.RuneSelf {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\[u%04X]`, r)
			}
		}
	}
	return b.String()
}
