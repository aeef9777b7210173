// Package jwt decodes and verifies JSON Web Tokens.
//
// Decoding and verifying are different functions with different results. [Parse] takes a JWT in compact form apart and
// returns an [Unverified]: anyone could have written what it holds. No program may decide anything by it; it is for
// people who want to see why an API rejects their token.
//
// A [Verifier] checks the signature with the issuer's public keys ([ParseKeySet]) and the claims against a [Config].
// A program may decide by the claims that [Verifier.Verify] returns. [Verifier.Check] is for people: its [Report]
// lists every check with what was expected and what was found. Neither takes a key, its address or an algorithm from
// the token. [CheckIDToken] is for a client that just received an ID token.
//
// A token is foreign text: its size is bounded before it is split, all of it must be base64url, and its JSON is read
// strictly. Numbers keep every digit and members their order, because a tool that shows a token must show that token.
package jwt

import (
	"encoding/base64"
	"fmt"
	"strings"

	"okauth/pkg/internal/strictjson"
)

// MaxSize is the longest token that [Parse] reads, in bytes. Okta's tokens have one to five thousand; one with a
// hundred groups has twenty thousand.
const MaxSize = 256 << 10

// Unverified is a decoded token. Nothing of it is verified: signature, issuer, audience and expiry may all be wrong.
type Unverified struct {
	Header Object // JOSE header: alg, kid, typ, …
	Claims Object // claims set: iss, sub, exp, …

	headerPart, signed string // as they stand in the token: the header, and what the signature is of
	payload, signature []byte // decoded
}

// Unsecured reports whether nothing protects the token: alg is "none" in any letter case, or the signature is empty.
// https://www.rfc-editor.org/rfc/rfc7519#section-6
func (u Unverified) Unsecured() bool {
	alg, _ := u.Header.String("alg")
	return strings.EqualFold(alg, "none") || len(u.signature) == 0
}

// Parse decodes a signed token (JWS) in compact form: three base64url parts joined by dots, the first two of them JSON
// objects. The third part may be empty, so that an unsecured token can be shown; see [Unverified.Unsecured].
//
// Parse does not accept text around the token: use [TrimToken] first on anything a person pasted.
//
// "The Header Parameter names within the JOSE Header MUST be unique; JWS parsers MUST either reject JWSs with duplicate
// Header Parameter names or use a JSON parser that returns only the lexically last duplicate member name". Parse
// rejects, and for claims too: the API that gets the token may read the other one.
// https://www.rfc-editor.org/rfc/rfc7515#section-4
//
// Every error is a [*FormatError], whose text never holds the token or a claim's value.
func Parse(token string) (Unverified, error) { return parse(token, nil) }

// parse is [Parse]. It does not read the same header again as that of the last token, which may be nil.
func parse(token string, last *signedHeader) (Unverified, error) {
	dots, err := countDots(token)
	if err != nil {
		return Unverified{}, err
	}
	if dots == 4 {
		return Unverified{}, encrypted(token[:strings.IndexByte(token, '.')])
	}
	first, second := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	parts := [3]string{token[:first], token[first+1 : second], token[second+1:]}
	known := last != nil && last.part == parts[0]
	raw, err := decode(token, parts, known)
	if err != nil {
		return Unverified{}, err
	}
	u := Unverified{headerPart: parts[0], signed: token[:second], payload: raw[1], signature: raw[2]}
	if known {
		u.Header = last.object
	} else if u.Header, err = readObject("token's header part", raw[0]); err != nil {
		return Unverified{}, err
	}
	if u.Claims, err = readObject("token's claims part", raw[1]); err != nil {
		// "the use of this Header Parameter is REQUIRED; in this case, the value MUST be "JWT", to indicate that a
		// Nested JWT is carried": https://www.rfc-editor.org/rfc/rfc7519#section-5.2
		if cty, _ := u.Header.String("cty"); strings.EqualFold(cty, "JWT") {
			err = formatErrorf(ReasonNested, "token holds another token instead of claims (cty %q)", "JWT")
		}
		return Unverified{}, err
	}
	return u, nil
}

// decode decodes the three parts of a token before any of them is read, without the header if that is known. It rejects
// trailing bits, so that each token has exactly one spelling.
func decode(token string, parts [3]string, known bool) (raw [3][]byte, err error) {
	all := make([]byte, 0, len(token)*3/4)
	for i, name := range [...]string{"header", "claims", "signature"} {
		if i == 0 && known {
			continue
		}
		start := len(all)
		if all, err = base64.RawURLEncoding.Strict().AppendDecode(all, []byte(parts[i])); err != nil {
			// Which byte is wrong says more than which part is.
			if err := checkAlphabet(token, false); err != nil {
				return raw, err
			}
			return raw, formatErrorf(ReasonEncoding, "token's %s part is not base64url", name)
		}
		raw[i] = all[start:len(all):len(all)]
	}
	for i, name := range [...]string{"header", "claims"} {
		if parts[i] == "" {
			return raw, formatErrorf(ReasonParts, "token has an empty %s part", name)
		}
	}
	return raw, nil
}

