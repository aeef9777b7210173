package jwt_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"okauth/pkg/jwt"
)

// halfHash is at_hash by OpenID Connect Core §3.1.3.6.
func halfHash(bits int, accessToken string) string {
	var sum []byte
	switch bits {
	case 256:
		s := sha256.Sum256([]byte(accessToken))
		sum = s[:]
	case 384:
		s := sha512.Sum384([]byte(accessToken))
		sum = s[:]
	case 512:
		s := sha512.Sum512([]byte(accessToken))
		sum = s[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func TestCheckIDToken(t *testing.T) {
	t.Parallel()
	const accessToken = "eyJraWQiOi.access.token"
	const nonce = "n-0S6_WzA2Mj"
	want := jwt.Config{
		Issuer: idConfig.Issuer, ClientID: client, AccessToken: accessToken, Leeway: time.Minute,
		Now: func() time.Time { return now },
	}
	good := idClaims.with(object{"nonce": nonce, "at_hash": halfHash(256, accessToken)})
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, test := range map[string]struct {
		alg    string
		change object
		want   func(c *jwt.Config, nonce *string)
		claim  string // "" where the token is accepted
		text   string
	}{
		"good":                 {},
		"good, no access":      {change: object{"at_hash": nil}},
		"RS384":                {alg: "RS384", change: object{"at_hash": halfHash(384, accessToken)}},
		"RS512":                {alg: "RS512", change: object{"at_hash": halfHash(512, accessToken)}},
		"ES256":                {alg: "ES256"},
		"ES384":                {alg: "ES384", change: object{"at_hash": halfHash(384, accessToken)}},
		"ES512":                {alg: "ES512", change: object{"at_hash": halfHash(512, accessToken)}},
		"HS256":                {alg: "HS256"},
		"other issuer":         {change: object{"iss": "https://evil.example"}, claim: "iss", text: `has iss "https://evil.example", expected "` + idConfig.Issuer + `"`},
		"issuer with slash":    {change: object{"iss": idConfig.Issuer + "/"}, claim: "iss"},
		"no issuer":            {change: object{"iss": nil}, claim: "iss", text: "has no iss, expected"},
		"other audience":       {change: object{"aud": "0oaOther"}, claim: "aud", text: `has aud "0oaOther", expected "` + client + `"`},
		"no audience":          {change: object{"aud": nil}, claim: "aud"},
		"empty audience":       {change: object{"aud": []string{}}, claim: "aud"},
		"audience of numbers":  {change: object{"aud": []any{client, 1}}, claim: "aud"},
		"two audiences":        {change: object{"aud": []string{"api", client}}, claim: "azp", text: "has no azp"},
		"two audiences, azp":   {change: object{"aud": []string{"api", client}, "azp": client}},
		"other azp":            {change: object{"azp": "0oaOther"}, claim: "azp", text: `has azp "0oaOther"`},
		"own azp":              {change: object{"azp": client}},
		"azp a number":         {change: object{"azp": 1}, claim: "azp"},
		"no sub":               {change: object{"sub": nil}, claim: "sub"},
		"expired":              {change: object{"exp": at(-2 * time.Minute), "iat": at(-time.Hour)}, claim: "exp", text: "expected \"later than"},
		"expired in leeway":    {change: object{"exp": at(-30 * time.Second), "iat": at(-time.Hour)}},
		"expired at leeway":    {change: object{"exp": at(-time.Minute), "iat": at(-time.Hour)}, claim: "exp"},
		"no exp":               {change: object{"exp": nil}, claim: "exp"},
		"exp a string":         {change: object{"exp": "2999-01-01"}, claim: "exp"},
		"iat in leeway":        {change: object{"iat": at(30 * time.Second)}},
		"iat in the future":    {change: object{"iat": at(2 * time.Minute)}, claim: "iat"},
		"no iat":               {change: object{"iat": nil}, claim: "iat"},
		"nbf in the future":    {change: object{"nbf": at(2 * time.Minute)}, claim: "nbf"},
		"no nonce":             {change: object{"nonce": nil}, claim: "nonce", text: `has no nonce, expected "n-0S6_WzA2Mj"`},
		"other nonce":          {change: object{"nonce": "x"}, claim: "nonce", text: `has nonce "x", expected "n-0S6_WzA2Mj"`},
		"nonce a number":       {change: object{"nonce": 1}, claim: "nonce"},
		"nonce not sent":       {want: func(_ *jwt.Config, nonce *string) { *nonce = "" }},
		"other access token":   {change: object{"at_hash": halfHash(256, "another")}, claim: "at_hash"},
		"whole hash":           {alg: "RS512", change: object{"at_hash": halfHash(256, accessToken)}, claim: "at_hash"},
		"at_hash a number":     {change: object{"at_hash": 1}, claim: "at_hash"},
		"at_hash, unknown alg": {alg: "XS256", claim: "at_hash", text: `no hash is known for alg "XS256"`},
		"at_hash, alg none":    {alg: "none", claim: "at_hash"},
		"no access token":      {want: func(c *jwt.Config, _ *string) { c.AccessToken = "" }, change: object{"at_hash": "x"}},
		"control characters":   {change: object{"nonce": "\x1b[2J"}, claim: "nonce", text: `\\x1b[2J`},
	} {
		expect, sent := want, nonce
		if test.want != nil {
			test.want(&expect, &sent)
		}
		if test.alg == "" {
			test.alg = "RS256"
		}
		token := compact(object{"alg": test.alg, "kid": "any"}.String(), good.with(test.change).String())
		err := jwt.CheckIDToken(token, sent, expect)
		wrong, ok := errors.AsType[*jwt.IDTokenError](err)
		switch {
		case test.claim == "" && err != nil:
			t.Errorf("%s: got %v", name, err)
		case test.claim != "" && (!ok || wrong.Name != test.claim || !strings.Contains(err.Error(), test.text) || wrong.Why == ""):
			t.Errorf("%s: got %v, want an error about %s that has %q", name, err, test.claim, test.text)
		}
	}
	if _, ok := errors.AsType[*jwt.FormatError](jwt.CheckIDToken("opaque", nonce, want)); !ok {
		t.Error("an opaque token: want a FormatError")
	}
	for _, incomplete := range []jwt.Config{{Issuer: "x"}, {ClientID: "x"}} {
		if _, ok := errors.AsType[*jwt.ConfigError](jwt.CheckIDToken(compact(rs256, claims), nonce, incomplete)); !ok {
			t.Errorf("%+v: want a ConfigError", incomplete)
		}
	}
}
