package safetext

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 30 * time.Second: "30s", time.Minute: "1m", 90 * time.Second: "1m30s", 10 * time.Minute: "10m",
		time.Hour: "1h", time.Hour + time.Second: "1h0m1s", 26*time.Hour + 10*time.Minute: "26h10m", 1500 * time.Millisecond: "1.5s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

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
