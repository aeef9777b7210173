package output

import (
	"io"

	"okauth/pkg/okta"
)

// Finding is what one check of "okauth doctor" found.
type Finding struct {
	Name   string // "dns": one word
	State  string // "ok", "note", "warn", "fail" or "skip"
	Detail string // what was found
	Hint   string // what to do; empty where there is nothing to do
}

// Report is all that doctor found, in the order in which it looked.
type Report struct {
	Profile  string // empty where there was none to be read
	Findings []Finding
}

// OK reports whether no check failed.
func (r Report) OK() bool {
	for _, f := range r.Findings {
		if f.State == stateFail {
			return false
		}
	}
	return true
}

// WriteReportJSON writes r as one line, with one Write call:
//
//	{"ok":true,"profile":"dev","checks":[{"name":"dns","state":"ok","detail":"…","hint":"…"}…]}
//
// profile is null where there is none, and a hint that is empty is left out. The error is that of the write.
func WriteReportJSON(w io.Writer, r Report) error {
	type check struct {
		Name   string `json:"name"`
		State  string `json:"state"`
		Detail string `json:"detail"`
		Hint   string `json:"hint,omitempty"`
	}
	doc := struct {
		OK      bool    `json:"ok"`
		Profile *string `json:"profile"`
		Checks  []check `json:"checks"`
	}{OK: r.OK(), Profile: known(r.Profile), Checks: []check{}}
	for _, f := range r.Findings {
		doc.Checks = append(doc.Checks, check(f))
	}
	return JSON(w, doc)
}

// WriteReportSum writes what stands below the findings, for people and with one Write call: whether all is well, and how many
// checks found what. The error is that of the write.
func WriteReportSum(w io.Writer, r Report, opts TextOptions) error {
	p := newPage(opts)
	failed, warned := 0, 0
	for _, f := range r.Findings {
		switch f.State {
		case stateFail:
			failed++
		case stateWarn:
			warned++
		}
	}
	p.text.WriteByte('\n')
	about := count(int64(len(r.Findings)), "check")
	if warned > 0 {
		about = count(int64(warned), "warning") + " in " + about
	}
	switch {
	case failed == 0:
		p.headline("all is well", green, about)
	case warned == 0:
		p.headline("not well", red, count(int64(failed), "failure")+" in "+about)
	default:
		p.headline("not well", red, count(int64(failed), "failure")+", "+about)
	}
	return write(w, []byte(p.text.String()))
}

// FindingText writes f for people, with one Write call: its state, its name, what was found, and below that what to do. Foreign
// text is harmless, and no line is wider than the width unless a single word is. The error is that of the write.
func FindingText(w io.Writer, f Finding, opts TextOptions) error {
	p := newPage(opts)
	p.finding(f)
	return write(w, []byte(p.text.String()))
}

// maxFinding is the longest of the names of findings, in columns.
const maxFinding = len("configuration")

func (p *page) finding(f Finding) {
	var texts []string
	if f.Detail != "" {
		texts = append(texts, shown(f.Detail))
	}
	if f.Hint != "" {
		texts = append(texts, "hint: "+shown(f.Hint))
	}
	p.entry(f.State, okta.Sanitize(f.Name, maxName), maxFinding, texts...)
}
