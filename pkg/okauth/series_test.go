package okauth

import (
	"math/rand/v2"
	"testing"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/oktatest"
	"okauth/pkg/output"
)

// The report on a token does not depend on the tokens before it.
func TestVerifierChecksEachTokenAlone(t *testing.T) {
	t.Parallel()
	clock := oktatest.NewClock(time.Now())
	server, keys, _ := keysOf(t, clock)
	keys.o.Unreachable = func(error) {}
	set, err := keys.KeySet(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Kind: jwt.KindAccess, Issuer: server.URL() + "/oauth2/" + oktatest.DefaultServerID, OrgIssuer: server.URL(), Audience: oktatest.DefaultAudience,
		ClientID: oktatest.DefaultClientID, Leeway: jwt.DefaultLeeway, Now: clock.Now,
	}, set)
	if err != nil {
		t.Fatal(err)
	}
	tokens := server.InvalidTokens()
	alone := make(map[string]string)
	for _, f := range tokens {
		report, err := verifier.Check(t.Context(), f.Token)
		if err != nil {
			t.Fatal(err)
		}
		if report.Reason() != f.Check {
			t.Errorf("%s: got the reason %q, want %q", f.Name, report.Reason(), f.Check)
		}
		alone[f.Name] = string(output.AppendReportJSON(nil, report))
	}
	random := rand.New(rand.NewPCG(1, 2))
	before := "none"
	for range 60 * len(tokens) {
		f := tokens[random.IntN(len(tokens))]
		report, err := verifier.Check(t.Context(), f.Token)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(output.AppendReportJSON(nil, report)); got != alone[f.Name] {
			t.Fatalf("%s after %s: got %s, want %s", f.Name, before, got, alone[f.Name])
		}
		before = f.Name
	}
}
