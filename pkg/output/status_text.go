package output

import (
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"okauth/pkg/okta"
)

const (
	maxSetting  = 24 // columns that the name of a setting may take
	maxLifeBar  = 20 // columns of the bar beside the end of a token
	leastBar    = 8  // columns below which it says nothing
	widestToken = len("refresh token")
	notSet      = "not set" // the source of a setting that nobody made
	statusTitle = "okauth token"
)

// WriteStatusText writes s for people, with one Write call: first whether "okauth token" would ask, then where sessions are kept,
// the sessions with the life of each token, and the settings that somebody made or that have a default. now is in the place of
// opts.Now. Control characters never reach w but for the SGR codes that opts allows. The error is that of the write.
func WriteStatusText(w io.Writer, s Status, now time.Time, opts TextOptions) error {
	opts.Now = now
	p := newPage(opts)
	p.verdict(s)
	p.storage(s.Storage)
	for _, one := range s.Sessions {
		p.session(one)
	}
	if len(s.Sessions) == 0 && s.Storage.OK && s.Storage.Backend != "none" {
		p.title("sessions")
		p.text.WriteString("  (none)\n")
	}
	p.settings(s)
	return write(w, []byte(p.text.String()))
}

// shown makes foreign text of any reasonable length fit to be shown.
func shown(text string) string { return okta.Sanitize(text, maxCell) }

// verdict answers the question that a person has.
func (p *page) verdict(s Status) {
	answer, code, how := " works without asking", green, ""
	switch {
	case s.Next == "fail":
		answer, code, how = " would fail", red, ": "+s.Reason
	case !s.Ready:
		answer, code, how = " would ask", red, ": "+s.Reason
	case s.Next == "refresh":
		how = ", by a refresh"
	case s.Next == "sign_in":
		how = ", by a sign-in with the password from the settings"
	case s.Next == "cached" && s.Until.After(p.opts.Now):
		how = ": the cached token is good for " + Span(s.Until.Sub(p.opts.Now))
	case s.Next == "cached":
		how = ": the cached token is good"
	}
	line := p.wrap(statusTitle+answer+shown(how), 0)
	p.text.WriteString(strings.Replace(line, statusTitle+answer, p.paint(code, statusTitle+answer), 1))
}

func (p *page) storage(s StatusStorage) {
	p.title("storage")
	where := shown(s.Backend)
	if s.Where != "" {
		where += " (" + shown(s.Where) + ")"
	}
	why := shown(s.Why)
	if why == "" {
		why = shown(s.Setting)
	}
	if s.Source != "" {
		why += " (" + shown(s.Source) + ")"
	}
	fields := []field{{name: "where", value: where}, {name: "why", value: why}}
	switch {
	case s.Backend == "none":
		fields[0].value = "nothing is kept"
	case s.OK:
		fields = append(fields, field{name: "health", value: "ok"})
	}
	if s.Locks != "" && s.Locks != s.Where {
		fields = append(fields, field{name: "locks", value: shown(s.Locks)})
	}
	p.fields(append(fields, troubles(s.Problem, s.Hint)...), maxWord)
}

// troubles shows a problem, if there is one, and what to do about it.
func troubles(problem, hint string) []field {
	var fields []field
	if problem != "" {
		fields = append(fields, field{name: "problem", value: shown(problem), code: red})
	}
	if hint != "" {
		fields = append(fields, field{name: "hint", value: shown(hint)})
	}
	return fields
}

func (p *page) session(s StatusSession) {
	title := "session " + shown(s.Account)
	if s.Current {
		title += ", the current one"
	}
	p.title(title)
	fields := troubles(s.Problem, s.Hint)
	for _, f := range []field{{name: "user", value: s.Username}, {name: "issuer", value: s.Issuer}, {name: "client", value: s.ClientID}} {
		if f.value = shown(f.value); f.value != "" {
			fields = append(fields, f)
		}
	}
	for _, t := range s.Tokens {
		fields = append(fields, field{name: "scopes", value: scopesShown(t)})
		fields = p.appendLife(fields, "access token", t.Access)
		fields = p.appendLife(fields, "ID token", t.ID)
	}
	if s.Refresh != nil {
		fields = append(fields, p.refreshToken(s))
	}
	p.fields(fields, widestToken)
}

