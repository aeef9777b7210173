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

func TestConfig_ThatMakeNoSense(t *testing.T) {
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
		config := accessConfig
		change(&config)
		_, err := jwt.NewVerifier(config, issuerKeys())
		if bad, ok := errors.AsType[*jwt.ConfigError](err); !ok || bad.Error() == "" {
			t.Errorf("%s: got error %v, want a ConfigError", name, err)
		}
	}
	if _, err := jwt.NewVerifier(accessConfig, nil); err == nil {
		t.Error("no keys: got no error")
	}
}

func TestVerifier_KeysThatCannotBeHad(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	asked := 0
	keys := keysFunc(func(_ context.Context, kid string) (jwt.KeySet, error) {
		asked++
		if kid != "rsa" {
			t.Errorf("asked for %q", kid)
		}
		return jwt.KeySet{}, away
	})
	_, err := verifier(t, accessConfig, keys).Check(t.Context(), signed(t, accessClaims))
	if !errors.Is(err, away) || asked != 1 {
		t.Errorf("got %v after %d questions, want %v after one", err, asked, away)
	}
}

func TestReport_NothingIsNotValid(t *testing.T) {
	t.Parallel()
	for _, v := range []jwt.Report{{}, {Checks: []jwt.Check{{Name: "signature", State: jwt.Skipped}}}, {Checks: []jwt.Check{{Name: "format", State: jwt.Passed}}}} {
		if v.Valid() {
			t.Errorf("valid without a signature: %+v", v)
		}
	}
}

func TestConfig_Verify(t *testing.T) {
	t.Parallel()
	v := verifier(t, accessConfig, issuerKeys())
	good, err := v.Verify(t.Context(), signed(t, accessClaims))
	if err != nil {
		t.Fatal(err)
	}
	if sub, _ := good.String("sub"); sub != "jane@example.com" {
		t.Errorf("sub: got %q", sub)
	}
	got, err := v.Verify(t.Context(), signed(t, accessClaims.with(object{"sub": "canary", "exp": 1, "aud": "canary"})))
	bad, ok := errors.AsType[*jwt.InvalidError](err)
	if !ok || bad.Report.Reason() != "aud" || len(got) > 0 {
		t.Fatalf("got %v, %v", got, err)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "token is not valid: aud: the token is for another API; ") || !strings.Contains(text, "; exp: the token has expired") || strings.Contains(text, "canary") {
		t.Errorf("got %q", text)
	}
}

// One verifier serves all cores; the race detector watches.
func TestVerifier_ManyAtOnce(t *testing.T) {
	t.Parallel()
	v := verifier(t, accessConfig, issuerKeys())
	good, bad := signed(t, accessClaims), signed(t, accessClaims.with(object{"iss": "x"}))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				g, _ := v.Check(t.Context(), good)
				b, _ := v.Check(t.Context(), bad)
				if !g.Valid() || b.Reason() != "iss" {
					t.Errorf("got %q and %q", g.Reason(), b.Reason())
				}
			}
		})
	}
	all.Wait()
}

// The clock is asked for every token and not once for all.
func TestVerifier_ClockGoesOn(t *testing.T) {
	t.Parallel()
	config, at := accessConfig, now
	config.Now = func() time.Time { return at }
	checker := verifier(t, config, issuerKeys())
	token := signed(t, accessClaims)
	for _, test := range []struct {
		at   time.Time
		want string
	}{{now, ""}, {now.Add(2 * time.Hour), "exp"}, {now.Add(-2 * time.Hour), "iat"}} {
		at = test.at
		v, err := checker.Check(t.Context(), token)
		if err != nil || v.Reason() != test.want {
			t.Errorf("at %s: got %q, %v, want %q", at, v.Reason(), err, test.want)
		}
	}
}
