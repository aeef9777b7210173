package output

import (
	"io"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// ObjectJSON writes the JSON object in text, which a server answered, as one line, with one Write call: members in their order,
// numbers with their digits, and a \u escape for what a terminal could act on. The error is that of the write, or a
// [*jwt.FormatError].
func ObjectJSON(w io.Writer, text []byte) error {
	o, err := jwt.ParseObject(text)
	if err != nil {
		return err
	}
	return write(w, append(appendObject(nil, o), '\n'))
}

// ObjectText writes the JSON object in text for people, with one Write call: each member with a word on it, and times as opts has
// them. The answer of an introspection endpoint, which has a member active, gets a headline. The error is [ObjectJSON]'s.
func ObjectText(w io.Writer, text []byte, opts TextOptions) error {
	o, err := jwt.ParseObject(text)
	if err != nil {
		return err
	}
	p := newPage(opts)
	if active, ok := o.Get("active"); ok {
		p.active(string(active) == "true", o)
	} else {
		p.title("user")
	}
	if bound := boundTo(o); bound != "" {
		p.text.WriteString("  " + p.wrap(bound, 2))
	}
	var fields []field
	for _, m := range o {
		if m.Name != "active" { // the headline has it
			fields = append(fields, p.member(m, claimWord))
		}
	}
	p.fields(fields, maxSetting)
	return write(w, []byte(p.text.String()))
}

// active is the headline of an introspection.
//
// "the authorization server SHOULD NOT include any additional information about an inactive token, including why the token is
// inactive": https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (p *page) active(active bool, o jwt.Object) {
	if !active {
		p.headline("not active", red, "expired, revoked, unknown to this server, or issued by another one")
		return
	}
	about := "a token"
	for _, name := range [...]string{"username", "sub", "client_id"} {
		if whose, ok := o.String(name); ok {
			about += " of " + okta.Sanitize(whose, 120)
			break
		}
	}
	switch exp, ok := o.Time("exp"); {
	case !ok:
		about += ", no expiry known"
	case exp.After(p.opts.Now):
		about += ", for another " + span(exp.Unix()-p.opts.Now.Unix())
	default:
		about += ", although by this machine's clock it expired " + Relative(exp, p.opts.Now)
	}
	p.headline("active", green, about)
}
