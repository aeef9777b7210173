package jwt_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"okauth/pkg/jwt"
)

// compact builds a token whose signature is the two bytes "ok".
func compact(header, claims string) string {
	return part(header) + "." + part(claims) + "." + part("ok")
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

const (
	rs256  = `{"kid":"canary-kid","alg":"RS256"}`
	claims = `{"iss":"https://example.okta.com","sub":"canary-subject"}`
)

func TestParse(t *testing.T) {
	t.Parallel()
	u, err := jwt.Parse(compact(` { "kid" : "k", "alg" : "RS256" } `, "{\n\"b\": [1, {\"x\": \"a b\"}],\t\"a\":null}"))
	if err != nil {
		t.Fatal(err)
	}
	wantHeader := jwt.Object{{Name: "kid", Value: []byte(`"k"`)}, {Name: "alg", Value: []byte(`"RS256"`)}}
	if !reflect.DeepEqual(u.Header, wantHeader) {
		t.Errorf("header: got %q, want %q", u.Header, wantHeader)
	}
	wantClaims := jwt.Object{{Name: "b", Value: []byte(`[1,{"x":"a b"}]`)}, {Name: "a", Value: []byte(`null`)}}
	if !reflect.DeepEqual(u.Claims, wantClaims) {
		t.Errorf("claims: got %q, want %q", u.Claims, wantClaims)
	}
	if u.Unsecured() {
		t.Error("a signed token is called unsecured")
	}
}

func TestST25_Form(t *testing.T) {
	t.Parallel()
	nested := compact(rs256, claims)
	tests := map[string]struct {
		token  string
		reason jwt.Reason
		text   string // part of the message
	}{
		"empty":           {"", jwt.ReasonEmpty, "empty"},
		"refresh token":   {"canary-refresh-token-canary-refresh-token-c", jwt.ReasonOpaque, "opaque"},
		"b64token":        {"canary+refresh/token==", jwt.ReasonOpaque, "opaque"},
		"two parts":       {part(rs256) + "." + part(claims), jwt.ReasonParts, "2 parts"},
		"four parts":      {nested + "." + part("x"), jwt.ReasonParts, "4 parts"},
		"many parts":      {strings.Repeat(".", 1000), jwt.ReasonParts, "1001 parts"},
		"no header":       {"." + part(claims) + ".c2ln", jwt.ReasonParts, "empty header"},
		"no claims":       {part(rs256) + "..c2ln", jwt.ReasonParts, "empty claims"},
		"dots":            {"..", jwt.ReasonParts, "empty header"},
		"JSON form":       {`{"payload":"x","signature":"y"}`, jwt.ReasonNotCompact, "JSON document"},
		"a sentence":      {"not a token", jwt.ReasonAlphabet, "white space at byte 4"},
		"nested":          {compact(`{"alg":"RS256","cty":"jwt"}`, nested), jwt.ReasonNested, "another token"},
		"encrypted":       {part(`{"alg":"RSA-OAEP-256","enc":"A256GCM"}`) + ".a.b.c.d", jwt.ReasonEncrypted, `alg "RSA-OAEP-256", enc "A256GCM"`},
		"encrypted dir":   {part(`{"alg":"dir","enc":"A256GCM"}`) + "..b.c.d", jwt.ReasonEncrypted, `alg "dir"`},
		"hostile alg":     {part(`{"alg":"\u001b]0;x\u0007\u202e"}`) + ".a.b.c.d", jwt.ReasonEncrypted, `\x1b]0;x\a\u202e`},
		"long alg":        {part(`{"alg":"`+strings.Repeat("ä", 9999)+`"}`) + ".a.b.c.d", jwt.ReasonEncrypted, strings.Repeat("ä", 64) + `…"`},
		"five odd parts":  {"a.b.c.d.e", jwt.ReasonParts, "five parts"},
		"header not JSON": {compact("canary-text", claims), jwt.ReasonJSON, "header part: invalid JSON at byte 1 of 11"},
		"claims not JSON": {compact(rs256, `{"a":1,}`), jwt.ReasonJSON, "claims part: invalid JSON at byte 8 of 8"},
		"trailing data":   {compact(rs256, claims+claims), jwt.ReasonJSON, "invalid JSON"},
		"array":           {compact(rs256, `["canary"]`), jwt.ReasonJSON, "got an array"},
		"string":          {compact(rs256, `"canary"`), jwt.ReasonJSON, "got a string"},
		"null":            {compact(rs256, `null`), jwt.ReasonJSON, "got null"},
		"number":          {compact(rs256, `-1`), jwt.ReasonJSON, "got a number"},
		"boolean":         {compact(rs256, `true`), jwt.ReasonJSON, "got a boolean"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := wantReason(t, test.token, test.reason)
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %q, want it to contain %q", err, test.text)
			}
		})
	}
}

