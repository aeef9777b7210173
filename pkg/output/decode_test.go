package output_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

func compact(header, claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(claims)) + ".c2ln"
}

func parse(t testing.TB, header, claims string) jwt.Unverified {
	t.Helper()
	u, err := jwt.Parse(compact(header, claims))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// An access token as Okta writes it, with a few claims that it might have.
const (
	exampleHeader = `{"kid":"kkkkkkkkkkkkkkkkkkkk","alg":"RS256"}`
	exampleClaims = `{"ver":1,"jti":"AT.EXAMPLE","iss":"https://example.okta.com/oauth2/default","aud":["api://default","b, c"],` +
		`"sub":"jane@example.com","iat":1695855548,"exp":1695859148,"cid":"0oa1exampleClntAx1d7","scp":["openid","okta.apps.sso"],` +
		`"auth_time":1695801600,"amr":["pwd","mfa","x"],"cnf":{"jkt":"abc", "n":1.0},"admin":false,"note":""}`
)

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		0: `access token
  bound to a DPoP key (abc): useless without a proof made with it

header
  kid  key id               kkkkkkkkkkkkkkkkkkkk
  alg  signature algorithm  RS256

claims
  ver        token version   1
  jti        token id        AT.EXAMPLE
  iss        issuer          https://example.okta.com/oauth2/default
  aud        audience        api://default, "b, c"
  sub        subject         jane@example.com
  iat        issued at       2023-09-28 00:59:08 CEST, 19 minutes ago
  exp        expires at      2023-09-28 01:59:08 CEST, in 41 minutes
  cid        client          0oa1exampleClntAx1d7
  scp        scopes          openid, okta.apps.sso
  auth_time  signed in at    2023-09-27 10:00:00 CEST, 15 hours 18 minutes ago
  amr        signed in with  pwd (password), mfa (several factors), x
  cnf        bound to key    {"jkt":"abc","n":1.0}
  admin                      false
  note                       ""

life
  issued ━━━━━━━━━━━━━━━●────────────────────────────────── expires
                       now
  issued 00:59:08, 19 minutes ago
  expires 01:59:08, in 41 minutes
`,
		40: `access token
  bound to a DPoP key (abc): useless
  without a proof made with it

header
  kid  key id
    kkkkkkkkkkkkkkkkkkkk
  alg  signature algorithm
    RS256

claims
  ver  token version
    1
  jti  token id
    AT.EXAMPLE
  iss  issuer
    https://example.okta.com/oauth2/default
  aud  audience
    api://default, "b, c"
  sub  subject
    jane@example.com
  iat  issued at
    2023-09-28 00:59:08 CEST, 19 minutes
    ago
  exp  expires at
    2023-09-28 01:59:08 CEST, in 41
    minutes
  cid  client
    0oa1exampleClntAx1d7
  scp  scopes
    openid, okta.apps.sso
  auth_time  signed in at
    2023-09-27 10:00:00 CEST, 15 hours
    18 minutes ago
  amr  signed in with
    pwd (password), mfa (several
    factors), x
  cnf  bound to key
    {"jkt":"abc","n":1.0}
  admin
    false
  note
    ""

life
  issued ━━━━━━━●─────────────── expires
               now
  issued 00:59:08, 19 minutes ago
  expires 01:59:08, in 41 minutes
`,
		20: `access token
  bound to a DPoP
  key (abc): useless
  without a proof
  made with it

header
  kid  key id
    kkkkkkkkkkkkkkkkkkkk
  alg
  signature algorithm
    RS256

claims
  ver  token version
    1
  jti  token id
    AT.EXAMPLE
  iss  issuer
    https://example.okta.com/oauth2/default
  aud  audience
    api://default,
    "b, c"
  sub  subject
    jane@example.com
  iat  issued at
    2023-09-28
    00:59:08 CEST,
    19 minutes ago
  exp  expires at
    2023-09-28
    01:59:08 CEST,
    in 41 minutes
  cid  client
    0oa1exampleClntAx1d7
  scp  scopes
    openid,
    okta.apps.sso
  auth_time
  signed in at
    2023-09-27
    10:00:00 CEST,
    15 hours 18
    minutes ago
  amr
  signed in with
    pwd (password),
    mfa (several
    factors), x
  cnf  bound to key
    {"jkt":"abc","n":1.0}
  admin
    false
  note
    ""

life
  ━━━━━●────────────
      now
  issued 00:59:08,
  19 minutes ago
  expires 01:59:08,
  in 41 minutes
`,
	} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			if got := text(t, exampleHeader, exampleClaims, output.TextOptions{Now: now, Location: cest, Width: width}); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

var cest = time.FixedZone("CEST", 2*60*60)

func text(t testing.TB, header, claims string, opts output.TextOptions) string {
	t.Helper()
	opts.Width = cmp.Or(opts.Width, 80)
	var w oneWrite
	if err := output.WriteDecodedText(&w, parse(t, header, claims), opts); err != nil {
		t.Fatal(err)
	}
	if w.calls != 1 {
		t.Errorf("%d Write calls, want 1", w.calls)
	}
	return w.String()
}

