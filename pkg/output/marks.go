package output

import (
	"strings"
	"unicode/utf8"
)

const yellow = "33" // SGR code of what is neither right nor wrong

// The states of what was looked at.
const (
	stateOK   = "ok"
	stateNote = "note"
	stateWarn = "warn"
	stateFail = "fail"
	stateSkip = "skip"
)

// sign shows a state: a mark where colours tell marks apart, else a word, which a log or a plain terminal has, too. width is its
// number of columns.
func (p *page) sign(state string) (sign string, width int) {
	mark, word, code := "–", "skip", dim
	switch state {
	case stateOK:
		mark, word, code = "✓", "ok", green
	case stateNote:
		word = "note"
	case stateWarn:
		mark, word, code = "!", "warn", yellow
	case stateFail:
		mark, word, code = "✗", "FAIL", red
	}
	if p.opts.Color {
		return p.paint(code, mark), 1
	}
	return pad(word, len("FAIL")), len("FAIL")
}

// entry shows what was looked at: its state, its name in that many columns, and texts below each other, beside the name or, where
// there is no room, below it. name and texts are printable, and without SGR codes.
func (p *page) entry(state, name string, columns int, texts ...string) {
	sign, width := p.sign(state)
	p.text.WriteString("  " + sign + " ")
	indent := 2 + width + 1 + columns + 2
	switch beside := p.opts.Width >= wideEnough && utf8.RuneCountInString(name) <= columns; {
	case len(texts) == 0:
		p.text.WriteString(name + "\n")
		return
	case beside:
		p.text.WriteString(pad(name, columns+2))
	default:
		indent = 4
		p.text.WriteString(name + "\n" + strings.Repeat(" ", indent))
	}
	for i, text := range texts {
		if i > 0 {
			p.text.WriteString(strings.Repeat(" ", indent))
		}
		p.text.WriteString(p.wrap(text, indent))
	}
}
