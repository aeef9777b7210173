package prompt

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestAT90_EditorKeys(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typed, want string }{
		{"as typed", "wrong-horse\r", "wrong-horse"},
		{"line feed ends too", "wrong-horse\nmore", "wrong-horse"},
		{"spaces stay", "  wrong  horse \r", "  wrong  horse "},
		{"tab and other controls stay", "wrong\thorse\x01\x1b[A\r", "wrong\thorse\x01\x1b[A"},
		{"unicode stays, composed or not", "pässwo\u0308rd-日本-🐎\r", "pässwo\u0308rd-日本-🐎"},
		{"invalid UTF-8 stays", "wrong\xff\xfehorse\r", "wrong\xff\xfehorse"},
		{"backspace", "wrong-horsf\x7fe\r", "wrong-horse"},
		{"backspace sent as Ctrl-H", "wrong-horsf\be\r", "wrong-horse"},
		{"backspace over two bytes", "wrongä\x7f-horse\r", "wrong-horse"},
		{"backspace over four bytes", "wrong🐎\x7f-horse\r", "wrong-horse"},
		{"backspace over an invalid byte", "wrongä\xff\x7f-horse\r", "wrongä-horse"},
		{"backspace on nothing", "\x7f\x7fwrong-horse\r", "wrong-horse"},
		{"Ctrl-U", "canary-typo\x15wrong-horse\r", "wrong-horse"},
		{"Ctrl-W", "wrong canary  \x17horse\r", "wrong horse"},
		{"Ctrl-W on the first word", "canary\x17wrong-horse\r", "wrong-horse"},
		{"Ctrl-D within a line", "wrong-\x04horse\r", "wrong-horse"},
		{"empty", "\r", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := typeInto((*editor).key, tt.typed); err != nil || got != tt.want {
				t.Errorf("typed %q: got %q, %v; want %q", tt.typed, got, err, tt.want)
			}
		})
	}
}

func TestAT90_EditorLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		take func(*editor, byte) (bool, error)
		size int
		want error
	}{
		{"the longest secret", (*editor).key, MaxSecret, nil},
		{"a longer secret", (*editor).key, MaxSecret + 1, ErrTooLong},
		{"the longest line", (*editor).echoed, MaxLine, nil},
		{"a longer line", (*editor).echoed, MaxLine + 1, ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			typed := strings.Repeat("x", tt.size)
			got, err := typeInto(tt.take, typed+"\n")
			if err != tt.want || err == nil && got != typed {
				t.Errorf("got %d bytes, %v; want %d bytes, %v", len(got), err, tt.size, tt.want)
			}
		})
	}
}

func TestAT89_EditorEndOfFile(t *testing.T) {
	t.Parallel()
	if _, err := typeInto((*editor).key, "a\x7f\x04"); err != ErrClosed {
		t.Errorf("Ctrl-D on an empty line: got %v, want %v", err, ErrClosed)
	}
}

// TestEditorForgets looks at the arrays behind the line: what was erased or outgrown must not stay in memory.
func TestEditorForgets(t *testing.T) {
	t.Parallel()
	var e editor
	e.append('x')
	small := e.line[:cap(e.line)]
	for range len(small) {
		e.append('x')
	}
	if bytes.Contains(small, []byte("x")) {
		t.Error("the outgrown array still holds the line")
	}
	large := e.line[:cap(e.line)]
	e.restart()
	if bytes.Contains(large, []byte("x")) {
		t.Error("the array still holds the line after restart")
	}
}

func TestPasteMarkers(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, want string }{
		{"\x1b[200~wrong-horse\x1b[201~", "wrong-horse"},
		{"wrong-\x1b[200~horse\x1b[201~", "wrong-horse"},
		{"\x1b[200~", ""},
		{"wrong[200~horse", "wrong[200~horse"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := string(withoutPasteMarkers([]byte(tt.line))); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestAT94_PrintableText(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"Password for alice@example.com", "Password for alice@example.com"},
		{"Jürgen 日本 🐎 \\ \"", "Jürgen 日本 🐎 \\ \""},
		{"a\x1b[2Jb\x07\x00\x7f", `a\x1b[2Jb\a\x00\x7f`},
		{"a\u009bb", `a\u009bb`},
		{"a\u202eb\u200bc", `a\u202eb\u200bc`},
		{"a\xffb\ufffdc", `a\xffb` + "\ufffdc"},
		{"a\r\nb\tc", `a\r` + "\nb" + `\tc`},
	}
	for _, tt := range tests {
		if got := printable(tt.text, "\n"); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"alice", "a\x1b[2J", "\xff\u202e\u009b", "日本\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s, "")
		if !utf8.ValidString(got) {
			t.Errorf("%q: got invalid UTF-8 %q", s, got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Errorf("%q: got %q with %U", s, got, r)
			}
		}
		if again := printable(got, ""); again != got {
			t.Errorf("%q: escaped twice is %q, once %q", s, again, got)
		}
	})
}

func FuzzEditor(f *testing.F) {
	for _, seed := range []string{"wrong-horse\r", "ä\x7f\x7f\x04", "a b\x17\x15\n", "\xff\xfe\b\b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, typed []byte) {
		var e editor
		for _, b := range typed {
			before := len(e.line)
			done, err := e.key(b)
			if done || err != nil {
				return
			}
			if len(e.line) > before+1 || len(e.line) > MaxSecret {
				t.Fatalf("key %#x made %d bytes of %d", b, len(e.line), before)
			}
			if tail := e.line[len(e.line):cap(e.line)]; len(bytes.Trim(tail, "\x00")) != 0 {
				t.Fatalf("key %#x left %q behind the line", b, tail)
			}
		}
	})
}

func typeInto(take func(*editor, byte) (bool, error), typed string) (string, error) {
	var e editor
	for i := range len(typed) {
		if done, err := take(&e, typed[i]); done || err != nil {
			return string(e.line), err
		}
	}
	return string(e.line), nil
}
