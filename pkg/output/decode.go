package output

import (
	"io"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/jwt"
)

const (
	maxClaimName = 40 // runes of a claim's name that are shown
	maxColumn    = 24 // columns of names before a longer one moves its own line
)

// WriteDecodedJSON writes what is in token as one line: {"header":{…},"claims":{…},"verified":false}. Members keep
// their order and numbers their digits.
func WriteDecodedJSON(w io.Writer, token jwt.Unverified) error {
	line := append(make([]byte, 0, 1024), `{"header":`...) // most tokens fit
	line = appendObject(line, token.Header)
	line = appendObject(append(line, `,"claims":`...), token.Claims)
	return write(w, append(line, `,"verified":false}`+"\n"...))
}

// appendObject appends o with its values as they are spelled; json.Marshal would escape their "<", ">" and "&".
func appendObject(dst []byte, o jwt.Object) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendEscaped(append(appendString(dst, m.Name), ':'), m.Value)
	}
	return append(dst, '}')
}

// WriteDecodedText writes what is in token for people: header and claims with what each means, and the lifetime of the
// token as a bar. No line is wider than the page, unless a single value is, which stays whole so that it can be copied.
func WriteDecodedText(w io.Writer, token jwt.Unverified, opts TextOptions) error {
	p := newPage(opts)
	title := string(token.Kind())
	if token.Unsecured() {
		title += ", unsecured"
	}
	p.title(title)
	p.binding(token.Claims)
	for _, part := range [...]struct {
		title    string
		members  jwt.Object
		meanings map[string]string
	}{{"header", token.Header, headerMeanings()}, {"claims", token.Claims, claimMeanings()}} {
		p.title(part.title)
		if len(part.members) == 0 {
			p.WriteString("  (empty)\n")
		}
		p.members(part.members, part.meanings, 12)
	}
	p.lifetime(token.Claims)
	return p.write(w)
}

// members writes the members of o, with what their names mean.
func (p *page) members(o jwt.Object, meanings map[string]string, maxName int) {
	var fields []field
	for _, m := range o {
		name := safetext.Sanitize(m.Name, maxClaimName)
		fields = append(fields, field{name: name, meaning: meanings[m.Name], value: p.value(m)})
	}
	p.fields(fields, maxName)
}

// binding writes which key the holder of a token must prove to have, if there is one.
// https://www.rfc-editor.org/rfc/rfc9449#section-6.1, https://www.rfc-editor.org/rfc/rfc8705#section-3.1
func (p *page) binding(claims jwt.Object) {
	raw, ok := claims.Get("cnf")
	if !ok || raw[0] != '{' {
		return
	}
	cnf, err := jwt.ParseObject(raw)
	if err != nil {
		return
	}
	key, useless := "bound to a DPoP key (", "): useless without a proof made with it"
	id, ok := cnf.String("jkt")
	if !ok {
		key, useless = "bound to a client certificate (", "): useless over a connection without it"
		id, ok = cnf.String("x5t#S256")
	}
	if ok {
		p.sentence(2, "", "", key+safetext.Sanitize(id, 60)+useless)
	}
}

// WriteObjectJSON writes the JSON object in text, a server's answer, as one line: members in their order, numbers with
// their digits. The error is that of the write, or a [*jwt.FormatError].
func WriteObjectJSON(w io.Writer, text []byte) error {
	o, err := jwt.ParseObject(text)
	if err != nil {
		return err
	}
	return write(w, append(appendObject(nil, o), '\n'))
}

// WriteObjectText writes the JSON object in text for people: each member with what it means. The answer of an
// introspection endpoint, which has a member active, gets a headline. The error is that of [WriteObjectJSON].
func WriteObjectText(w io.Writer, text []byte, opts TextOptions) error {
	o, err := jwt.ParseObject(text)
	if err != nil {
		return err
	}
	p := newPage(opts)
	if active, ok := o.Get("active"); ok {
		p.introspection(string(active) == "true", o)
		o = slices.DeleteFunc(o, func(m jwt.Member) bool { return m.Name == "active" })
	} else {
		p.title("user")
	}
	p.binding(o)
	p.members(o, claimMeanings(), maxColumn)
	return p.write(w)
}

// introspection writes the headline.
//
// "the authorization server SHOULD NOT include any additional information about an inactive token, including why the
// token is inactive": https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (p *page) introspection(active bool, o jwt.Object) {
	if !active {
		p.sentence(0, red, "not active", ": expired, revoked, unknown to this server, or issued by another one")
		return
	}
	about := ": a token"
	for _, name := range [...]string{"username", "sub", "client_id"} {
		if owner, ok := o.String(name); ok {
			about += " of " + safetext.Sanitize(owner, 120)
			break
		}
	}
	if exp, ok := o.Time("exp"); ok {
		about += p.timeLeft(exp, ", although by this machine's clock it expired ")
	} else {
		about += ", no expiry known"
	}
	p.sentence(0, green, "active", about)
}

// timeLeft returns for how long a token is valid, or when it expired, behind expired.
func (p *page) timeLeft(exp time.Time, expired string) string {
	if exp.After(p.opts.Now) {
		left := formatSeconds(exp.Unix() - p.opts.Now.Unix())
		if unit := strings.TrimPrefix(left, "1 "); !strings.Contains(unit, " ") { // not of "1 hour 5 minutes"
			left = unit
		}
		return ", for another " + left
	}
	return expired + FormatRelative(exp, p.opts.Now)
}
