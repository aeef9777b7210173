// Package jwt says what is inside a token, and whether to believe it.
//
// Looking and believing are different functions with different results. [Parse] only looks: it takes a JWT in compact form apart
// and returns an [Unverified], whose contents anybody could have written. No program may decide anything by it; it is for people
// who want to see why an API refuses their token.
//
// [Config.Verify] judges: it checks the signature with the issuer's public keys ([ParseKeySet]) and the claims with what the caller
// asks for, and returns a [Verified], by which a program may decide. [Config.Judge] does the same for people: its [Report] lists every
// check with what was expected, what was found and what to do. Neither takes a key, an address of one or an algorithm from the token.
//
// A token comes from wherever a user found it, so it is foreign bytes: its size is bounded before anything is split, all of it must
// be base64url before any of it is read, and its JSON is read strictly. Numbers keep every digit and members keep their
// order, because a tool that shows a token must show that token and not its own idea of it.
package jwt

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// MaxSize is the longest token that [Parse] looks at, in bytes. Okta's tokens have one to five thousand; one that carries a
// hundred groups has twenty thousand.
const MaxSize = 256 << 10

// Unverified is a token taken apart and not judged: signature, issuer, audience and expiry may all be wrong.
type Unverified struct {
	Header Object // JOSE header: alg, kid, typ, …
	Claims Object // claims set: iss, sub, exp, …

	signature []byte
}

// Unsecured reports whether nothing protects the token at all: alg is "none" in any letter case, or the signature is empty.
// https://www.rfc-editor.org/rfc/rfc7519#section-6
func (u Unverified) Unsecured() bool {
	alg, _ := u.Header.String("alg")
	return strings.EqualFold(alg, "none") || len(u.signature) == 0
}

// Parse takes apart a signed token (JWS) in compact form: three base64url parts joined by dots, the first two of them JSON
// objects. The third part may be empty, so that an unsecured token can be looked at; see [Unverified.Unsecured].
//
// Text around the token is not tolerated here: use [TrimToken] first on anything a person pasted.
//
// Every error is a [*FormatError], whose text never holds the token or a claim's value.
func Parse(token string) (Unverified, error) {
	var p parser
	return p.parse(token)
}

// TrimToken returns the token within what people paste: it removes white space around it, a surrounding pair of quotes, the name of
// an Authorization header and a Bearer or DPoP scheme. It neither copies nor validates.
func TrimToken(text string) string {
	text = unquote(text)
	if name, value, found := strings.Cut(text, ":"); found && strings.EqualFold(strings.TrimSpace(name), "Authorization") {
		text = unquote(value)
	}
	for _, scheme := range [...]string{"Bearer", "DPoP"} {
		if n := len(scheme); len(text) > n && strings.EqualFold(text[:n], scheme) && (text[n] == ' ' || text[n] == '\t') {
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

// countDots checks size and alphabet, then returns how many dots stand between the parts: two (JWS) or four (JWE).
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
	// The bytes of three parts are checked where they are decoded, all but those that encoding/base64 skips even in its strict mode.
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

// checkAlphabet refuses the first byte that neither base64url nor a dot may be. encoding/base64 can't be left to do it: even in
// its strict mode it skips line breaks. A token of a single part is not base64url but RFC 6750's b64token, which has more.
func checkAlphabet(token string, b64token bool) error {
	for i := range len(token) {
		c := token[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		case b64token && (c == '~' || c == '+' || c == '/' || c == '='):
		default:
			return formatErrorf(ReasonAlphabet, "token has %s at byte %d", nameByte(c), i+1)
		}
	}
	return nil
}

func nameByte(c byte) string {
	switch c {
	case '\n', '\r':
		return "a line break"
	case ' ', '\t':
		return "white space"
	case '=':
		return `padding ("=")`
	case '+', '/':
		return fmt.Sprintf("%q, which is standard base64 and not base64url,", string(rune(c)))
	}
	if c < 0x21 || c > 0x7e {
		return fmt.Sprintf("the byte 0x%02x", c)
	}
	return fmt.Sprintf("%q", string(rune(c)))
}

// encrypted explains a token of five parts, with what its protected header gives away.
// https://www.rfc-editor.org/rfc/rfc7516#section-3.1
func encrypted(headerPart string) error {
	var header Object
	raw, err := base64.RawURLEncoding.Strict().DecodeString(headerPart)
	if err == nil {
		header, err = readObject("header", raw)
	}
	if err != nil {
		return formatErrorf(ReasonParts, "token has five parts, as an encrypted token has, but no readable header")
	}
	alg, _ := header.String("alg")
	enc, _ := header.String("enc")
	return formatErrorf(ReasonEncrypted, "token is encrypted (JWE, alg %s, enc %s)", quoteShort(alg), quoteShort(enc))
}