func TestST26_JSON(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }
	tests := map[string]struct{ header, claims, text string }{
		"BOM":                  {rs256, "\ufeff" + claims, "claims part: starts with a byte order mark"},
		"BOM in header":        {"\ufeff" + rs256, claims, "header part: starts with a byte order mark"},
		"not UTF-8":            {rs256, "{\"a\":\"\xff\"}", "claims part: not UTF-8"},
		"UTF-16":               {rs256, "\xff\xfe{\x00}\x00", "claims part: not UTF-8"},
		"duplicate":            {rs256, `{"sub":"a","x":1,"sub":"b"}`, `claims part: member "sub" occurs twice`},
		"duplicate in header":  {`{"alg":"RS256","alg":"none"}`, claims, `header part: member "alg" occurs twice`},
		"duplicate by escape":  {rs256, `{"sub":"a","\u0073ub":"b"}`, `"sub" occurs twice`},
		"duplicate inside":     {rs256, `{"a":[{"b":{"c":1,"c":2}}]}`, `"c" occurs twice`},
		"duplicate of nothing": {rs256, `{"":1,"":2}`, `"" occurs twice`},
		"hostile duplicate":    {rs256, `{"\u001b[2J":1,"\u001b[2J":2}`, `"\x1b[2J" occurs twice`},
		"deep":                 {rs256, deep(65), "deeper than 64 levels"},
		"very deep":            {rs256, deep(60000), "deeper than 10000 levels"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := wantReason(t, compact(test.header, test.claims), jwt.ReasonJSON)
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %q, want it to contain %q", err, test.text)
			}
		})
	}
	for _, fine := range []string{deep(64), `{}`, `{"sub":1,"SUB":2,"ſub":3}`, `{"a":{"a":[{"a":1},{"a":1}]}}`} {
		if _, err := jwt.Parse(compact(rs256, fine)); err != nil {
			t.Errorf("%.40s: %v", fine, err)
		}
	}
}

// encoding/base64 skips line breaks even in strict mode, so the alphabet is ours to check.
func TestAT49_Alphabet(t *testing.T) {
	t.Parallel()
	good := compact(rs256, claims)
	for at := range len(good) + 1 {
		for _, bad := range []string{"\n", "\r\n", " ", "\t", "=", "\x00", "\x1b", "é", "%"} {
			wantReason(t, good[:at]+bad+good[at:], jwt.ReasonAlphabet)
		}
	}
	for name, token := range map[string]string{
		"trailing bits in header":    "e31." + part(claims) + ".c2ln", // e30 is {}
		"trailing bits in claims":    part(rs256) + ".e31.c2ln",
		"trailing bits in signature": part(rs256) + "." + part(claims) + ".YR",
		"impossible length":          part(rs256) + "." + part(claims) + ".c2lna",
	} {
		err := wantReason(t, token, jwt.ReasonEncoding)
		if !strings.Contains(err.Error(), "not base64url") {
			t.Errorf("%s: got %q", name, err)
		}
	}
	for text, named := range map[string]string{"\n": "a line break at byte 3", "+": `"+", which is standard base64`, "=": "padding", "\x1b": "0x1b"} {
		if err := wantReason(t, "ab"+text+".c.d", jwt.ReasonAlphabet); !strings.Contains(err.Error(), named) {
			t.Errorf("%q: got %q, want it to contain %q", text, err, named)
		}
	}
}

