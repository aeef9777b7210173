package output_test

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

// validReport is the report of a valid token.
func validReport(t testing.TB) jwt.Report {
	v := jwt.Report{Kind: jwt.KindAccess, Token: parse(t, exampleHeader, exampleClaims)}
	for _, c := range []jwt.Check{
		{Name: "format"},
		{Name: "type", Expected: "an access token", Got: "an access token", Why: "the token is bound to a key (DPoP): an API also asks for a proof that the sender has it, which is not judged here"},
		{Name: "alg", Expected: "RS256", Got: "RS256"},
		{Name: "crit"},
		{Name: "kid", Got: "kkkkkkkkkkkkkkkkkkkk"},
		{Name: "key", Expected: "RSA", Got: "RSA"},
		{Name: "signature"},
		{Name: "iss", Expected: "https://example.okta.com/oauth2/default", Got: "https://example.okta.com/oauth2/default"},
		{Name: "aud", Expected: "api://default", Got: "api://default, b, c"},
		{Name: "cid", Got: "0oa1exampleClntAx1d7"},
		{Name: "sub", Got: "jane@example.com"},
		{Name: "exp", Expected: "later than 2023-09-27T23:18:08Z - 120 s", Got: "2023-09-27T23:59:08Z"},
		{Name: "nbf", State: jwt.Skipped, Why: "the token has none, and needs none"},
		{Name: "iat", Expected: "at most 2023-09-27T23:18:08Z + 120 s", Got: "2023-09-27T22:59:08Z"},
		{Name: "at_hash", State: jwt.Skipped, Why: "an access token has none"},
	} {
		if c.State != jwt.Skipped {
			c.State = jwt.Passed
		}
		v.Checks = append(v.Checks, c)
	}
	return v
}