// scopesShown names the scopes that were asked for, and those that were granted where they are known and others.
func scopesShown(t StatusTokens) string {
	text := shown(strings.Join(t.Requested, " "))
	if len(t.Granted) > 0 && !sameScopes(t.Requested, t.Granted) {
		text += " (granted: " + shown(strings.Join(t.Granted, " ")) + ")"
	}
	return text
}

// appendLife appends a line on when the token called name ends, with its life as a bar where there is room.
func (p *page) appendLife(fields []field, name string, l *StatusLife) []field {
	f := field{name: name, code: red}
	switch {
	case l == nil:
		return fields
	case l.Left > 0:
		f.value, f.code = "until "+p.at(l.Until), green
		columns := min(maxLifeBar, p.opts.Width-(2+widestToken+2)-utf8.RuneCountInString(f.value)-2)
		if columns >= leastBar {
			f.value += "  " + strip(p.mark(l.From, l.Until, columns), columns)
		}
	case l.Until.After(p.opts.Now):
		f.value = "no good: it was stored in the future, so the clock of this machine has run backwards"
	default:
		f.value = "expired " + p.at(l.Until)
	}
	return append(fields, f)
}

func (p *page) refreshToken(s StatusSession) field {
	r := s.Refresh
	f := field{name: "refresh token", code: green}
	f.value = "since " + p.at(r.ObtainedAt)
	switch r.Rotates {
	case "yes":
		f.value += "; rotates with every use"
	case "no":
		f.value += "; stays the same"
	default:
		f.value += "; not used yet"
	}
	if r.ExpiresAt.IsZero() {
		f.value += "; expiry known to Okta alone"
	} else {
		f.value += "; expires " + p.at(r.ExpiresAt)
	}
	// Where a set of tokens has the same scopes, they have just been shown.
	if !slices.ContainsFunc(s.Tokens, func(t StatusTokens) bool { return sameScopes(t.Granted, r.Scopes) }) {
		f.value += "; for " + shown(strings.Join(r.Scopes, " "))
	}
	return f
}

// sameScopes compares without order, which means nothing in a scope: https://www.rfc-editor.org/rfc/rfc6749#section-3.3.
func sameScopes(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// settings shows what is in force and where it comes from. The path of the configuration file is named once.
func (p *page) settings(s Status) {
	title := "settings of profile " + shown(s.Profile)
	if s.ProfileSource != "" {
		title += " (" + shown(s.ProfileSource) + ")"
	}
	p.title(title)
	if s.ConfigFile != "" {
		p.text.WriteString("  file: " + p.wrap(shown(s.ConfigFile), 2+len("file: ")))
	}
	if len(s.Profiles) > 1 {
		p.text.WriteString("  profiles: " + p.wrap(shown(strings.Join(s.Profiles, ", ")), 2+len("profiles: ")))
	}
	var fields []field
	var defaults, missing []string
	for _, one := range s.Settings {
		f := field{name: shown(one.Key), word: shown(one.Source), value: shown(one.Value)}
		if one.Source == s.ConfigFile {
			f.word = "file"
		}
		switch {
		case one.Value == "" && one.Source == notSet:
			missing = append(missing, f.name)
		case one.Source == "default":
			defaults = append(defaults, f.name+" "+f.value)
		default:
			fields = append(fields, f)
		}
	}
	p.fields(fields, maxSetting)
	if len(defaults) > 0 {
		p.text.WriteString("  " + p.wrap("defaults: "+strings.Join(defaults, ", "), 2))
	}
	if len(missing) > 0 {
		p.text.WriteString("  " + p.wrap("not set: "+strings.Join(missing, ", "), 2))
	}
}
