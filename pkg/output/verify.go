package output

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/jwt"
)

// AppendReportJSON appends r as one line:
//
//	{"valid":false,"reason":"exp","type":"access","checks":[{"name":"exp","ok":false,"expected":"…","got":"…"}…]}
//
// reason is the name of the first check that failed, or null. ok is null for a check that was skipped. Empty members of
// a check are left out. A stream has one report for each token, and encoding/json would take a tenth of the time of its
// signature.
func AppendReportJSON(dst []byte, r jwt.Report) []byte {
	dst = slices.Grow(dst, 2048) // most reports fit
	dst = append(dst, `{"valid":`...)
	dst = append(strconv.AppendBool(dst, r.Valid()), `,"reason":`...)
	if reason := r.Reason(); reason != "" {
		dst = appendString(dst, reason)
	} else {
		dst = append(dst, "null"...)
	}
	tokenType := "access"
	if r.Kind == jwt.KindID {
		tokenType = "id"
	}
	dst = append(appendString(append(dst, `,"type":`...), tokenType), `,"checks":[`...)
	for i := range r.Checks {
		c := &r.Checks[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(append(dst, `{"name":`...), c.Name), `,"ok":`...)
		if c.State == jwt.Skipped {
			dst = append(dst, "null"...)
		} else {
			dst = strconv.AppendBool(dst, c.State == jwt.Passed)
		}
		dst = appendNotEmpty(dst, `,"expected":`, c.Expected)
		dst = appendNotEmpty(dst, `,"got":`, c.Got)
		dst = append(appendNotEmpty(dst, `,"why":`, c.Why), '}')
	}
	return append(dst, "]}\n"...)
}

func appendNotEmpty(dst []byte, member, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, member...), value)
}

// WriteReportText writes r for people: whether the token is valid, in a sentence, then each check, with what was
// expected and what was found. No line is wider than the page, unless a single word is.
func WriteReportText(w io.Writer, r jwt.Report, opts TextOptions) error {
	p := newPage(opts)
	verdict, code, about := "valid", green, ""
	if r.Valid() {
		about = p.validToken(r)
	} else {
		verdict, code, about = "not valid", red, p.firstFailure(r)
	}
	text := p.wrap(opts.Prefix+verdict+": "+about, 0)
	p.WriteString(strings.Replace(text, verdict, p.color(code, verdict), 1) + "\n")
	nameWidth := 0
	for _, c := range r.Checks {
		nameWidth = max(nameWidth, len(c.Name))
	}
	for _, c := range r.Checks {
		state, texts := p.checkTexts(r, c)
		p.check(state, printable(c.Name), nameWidth, texts...)
	}
	return p.write(w)
}

// validToken says what a valid token is: whose, for whom, for how long.
func (p *page) validToken(r jwt.Report) string {
	text := "an " + string(r.Kind)
	if sub, ok := r.Token.Claims.String("sub"); ok {
		text += " of " + safetext.Sanitize(sub, 120)
	}
	if aud, ok := r.Token.Claims.Strings("aud"); ok {
		text += " for " + safetext.Sanitize(strings.Join(aud, ", "), 200)
	}
	if exp, ok := r.Token.Claims.Time("exp"); ok { // no other token is valid
		text += p.timeLeft(exp, ", within the leeway: it expired ")
	}
	return text
}

// firstFailure says why a token is not valid.
func (p *page) firstFailure(r jwt.Report) string {
	exp, ok := r.Token.Claims.Time("exp")
	if r.Reason() == "exp" && ok && exp.Before(p.opts.Now) {
		return "it expired " + FormatRelative(exp, p.opts.Now)
	}
	for _, c := range r.Checks {
		if c.Name == r.Reason() {
			return printable(c.Why)
		}
	}
	return "its signature was not verified"
}

func (p *page) checkTexts(r jwt.Report, c jwt.Check) (state string, texts []string) {
	expected, got := printable(c.Expected), printable(c.Got)
	add := func(text string) {
		if text != "" {
			texts = append(texts, text)
		}
	}
	if c.State == jwt.Passed {
		if when, ok := r.Token.Claims.Time(c.Name); ok && isTime(c.Name) {
			got = p.time(when)
		}
		add(got)
	}
	add(printable(c.Why))
	switch {
	case c.State == jwt.Passed:
		return stateOK, texts
	case c.State == jwt.Skipped:
		return stateSkip, texts
	case expected == "" && got != "":
		add("got " + got)
	case expected != "" && got != "":
		add("expected " + expected + ", got " + got)
	case expected != "":
		add("expected " + expected)
	}
	return stateFail, texts
}
