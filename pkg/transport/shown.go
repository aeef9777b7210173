package transport

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is the most that is shown of a foreign value, in runes.
const maxShown = 200

// maxForm is the most that is read of a form, in bytes. One of ours has less than 10,000.
const maxForm = 1 << 20

// field is one field of a form or of a query.
type field struct{ name, value, raw string } // raw is the value as it is sent

// public reports whether the value may be shown. Whatever else there is, known or not, is a secret.
func (f field) public() bool {
	switch f.name {
	case "grant_type", "scope", "token_type_hint", "client_id":
		return true
	}
	return false
}

// fields splits a form or a query in the order it has.
func fields(text string) []field {
	var found []field
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			name, value = "", pair // a name alone may be anything
		}
		f := field{raw: value}
		var err1, err2 error
		f.name, err1 = url.QueryUnescape(name)
		f.value, err2 = url.QueryUnescape(value)
		if err1 != nil || err2 != nil || !isName(f.name) {
			f.name, f.value = "", value
		}
		found = append(found, f)
	}
	return found
}

// isName reports whether name is one that a parameter could have. https://www.rfc-editor.org/rfc/rfc6749.html#section-8.2
func isName(name string) bool {
	for _, c := range []byte(name) {
		if !isTokenByte(c) || strings.IndexByte("~+/=%", c) >= 0 {
			return false
		}
	}
	return len(name) <= 40
}

func show(given []field) string {
	var parts []string
	for _, f := range given {
		switch {
		case f.public():
			parts = append(parts, f.name+"="+cut(f.value))
		case f.name == "":
			parts = append(parts, dots)
		default:
			parts = append(parts, f.name+"="+dots)
		}
	}
	return strings.Join(parts, "&")
}

// readForm returns a request with the same body and, if that is a form, its fields.
func readForm(req *http.Request) (*http.Request, []field) {
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if req.Body == nil || req.Body == http.NoBody || kind != "application/x-www-form-urlencoded" {
		return req, nil
	}
	text, err := io.ReadAll(io.LimitReader(req.Body, maxForm))
	rest := io.Reader(req.Body)
	if err != nil {
		rest = failing{err}
	}
	body := req.Body
	req = req.Clone(req.Context()) // a RoundTripper must not change what it was given
	req.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), rest), body}
	return req, fields(string(text))
}

// failing is a reader of which only the error is left.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// address returns a URL without user, fragment and the values of its query.
func address(u *url.URL) string {
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		text += "?" + show(fields(u.RawQuery))
	}
	return text
}

// headers shows each header in a line, by name.
func (x *exchange) headers(mark string, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			x.line("%s %s: %s", mark, x.foreign(name), x.header(name, value))
		}
	}
}

// header returns what may be seen of a header's value.
func (x *exchange) header(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		return scheme(value) + dots
	case "www-authenticate", "proxy-authenticate":
		return scheme(value) + errorCode(value) + dots // the rest may be a description that quotes the token
	}
	if hiddenName(name) {
		return dots
	}
	// By value first: what is cut out of a query may be half of a secret, and the other half would not be found.
	return x.foreign(hideQuery(x.hide.text(value)))
}

// hiddenName reports whether a header of that name may hold something secret.
func hiddenName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"token", "secret", "auth", "cookie", "key", "session", "pass", "credential", "assertion", "dpop", "jwt", "code", "csrf", "signature"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// scheme returns the authentication scheme before a credential with a space behind it, "" for one that is not known: it might be the credential.
func scheme(value string) string {
	name, _, _ := strings.Cut(value, " ")
	for _, known := range []string{"Basic", "Bearer", "DPoP", "Digest", "Negotiate", "NTLM", "SSWS"} {
		if strings.EqualFold(name, known) {
			return known + " "
		}
	}
	return ""
}

// errorCode returns the error of a challenge with a space behind it, "" for none. https://www.rfc-editor.org/rfc/rfc6750.html#section-3
func errorCode(value string) string {
	_, rest, ok := strings.Cut(value, ` error="`)
	code, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed || !isErrorCode(code) {
		return ""
	}
	return fmt.Sprintf("error=%q ", code)
}

func isErrorCode(code string) bool {
	switch code {
	case "invalid_request", "invalid_token", "invalid_client", "invalid_grant", "insufficient_scope", "invalid_dpop_proof", "use_dpop_nonce":
		return true
	}
	return false
}

// hideQuery takes queries and fragments out of the addresses in a header: Location may have a code in it.
func hideQuery(value string) string {
	if !strings.Contains(value, "/") {
		return value
	}
	var b strings.Builder
	for value != "" {
		at := strings.IndexAny(value, "?#")
		if at < 0 {
			break
		}
		b.WriteString(value[:at+1] + dots)
		value = value[at+1:]
		end := strings.IndexAny(value, " \t\"'<>,;")
		if end < 0 {
			end = len(value)
		}
		value = value[end:]
	}
	return b.String() + value
}

// foreign returns text of a server without the request's secrets, not too long.
func (x *exchange) foreign(text string) string { return cut(x.hide.text(text)) }

func cut(text string) string {
	n := 0
	for i := range text {
		if n == maxShown {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// printable writes escapes for what a terminal would obey or not show, a line's end included.
func printable(text string) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
