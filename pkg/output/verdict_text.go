package output

import (
	"io"
	"strings"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// VerdictText writes v for people, with one Write call: whether the token passes, in a sentence, and then each check, with what was
// expected and found where that tells something. Foreign text is harmless, and no line is wider than the width unless a single
// word is. The error is that of the write.
func VerdictText(w io.Writer, v jwt.Report, opts TextOptions) error {
	p := newPage(opts)
	if v.Valid() {
		p.headline("valid", green, p.praise(v))
	} else {
		p.headline("not valid", red, p.blame(v))
	}
	p.text.WriteByte('\n')
	columns := 0
	for _, c := range v.Checks {
		columns = max(columns, len(c.Name))
	}
	for _, c := range v.Checks {
		p.check(v, c, columns)
	}
	return write(w, []byte(p.text.String()))
}

// headline is the sentence at the top: the answer, painted, and what there is to say about it.
func (p *page) headline(answer, code, about string) {
	line := p.wrap(answer+": "+about, 0)
	p.text.WriteString(strings.Replace(line, answer, p.paint(code, answer), 1))
}

// praise says what a good token is: whose, for whom, for how long.
func (p *page) praise(v jwt.Report) string {
	text := "an " + string(v.Kind)
	if sub, ok := v.Token.Claims.String("sub"); ok {
		text += " of " + okta.Sanitize(sub, 120)
	}
	if aud, ok := v.Token.Claims.Strings("aud"); ok {
		text += " for " + okta.Sanitize(strings.Join(aud, ", "), 200)
	}
	switch exp, ok := v.Token.Claims.Time("exp"); {
	case !ok: // no such token passes
	case exp.After(p.opts.Now):
		text += ", for another " + span(exp.Unix()-p.opts.Now.Unix())
	default:
		text += ", within the leeway: it expired " + Relative(exp, p.opts.Now)
	}
	return text
}

// blame says what is wrong with a bad token first of all.
func (p *page) blame(v jwt.Report) string {
	reason := v.Reason()
	exp, dated := v.Token.Claims.Time("exp")
	if reason == "exp" && dated && exp.Before(p.opts.Now) {
		return "it expired " + Relative(exp, p.opts.Now)
	}
	for _, c := range v.Checks {
		if c.Name == reason {
			return shown(c.Why)
		}
	}
	return "its signature was not judged"
}

// check shows one check, its name in that many columns.
func (p *page) check(v jwt.Report, c jwt.Check, columns int) {
	state, expected, got := stateFail, shown(c.Expected), shown(c.Got)
	var texts []string
	switch c.State {
	case jwt.Passed:
		state = stateOK
		if when, ok := v.Token.Claims.Time(c.Name); ok && isTime(c.Name) {
			got = p.time(when)
		}
		if got != "" {
			texts = append(texts, got)
		}
	case jwt.Skipped:
		state = stateSkip
	}
	if c.Why != "" {
		texts = append(texts, shown(c.Why))
	}
	if c.State == jwt.Failed {
		switch {
		case expected != "" && got != "":
			texts = append(texts, "expected "+expected+", got "+got)
		case expected != "":
			texts = append(texts, "expected "+expected)
		case got != "":
			texts = append(texts, "got "+got)
		}
	}
	p.entry(state, shown(c.Name), columns, texts...)
}
