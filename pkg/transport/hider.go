package transport

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// dots stand for what is hidden. They do not tell how long it was.
const dots = "••••"

// minHidden is the shortest secret, in bytes, that is looked for: "a" would turn every line into dots.
const minHidden = 4

// redactor takes the secrets of one request out of foreign text. A server, or whatever stands before it, may say again what it was sent.
type redactor struct {
	plain   []string // in lower case
	encoded []string // base64, of which a piece begins and ends amid a character
}

// newHider collects what is secret in a request: fields and query values that are not public, both halves of Basic credentials, tokens, and
// each header whose name is not harmless.
func newHider(req *http.Request, form []field) *redactor {
	secrets := map[string]bool{}
	for _, f := range slices.Concat(form, fields(req.URL.RawQuery)) {
		if !f.public() {
			secrets[f.value], secrets[f.raw] = true, true
		}
	}
	for name, values := range req.Header {
		for _, value := range values {
			if hiddenName(name) {
				addCredentials(secrets, value)
			}
		}
	}
	if req.URL.User != nil {
		password, _ := req.URL.User.Password()
		secrets[req.URL.User.Username()], secrets[password] = true, true
	}
	return hiderFor(maps.Keys(secrets))
}

func hiderFor(secrets iter.Seq[string]) *redactor {
	h := &redactor{}
	for secret := range secrets {
		if secret = strings.TrimSpace(secret); len(secret) >= minHidden { // a header loses the space round it
			h.add(secret)
		}
	}
	return h
}

// Hide returns a function that gives foreign text with dots for each of the secrets, in every spelling in which a server may say them
// again (as they are, percent-encoded, in JSON, hex or base64), and for everything that looks like a JWT. Secrets of less than four
// bytes are not looked for.
func Hide(secrets ...string) func(text string) string { return hiderFor(slices.Values(secrets)).text }

// addCredentials adds a header's value, without the scheme before it, and what Basic has inside.
func addCredentials(secrets map[string]bool, value string) {
	secrets[value] = true
	_, credentials, ok := strings.Cut(value, " ")
	if !ok {
		credentials = value
	}
	credentials = strings.TrimSpace(credentials)
	secrets[credentials] = true
	for _, part := range strings.FieldsFunc(credentials, func(r rune) bool { return strings.ContainsRune("=;, \"", r) }) {
		secrets[part] = true // of a cookie, or of several
	}
	pair, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		return
	}
	secrets[string(pair)] = true
	name, password, _ := strings.Cut(string(pair), ":")
	for _, half := range []string{name, password} {
		secrets[half] = true
		if plain, err := url.QueryUnescape(half); err == nil {
			secrets[plain] = true // RFC 6749 §2.3.1 has the halves form-urlencoded
		}
	}
}

// add looks for a secret as it is and as it may come back: percent-encoded, in JSON, in hex, in base64.
func (h *redactor) add(secret string) {
	query := url.QueryEscape(secret)
	quoted, _ := json.Marshal(secret) // a string can always be marshalled
	for _, form := range []string{
		secret, query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(secret),
		string(quoted[1 : len(quoted)-1]), hex.EncodeToString([]byte(secret)),
		strings.NewReplacer("\\", `\\`, `"`, `\"`).Replace(secret),
		strings.Trim(strconv.QuoteToASCII(secret), `"`), // \u00fc
	} {
		h.plain = append(h.plain, lower(form))
	}
	// Amid other text it may begin at any of three places of a group.
	for before, skip := range []int{0, 2, 3} {
		text := append(make([]byte, before), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			piece := encoding.EncodeToString(text)[skip : len(text)*8/6] // without the characters that hold bits of neighbours
			if len(piece) >= minHidden {
				h.encoded = append(h.encoded, lower(piece))
			}
		}
	}
}

// span is a piece of text.
type span struct{ from, to int }

// text returns foreign text with dots for the request's secrets and for everything that looks like a JWT.
func (h *redactor) text(text string) string {
	var found []span
	low := lower(text)
	for _, needle := range h.plain {
		found = append(found, all(low, needle)...)
	}
	for _, needle := range h.encoded {
		for _, s := range all(low, needle) { // with the characters at its ends that hold bits of it
			if s.from > 0 && isTokenByte(text[s.from-1]) {
				s.from--
			}
			if s.to < len(text) && isTokenByte(text[s.to]) {
				s.to++
			}
			found = append(found, s)
		}
	}
	found = append(found, jwts(text)...)
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, s := range found {
		if i == 0 || s.from > end {
			b.WriteString(text[end:s.from] + dots)
		}
		end = max(end, s.to)
	}
	b.WriteString(text[end:])
	return b.String()
}

// all finds every place of needle in text, those that overlap as well.
func all(text, needle string) []span {
	var found []span
	for at := 0; ; at++ {
		i := strings.Index(text[at:], needle)
		if i < 0 {
			return found
		}
		at += i
		found = append(found, span{at, at + len(needle)})
	}
}

// jwts finds what begins like the header of a JWT, {" in base64, to the end of its characters.
func jwts(text string) []span {
	var found []span
	for at := 0; ; {
		i := strings.Index(text[at:], "eyJ")
		if i < 0 {
			return found
		}
		from := at + i
		at = from
		for at < len(text) && isTokenByte(text[at]) {
			at++
		}
		found = append(found, span{from, at})
	}
}

// isTokenByte: https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1 (b64token), and % of one that is percent-encoded.
func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~+/=%", c) >= 0
}

// lower maps ASCII alone, so that every byte keeps its place. A header's name comes back in another case, and so does %2f.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
