package okauth

import (
	"math/rand/v2"
	"testing"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/oktatest"
	"okauth/pkg/output"
)

// What a series judges is what it would be judged alone, whatever came before: nothing of one token stays for the next.
func TestSeriesJudgesEachTokenAlone(t *testing.T) {
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
		verdict, err := verifier.Check(t.Context(), f.Token)
		if err != nil {
			t.Fatal(err)
		}
		if verdict.Reason() != f.Check {
			t.Errorf("%s: got the reason %q, want %q", f.Name, verdict.Reason(), f.Check)
		}
		alone[f.Name] = string(output.AppendReportJSON(nil, verdict))
	}
	random := rand.New(rand.NewPCG(1, 2))
	before := "none"
	for range 60 * len(tokens) {
		f := tokens[random.IntN(len(tokens))]
		verdict, err := verifier.Check(t.Context(), f.Token)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(output.AppendReportJSON(nil, verdict)); got != alone[f.Name] {
			t.Fatalf("%s after %s: got %s, want %s", f.Name, before, got, alone[f.Name])
		}
		before = f.Name
	}
}
