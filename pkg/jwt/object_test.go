package jwt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/jwt"
)

func parse(t *testing.T, claims string) jwt.Object {
	t.Helper()
	u, err := jwt.Parse(compact(rs256, claims))
	if err != nil {
		t.Fatal(err)
	}
	return u.Claims
}

func TestAT52_DigitsAndOrderStay(t *testing.T) {
	t.Parallel()
	const claims = `{"z":9007199254740993,"y":1e400,"x":-0,"w":0.10,"__proto__":{"b":1E+2,"a":[]},"v":"\u001b\/<&>","u":"\ud800"}`
	got, err := parse(t, claims).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != claims {
		t.Errorf("got  %s\nwant %s", got, claims)
	}
	if got, err := json.Marshal(jwt.Object(nil)); err != nil || string(got) != "{}" {
		t.Errorf("nil object: got %s, %v", got, err)
	}
}

func TestObject_String(t *testing.T) {
	t.Parallel()
	o := parse(t, `{"plain":"a b","escaped":"\u0061\n\ud83d\ude00","empty":"","number":1,"null":null,"list":["x"]}`)
	for name, want := range map[string]string{"plain": "a b", "escaped": "a\n😀", "empty": ""} {
		if got, ok := o.String(name); !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"number", "null", "list", "absent", "PLAIN"} {
		if got, ok := o.String(name); ok || got != "" {
			t.Errorf("%s: got %q, %t, want nothing", name, got, ok)
		}
	}
}

func TestObject_Strings(t *testing.T) {
	t.Parallel()
	o := parse(t, `{"one":"a","list":["a","","b"],"none":[],"mixed":["a",1],"null":["a",null],"number":1,"object":{}}`)
	for name, want := range map[string][]string{"one": {"a"}, "list": {"a", "", "b"}, "none": {}} {
		if got, ok := o.Strings(name); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %t, want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"mixed", "null", "number", "object", "absent"} {
		if got, ok := o.Strings(name); ok || got != nil {
			t.Errorf("%s: got %q, %t, want nothing", name, got, ok)
		}
	}
}

func TestST23_NumericDate(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"0":             "1970-01-01T00:00:00Z",
		"-0":            "1970-01-01T00:00:00Z",
		"1695859148":    "2023-09-27T23:59:08Z",
		"1695859148.0":  "2023-09-27T23:59:08Z",
		"1695859148.5":  "2023-09-27T23:59:08.5Z",
		"1.695859148e9": "2023-09-27T23:59:08Z",
		"-1":            "1969-12-31T23:59:59Z",
		"-0.5":          "1969-12-31T23:59:59.5Z",
		"1e-400":        "1970-01-01T00:00:00Z",
		"-62135596800":  "0001-01-01T00:00:00Z",
		"253402300799":  "9999-12-31T23:59:59Z",
	} {
		got, ok := parse(t, `{"exp":`+number+`}`).Time("exp")
		if !ok || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %s, %t, want %s", number, got.Format(time.RFC3339Nano), ok, want)
		}
	}
	for _, value := range []string{
		`"1695859148"`, `null`, `true`, `[]`, `{}`, `[1695859148]`, `-62135596801`, `253402300800`, `253402300800.0`, `-62135596801.5`,
		`9223372036854775807`, `-9223372036854775808`, `9223372036854775808`, `18446744073709551616`, `1e400`, `-1e400`, `1e99999999999`,
	} {
		if got, ok := parse(t, `{"exp":`+value+`}`).Time("exp"); ok || !got.IsZero() {
			t.Errorf("%s: got %s, want no time", value, got)
		}
	}
	if _, ok := parse(t, `{}`).Time("exp"); ok {
		t.Error("an absent member is a time")
	}
}

// Claims in a finer unit than seconds are recognized, and nothing else is.
func TestFinerTime(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"1795907024000":       "2026-11-28T23:03:44Z milliseconds",
		"1795907024001.5":     "2026-11-28T23:03:44.001Z milliseconds",
		"1.795907024e12":      "2026-11-28T23:03:44Z milliseconds",
		"253402300800":        "1978-01-11T21:31:40.8Z milliseconds",
		"1795907024000000":    "2026-11-28T23:03:44Z microseconds",
		"1795907024000000000": "2026-11-28T23:03:44Z nanoseconds",
	} {
		when, unit, ok := parse(t, `{"exp":`+number+`}`).FinerTime("exp")
		if got := when.Format(time.RFC3339Nano) + " " + unit; !ok || got != want {
			t.Errorf("%s: got %s, %t, want %s", number, got, ok, want)
		}
	}
	for _, value := range []string{
		`1795907024`, `253402300799`, `"1795907024000"`, `null`, `true`, `[]`, `-1795907024000`, `9999999999999`, `9007199254740993`,
		`9223372036854775807`, `1e400`, `-1e400`, `1e99999999999`,
	} {
		if got, unit, ok := parse(t, `{"exp":`+value+`}`).FinerTime("exp"); ok {
			t.Errorf("%s: got %s, %s, want no time", value, got, unit)
		}
	}
	if _, _, ok := parse(t, `{}`).FinerTime("exp"); ok {
		t.Error("an absent member is a time")
	}
}

