package output

import (
	"io"

	"okauth/pkg/internal/safetext"
)

// Diagnosis is the result of checks of the settings, the network and the store, in the order they were made.
type Diagnosis struct {
	Profile string // empty if the configuration cannot be read
	Checks  []DiagnosisCheck
}

// DiagnosisCheck is the result of one check.
type DiagnosisCheck struct {
	Name   string `json:"name"`           // one word: "dns"
	State  string `json:"state"`          // "ok", "note", "warn", "fail" or "skip"
	Detail string `json:"detail"`         // what was found
	Hint   string `json:"hint,omitempty"` // what to do
}

// count returns how many checks have a state.
func (d Diagnosis) count(state string) (n int64) {
	for _, c := range d.Checks {
		if c.State == state {
			n++
		}
	}
	return n
}

// OK reports whether no check failed.
func (d Diagnosis) OK() bool { return d.count(stateFail) == 0 }

// WriteDiagnosisJSON writes d as one line:
//
//	{"ok":true,"profile":"dev","checks":[{"name":"dns","state":"ok","detail":"…","hint":"…"}…]}
//
// An empty profile is null, and an empty hint is left out.
func WriteDiagnosisJSON(w io.Writer, d Diagnosis) error {
	checks := append([]DiagnosisCheck{}, d.Checks...) // never null
	return JSON(w, object{{"ok", d.OK()}, {"profile", d.Profile}, {"checks", checks}})
}

// WriteDiagnosisCheck writes one check for people: its state, its name, what was found and what to do.
func WriteDiagnosisCheck(w io.Writer, c DiagnosisCheck, opts TextOptions) error {
	p := newPage(opts)
	var texts []string
	if c.Detail != "" {
		texts = append(texts, printable(c.Detail))
	}
	if c.Hint != "" {
		texts = append(texts, "hint: "+printable(c.Hint))
	}
	p.check(c.State, safetext.Sanitize(c.Name, maxClaimName), len("configuration"), texts...)
	return p.write(w)
}

// WriteDiagnosisSummary writes what stands below the checks: whether all is well.
func WriteDiagnosisSummary(w io.Writer, d Diagnosis, opts TextOptions) error {
	p := newPage(opts)
	p.WriteByte('\n')
	about := " (" + count(int64(len(d.Checks)), "check") + ")"
	failed, warned := d.count(stateFail), d.count(stateWarn)
	switch {
	case failed > 0 && warned > 0:
		p.sentence(0, red, count(failed, "problem"), ", "+count(warned, "warning")+about)
	case failed > 0:
		p.sentence(0, red, count(failed, "problem"), about)
	case warned > 0:
		p.sentence(0, yellow, count(warned, "warning"), about)
	default:
		p.sentence(0, green, "all is well", about)
	}
	return p.write(w)
}