func TestDecodeText_Life(t *testing.T) {
	t.Parallel()
	const line = "──────────────────"
	for name, test := range map[string]struct{ claims, want string }{
		"valid":       {`{"iat":1695856688,"exp":1695856690}`, "  ●─────────────────\n  now\n  issued 23:18:08,\n  now\n  expires 23:18:10,\n  in 2 seconds\n"},
		"at the end":  {`{"iat":0,"exp":1695856689}`, "  ━━━━━━━━━━━━━━━━━●\n                 now\n  issued 1970-01-01\n  00:00:00, 53 years\n  270 days ago\n  expires 23:18:09,\n  in 1 second\n"},
		"expired":     {`{"iat":1695593888,"exp":1695597488}`, "  ━━━━━━━━━━━━━━━━━━\n  issued 2023-09-24\n  22:18:08, 3 days 1\n  hour ago\n  expired 2023-09-24\n  23:18:08, 3 days\n  ago\n"},
		"expired now": {`{"iat":1695856687,"exp":1695856688}`, "  ━━━━━━━━━━━━━━━━━━\n  issued 23:18:07, 1\n  second ago\n  expired 23:18:08,\n  now\n"},
		"to come":     {`{"iat":1695856748,"exp":1695860348,"nbf":1695856748}`, "  " + line + "\n  issued 23:19:08,\n  in 1 minute\n  not valid before\n  23:19:08, in 1\n  minute\n  expires 2023-09-28\n  00:19:08, in 1\n  hour 1 minute\n"},
		"no iat":      {`{"exp":1695856689}`, "  expires 23:18:09,\n  in 1 second\n"},
		"no exp":      {`{"iat":1695856688,"nbf":1}`, "  issued 23:18:08,\n  now\n  no expiry known\n"},
		"neither":     {`{"exp":"1695856689"}`, "  no expiry known\n"},
		"backwards":   {`{"iat":1695856689,"exp":1695856688}`, "  issued 23:18:09,\n  in 1 second\n  expired 23:18:08,\n  now\n"},
		"all time":    {`{"iat":-62135596800,"exp":253402300799}`, "  ━━━●──────────────\n    now\n  issued 0001-01-01\n  00:00:00, 2022\n  years 269 days ago\n  expires 9999-12-31\n  23:59:59, in 7976\n  years 94 days\n"},
	} {
		got := text(t, exampleHeader, test.claims, output.TextOptions{Now: now, Location: time.UTC, Width: 20})
		if _, life, _ := strings.Cut(got, "\nlife\n"); life != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, life, test.want)
		}
	}
}

func TestDecodeText_Color(t *testing.T) {
	t.Parallel()
	plain := output.TextOptions{Now: now, Location: cest, Width: 20}
	for _, width := range []int{1, 20, 40, 59, 60, 80, 200} {
		plain.Width = width
		colored := plain
		colored.Color = true
		want, got := text(t, exampleHeader, exampleClaims, plain), text(t, exampleHeader, exampleClaims, colored)
		for _, code := range []string{"\x1b[1mclaims\x1b[0m", "\x1b[2missuer\x1b[0m", "\x1b[32mexpires\x1b[0m"} {
			if !strings.Contains(got, code) {
				t.Errorf("width %d: %q is missing", width, code)
			}
		}
		for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m"} {
			got = strings.ReplaceAll(got, code, "")
		}
		if got != want {
			t.Errorf("width %d: colour changes the layout, got\n%s\nwant\n%s", width, got, want)
		}
	}
}

func TestDecodeText_Unsecured(t *testing.T) {
	t.Parallel()
	if got := text(t, `{"alg":"nOne"}`, `{}`, output.TextOptions{Now: now}); !strings.HasPrefix(got, "token, unsecured\n") || !strings.Contains(got, "claims\n  (empty)\n") {
		t.Errorf("got\n%s", got)
	}
}

// Every claim and method that Okta documents has a word.
func TestDecodeText_Words(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields("cid uid scp amr sub aud iss jti ver iat exp nbf auth_time idp at_hash acr cnf sid nonce azp c_hash " +
		"groups roles entitlements client_id act may_act events name given_name family_name middle_name nickname preferred_username profile picture website " +
		"email email_verified gender birthdate zoneinfo locale phone_number phone_number_verified address updated_at") {
		got := text(t, `{}`, `{"`+name+`":"VALUE"}`, output.TextOptions{Now: now})
		_, line, _ := strings.Cut(got, "claims\n  "+name+"  ")
		if word, _, _ := strings.Cut(line, "  "); strings.TrimSpace(word) == "" || strings.Contains(word, "VALUE") {
			t.Errorf("%s has no word: %q", name, line)
		}
	}
	for _, level := range strings.Fields("urn:okta:loa:1fa:any urn:okta:loa:1fa:pwd urn:okta:loa:2fa:any urn:okta:loa:2fa:any:ifpossible phr phrh") {
		if got := text(t, `{}`, `{"acr":"`+level+`"}`, output.TextOptions{Now: now}); !strings.Contains(got, level+" (") {
			t.Errorf("%s has no word", level)
		}
	}
	for _, method := range strings.Fields("pwd mfa otp kba sms swk hwk tel pop pin sc user fpt face bio geo rba mca wia") {
		if got := text(t, `{}`, `{"amr":["`+method+`"]}`, output.TextOptions{Now: now}); !strings.Contains(got, method+" (") {
			t.Errorf("%s has no word", method)
		}
	}
}

