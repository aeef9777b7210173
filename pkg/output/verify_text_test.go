package output_test

import (
	"cmp"
	"strings"
	"testing"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

func reportText(t testing.TB, v jwt.Report, opts output.TextOptions) string {
	t.Helper()
	opts.Width = cmp.Or(opts.Width, 80)
	var w oneWrite
	opts.Now = now
	if err := output.WriteReportText(&w, v, opts); err != nil {
		t.Fatal(err)
	}
	if w.calls != 1 {
		t.Errorf("%d Write calls, want 1", w.calls)
	}
	return w.String()
}

func TestWriteReportText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		report jwt.Report
		opts   output.TextOptions
		want   string
	}{
		"valid": {validReport(t), output.TextOptions{}, `valid: an access token of jane@example.com for api://default, b, c, for another
41 minutes

  ok   format
  ok   type       an access token
                  the token is bound to a key (DPoP): an API also asks for a
                  proof that the sender has it, which is not judged here
  ok   alg        RS256
  ok   crit
  ok   kid        kkkkkkkkkkkkkkkkkkkk
  ok   key        RSA
  ok   signature
  ok   iss        https://example.okta.com/oauth2/default
  ok   aud        api://default, b, c
  ok   cid        0oa1exampleClntAx1d7
  ok   sub        jane@example.com
  ok   exp        2023-09-28 01:59:08 CEST, in 41 minutes
  skip nbf        the token has none, and needs none
  ok   iat        2023-09-28 00:59:08 CEST, 19 minutes ago
  skip at_hash    an access token has none
`},
		"valid, in colour": {validReport(t), output.TextOptions{Color: true}, `(green)valid(off): an access token of jane@example.com for api://default, b, c, for another
41 minutes

  (green)✓(off) format
  (green)✓(off) type       an access token
               the token is bound to a key (DPoP): an API also asks for a proof
               that the sender has it, which is not judged here
  (green)✓(off) alg        RS256
  (green)✓(off) crit
  (green)✓(off) kid        kkkkkkkkkkkkkkkkkkkk
  (green)✓(off) key        RSA
  (green)✓(off) signature
  (green)✓(off) iss        https://example.okta.com/oauth2/default
  (green)✓(off) aud        api://default, b, c
  (green)✓(off) cid        0oa1exampleClntAx1d7
  (green)✓(off) sub        jane@example.com
  (green)✓(off) exp        2023-09-28 01:59:08 CEST, in 41 minutes
  (dim)–(off) nbf        the token has none, and needs none
  (green)✓(off) iat        2023-09-28 00:59:08 CEST, 19 minutes ago
  (dim)–(off) at_hash    an access token has none
`},
		"not valid": {verified(t, exampleHeader, expiredClaims), output.TextOptions{Time: "rfc3339"}, `not valid: the issuer has no such key: the key was rotated, or the token comes
from another server

  ok   format
  ok   type       an access token
  ok   alg        RS256
  ok   crit
  FAIL kid        the issuer has no such key: the key was rotated, or the token
                  comes from another server
                  expected one of the issuer's keys, got kkkkkkkkkkkkkkkkkkkk
  skip key        not checked, because kid failed
  skip signature  not checked, because kid failed
  ok   iss        https://example.okta.com/oauth2/default
  FAIL aud        the token is for another API
                  expected api://orders, got api://default
  ok   cid        0oa1exampleClntAx1d7
  ok   sub        jane@example.com
  FAIL exp        the token has expired
                  expected later than 2023-09-27T23:18:08Z - 120 s, got
                  2023-09-27T23:15:08Z
  skip nbf        the token has none, and needs none
  ok   iat        2023-09-27T22:15:08Z
  skip at_hash    only ID tokens have one
`},
		"not valid, 40 columns, in colour": {verified(t, exampleHeader, expiredClaims), output.TextOptions{Width: 40, Color: true}, `(red)not valid(off): the issuer has no such key:
the key was rotated, or the token comes
from another server

  (green)✓(off) format
  (green)✓(off) type
    an access token
  (green)✓(off) alg
    RS256
  (green)✓(off) crit
  (red)✗(off) kid
    the issuer has no such key: the key
    was rotated, or the token comes from
    another server
    expected one of the issuer's keys,
    got kkkkkkkkkkkkkkkkkkkk
  (dim)–(off) key
    not checked, because kid failed
  (dim)–(off) signature
    not checked, because kid failed
  (green)✓(off) iss
    https://example.okta.com/oauth2/default
  (red)✗(off) aud
    the token is for another API
    expected api://orders, got
    api://default
  (green)✓(off) cid
    0oa1exampleClntAx1d7
  (green)✓(off) sub
    jane@example.com
  (red)✗(off) exp
    the token has expired
    expected later than
    2023-09-27T23:18:08Z - 120 s, got
    2023-09-27T23:15:08Z
  (dim)–(off) nbf
    the token has none, and needs none
  (green)✓(off) iat
    2023-09-28 00:15:08 CEST, 1 hour 3
    minutes ago
  (dim)–(off) at_hash
    only ID tokens have one
`},
		"wrong kind": {verified(t, exampleHeader, `{"jti":"ID.x"}`), output.TextOptions{}, `not valid: the jti starts with "ID.", as that of an ID token does

  ok   format
  FAIL type       the jti starts with "ID.", as that of an ID token does
                  expected an access token, got an ID token
  ok   alg        RS256
  ok   crit
  FAIL kid        the issuer has no such key: the key was rotated, or the token
                  comes from another server
                  expected one of the issuer's keys, got kkkkkkkkkkkkkkkkkkkk
  skip key        not checked, because kid failed
  skip signature  not checked, because kid failed
  FAIL iss        the token has no iss
                  expected https://example.okta.com/oauth2/default
  FAIL aud        the token has no aud
                  expected api://orders
  skip cid        the token names no client, and none was asked for
  FAIL sub        the token has no sub
  FAIL exp        the token has no exp
                  expected later than 2023-09-27T23:18:08Z - 120 s
  skip nbf        the token has none, and needs none
  FAIL iat        the token has no iat
                  expected at most 2023-09-27T23:18:08Z + 120 s
  skip at_hash    only ID tokens have one
`},
		"no token": {verifiedText(t, "canary-refresh-token"), output.TextOptions{Width: 60}, `not valid: token is opaque: it has one part, expected three

  FAIL format     token is opaque: it has one part, expected
                  three
  skip type       not checked, because format failed
  skip alg        not checked, because format failed
  skip crit       not checked, because format failed
  skip kid        not checked, because format failed
  skip key        not checked, because format failed
  skip signature  not checked, because format failed
  skip iss        not checked, because format failed
  skip aud        not checked, because format failed
  skip cid        not checked, because format failed
  skip sub        not checked, because format failed
  skip exp        not checked, because format failed
  skip nbf        not checked, because format failed
  skip iat        not checked, because format failed
  skip at_hash    not checked, because format failed
`},
		"org server": {orgServer(t), output.TextOptions{Width: 60, Time: "relative"}, `not valid: access tokens of the org authorization server are
for Okta alone, which may change them at any time: ask Okta
about them, or use a custom authorization server

  ok   format
  ok   type        an access token
  FAIL org_server  access tokens of the org authorization
                   server are for Okta alone, which may
                   change them at any time: ask Okta about
                   them, or use a custom authorization
                   server
  ok   alg         RS256
  ok   crit
  skip kid         not checked, because org_server failed
  skip key         not checked, because org_server failed
  skip signature   not checked, because org_server failed
  ok   iss         https://example.okta.com
  ok   aud         https://example.okta.com
  ok   cid         0oa1exampleClntAx1d7
  ok   sub         jane@example.com
  ok   exp         in 41 minutes
  skip nbf         the token has none, and needs none
  ok   iat         19 minutes ago
  skip at_hash     only ID tokens have one
`},
		"org server, 20 columns": {orgServer(t), output.TextOptions{Width: 20}, `not valid: access
tokens of the org
authorization server
are for Okta alone,
which may change
them at any time:
ask Okta about them,
or use a custom
authorization server

  ok   format
  ok   type
    an access token
  FAIL org_server
    access tokens of
    the org
    authorization
    server are for
    Okta alone,
    which may change
    them at any
    time: ask Okta
    about them, or
    use a custom
    authorization
    server
  ok   alg
    RS256
  ok   crit
  skip kid
    not checked,
    because
    org_server
    failed
  skip key
    not checked,
    because
    org_server
    failed
  skip signature
    not checked,
    because
    org_server
    failed
  ok   iss
    https://example.okta.com
  ok   aud
    https://example.okta.com
  ok   cid
    0oa1exampleClntAx1d7
  ok   sub
    jane@example.com
  ok   exp
    2023-09-28
    01:59:08 CEST,
    in 41 minutes
  skip nbf
    the token has
    none, and needs
    none
  ok   iat
    2023-09-28
    00:59:08 CEST,
    19 minutes ago
  skip at_hash
    only ID tokens
    have one
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.opts.Location = cest
			if got := reportText(t, test.report, test.opts); got != painted(test.want) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// painted puts SGR codes where a wanted text names them.
func painted(text string) string {
	return strings.NewReplacer("(green)", "\x1b[32m", "(red)", "\x1b[31m", "(yellow)", "\x1b[33m", "(dim)", "\x1b[2m", "(bold)", "\x1b[1m", "(off)", "\x1b[0m").Replace(text)
}

func TestWriteReportText_Headline(t *testing.T) {
	t.Parallel()
	failed := func(name, claims string) jwt.Report {
		v := jwt.Report{Kind: jwt.KindAccess, Checks: []jwt.Check{{Name: "signature", State: jwt.Passed}, {Name: name, Why: "the reason why"}}}
		if claims != "" {
			v.Token = parse(t, exampleHeader, claims)
		}
		return v
	}
	id := jwt.Report{Kind: jwt.KindID, Checks: []jwt.Check{{Name: "signature", State: jwt.Passed}}, Token: parse(t, exampleHeader, `{"exp":1695856628,"sub":"00u1","aud":"0oa1"}`)}
	unsigned := jwt.Report{Kind: jwt.KindID, Checks: []jwt.Check{{Name: "signature", State: jwt.Skipped}}}
	for want, v := range map[string]jwt.Report{
		"valid: an ID token of 00u1 for 0oa1, within the leeway: it expired 1 minute ago": id,
		"not valid: it expired 3 minutes ago":                                             failed("exp", `{"exp":1695856508}`),
		"not valid: the reason why":                                                       failed("exp", `{"exp":1695856708}`),
		"not valid: its signature was not verified":                                       unsigned,
		"not valid: token is opaque: it has one part, expected three":                     verifiedText(t, "canary-refresh-token"),
		"not valid: nothing protects the token: anyone could have written it":             verified(t, `{"alg":"none"}`, expiredClaims),
		"not valid: the jti starts with \"ID.\", as that of an ID token does":             verified(t, exampleHeader, `{"jti":"ID.x"}`),
	} {
		got, _, _ := strings.Cut(reportText(t, v, output.TextOptions{}), "\n")
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := reportText(t, failed("aud", ""), output.TextOptions{}); !strings.HasPrefix(got, "not valid: the reason why\n") {
		t.Errorf("got %q", got)
	}
}
