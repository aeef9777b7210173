package output

import (
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxStatusBar = 20                    // columns of the bar beside a token's expiry
	minStatusBar = 8                     // a shorter bar shows nothing
	tokenColumn  = len("  access token") // the widest name
	notSet       = "not set"             // the source of a setting without a value
)

// WriteStatusText writes s for people: whether Command would ask, where sessions are stored, the sessions with the
// lifetime of each token, and the settings. now takes the place of opts.Now.
func WriteStatusText(w io.Writer, s Status, now time.Time, opts TextOptions) error {
	opts.Now = now
	p := newPage(opts)
	p.readiness(s)
	p.storage(s.Storage)
	for _, one := range s.Sessions {
		p.session(one)
	}
	if len(s.Sessions) == 0 && s.Storage.OK && s.Storage.Backend != "none" {
		p.title("sessions")
		p.WriteString("  (none)\n")
	}
	p.settings(s)
	return p.write(w)
}

func (p *page) readiness(s Status) {
	answer, code, detail := " works without asking", green, ""
	switch {
	case s.NotSetUp:
		p.sentence(0, red, "not set up", ": "+printable(s.Reason))
		return
	case s.Next == "fail":
		answer, code, detail = " would fail", red, ": "+s.Reason
	case !s.Ready:
		answer, code, detail = " would ask", red, ": "+s.Reason
	case s.Next == "refresh":
		detail = ", by a refresh"
	case s.Next == "sign_in":
		detail = ", by a sign-in with the credentials from the settings"
	case s.Next == "cached" && s.ExpiresAt.After(p.opts.Now):
		detail = ": the cached token is good for " + FormatDuration(s.ExpiresAt.Sub(p.opts.Now))
	case s.Next == "cached":
		detail = ": the cached token is good"
	}
	p.sentence(0, code, s.Command+answer, printable(detail))
}

func (p *page) storage(s StatusStorage) {
	p.title("storage")
	where := printable(s.Backend)
	if s.Backend == "none" {
		where = "nothing is kept"
	} else if s.Location != "" {
		where += " (" + printable(s.Location) + ")"
	}
	why := printable(s.Reason)
	if why == "" {
		why = printable(s.Setting)
	}
	if s.Source != "" {
		why += " (" + printable(s.Source) + ")"
	}
	fields := []field{{name: "where", value: where}, {name: "why", value: why}}
	if s.OK && s.Backend != "none" {
		fields = append(fields, field{name: "health", value: "ok"})
	}
	if s.LockDir != s.Location {
		fields = appendText(fields, "locks", s.LockDir)
	}
	p.fields(appendProblem(fields, s.Problem, s.Hint), maxColumn)
}

// appendText appends a field, unless its text is empty.
func appendText(fields []field, name, text string) []field {
	if text = printable(text); text == "" {
		return fields
	}
	return append(fields, field{name: name, value: text})
}

// appendProblem appends a problem, if there is one, and what to do about it.
func appendProblem(fields []field, problem, hint string) []field {
	if problem != "" {
		fields = append(fields, field{name: "problem", value: printable(problem), code: red})
	}
	return appendText(fields, "hint", hint)
}

func (p *page) session(s StatusSession) {
	title := "session " + printable(s.Account)
	if s.Current {
		title += ", the current one"
	}
	p.title(title)
	fields := appendProblem(nil, s.Problem, s.Hint)
	fields = appendText(fields, "user", s.Username)
	fields = appendText(fields, "issuer", s.Issuer)
	fields = appendText(fields, "client", s.ClientID)
	fields = appendText(fields, "DPoP key", s.Thumbprint)
	under := "" // with several sets of scopes, the tokens of each stand under it
	if len(s.Tokens) > 1 {
		under = "  "
	}
	for _, t := range s.Tokens {
		fields = appendText(fields, "exchanged", t.Exchange)
		if scopes := scopesText(t); scopes != "" || t.Exchange == "" {
			fields = append(fields, field{name: "scopes", value: scopes})
		}
		fields = p.appendLifetime(fields, under+"access token", t.Access)
		fields = p.appendLifetime(fields, under+"ID token", t.ID)
	}
	if s.Refresh != nil {
		fields = append(fields, p.refreshToken(s))
	}
	p.fields(fields, tokenColumn)
}

// scopesText names the requested scopes, and the granted ones if they are known and differ.
func scopesText(t StatusTokens) string {
	text := printable(strings.Join(t.Requested, " "))
	if len(t.Granted) > 0 && !sameScopes(t.Requested, t.Granted) {
		text += " (granted: " + printable(strings.Join(t.Granted, " ")) + ")"
	}
	return text
}

// appendLifetime appends when a token expires, with its lifetime as a bar if there is room.
func (p *page) appendLifetime(fields []field, name string, l *StatusLifetime) []field {
	f := field{name: name, code: red}
	switch {
	case l == nil:
		return fields
	case l.Left > 0:
		f.value, f.code = "until "+p.shortTime(l.Until), green
		room := p.opts.Width - (2 + tokenColumn + 2) - utf8.RuneCountInString(f.value) - 2
		if room >= minStatusBar {
			bar, _ := p.bar(l.From, l.Until, min(maxStatusBar, room))
			f.value += "  " + bar
		}
	case l.Until.After(p.opts.Now):
		f.value = "no good: it was stored in the future, so the clock of this machine has run backwards"
	default:
		f.value = "expired " + p.shortTime(l.Until)
	}
	return append(fields, f)
}

func (p *page) refreshToken(s StatusSession) field {
	r := s.Refresh
	text := "since " + p.shortTime(r.ObtainedAt)
	switch {
	case r.Rotates == nil:
		text += "; not used yet"
	case *r.Rotates:
		text += "; rotates with every use"
	default:
		text += "; does not rotate"
	}
	if r.ExpiresAt.IsZero() {
		text += "; expiry known to Okta alone"
	} else {
		text += "; expires " + p.shortTime(r.ExpiresAt)
	}
	// Tokens with the same scopes have just shown them.
	shown := func(t StatusTokens) bool { return t.Exchange == "" && sameScopes(t.Granted, r.Scopes) }
	if !slices.ContainsFunc(s.Tokens, shown) {
		text += "; for " + printable(strings.Join(r.Scopes, " "))
	}
	return field{name: "refresh token", value: text, code: green}
}

// sameScopes compares without order, which has no meaning: https://www.rfc-editor.org/rfc/rfc6749#section-3.3.
func sameScopes(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// settings writes the values in force and where they were set. The path of the configuration file is named once.
func (p *page) settings(s Status) {
	title := "settings of profile " + printable(s.Profile)
	if s.ProfileSource != "" {
		title += " (" + printable(s.ProfileSource) + ")"
	}
	p.title(title)
	if s.ConfigFile != "" {
		p.sentence(2, "", "", "file: "+printable(s.ConfigFile))
	}
	if len(s.Profiles) > 1 {
		p.sentence(2, "", "", "profiles: "+printable(strings.Join(s.Profiles, ", ")))
	}
	var fields []field
	var defaults, missing []string
	for _, one := range s.Settings {
		f := field{name: printable(one.Key), meaning: printable(one.Source), value: printable(one.Value)}
		if one.Source == s.ConfigFile {
			f.meaning = "file"
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
	p.fields(fields, maxColumn)
	if len(defaults) > 0 {
		p.sentence(2, "", "", "defaults: "+strings.Join(defaults, ", "))
	}
	if len(missing) > 0 {
		p.sentence(2, "", "", "not set: "+strings.Join(missing, ", "))
	}
}
