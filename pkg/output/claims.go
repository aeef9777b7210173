package output

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// maxValue is how many runes of one value people are shown; JSON shows all.
const maxValue = 4096

// isTime reports whether the claim called name is a NumericDate.
func isTime(name string) bool {
	switch name {
	case "exp", "iat", "nbf", "auth_time", "updated_at", "toe":
		return true
	}
	return false
}

// value gives the value of m on one printable line.
func (p *page) value(m jwt.Member) string {
	if isTime(m.Name) {
		t, ok := jwt.Object{m}.Time(m.Name)
		if !ok {
			return harmless(m.Value) + " (not a time)"
		}
		return p.time(t)
	}
	if m.Name == "acr" {
		return explained(scalar(m.Value), acrWord)
	}
	if m.Value[0] != '[' {
		return scalar(m.Value)
	}
	var list []json.RawMessage
	if json.Unmarshal(m.Value, &list) != nil || len(list) == 0 {
		return harmless(m.Value)
	}
	shown := make([]string, len(list))
	for i, element := range list {
		if element[0] == '[' || element[0] == '{' {
			return harmless(m.Value)
		}
		shown[i] = scalar(element)
		// An element must not pass for two.
		if strings.ContainsAny(shown[i], ", ") {
			shown[i] = harmless(element)
		}
		if m.Name == "amr" {
			shown[i] = explained(shown[i], amrWord)
		}
	}
	return okta.Sanitize(strings.Join(shown, ", "), maxValue)
}

// explained adds what word says of a value.
func explained(value string, word func(value string) string) string {
	if about := word(value); about != "" {
		return value + " (" + about + ")"
	}
	return value
}

// scalar gives a string without quotes, unless it is empty, and everything else as JSON.
func scalar(raw json.RawMessage) string {
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			if s = okta.Sanitize(s, maxValue); s != "" {
				return s
			}
		}
	}
	return harmless(raw)
}

// harmless gives compact JSON with nothing in it that a terminal acts on.
func harmless(raw json.RawMessage) string {
	return okta.Sanitize(string(appendHarmless(nil, raw)), maxValue)
}

// TimeFormats lists what [TextOptions].Time may be, the default first.
func TimeFormats() []string { return []string{"local", "utc", "rfc3339", "relative", "unix"} }

// time gives t as opts.Time wants it.
func (p *page) time(t time.Time) string {
	switch p.opts.Time {
	case "utc":
		return t.UTC().Format("2006-01-02 15:04:05 MST") + ", " + Relative(t, p.opts.Now)
	case "rfc3339":
		return t.UTC().Format(time.RFC3339)
	case "relative":
		return Relative(t, p.opts.Now)
	case "unix":
		return strconv.FormatInt(t.Unix(), 10)
	}
	return t.In(p.opts.Location).Format("2006-01-02 15:04:05 MST") + ", " + Relative(t, p.opts.Now)
}

// boundTo says what besides the token its holder must have, or nothing.
// https://www.rfc-editor.org/rfc/rfc9449#section-6.1, https://www.rfc-editor.org/rfc/rfc8705#section-3.1
func boundTo(claims jwt.Object) string {
	raw, ok := claims.Get("cnf")
	if !ok || raw[0] != '{' {
		return ""
	}
	cnf, err := jwt.ParseObject(raw)
	if err != nil {
		return ""
	}
	if key, ok := cnf.String("jkt"); ok {
		return "bound to a DPoP key (" + okta.Sanitize(key, 60) + "): useless without a proof made with it"
	}
	if hash, ok := cnf.String("x5t#S256"); ok {
		return "bound to a client certificate (" + okta.Sanitize(hash, 60) + "): useless over a connection without it"
	}
	return ""
}
