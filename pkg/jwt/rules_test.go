package jwt_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/jwt"
)

func TestRules_ThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*jwt.Config){
		"no kind":        func(r *jwt.Config) { r.Kind = "" },
		"unknown kind":   func(r *jwt.Config) { r.Kind = jwt.KindUnknown },
		"no issuer":      func(r *jwt.Config) { r.Issuer = "" },
		"no audience":    func(r *jwt.Config) { r.Audience = "" },
		"no client":      func(r *jwt.Config) { r.Kind, r.Audience, r.ClientID = jwt.KindID, "", "" },
		"negative":       func(r *jwt.Config) { r.Leeway = -1 },
		"no algorithm":   func(r *jwt.Config) { r.Algorithms = []string{} },
		"none":           func(r *jwt.Config) { r.Algorithms = []string{"none"} },
		"NONE":           func(r *jwt.Config) { r.Algorithms = []string{"RS256", "NONE"} },
		"HS256":          func(r *jwt.Config) { r.Algorithms = []string{"RS256", "HS256"} },
		"small letters":  func(r *jwt.Config) { r.Algorithms = []string{"rs256"} },
		"empty name":     func(r *jwt.Config) { r.Algorithms = []string{""} },
		"encryption alg": func(r *jwt.Config) { r.Algorithms = []string{"RSA-OAEP"} },
	} {
		rules := accessRules
		change(&rules)
		for _, err := range []error{second(rules.Prepare()), second(rules.Judge(t.Context(), "", issuerKeys())), second(rules.Verify(t.Context(), "", issuerKeys()))} {
			if bad, ok := errors.AsType[*jwt.ConfigError](err); !ok || bad.Error() == "" {
				t.Errorf("%s: got error %v, want a RulesError", name, err)
			}
		}
	}
	if _, err := accessRules.Judge(t.Context(), signed(t, accessClaims), nil); err == nil {
		t.Error("no keys: got no error")
	}
}

func second[T any](_ T, err error) error { return err }

func TestJudge_KeysThatCannotBeHad(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	asked := 0
	_, err := accessRules.Judge(t.Context(), signed(t, accessClaims), keysFunc(func(_ context.Context, kid string) (jwt.KeySet, error) {
		asked++
		if kid != "rsa" {
			t.Errorf("asked for %q", kid)
		}
		return jwt.KeySet{}, away
	}))
	if !errors.Is(err, away) || asked != 1 {
		t.Errorf("got %v after %d questions, want %v after one", err, asked, away)
	}
}

func TestVerdict_NothingIsNotValid(t *testing.T) {
	t.Parallel()
	for _, v := range []jwt.Report{{}, {Checks: []jwt.Check{{Name: "signature", State: jwt.Skipped}}}, {Checks: []jwt.Check{{Name: "format", State: jwt.Passed}}}} {
		if v.Valid() {
			t.Errorf("valid without a signature: %+v", v)
		}
	}
}

func TestRules_Verify(t *testing.T) {
	t.Parallel()
	good, err := accessRules.Verify(t.Context(), signed(t, accessClaims), issuerKeys())
	if err != nil {
		t.Fatal(err)
	}
	if sub, _ := good.Claims().String("sub"); sub != "jane@example.com" {
		t.Errorf("sub: got %q", sub)
	}
	if alg, _ := good.Header().String("alg"); alg != "RS256" {
		t.Errorf("alg: got %q", alg)
	}
	got, err := accessRules.Verify(t.Context(), signed(t, accessClaims.with(object{"sub": "canary", "exp": 1, "aud": "canary"})), issuerKeys())
	bad, ok := errors.AsType[*jwt.InvalidError](err)
	if !ok || bad.Verdict.Reason() != "aud" || len(got.Claims())+len(got.Header()) > 0 {
		t.Fatalf("got %v, %v", got, err)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "token is not valid: aud: the token is for another API") || !strings.Contains(text, "; exp: the token has expired") || strings.Contains(text, "canary") {
		t.Errorf("got %q", text)
	}
}

// One judge serves all cores; the race detector watches.
func TestJudge_ManyAtOnce(t *testing.T) {
	t.Parallel()
	j, err := accessRules.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	good, bad, keys := signed(t, accessClaims), signed(t, accessClaims.with(object{"iss": "x"})), issuerKeys()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				g, _ := j.Judge(t.Context(), good, keys)
				b, _ := j.Judge(t.Context(), bad, keys)
				if !g.Valid() || b.Reason() != "iss" {
					t.Errorf("got %q and %q", g.Reason(), b.Reason())
				}
			}
		})
	}
	all.Wait()
}

// The clock is asked for every token and not once for all.
func TestJudge_ClockGoesOn(t *testing.T) {
	t.Parallel()
	rules, at := accessRules, now
	rules.Now = func() time.Time { return at }
	j, err := rules.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	token := signed(t, accessClaims)
	for _, test := range []struct {
		at   time.Time
		want string
	}{{now, ""}, {now.Add(2 * time.Hour), "exp"}, {now.Add(-2 * time.Hour), "iat"}} {
		at = test.at
		v, err := j.Judge(t.Context(), token, issuerKeys())
		if err != nil || v.Reason() != test.want {
			t.Errorf("at %s: got %q, %v, want %q", at, v.Reason(), err, test.want)
		}
	}
}
