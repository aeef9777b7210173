package cli_test

import (
	"errors"
	"strings"
	"testing"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
)

// Every reason but json says itself what to do.
func TestHint_TextThatIsNotAToken(t *testing.T) {
	t.Parallel()
	for token, reason := range map[string]jwt.Reason{
		"": jwt.ReasonEmpty, strings.Repeat("a", jwt.MaxSize+1): jwt.ReasonTooLong, "opaque": jwt.ReasonOpaque,
		"eyJhbGciOiJkaXIifQ..b.c.d": jwt.ReasonEncrypted, "eyJjdHkiOiJKV1QifQ.eA.x": jwt.ReasonEncoding,
		"eyJjdHkiOiJKV1QifQ.eA.": jwt.ReasonNested, "{}": jwt.ReasonNotCompact, "a.b": jwt.ReasonParts,
		"a b": jwt.ReasonAlphabet, "\xef\xbb\xbfa.b.c": jwt.ReasonCharset, "\xff\xfea\x00": jwt.ReasonCharset,
	} {
		_, err := jwt.Parse(token)
		format, ok := errors.AsType[*jwt.FormatError](err)
		if !ok || format.Reason != reason {
			t.Fatalf("%.40q: got %v, want the reason %s", token, err, reason)
		}
		if cli.Hint(err) == "" || cli.ExitCode(err) != cli.ExitInvalidToken {
			t.Errorf("%s: got hint %q and exit code %d", reason, cli.Hint(err), cli.ExitCode(err))
		}
	}
}

func TestVerifyAdvice(t *testing.T) {
	t.Parallel()
	_, err := jwt.Parse("opaque")
	format, _ := errors.AsType[*jwt.FormatError](err)
	failed := func(kind jwt.TokenKind, name string) jwt.Report {
		return jwt.Report{Kind: kind, Checks: []jwt.Check{{Name: name}, {Name: "exp"}}}
	}
	for _, test := range []struct {
		report jwt.Report
		want   string
	}{
		{jwt.Report{Format: format, Checks: []jwt.Check{{Name: "format"}}}, "okauth introspect"},
		{failed(jwt.KindAccess, "type"), "--type id"},
		{failed(jwt.KindID, "type"), "--type access"},
		{failed(jwt.KindAccess, "aud"), "audience of the profile"},
		{failed(jwt.KindID, "aud"), "client_id of the profile"},
		{failed(jwt.KindAccess, "org_server"), "okauth introspect --server org"},
		{failed(jwt.KindAccess, "alg"), "okauth verify --alg"},
		{failed(jwt.KindAccess, "iss"), "domain and server"},
		{failed(jwt.KindAccess, "exp"), "okauth token"},
	} {
		if got := cli.VerifyAdvice(test.report); !strings.Contains(got, test.want) {
			t.Errorf("%s, %s: got %q, want %q", test.report.Kind, test.report.Reason(), got, test.want)
		}
	}
	if got := cli.VerifyAdvice(jwt.Report{}); got != "" {
		t.Errorf("no failed check: got %q", got)
	}
}
