package output_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/output"
)

var now = time.Date(2023, 9, 27, 23, 18, 8, 0, time.UTC)

func token() output.Token {
	return output.Token{
		Value: okta.NewSecret("canary.access-token_~+/=="), Type: "access", TokenType: "Bearer", Scope: []string{"openid", "profile"},
		ExpiresAt: now.Add(41*time.Minute + 900*time.Millisecond).In(time.FixedZone("CEST", 7200)),
		Issuer:    "https://dev-1.okta.com/oauth2/default", Profile: "dev",
	}
}

// in gives the options for format and nothing else.
func in(format string) output.TokenOptions {
	return output.TokenOptions{Format: format, Variable: "OKTA_ACCESS_TOKEN", Now: now}
}

func TestAT71_WriteToken(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"raw":    "canary.access-token_~+/==\n",
		"header": "Authorization: Bearer canary.access-token_~+/==\n",
		"curl":   `header = "Authorization: Bearer canary.access-token_~+/=="` + "\n",
		"env":    "export OKTA_ACCESS_TOKEN='canary.access-token_~+/=='\n",
		"json": `{"access_token":"canary.access-token_~+/==","token_type":"Bearer","expires_in":2460,"scope":"openid profile",` +
			`"expires_at":"2023-09-27T23:59:08Z","issuer":"https://dev-1.okta.com/oauth2/default","profile":"dev"}` + "\n",
		"exec-credential": `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",` +
			`"status":{"token":"canary.access-token_~+/==","expirationTimestamp":"2023-09-27T23:59:08Z"}}` + "\n",
	}
	for format, want := range want {
		var w oneWrite
		if err := in(format).Write(&w, token()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if got := w.String(); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", format, got, want)
		}
		if w.calls != 1 {
			t.Errorf("%s: %d Write calls, want 1", format, w.calls)
		}
		if !slices.Contains(output.Formats(), format) || output.DescribeFormat(format) == "" {
			t.Errorf("%s is not listed or not described", format)
		}
	}
	if got := output.Formats(); got[0] != "raw" || len(got) != len(want) {
		t.Errorf("formats: got %q", got)
	}
}

func TestWriteToken_JSONOfTheUnknown(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, kind := range []string{"access", "id", "refresh"} {
		b.Reset()
		if err := in("json").Write(&b, output.Token{Value: okta.NewSecret("canary"), Type: kind}); err != nil {
			t.Fatal(err)
		}
		want := `{"` + kind + `_token":"canary","token_type":null,"expires_in":null,"scope":null,"expires_at":null,"issuer":null,"profile":null}` + "\n"
		if b.String() != want {
			t.Errorf("got  %s\nwant %s", b.String(), want)
		}
	}
	expired := token()
	expired.ExpiresAt = now.Add(-time.Hour)
	b.Reset()
	if err := in("json").Write(&b, expired); err != nil || !strings.Contains(b.String(), `"expires_in":0,`) {
		t.Errorf("expired: got %s, %v, want expires_in 0", b.String(), err)
	}
	hostile := token()
	hostile.Issuer = "https://a?b&<c>\x1b]0;\u009b\u202e\u2028\xff\U000e0001"
	b.Reset()
	if err := in("json").Write(&b, hostile); err != nil {
		t.Fatal(err)
	}
	if want := `"issuer":"https://a?b&<c>\u001b]0;\u009b\u202e\u2028\ufffd\udb40\udc01"`; !strings.Contains(b.String(), want) {
		t.Errorf("got %s, want it to contain %s", b.String(), want)
	}
}