// check makes a report without a key.
func check(t testing.TB, config jwt.Config, token string) jwt.Report {
	t.Helper()
	verifier, err := jwt.NewVerifier(config, jwt.KeySet{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := verifier.Check(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// verified is the report of the real verifier, without a key.
func verified(t testing.TB, header, claims string) jwt.Report {
	t.Helper()
	rules := jwt.Config{Kind: jwt.KindAccess, Issuer: "https://example.okta.com/oauth2/default", Audience: "api://orders", Leeway: jwt.DefaultLeeway, Now: func() time.Time { return now }}
	return check(t, rules, compact(header, claims))
}

const expiredClaims = `{"jti":"AT.EXAMPLE","iss":"https://example.okta.com/oauth2/default","aud":"api://default",` +
	`"sub":"jane@example.com","iat":1695852908,"exp":1695856508,"cid":"0oa1exampleClntAx1d7","scp":["openid"]}`

// orgServer is the verdict on an access token that no client can verify.
func orgServer(t testing.TB) jwt.Report {
	t.Helper()
	const issuer = "https://example.okta.com"
	rules := jwt.Config{Kind: jwt.KindAccess, Issuer: issuer, Audience: issuer, OrgServer: true, Now: func() time.Time { return now }}
	return check(t, rules, compact(exampleHeader, `{"ver":1,"iss":"`+issuer+`","aud":"`+issuer+`","sub":"jane@example.com",`+
		`"iat":1695855548,"exp":1695859148,"cid":"0oa1exampleClntAx1d7","scp":["openid"]}`))
}

func verifiedText(t testing.TB, text string) jwt.Report {
	t.Helper()
	rules := jwt.Config{Kind: jwt.KindAccess, Issuer: "https://example.okta.com", Audience: "api://default"}
	return check(t, rules, text)
}

func TestAppendReportJSON(t *testing.T) {
	t.Parallel()
	valid := jwt.Report{Kind: jwt.KindID, Checks: []jwt.Check{
		{Name: "signature", State: jwt.Passed}, {Name: "aud", State: jwt.Passed, Expected: "a<b", Got: "a<b & é"}, {Name: "nbf", State: jwt.Skipped, Why: "the token has none"},
	}}
	for want, v := range map[string]jwt.Report{
		`{"valid":true,"reason":null,"type":"id","checks":[{"name":"signature","ok":true},{"name":"aud","ok":true,"expected":"a<b","got":"a<b & é"},` +
			`{"name":"nbf","ok":null,"why":"the token has none"}]}`: valid,
		`{"valid":false,"reason":"exp","type":"access","checks":[{"name":"signature","ok":true},{"name":"exp","ok":false,"expected":"x","got":"\"\\\u001b\u202e\udb40\udc41\n","why":"y"},` +
			`{"name":"iat","ok":false}]}`: {Kind: jwt.KindAccess, Checks: []jwt.Check{
			{Name: "signature", State: jwt.Passed}, {Name: "exp", Expected: "x", Got: "\"\\\x1b\u202e\U000e0041\n", Why: "y"}, {Name: "iat"},
		}},
		`{"valid":false,"reason":null,"type":"access","checks":[]}`: {Kind: jwt.KindAccess},
	} {
		if got := string(output.AppendReportJSON([]byte("before "), v)); got != "before "+want+"\n" {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestAppendReportJSON_ReadBack compares with what encoding/json reads.
func TestAppendReportJSON_ReadBack(t *testing.T) {
	t.Parallel()
	type check struct {
		Name               string
		OK                 *bool
		Expected, Got, Why string
	}
	for _, v := range []jwt.Report{validReport(t), verified(t, exampleHeader, expiredClaims), verifiedText(t, "canary"), verified(t, `{"alg":"`+hostile+`","kid":"`+hostile+`"}`, `{"aud":"`+hostile+`"}`)} {
		var got struct {
			Valid  bool
			Reason *string
			Type   string
			Checks []check
		}
		decoder := json.NewDecoder(strings.NewReader(string(output.AppendReportJSON(nil, v))))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Valid != v.Valid() || (got.Reason == nil) != v.Valid() || got.Reason != nil && *got.Reason != v.Reason() || got.Type != "access" {
			t.Errorf("got %+v", got)
		}
		var want []check
		for _, c := range v.Checks {
			one := check{Name: c.Name, Expected: c.Expected, Got: c.Got, Why: c.Why}
			if passed := c.State == jwt.Passed; c.State != jwt.Skipped {
				one.OK = &passed
			}
			want = append(want, one)
		}
		if !reflect.DeepEqual(got.Checks, want) {
			t.Errorf("got %+v\nwant %+v", got.Checks, want)
		}
	}
}

// TestAppendReportJSON_EveryCharacter reads every character back, each between two others, and sees none that cannot be
// seen.
func TestAppendReportJSON_EveryCharacter(t *testing.T) {
	t.Parallel()
	for start := rune(0); start <= unicode.MaxRune; start += 0x1000 {
		var all strings.Builder
		for r := start; r < start+0x1000; r++ {
			all.WriteString("a" + string(r)) // half a surrogate pair becomes U+FFFD
		}
		line := string(output.AppendReportJSON(nil, jwt.Report{Checks: []jwt.Check{{Name: "aud", Got: all.String()}}}))
		wantPrintable(t, strings.TrimSuffix(line, "\n"))
		var back struct{ Checks []jwt.Check }
		if err := json.Unmarshal([]byte(line), &back); err != nil {
			t.Fatal(err)
		}
		if back.Checks[0].Got != all.String() {
			t.Errorf("U+%04X…: something else comes back", start)
		}
	}
}

// hostile is what a terminal would act on, as it may stand in a JSON string.
const hostile = `\u001b[2J\u001b]8;;x\u0007\r\n\u009b31m\u202e\u2066\u0000\"` + "\u007f\u009d\u202e\u2028\u200f\U000e0041"

// foreign is a report whose texts are hostile, even those that a verifier makes printable.
func foreign() jwt.Report {
	var text string
	if err := json.Unmarshal([]byte(`"`+hostile+`"`), &text); err != nil {
		panic(err)
	}
	text += "\xff" + strings.Repeat("long ", 2000)
	return jwt.Report{Kind: jwt.KindAccess, Checks: []jwt.Check{
		{Name: "alg", State: jwt.Passed, Got: text, Why: text}, {Name: "kid", Expected: text, Got: text, Why: text}, {Name: "key", State: jwt.Skipped, Why: text},
	}}
}

func TestAT52_Report(t *testing.T) {
	t.Parallel()
	for _, v := range []jwt.Report{foreign(), verified(t, `{"alg":"`+hostile+`","kid":"`+hostile+`"}`, `{"aud":"`+hostile+`","sub":"`+hostile+`"}`)} {
		wantPrintable(t, strings.TrimSuffix(string(output.AppendReportJSON(nil, v)), "\n"))
		for _, width := range []int{20, 80} {
			for line := range strings.SplitSeq(reportText(t, v, output.TextOptions{Width: width}), "\n") {
				wantPrintable(t, line)
			}
		}
	}
}

func TestAT94_ReportOnAnyTerminal(t *testing.T) {
	t.Parallel()
	for width := 1; width < 200; width++ {
		for _, v := range []jwt.Report{validReport(t), verified(t, exampleHeader, expiredClaims), verifiedText(t, "canary")} {
			wantNarrow(t, reportText(t, v, output.TextOptions{Width: width}), max(20, width))
		}
	}
}

// wantNarrow requires lines that fit, unless there is no more than one word on them.
func wantNarrow(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) > width && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("width %d: %q", width, line)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	w := failing{full}
	for name, err := range map[string]error{
		"WriteReportText":       output.WriteReportText(w, validReport(t), output.TextOptions{}),
		"WriteObjectJSON":       output.WriteObjectJSON(w, []byte(`{}`)),
		"WriteObjectText":       output.WriteObjectText(w, []byte(`{}`), output.TextOptions{}),
		"WriteClaim":            output.WriteClaim(w, parse(t, exampleHeader, exampleClaims), "sub"),
		"WriteDiagnosisCheck":   output.WriteDiagnosisCheck(w, output.DiagnosisCheck{}, output.TextOptions{}),
		"WriteDiagnosisSummary": output.WriteDiagnosisSummary(w, output.Diagnosis{}, output.TextOptions{}),
		"WriteDiagnosisJSON":    output.WriteDiagnosisJSON(w, output.Diagnosis{}),
	} {
		if !errors.Is(err, full) {
			t.Errorf("%s: got %v, want %v", name, err, full)
		}
	}
}

func BenchmarkAppendReportJSON(b *testing.B) {
	v := validReport(b)
	b.ReportAllocs()
	var line []byte
	for b.Loop() {
		line = output.AppendReportJSON(line[:0], v)
	}
}

func BenchmarkWriteDecodedJSON(b *testing.B) {
	u := parse(b, exampleHeader, exampleClaims)
	b.ReportAllocs()
	for b.Loop() {
		if err := output.WriteDecodedJSON(io.Discard, u); err != nil {
			b.Fatal(err)
		}
	}
}
