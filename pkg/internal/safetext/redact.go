package safetext

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Redacted stands for a secret in foreign text. It does not tell how long the secret was.
const Redacted = "••••"

// minSecret is the length of the shortest secret that is looked for, in bytes. Shorter ones would turn every text into
// dots.
const minSecret = 4

// Redactor returns a function that replaces secrets in foreign text, as they are and as programs spell them, and
// everything that looks like a JWT: a server or a proxy may echo what it was sent. Where the text has escapes of HTML or
// of a URL that hide a secret, it is returned without them.
func Redactor(secrets ...string) func(text string) string {
	redact := sync.OnceValue(func() func(string) string { return plainRedactor(secrets) }) // few responses need it
	return func(text string) string {
		text = redact()(text)
		plain := text
		for _, decode := range []func(string) string{html.UnescapeString, percentDecode} {
			plain = decode(plain)
			if hidden := redact()(plain); hidden != plain {
				text, plain = hidden, hidden
			}
		}
		return text
	}
}

// plainRedactor is Redactor for text without escapes.
func plainRedactor(secrets []string) func(text string) string {
	var forms []string
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			forms = append(forms, spellings(secret)...)
		}
	}
	// Longest first: of two that begin alike, the shorter would leave the end of the longer.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, Redacted)
	}
	replacer := strings.NewReplacer(pairs...)
	jwt := regexp.MustCompile(`eyJ[\w-]+(\.[\w-]*)*`)
	return func(text string) string { return jwt.ReplaceAllString(replacer.Replace(text), Redacted) }
}

// spellings returns a secret as it is, quoted, form-urlencoded, and in hexadecimal and base64.
func spellings(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret, strings.Trim(strconv.Quote(secret), `"`), strings.Trim(string(quoted), `"`), url.QueryEscape(secret),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	// Within a longer text in base64, such as "name:secret", a secret begins at one of three places of a group. The
	// characters at its ends depend on its neighbors, too.
	for before := range 3 {
		whole := base64.StdEncoding.EncodeToString(append(make([]byte, before), secret...))
		begin := (8*before + 5) / 6
		end := len(strings.TrimRight(whole, "="))
		if (before+len(secret))%3 != 0 {
			end--
		}
		inner := whole[begin:end]
		all = append(all, inner, strings.NewReplacer("+", "-", "/", "_").Replace(inner))
		if before == 0 {
			all = append(all, whole, strings.TrimRight(whole, "="))
		}
	}
	return all
}

// percentDecode replaces the percent-encoded bytes of text, which need not be a URL.
func percentDecode(text string) string {
	return regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(text, func(code string) string {
		b, _ := strconv.ParseUint(code[1:], 16, 8)
		return string([]byte{byte(b)})
	})
}
