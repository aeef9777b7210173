package output_test

import (
	"cmp"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

// What Okta's introspection endpoint says of an access token, and its userinfo endpoint of a person.
const (
	introspected = `{"active":true,"token_type":"Bearer","scope":"openid profile","client_id":"0oa1exampleClntAx1d7","username":"jane@example.com",` +
		`"exp":1695859148,"iat":1695855548,"sub":"jane@example.com","aud":"api://default","cnf":{"x5t#S256":"abc"}}`
	person = `{"sub":"00u1exampleUser0x1d7","name":"Jane Doe","zoneinfo":"Europe/Zurich","updated_at":1695855548,"email_verified":true,` +
		`"address":{"country":"CH", "locality":"Chur"},"groups":["Everyone","a, b"],"acr":"urn:okta:loa:2fa:any"}`
)

func objectText(t testing.TB, text string, opts output.TextOptions) string {
	t.Helper()
	opts.Width = cmp.Or(opts.Width, 80)
	var w oneWrite
	opts.Now, opts.Location = now, cest
	if err := output.WriteObjectText(&w, []byte(text), opts); err != nil {
		t.Fatal(err)
	}
	if w.calls != 1 {
		t.Errorf("%d Write calls, want 1", w.calls)
	}
	return w.String()
}

func TestObjectText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		opts output.TextOptions
		want string
	}{
		"active": {introspected, output.TextOptions{}, `active: a token of jane@example.com, for another 41 minutes
  bound to a client certificate (abc): useless over a connection without it
  token_type  how it is used  Bearer
  scope       scopes          openid profile
  client_id   client          0oa1exampleClntAx1d7
  username    login           jane@example.com
  exp         expires at      2023-09-28 01:59:08 CEST, in 41 minutes
  iat         issued at       2023-09-28 00:59:08 CEST, 19 minutes ago
  sub         subject         jane@example.com
  aud         audience        api://default
  cnf         bound to key    {"x5t#S256":"abc"}
`},
		"not active, in colour": {`{"active":false}`, output.TextOptions{Color: true}, `(red)not active(off): expired, revoked, unknown to this server, or issued by another one
`},
		"active as text": {`{"active":"true"}`, output.TextOptions{Width: 100}, "not active: expired, revoked, unknown to this server, or issued by another one\n"},
		"user": {person, output.TextOptions{Time: "utc"}, `user
  sub             subject          00u1exampleUser0x1d7
  name            full name        Jane Doe
  zoneinfo        time zone        Europe/Zurich
  updated_at      profile changed  2023-09-27 22:59:08 UTC, 19 minutes ago
  email_verified  e-mail checked   true
  address         postal address   {"country":"CH","locality":"Chur"}
  groups          groups           Everyone, "a, b"
  acr             assurance level  urn:okta:loa:2fa:any (two factors)
`},
		"user, 40 columns, in colour": {person, output.TextOptions{Width: 40, Color: true}, `(bold)user(off)
  sub  (dim)subject(off)
    00u1exampleUser0x1d7
  name  (dim)full name(off)
    Jane Doe
  zoneinfo  (dim)time zone(off)
    Europe/Zurich
  updated_at  (dim)profile changed(off)
    2023-09-28 00:59:08 CEST, 19 minutes
    ago
  email_verified  (dim)e-mail checked(off)
    true
  address  (dim)postal address(off)
    {"country":"CH","locality":"Chur"}
  groups  (dim)groups(off)
    Everyone, "a, b"
  acr  (dim)assurance level(off)
    urn:okta:loa:2fa:any (two factors)
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := objectText(t, test.text, test.opts); got != painted(test.want) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestObjectText_Headline(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"active":true,"sub":"0oa1","exp":1695856628}`: "active: a token of 0oa1, although by this machine's clock it expired 1 minute\n",
		`{"active":true,"client_id":"0oa1"}`:            "active: a token of 0oa1, no expiry known\n",
		`{"active":true,"exp":99999999999999}`:          "active: a token, no expiry known\n",
		`{"active":true,"exp":1695860288}`:              "active: a token, for another hour\n",
		`{"active":true,"exp":1695860348}`:              "active: a token, for another 1 hour 1 minute\n",
		`{"active":true,"exp":1695856748}`:              "active: a token, for another minute\n",
		`{"active":true,"exp":253402300799}`:            "active: a token, for another 7976 years 94 days\n",
		`{"active":null}`:                               "not active: ",
	} {
		if got := objectText(t, text, output.TextOptions{}); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestObjectJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" {\n \"active\" : false }\n": `{"active":false}`,
		person:                        strings.ReplaceAll(person, ", \"locality", ",\"locality"),
		`{"z":9007199254740993,"y":1e400,"x":-0,"w":0.10,"a":"<&>\u001b` + "\u202e" + `"}`: `{"z":9007199254740993,"y":1e400,"x":-0,"w":0.10,"a":"<&>\u001b\u202e"}`,
		`{}`: `{}`,
	} {
		var w oneWrite
		if err := output.WriteObjectJSON(&w, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if w.String() != want+"\n" || w.calls != 1 {
			t.Errorf("%d writes\ngot  %s\nwant %s", w.calls, w.String(), want)
		}
		if got, want := generic(t, w.String()), generic(t, text); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestObject_NotOne(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `[]`, `"canary"`, `{"a":1,"a":2}`, `{"a":1} x`, "{\"a\":\"\xff\"}", `<html>canary</html>`} {
		var w oneWrite
		for _, err := range []error{output.WriteObjectJSON(&w, []byte(text)), output.WriteObjectText(&w, []byte(text), output.TextOptions{})} {
			if _, ok := errors.AsType[*jwt.FormatError](err); !ok || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: got %v, want a *jwt.FormatError", text, err)
			}
		}
		if w.calls != 0 {
			t.Errorf("%q: got output %q", text, w.String())
		}
	}
}

func TestAT52_Object(t *testing.T) {
	t.Parallel()
	text := `{"active":true,"username":"` + hostile + `","` + hostile + `":["` + hostile + `"],"acr":"` + hostile + `","cnf":{"jkt":"` + hostile + `"},"exp":"` + hostile + `"}`
	for _, width := range []int{20, 80} {
		for line := range strings.SplitSeq(objectText(t, text, output.TextOptions{Width: width}), "\n") {
			wantPrintable(t, line)
		}
	}
	var w oneWrite
	if err := output.WriteObjectJSON(&w, []byte(text)); err != nil {
		t.Fatal(err)
	}
	wantPrintable(t, strings.TrimSuffix(w.String(), "\n"))
}

// TestDecodeText_Time shows every time in the form that was asked for.
func TestDecodeText_Time(t *testing.T) {
	t.Parallel()
	for form, want := range map[string][2]string{
		"":         {"2023-09-28 01:59:08 CEST, in 41 minutes\n", "expires 01:59:08, in 41 minutes\n"},
		"local":    {"2023-09-28 01:59:08 CEST, in 41 minutes\n", "expires 01:59:08, in 41 minutes\n"},
		"utc":      {"2023-09-27 23:59:08 UTC, in 41 minutes\n", "expires 2023-09-27 23:59:08 UTC, in 41 minutes\n"},
		"rfc3339":  {"2023-09-27T23:59:08Z\n", "expires 2023-09-27T23:59:08Z\n"},
		"relative": {"in 41 minutes\n", "expires in 41 minutes\n"},
		"unix":     {"1695859148\n", "expires 1695859148\n"},
	} {
		got := text(t, exampleHeader, exampleClaims, output.TextOptions{Now: now, Location: cest, Time: form})
		_, line, _ := strings.Cut(got, "expires at      ")
		if !strings.HasPrefix(line, want[0]) || !strings.HasSuffix(got, "\n  "+want[1]) {
			t.Errorf("%q: got\n%s\nwant %q", form, got, want)
		}
	}
	if got := output.TimeFormats(); !reflect.DeepEqual(got, []string{"local", "utc", "rfc3339", "relative", "unix"}) {
		t.Errorf("got %v", got)
	}
}

// TestDecodeText_FinerTime says what a time that is not in seconds looks like, for every claim that is a time.
func TestDecodeText_FinerTime(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"exp", "iat", "nbf", "auth_time", "updated_at"} {
		for zeros, unit := range map[string]string{"000": "milliseconds", "000000": "microseconds"} {
			number := "1695859148" + zeros
			want := number + " (looks like " + unit + ": 2023-09-27 23:59:08 UTC, in 41 minutes) life"
			got := text(t, `{}`, `{"`+name+`":`+number+`}`, output.TextOptions{Now: now, Location: time.UTC})
			got = strings.Join(strings.Fields(got), " ") // it is wrapped
			if !strings.Contains(got, want) {
				t.Errorf("%s: got\n%s\nwant %q", name, got, want)
			}
		}
	}
}

// TestDecodeText_Bound names what a token is useless without.
func TestDecodeText_Bound(t *testing.T) {
	t.Parallel()
	for cnf, want := range map[string]string{
		`{"jkt":"abc"}`:              "token\n  bound to a DPoP key (abc): useless without a proof made with it\n",
		`{"x5t#S256":"abc"}`:         "token\n  bound to a client certificate (abc): useless over a connection without it\n",
		`{"x5t#S256":"\u001b[2J"}`:   "token\n  bound to a client certificate (\ufffd[2J): useless over a connection without it\n",
		`{"jkt":"\u001b[2J\u202ea"}`: "token\n  bound to a DPoP key (\ufffd[2J\ufffda): useless without a proof made with it\n",
		`{"jwk":{}}`:                 "token\n\nheader\n",
		`{"jkt":1}`:                  "token\n\nheader\n",
		`"abc"`:                      "token\n\nheader\n",
	} {
		if got := text(t, `{}`, `{"cnf":`+cnf+`}`, output.TextOptions{Now: now, Location: time.UTC}); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got\n%s\nwant %q", cnf, got, want)
		}
	}
}
