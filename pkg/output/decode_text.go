package output

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// NotVerified is what the caller of [DecodeJSON] or [DecodeText] says on stderr.
const NotVerified = "nothing was verified: anybody can write a token that looks like this"

// Unsecured is what the caller says on stderr beside it where [jwt.Unverified.Unsecured] is true.
const Unsecured = "the token is unsecured: it has no signature, and no API should accept it"

// TextOptions says how text for people may look.
type TextOptions struct {
	Now      time.Time      // what relative times are counted from
	Location *time.Location // of the times shown; nil = time.Local
	Width    int            // columns; 0 = 80, at least 20
	Color    bool           // SGR codes may be used
	Time     string         // how times are shown: one of [TimeFormats], the first if empty
}

const (
	wideEnough = 60 // columns from which name, meaning and value stand on one line
	maxName    = 40 // runes shown of a member's name
	maxWord    = 12 // columns that a name may take before it pushes its line to the right
)

// SGR codes, used sparingly: https://ecma-international.org/publications-and-standards/standards/ecma-48/ section 8.3.117.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

// DecodeText writes what is in u for people: header and claims with a word on each, times local and relative, and the life of the
// token as a bar. No line is wider than the width unless a single value is, which stays whole so that it can be copied. Control
// characters never reach w but for the SGR codes that opts allows. The error is that of the write.
func DecodeText(w io.Writer, u jwt.Unverified, opts TextOptions) error {
	p := newPage(opts)
	title := string(u.Kind())
	if u.Unsecured() {
		title += ", unsecured"
	}
	p.title(title)
	if bound := boundTo(u.Claims); bound != "" {
		p.text.WriteString("  " + p.wrap(bound, 2))
	}
	p.section("header", u.Header, headerWord)
	p.section("claims", u.Claims, claimWord)
	p.life(u.Claims)
	return write(w, []byte(p.text.String()))
}

// page collects the text.
type page struct {
	opts TextOptions
	text strings.Builder
}

// newPage gives a page with the defaults of opts filled in.
func newPage(opts TextOptions) *page {
	if opts.Location == nil {
		opts.Location = time.Local
	}
	if opts.Width == 0 {
		opts.Width = 80
	}
	opts.Width = max(20, opts.Width)
	return &page{opts: opts}
}

// paint wraps text in an SGR code, if there is one, where colour is wanted.
func (p *page) paint(code, text string) string {
	if !p.opts.Color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// title starts a section; all but the first have an empty line above.
func (p *page) title(text string) {
	if p.text.Len() > 0 {
		p.text.WriteByte('\n')
	}
	p.text.WriteString(p.paint(bold, text) + "\n")
}

// section shows the members of o, with what word says of each name.
func (p *page) section(title string, o jwt.Object, word func(name string) string) {
	p.title(title)
	if len(o) == 0 {
		p.text.WriteString("  (empty)\n")
	}
	fields := make([]field, len(o))
	for i, m := range o {
		fields[i] = p.member(m, word)
	}
	p.fields(fields, maxWord)
}

// member is the field that shows m.
func (p *page) member(m jwt.Member, word func(name string) string) field {
	return field{name: okta.Sanitize(m.Name, maxName), word: word(m.Name), value: p.value(m)}
}

// field is a line of a section. All its texts are printable, and without SGR codes.
type field struct {
	name, word, value string
	code              string // SGR code for the name; "" = none
}

// fields shows name, word and value of each field in columns, or below each other on a narrow terminal. The column of the names is
// as wide as the widest, but not wider than widest.
func (p *page) fields(fields []field, widest int) {
	nameWidth, wordWidth := 0, 0
	for _, f := range fields {
		nameWidth = max(nameWidth, min(widest, utf8.RuneCountInString(f.name)))
		wordWidth = max(wordWidth, utf8.RuneCountInString(f.word))
	}
	for _, f := range fields {
		if p.opts.Width < wideEnough {
			p.stacked(f)
			continue
		}
		name := pad(f.name, nameWidth)
		indent := 2 + utf8.RuneCountInString(name) + 2
		word := ""
		if wordWidth > 0 {
			word = p.paint(dim, f.word) + strings.Repeat(" ", wordWidth-utf8.RuneCountInString(f.word)+2)
			indent += wordWidth + 2
		}
		p.text.WriteString("  " + p.paint(f.code, name) + "  " + word + p.wrap(f.value, indent))
	}
}

// stacked shows a field on a narrow terminal: name and word on one line, the value below.
func (p *page) stacked(f field) {
	p.text.WriteString("  " + p.paint(f.code, f.name))
	if f.word != "" {
		if utf8.RuneCountInString(f.name)+utf8.RuneCountInString(f.word)+4 <= p.opts.Width {
			p.text.WriteString("  " + p.paint(dim, f.word))
		} else {
			p.text.WriteString("\n  " + p.paint(dim, f.word))
		}
	}
	p.text.WriteString("\n    " + p.wrap(f.value, 4))
}

// wrap breaks value, which starts at column indent and has no SGR codes, at spaces so that each further line starts there too.
func (p *page) wrap(value string, indent int) string {
	var b strings.Builder
	column := indent
	for i, word := range strings.Split(value, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > p.opts.Width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	b.WriteByte('\n')
	return b.String()
}