func TestAT22_OnlyBearerGrammarIsWritten(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", "=", "==", "a=b", "canary\n", "\ncanary", "canary\r", "canary\x00", "can ary", "canary\x1b[2J", `canary"`, "canary'", "$(canary)",
		"`canary`", "canaryé", "canary\xff", "canary;", "canary\\", "canary\u202e", "canary%0a",
	} {
		for _, format := range output.Formats() {
			bad := token()
			bad.Value = okta.NewSecret(value)
			var b bytes.Buffer
			err := in(format).Write(&b, bad)
			if err == nil || b.Len() > 0 {
				t.Errorf("%q as %s: wrote %q, error %v, want an error and no output", value, format, b.String(), err)
			} else if strings.Contains(err.Error(), "canary") || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
				t.Errorf("%q as %s: the error shows the token: %q", value, format, err)
			}
		}
	}
}

func TestWriteToken_Refuses(t *testing.T) {
	t.Parallel()
	refresh, dpop := token(), token()
	refresh.Type, dpop.TokenType = "refresh", "DPoP\x1b"
	for _, test := range []struct {
		format string
		token  output.Token
		want   string
	}{
		{"yaml\x1b", token(), `unknown output format "yaml�", expected one of raw, json, header, curl, env, exec-credential`},
		{"", token(), `unknown output format "", expected one of raw, json, header, curl, env, exec-credential`},
		{"header", refresh, "write refresh token as header: a refresh token is for the authorization server alone and never for an API"},
		{"header", dpop, `write access token as header: token type is "DPoP�", expected "Bearer"`},
		{"curl", refresh, "write refresh token as curl: a refresh token is for the authorization server alone and never for an API"},
		{"curl", dpop, `write access token as curl: token type is "DPoP�", expected "Bearer"`},
		{"exec-credential", refresh, "write refresh token as exec-credential: a refresh token is for the authorization server alone and never for an API"},
		{"exec-credential", dpop, `write access token as exec-credential: token type is "DPoP�", expected "Bearer"`},
	} {
		var b bytes.Buffer
		err := in(test.format).Write(&b, test.token)
		if err == nil || err.Error() != test.want || b.Len() > 0 {
			t.Errorf("%s: got %v, %q, want %q and no output", test.format, err, b.String(), test.want)
		}
	}
	lower := token()
	lower.TokenType = "bearer"
	var b bytes.Buffer
	if err := in("header").Write(&b, lower); err != nil || !strings.HasPrefix(b.String(), "Authorization: Bearer ") {
		t.Errorf("bearer: got %q, %v", b.String(), err)
	}
}

// TestTokenOptions_Check holds it to what Write says of a good token.
func TestTokenOptions_Check(t *testing.T) {
	t.Parallel()
	for _, o := range []output.TokenOptions{
		{Format: "raw"}, {Format: "json"}, {Format: "header"}, {Format: "curl"}, {Format: "env"}, {Format: "exec-credential"}, {}, {Format: "xml"},
		{Format: "env", Shell: "fish"}, {Format: "env", Shell: "csh"}, {Format: "env", Variable: "A"}, {Format: "env", Variable: "1"},
		{Format: "exec-credential", APIVersion: "client.authentication.k8s.io/v1beta1"}, {Format: "exec-credential", APIVersion: "v1"},
	} {
		for _, kind := range []string{"access", "id", "refresh"} {
			good := token()
			good.Type = kind
			var b bytes.Buffer
			got, want := o.Check(kind), o.Write(&b, good)
			if fmt.Sprint(got) != fmt.Sprint(want) || (want == nil) != (b.Len() > 0) {
				t.Errorf("%+v, %s: got %v, want %v", o, kind, got, want)
			}
		}
	}
	if err := in("raw").Check("access"); err != nil {
		t.Error(err)
	}
}

func TestAT72_WriteErrorIsReturned(t *testing.T) {
	t.Parallel()
	u := parse(t, `{"alg":"RS256"}`, `{}`)
	full := failing{errors.New("no space left on device")}
	errs := map[string]error{
		"decode JSON": output.WriteDecodedJSON(full, u),
		"decode text": output.WriteDecodedText(full, u, output.TextOptions{Now: now}),
		"table":       output.Table(full, [][]string{{"a"}}, 0),
	}
	for _, format := range output.Formats() {
		errs[format] = in(format).Write(full, token())
	}
	for name, err := range errs {
		if !errors.Is(err, full.err) {
			t.Errorf("%s: got %v, want %v", name, err, full.err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the token: %q", name, err)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"KEY", "VALUE", "FROM"}, {"domain", "dév-1.okta.com", "flag"}, {"server", "", ""}, {"x", "\x1b[2J\n\u202ey", "a", "more "}, {}}
	var w oneWrite
	if err := output.Table(&w, rows, 0); err != nil {
		t.Fatal(err)
	}
	want := "KEY     VALUE           FROM\n" +
		"domain  dév-1.okta.com  flag\n" +
		"server\n" +
		"x       �[2J �y         a     more\n" +
		"\n"
	if w.String() != want || w.calls != 1 {
		t.Errorf("%d writes, got\n%s\nwant\n%s", w.calls, w.String(), want)
	}
	if rows[3][1] != "\x1b[2J\n\u202ey" {
		t.Error("the caller's rows were changed")
	}
	var b bytes.Buffer
	if err := output.Table(&b, [][]string{{"a", "b"}}, 0); err != nil || b.String() != "a  b\n" {
		t.Errorf("one row: got %q, %v", b.String(), err)
	}
	for width, want := range map[int]string{
		12: "KEY     SIZE\ncolour  ten\n", // it fits
		10: "KEY  SIZE\ncolour\n    ten\n",
	} {
		b.Reset()
		if err := output.Table(&b, [][]string{{"KEY", "SIZE"}, {"colour", "ten"}}, width); err != nil || b.String() != want {
			t.Errorf("%d columns: got %q, %v", width, b.String(), err)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "0 seconds", 999 * time.Millisecond: "0 seconds", time.Second: "1 second", 59 * time.Second: "59 seconds",
		time.Minute: "1 minute", 95 * time.Second: "1 minute 35 seconds", 10*time.Minute - time.Second: "9 minutes 59 seconds",
		41*time.Minute + 59*time.Second: "41 minutes", 2*time.Hour + 5*time.Minute: "2 hours 5 minutes", time.Hour + 59*time.Second: "1 hour",
		day + time.Hour: "1 day 1 hour", 3 * day: "3 days", 7*day + 5*time.Hour: "7 days", 365*day - 1: "364 days", 365 * day: "365 days", 366 * day: "1 year", 367 * day: "1 year 1 day",
		-41 * time.Minute: "41 minutes", 1<<63 - 1: "292 years 101 days", -1 << 63: "292 years 101 days",
	} {
		if got := output.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d): got %q, want %q", d, got, want)
		}
	}
	for got, want := range map[string]string{
		output.FormatRelative(now.Add(41*time.Minute), now):                       "in 41 minutes",
		output.FormatRelative(now.Add(-41*time.Minute), now):                      "41 minutes ago",
		output.FormatRelative(now.Add(-3*24*time.Hour), now):                      "3 days ago",
		output.FormatRelative(now.Add(time.Millisecond), now):                     "now",
		output.FormatRelative(now.Add(time.Hour), now):                            "in 1 hour",
		output.FormatRelative(now.Add(-time.Hour), now):                           "1 hour ago",
		output.FormatRelative(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), now): "in 7976 years 93 days",
		output.FormatRelative(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), now):      "2022 years 269 days ago",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// oneWrite counts Write calls.
type oneWrite struct {
	bytes.Buffer
	calls int
}

func (w *oneWrite) Write(p []byte) (int, error) {
	w.calls++
	return w.Buffer.Write(p)
}

// failing is a full disk.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