// Not parallel: it counts every byte that the process allocates.
func TestAT48_HugeTokenCostsNothing(t *testing.T) {
	for unit, count := range map[string]int{".": 100_000_000, "a": 1_000_000, " ": 1_000_000} {
		huge := strings.Repeat(unit, count)
		if unit == " " {
			huge += "x"
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := jwt.Parse(jwt.TrimToken(huge))
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%d times %q: %d bytes allocated, expected at most 64 KiB", count, unit, got)
		}
		// Blanks around a token are no part of it.
		want := jwt.ReasonTooLong
		if unit == " " {
			want = jwt.ReasonOpaque
		}
		if format, ok := errors.AsType[*jwt.FormatError](err); !ok || format.Reason != want {
			t.Errorf("%d times %q: got %v, want %s", count, unit, err, want)
		}
	}
	atLimit := strings.Repeat("a", jwt.MaxSize)
	wantReason(t, atLimit, jwt.ReasonOpaque)
	wantReason(t, atLimit+"a", jwt.ReasonTooLong)
}

func TestST21_Unsecured(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token string
		want  bool
	}{
		"RS256":              {compact(rs256, claims), false},
		"none":               {part(`{"alg":"none"}`) + "." + part(claims) + ".", true},
		"NonE":               {part(`{"alg":"NonE"}`) + "." + part(claims) + ".", true},
		"nOnE, signed":       {compact(`{"alg":"nOnE"}`, claims), true},
		"stripped signature": {part(rs256) + "." + part(claims) + ".", true},
	}
	for name, test := range tests {
		u, err := jwt.Parse(test.token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := u.Unsecured(); got != test.want {
			t.Errorf("%s: got %t, want %t", name, got, test.want)
		}
	}
}

func TestTrimToken(t *testing.T) {
	t.Parallel()
	const token = "eyJh.e30.c2ln"
	for _, text := range []string{
		token, " " + token + "\r\n", "\t\u00a0" + token, "Bearer " + token, "bEARER\t " + token + "\n", "DPoP " + token,
		"Authorization: Bearer " + token, "authorization:Bearer  " + token + "\r\n", "AUTHORIZATION : bearer " + token,
		`"` + token + `"`, `'Authorization: Bearer ` + token + `'`, `Authorization: "Bearer ` + token + `"`, `Bearer "` + token + `"`, `" ` + token + ` "`,
	} {
		if got := jwt.TrimToken(text); got != token {
			t.Errorf("%q: got %q, want %q", text, got, token)
		}
	}
	for text, want := range map[string]string{
		"": "", " \n": "", `"`: `"`, `""`: "", "Bearer": "Bearer", "Bearer ": "Bearer", "Bearertoken": "Bearertoken",
		"Cookie: " + token: "Cookie: " + token, "a b": "a b", `"` + token: `"` + token, "Basic " + token: "Basic " + token,
	} {
		if got := jwt.TrimToken(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// wantReason parses token, which must be refused for that reason with a message that is printable and does not show the
// token.
func wantReason(t *testing.T, token string, reason jwt.Reason) *jwt.FormatError {
	t.Helper()
	_, err := jwt.Parse(token)
	format, ok := errors.AsType[*jwt.FormatError](err)
	if !ok {
		t.Fatalf("got error %v, want a FormatError with reason %s", err, reason)
	}
	if format.Reason != reason {
		t.Errorf("reason: got %s (%v), want %s", format.Reason, err, reason)
	}
	if i := strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("message is not printable: %q", err)
	}
	if strings.Contains(err.Error(), "canary") || len(token) > 8 && strings.Contains(err.Error(), token) {
		t.Errorf("message shows the token: %q", err)
	}
	return format
}
