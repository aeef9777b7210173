package okta

import "strings"

// ValidToken reports whether text may be a token: the grammar b64token, 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=", and
// at most 64 KiB. It is narrower than RFC 6749's, and the only one that fits into an Authorization header, into a shell's word
// and onto a terminal as it is. RFC 6750 §2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func ValidToken(text string) bool {
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		switch c := body[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return false
		}
	}
	return body != "" && len(text) <= maxToken
}
