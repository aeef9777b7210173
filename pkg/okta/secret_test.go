package okta

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSecretRedacts(t *testing.T) {
	t.Parallel()
	secret := NewSecret("canary-secret")
	type holder struct {
		hidden Secret // fmt calls no method on it
		Shown  Secret
	}
	var seen []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T%v", "%20s"} {
		if verb == "%T%v" {
			seen = append(seen, fmt.Sprintf(verb, secret, secret))
			continue
		}
		seen = append(seen, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, &secret), fmt.Sprintf(verb, holder{secret, secret}), fmt.Sprintf(verb, []Secret{secret}))
	}
	for _, value := range []any{secret, holder{secret, secret}, map[string]Secret{"a": secret}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, string(text))
	}
	text, _ := secret.MarshalText()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret)
	seen = append(seen, string(text), secret.String(), secret.GoString(), log.String())
	for _, text := range seen {
		if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("the secret shows: %s", text)
		}
	}
	if got := fmt.Sprint(secret, Secret{}); got != "•••• ••••" {
		t.Errorf("got %s", got)
	}
}

func TestSecretHoldsItsText(t *testing.T) {
	t.Parallel()
	a, b := NewSecret("canary-1"), NewSecret("canary-1")
	if a.Reveal() != "canary-1" || a.IsZero() || !a.Equal(b) || a.Equal(NewSecret("canary-2")) || a.Equal(Secret{}) {
		t.Error("a secret is not what was put into it")
	}
	if !NewSecret("").IsZero() || !(Secret{}).IsZero() || (Secret{}).Reveal() != "" || !NewSecret("").Equal(Secret{}) {
		t.Error("an empty secret is not zero")
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("equal secrets differ for reflect.DeepEqual")
	}
}

func TestAT26_Printable(t *testing.T) {
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

func FuzzPrintable(f *testing.F) {
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