// countDots checks size and alphabet, then returns how many dots separate the parts: two (JWS) or four (JWE).
func countDots(token string) (int, error) {
	switch {
	case len(token) > MaxSize:
		return 0, formatErrorf(ReasonTooLong, "token has %d bytes, expected at most %d", len(token), MaxSize)
	case token == "":
		return 0, formatErrorf(ReasonEmpty, "token is empty")
	case token[0] == '{':
		return 0, formatErrorf(ReasonNotCompact, "token is a JSON document, expected the compact form with three parts")
	}
	dots := strings.Count(token, ".")
	// Decoding finds every other bad byte in three parts, but encoding/base64 skips line breaks even in strict mode.
	if dots != 2 || strings.IndexByte(token, '\n') >= 0 || strings.IndexByte(token, '\r') >= 0 {
		if err := checkAlphabet(token, dots == 0); err != nil {
			return 0, err
		}
	}
	switch dots {
	case 0:
		return 0, formatErrorf(ReasonOpaque, "token is opaque: it has one part, expected three")
	case 2, 4:
		return dots, nil
	}
	return 0, formatErrorf(ReasonParts, "token has %d parts, expected three", dots+1)
}

// checkAlphabet rejects the first byte that neither base64url nor a dot may be. A token of a single part is not
// base64url but RFC 6750's b64token, which has more.
func checkAlphabet(token string, b64token bool) error {
	for i := range len(token) {
		c := token[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		case b64token && (c == '~' || c == '+' || c == '/' || c == '='):
		case strings.HasPrefix(token, utf8Mark):
			return formatErrorf(ReasonCharset, "token begins with a byte order mark (BOM), which is no part of it")
		case isUTF16(token):
			return errUTF16()
		default:
			return formatErrorf(ReasonAlphabet, "token has %s at byte %d", describeByte(c), i+1)
		}
	}
	return nil
}

// utf8Mark is what some editors and Windows PowerShell write before a text.
const utf8Mark = "\xef\xbb\xbf"

// isUTF16 reports whether ASCII text is in UTF-16, as Windows PowerShell writes it: it begins with a byte order mark,
// or every other byte is zero.
func isUTF16(text string) bool {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return true
	}
	return len(text) >= 4 && (text[0] == 0) != (text[1] == 0) &&
		(text[0] == 0) == (text[2] == 0) && (text[1] == 0) == (text[3] == 0)
}

func errUTF16() error { return formatErrorf(ReasonCharset, "the text is UTF-16, and a token is ASCII") }

func describeByte(c byte) string {
	switch {
	case c == '\n' || c == '\r':
		return "a line break"
	case c == ' ' || c == '\t':
		return "white space"
	case c == '=':
		return `padding ("=")`
	case c == '+' || c == '/':
		return fmt.Sprintf("%q, which is standard base64 and not base64url,", string(rune(c)))
	case c < 0x21 || c > 0x7e:
		return fmt.Sprintf("the byte 0x%02x", c)
	}
	return fmt.Sprintf("%q", string(rune(c)))
}

// encrypted explains a token of five parts, with what its protected header tells.
// https://www.rfc-editor.org/rfc/rfc7516#section-3.1
func encrypted(headerPart string) error {
	var header Object
	raw, err := base64.RawURLEncoding.Strict().DecodeString(headerPart)
	if err == nil {
		header, err = readObject("token's header part", raw)
	}
	if err != nil {
		return formatErrorf(ReasonParts, "token has five parts, as an encrypted token has, but no readable header")
	}
	alg, _ := header.String("alg")
	enc, _ := header.String("enc")
	return formatErrorf(ReasonEncrypted, "token is encrypted (JWE, alg %s, enc %s)",
		strictjson.Quote(alg), strictjson.Quote(enc))
}

// TrimToken returns the token within what people paste: it removes white space around it, a surrounding pair of quotes,
// the name of an Authorization header and a Bearer or DPoP scheme, and joins the lines of a token that was wrapped. It
// does not validate.
func TrimToken(text string) string {
	text = unquote(text)
	if strings.IndexByte(text, '\n') >= 0 {
		text = unwrap(text)
	}
	name, value, found := strings.Cut(text, ":")
	if found && strings.EqualFold(strings.TrimSpace(name), "Authorization") {
		text = unquote(value)
	}
	for _, scheme := range [...]string{"Bearer", "DPoP"} {
		n := len(scheme)
		if len(text) > n && strings.EqualFold(text[:n], scheme) && (text[n] == ' ' || text[n] == '\t') {
			return unquote(text[n:])
		}
	}
	return text
}

// unquote trims white space, then one pair of equal quotes, then white space within.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if n := len(s); n >= 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		s = strings.TrimSpace(s[1 : n-1])
	}
	return s
}
