package safetext

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestAT26_Sanitize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"plain", "The credentials provided were invalid.", 300, "The credentials provided were invalid."},
		{"empty", "", 300, ""},
		{"CSI", "a\x1b[2Jb", 300, "a\uFFFD[2Jb"},
		{"OSC 8 with BEL", "\x1b]8;;http://x\x07y", 300, "\uFFFD]8;;http://x\uFFFDy"},
		{"OSC 52 with ST", "\x1b]52;c;YQ==\x1b\\", 300, "\uFFFD]52;c;YQ==\uFFFD\\"},
		{"C1 as rune", "a\u009b2Jb", 300, "a\uFFFD2Jb"},
		{"C1 as byte", "a\x9b2Jb", 300, "a\uFFFD2Jb"},
		{"lines and tabs", " one\r\n\ttwo\u2028three\u00a0four\n", 300, "one two three four"},
		{"bidi", "a\u202eb\u2066c\u200ed", 300, "a\uFFFDb\uFFFDc\uFFFDd"},
		{"zero width and tag", "a\u200bb\U000e0041c\ufeffd", 300, "a\uFFFDb\uFFFDc\uFFFDd"},
		{"NUL and DEL", "a\x00b\x7fc", 300, "a\uFFFDb\uFFFDc"},
		{"invalid UTF-8", "a\xff\xc3(", 300, "a\uFFFD\uFFFD("},
		{"other letters", "Grüße, 世界", 300, "Grüße, 世界"},
		{"fits", "abc", 3, "abc"},
		{"cut", "abcd", 3, "abc…"},
		{"trailing space fits", "abc  ", 3, "abc"},
		{"cut at a space", "ab cd", 3, "ab…"},
		{"no room", "abc", 0, ""},
		{"1 MB", strings.Repeat("x", 1<<20), 300, strings.Repeat("x", 300) + "…"},
	} {
		if got := Sanitize(test.text, test.limit); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAT62_Redactor(t *testing.T) {
	t.Parallel()
	redact := Redactor("wrong horse&", "wrong horse&battery", "abc", "")
	for text, want := range map[string]string{
		"no secret":                             "no secret",
		"you sent wrong horse&.":                "you sent ••••.",
		"you sent wrong horse&battery":          "you sent ••••",
		"?p=wrong+horse%26&q=1":                 "?p=••••&q=1",
		"abc is too short":                      "abc is too short",
		"token eyJhbGciOiJub25lIn0.e30.x_-y, x": "token ••••, x",
	} {
		if got := redact(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A server may repeat a secret in any way that programs spell text.
func TestAT62_RedactorKnowsSpellings(t *testing.T) {
	t.Parallel()
	const name = "alice@example.com"
	for _, secret := range []string{"wrong-horse", `wr<>&"'\ é+/=`, "läng?>~ÿÿþ", "four", "three45"} {
		var entities, percent, mixed strings.Builder
		for _, b := range []byte(secret) {
			fmt.Fprintf(&percent, "%%%02x", b)
		}
		for i, r := range secret {
			fmt.Fprintf(&entities, "&#%d;", r)
			if i%2 == 0 {
				fmt.Fprintf(&mixed, "&#x%X;", r)
			} else {
				mixed.WriteRune(r)
			}
		}
		quoted, _ := json.Marshal(secret)
		said := map[string]string{
			"as it is": secret, "JSON": string(quoted), "quoted": strconv.Quote(secret), "hexadecimal": hex.EncodeToString([]byte(secret)),
			"HTML": html.EscapeString(secret), "entities": entities.String(), "some entities": mixed.String(),
			"form": url.QueryEscape(secret), "path": url.PathEscape(secret), "percent": percent.String(),
			"percent in HTML": strings.ReplaceAll(percent.String(), "%", "&#37;"),
		}
		for kind, encoding := range map[string]*base64.Encoding{
			"base64": base64.StdEncoding, "base64url": base64.URLEncoding, "raw base64": base64.RawStdEncoding,
			"raw base64url": base64.RawURLEncoding,
		} {
			said[kind] = encoding.EncodeToString([]byte(secret))
			for i := range 3 {
				said[kind+" within"+strings.Repeat(".", i)] = encoding.EncodeToString([]byte(name[i:] + ":" + secret + ":" + name))
			}
		}
		for kind, spelled := range said {
			got := Redactor(secret)("you sent " + spelled + ".")
			if !strings.HasPrefix(got, "you sent ") || !strings.Contains(got, Redacted) || strings.Contains(got, spelled) ||
				strings.Contains(got, secret) {
				t.Errorf("%s of %q: got %q from %q", kind, secret, got, spelled)
			}
		}
	}
	if got := Redactor("wrong-horse")("&lt;b&gt; 100%25 d3Jvbmc= \\u0041"); got != "&lt;b&gt; 100%25 d3Jvbmc= \\u0041" {
		t.Errorf("a text without a secret became %q", got)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, seed := range []string{"", "a b", "\x1b[31m", "\u202e", "\xff", "a\n\n b", strings.Repeat("é ", 200)} {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		got := Sanitize(text, limit)
		if !utf8.ValidString(got) || strings.HasPrefix(got, " ") || strings.HasSuffix(got, " ") || strings.Contains(got, "  ") {
			t.Errorf("got %q", got)
		}
		if runes := utf8.RuneCountInString(got); limit <= 0 && runes > 0 || limit > 0 && limit < 1<<30 && runes > limit+1 {
			t.Errorf("got %d runes, want at most %d and a mark", runes, limit)
		}
		for _, r := range got {
			if r != ' ' && !unicode.IsPrint(r) && r != utf8.RuneError {
				t.Errorf("got %U in %q", r, got)
			}
		}
		if again := Sanitize(got, limit+1); limit > 0 && limit < 1<<30 && again != got {
			t.Errorf("not stable: %q, then %q", got, again)
		}
	})
}
