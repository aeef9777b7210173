package strictjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"okauth/pkg/internal/strictjson"
)

func TestObject_KeepsOrderAndSpelling(t *testing.T) {
	t.Parallel()
	text := " {\"z\" : 9007199254740993,\n\"a\":[1, {\"b\" :\t\"x y\"}],\"\\u0041\":1e400,\"\":-0 ,\"e\":{}} "
	readers := map[string]func([]byte) ([]strictjson.Member, error){
		"Object": strictjson.Object, "Outline": strictjson.Outline,
	}
	for name, read := range readers {
		got, err := read([]byte(text))
		want := `[{z 9007199254740993} {a [1,{"b":"x y"}]} {A 1e400} { -0} {e {}}]`
		var b strings.Builder
		for _, m := range got {
			fmt.Fprintf(&b, " {%s %s}", m.Name, m.Value)
		}
		if have := "[" + strings.TrimSpace(b.String()) + "]"; err != nil || have != want {
			t.Errorf("%s: got %s, %v, want %s", name, have, err, want)
		}
	}
	if got, err := strictjson.Object([]byte("{}")); err != nil || len(got) != 0 {
		t.Errorf("empty object: got %v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprintf(`"member%d":%d`, i, i)
	}
	nested := func(levels int) string {
		return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
	}
	for text, want := range map[string]struct{ object, outline string }{
		``:                              {"invalid JSON at byte 0 of 0", "invalid JSON at byte 0 of 0"},
		`{"a":1,}`:                      {"invalid JSON at byte 8 of 8", "invalid JSON at byte 8 of 8"},
		`{"canary":canary}`:             {"invalid JSON at byte 11 of 17", "invalid JSON at byte 11 of 17"},
		`{} {}`:                         {"invalid JSON at byte 4 of 5", "invalid JSON at byte 4 of 5"},
		"\ufeff{}":                      {"starts with a byte order mark", "starts with a byte order mark"},
		"\xff\xfe{\x00}\x00":            {"not UTF-8 but UTF-16", "not UTF-8 but UTF-16"},
		"\xfe\xff\x00{\x00}":            {"not UTF-8 but UTF-16", "not UTF-8 but UTF-16"},
		"{\x00}\x00":                    {"not UTF-8 but UTF-16", "not UTF-8 but UTF-16"},
		"\x00{\x00}":                    {"not UTF-8 but UTF-16", "not UTF-8 but UTF-16"},
		`["canary"]`:                    {"not a JSON object, got an array", "not a JSON object, got an array"},
		` null`:                         {"not a JSON object, got null", "not a JSON object, got null"},
		`{"a":1,"\u0061":2}`:            {`member "a" occurs twice`, `member "a" occurs twice`},
		`{"a":1,"A":2}`:                 {"", ""},
		`{"a":[{"b":1,"b":2}]}`:         {`member "b" occurs twice`, ""},
		`{"a":{"b":{"b":1},"c":"b"}}`:   {"", ""},
		`{"\u001b[2J":1,"\u001b[2J":2}`: {`member "\x1b[2J" occurs twice`, `member "\x1b[2J" occurs twice`},
		`{"a":"` + "\xff" + `"}`:        {"not UTF-8", ""},
		nested(strictjson.MaxDepth):     {"", ""},
		nested(strictjson.MaxDepth + 1): {"nested deeper than 64 levels", ""},
		nested(10_001):                  {"nested deeper than 10000 levels", "nested deeper than 10000 levels"},
		"{" + strings.Join(many, ",") + `,"member7":0}`: {`member "member7" occurs twice`, `member "member7" occurs twice`},
		"{" + strings.Join(many, ",") + `}`:             {"", ""},
	} {
		_, object := strictjson.Object([]byte(text))
		_, outline := strictjson.Outline([]byte(text))
		for name, pair := range map[string]struct {
			err  error
			want string
		}{"Object": {object, want.object}, "Outline": {outline, want.outline}} {
			got := ""
			if pair.err != nil {
				got = pair.err.Error()
			}
			if got != pair.want {
				t.Errorf("%s(%.80q): got error %q, want %q", name, text, got, pair.want)
			}
		}
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	unquoted := map[string]string{`"a b"`: "a b", `""`: "", `"\u0061\n\ud83d\ude00"`: "a\n😀", `"\ud800"`: "\ufffd"}
	for value, want := range unquoted {
		if got, ok := strictjson.Unquote(json.RawMessage(value)); !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", value, got, ok, want)
		}
	}
	for _, value := range []string{`1`, `null`, `["x"]`, `{}`, `true`} {
		if got, ok := strictjson.Unquote(json.RawMessage(value)); ok || got != "" {
			t.Errorf("%s: got %q, %t, want nothing", value, got, ok)
		}
	}
}

// FuzzObject holds for every text: no panic; an error is one printable line; what is read is what encoding/json reads.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"a":2}`, ` {"a\"":[{"b":"\u0000\\\""}, -1.5e+7 ],"":null}`,
		`{"a":{"b":[true,false,{}]}}`, "{\"\xff\":1}", `[`, `{"a"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		members, err := strictjson.Object(text)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("error is not printable: %q", err)
			}
			return
		}
		if _, err := strictjson.Outline(text); err != nil {
			t.Fatalf("Outline refuses what Object reads: %v", err)
		}
		want := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &want); err != nil || len(want) != len(members) {
			t.Fatalf("%q: got %d members, encoding/json reads %d, %v", text, len(members), len(want), err)
		}
		for _, m := range members {
			var compact bytes.Buffer
			if err := json.Compact(&compact, want[m.Name]); err != nil || !reflect.DeepEqual(compact.Bytes(), []byte(m.Value)) {
				t.Fatalf("%q: got %q, want %q", m.Name, m.Value, compact.Bytes())
			}
		}
	})
}