func TestAT52_DecodeJSON(t *testing.T) {
	t.Parallel()
	for claims, want := range map[string]string{
		`{"z":9007199254740993,"y":1e400,"x":-0,"w":0.10,"v":1E+2}`:       `{"z":9007199254740993,"y":1e400,"x":-0,"w":0.10,"v":1E+2}`,
		`{"__proto__":{"b":1,"a":[1 , 2]},"constructor":null}`:            `{"__proto__":{"b":1,"a":[1,2]},"constructor":null}`,
		`{"a":"\u001b[2J\n\\\"<&>\/"}`:                                    `{"a":"\u001b[2J\n\\\"<&>\/"}`,
		"{\"a\":\"\u007f\u0085\u009b31m\u202e\u2066\u200b\u2028\ufeff\"}": `{"a":"\u007f\u0085\u009b31m\u202e\u2066\u200b\u2028\ufeff"}`,
		"{\"\u202e\u009b\":{\"\u2069\":[\"\U000e0041\"]}}":                `{"\u202e\u009b":{"\u2069":["\udb40\udc41"]}}`,
		`{"\u001b\n":1}`:                            `{"\u001b\n":1}`,
		`{"a":"é 漢 😀 �"}`:                           `{"a":"é 漢 😀 �"}`,
		`{"a":"\ud800","b":"\u202e","\ud83d":true}`: `{"a":"\ud800","b":"\u202e","�":true}`,
		`{}`: `{}`,
	} {
		var w oneWrite
		if err := output.WriteDecodedJSON(&w, parse(t, `{"alg":"RS256","kid":"k"}`, claims)); err != nil {
			t.Fatal(err)
		}
		want := `{"header":{"alg":"RS256","kid":"k"},"claims":` + want + `,"verified":false}` + "\n"
		if w.String() != want || w.calls != 1 {
			t.Errorf("%d writes\ngot  %q\nwant %q", w.calls, w.String(), want)
		}
	}
}

func TestAT52_TextNeverReachesTheTerminal(t *testing.T) {
	t.Parallel()
	hostile := `\u001b[2J\u001b]8;;x\u0007\r\n\u009b31m\u202e\u2066\u0000` + "\u007f\u009d\u202e\u2028\u200f"
	claims := `{"` + hostile + `":"` + hostile + `","list":["` + hostile + `"],"amr":["` + hostile + `"],"deep":{"` + hostile + `":["` + hostile + `"]},` +
		`"exp":"` + hostile + `","mixed":["` + hostile + `",[]],"` + strings.Repeat("long", 99) + `":"` + strings.Repeat("long ", 9999) + `"}`
	for _, width := range []int{20, 80} {
		got := text(t, `{"alg":"`+hostile+`"}`, claims, output.TextOptions{Now: now, Width: width})
		for line := range strings.SplitSeq(got, "\n") {
			wantPrintable(t, line)
		}
		if !strings.Contains(got, " (not") || len(got) > 40_000 {
			t.Errorf("got %d bytes:\n%.2000s", len(got), got)
		}
	}
}

// FuzzDecode holds for every header and claims that parse: text and JSON are printable, and the JSON means what the
// token said.
func FuzzDecode(f *testing.F) {
	f.Add(exampleHeader, exampleClaims, 80)
	f.Add(`{}`, `{"iat":-1,"exp":1e10,"nbf":99999999999,"a":[1,[2],"\u001b"],"\u202e":"\ud800"}`, 20)
	f.Add(`{"alg":"none"}`, `{"amr":["",null,"a b"],"exp":253402300799,"iat":-62135596800}`, -1)
	f.Fuzz(func(t *testing.T, header, claims string, width int) {
		u, err := jwt.Parse(compact(header, claims))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := output.WriteDecodedText(&b, u, output.TextOptions{Now: now, Location: time.UTC, Width: width % 500}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			wantPrintable(t, line)
		}
		b.Reset()
		if err := output.WriteDecodedJSON(&b, u); err != nil {
			t.Fatal(err)
		}
		wantPrintable(t, strings.TrimSuffix(b.String(), "\n"))
		if got, want := generic(t, b.String()), generic(t, `{"header":`+header+`,"claims":`+claims+`,"verified":false}`); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// generic reads JSON with every digit of its numbers.
func generic(t *testing.T, text string) (doc any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// wantPrintable requires valid UTF-8 and nothing that a terminal acts on or a reader can't see.
func wantPrintable(t *testing.T, line string) {
	t.Helper()
	if !utf8.ValidString(line) {
		t.Errorf("not UTF-8: %q", line)
	}
	if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("not printable at byte %d: %q", i, line)
	}
}