func TestST27_Kind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header, claims string
		want                 jwt.TokenKind
	}{
		{"Okta access", `{"alg":"RS256"}`, `{"ver":1,"jti":"AT.x","cid":"0oa1","uid":"00u1","scp":["openid"],"sub":"a"}`, jwt.KindAccess},
		{"Okta ID", `{"alg":"RS256"}`, `{"ver":1,"jti":"ID.x","amr":["pwd"],"idp":"00o1","at_hash":"x"}`, jwt.KindID},
		{"RFC 9068", `{"alg":"RS256","typ":"AT+JWT"}`, `{"sub":"a"}`, jwt.KindAccess},
		{"RFC 9068 in full", `{"alg":"RS256","typ":"application/at+jwt"}`, `{"sub":"a"}`, jwt.KindAccess},
		{"plain typ", `{"alg":"RS256","typ":"JWT"}`, `{"sub":"a"}`, jwt.KindUnknown},
		{"nonce", `{"alg":"RS256"}`, `{"sub":"a","nonce":"n"}`, jwt.KindID},
		{"amr alone", `{"alg":"RS256"}`, `{"sub":"a","amr":["pwd"]}`, jwt.KindID},
		{"access with custom amr", `{"alg":"RS256"}`, `{"cid":"0oa1","amr":["pwd"],"idp":"00o1"}`, jwt.KindAccess},
		{"both", `{"alg":"RS256"}`, `{"jti":"ID.x","scp":["openid"]}`, jwt.KindUnknown},
		{"neither", `{"alg":"RS256"}`, `{}`, jwt.KindUnknown},
		{"odd types", `{"alg":"RS256","typ":7}`, `{"jti":["AT."]}`, jwt.KindUnknown},
	}
	for _, test := range tests {
		u, err := jwt.Parse(compact(test.header, test.claims))
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Kind(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// FuzzParse holds for every text: no panic, no error but a quiet FormatError; a token that parses is one whose claims
// encoding/json takes, too, and, written again from its members, parses to the same members.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		compact(rs256, claims), compact(`{}`, `{"exp":1e400,"iat":-0.5,"nbf":9007199254740993,"a":[[{"b":"\u0000\\\""}]],"\ud800":1}`),
		compact(`{"alg":"none"}`, `{"a":1,"a":2}`), part(`{"alg":"dir","enc":"x"}`) + "..b.c.d", "Bearer a.b.c", "", "..", "{}", "a\n.b.c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		u, err := jwt.Parse(token)
		if err != nil {
			wantReason(t, token, err.(*jwt.FormatError).Reason)
			return
		}
		header, err := u.Header.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		claims, err := u.Claims.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(header) || !json.Valid(claims) || bytes.ContainsAny(claims, "\n\r\t") {
			t.Fatalf("not compact JSON: %q %q", header, claims)
		}
		if raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]); !json.Valid(raw) || !sameJSON(t, raw, claims) {
			t.Fatalf("claims differ from what encoding/json makes of %q: %q", raw, claims)
		}
		again, err := jwt.Parse(compact(string(header), string(claims)))
		if err != nil {
			t.Fatalf("parse what was written: %v", err)
		}
		if !reflect.DeepEqual(again.Header, u.Header) || !reflect.DeepEqual(again.Claims, u.Claims) {
			t.Fatalf("got %q %q, want %q %q", again.Header, again.Claims, u.Header, u.Claims)
		}
		for _, m := range u.Claims {
			if when, ok := u.Claims.Time(m.Name); ok && (when.Year() < 1 || when.Year() > 9999) {
				t.Errorf("%s: year %d", m.Value, when.Year())
			}
			u.Claims.Strings(m.Name)
		}
		u.Kind()
	})
}

// sameJSON reports whether encoding/json removes white space to the same effect; names are written anew and may be
// spelt differently.
func sameJSON(t *testing.T, raw, claims []byte) bool {
	t.Helper()
	values := make([]any, 2)
	for i, text := range [][]byte{raw, claims} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&values[i]); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

// What encoding/json takes for an object, the reader takes, unless it says that a name stands twice or that it is too
// deep; and what the reader takes, encoding/json takes.
func TestST26_AgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, ` { } `, "{\"a\"\t:\n1\r}", `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":1`, `{"a":[1,2]`, `{"a":[1,]}`, `{"a":[,1]}`,
		`{"a":[1 2]}`, `{"a":[ ]}`, `{"a":{ }}`, `{"a":tru}`, `{"a":true}`, `{"a":falsey}`, `{"a":nul}`, `{"a":True}`, `{"a":01}`, `{"a":-}`, `{"a":-0}`, `{"a":+1}`, `{"a":.5}`,
		`{"a":1.}`, `{"a":1.5e}`, `{"a":1E+5}`, `{"a":1e-}`, `{"a":0x1}`, `{"a":1_0}`, `{"a":NaN}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\uD83D\uDE00"}`, `{"a":"\u000`,
		"{\"a\":\"\t\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\x00\"}", `{"a":"`, `{"a":"\`, `{"a":"\"}`, `{"\u0061":1}`, `{"\q":1}`, `{"a":1}}`, `{"a":1}]`, `{"a":1} x`, "{\u00a0}", `{"a":'b'}`,
		`{"a":1/**/}`, `{"a":[[[[]]]],"b":[{},{"c":[]}]}`, "{\"a\":1}\x00", "\v{}", "{\"a\":-1.0e0 }", `{"":""}`, `{"a":--1}`, `{"a":1e5.5}`, `{"a":[}`, `{"a":]}`, `{`, `{"`, `{"a`, `{"a":`, `{"a":1,`,
	} {
		_, err := jwt.Parse(compact(rs256, text))
		if want := json.Valid([]byte(text)); (err == nil) != want {
			t.Errorf("%q: got %v, but encoding/json says %t", text, err, want)
		}
	}
}
