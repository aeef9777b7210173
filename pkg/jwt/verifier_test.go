package jwt_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"okauth/pkg/jwt"
)

// keysFunc is keys that watch who asks.
type keysFunc func(ctx context.Context, kid string) (jwt.KeySet, error)

func (f keysFunc) KeySet(ctx context.Context, kid string) (jwt.KeySet, error) { return f(ctx, kid) }

func TestVerifier_GoodTokens(t *testing.T) {
	t.Parallel()
	for _, alg := range jwt.Algorithms() {
		header := object{"alg": alg, "kid": kidFor(alg)}
		for _, test := range []struct {
			config jwt.Config
			claims object
		}{{accessConfig, accessClaims}, {idConfig, idClaims}} {
			test.config.Algorithms = []string{"RS256", alg}
			v := verify(t, test.config, sign(t, private()[kidFor(alg)], header, test.claims), issuerKeys())
			if got := failed(t, v); got != "" || v.Kind != test.config.Kind {
				t.Errorf("%s, %s: failed: %s", alg, test.config.Kind, got)
			}
		}
	}
}

// What a report says, word for word.
func TestVerifier_Texts(t *testing.T) {
	t.Parallel()
	v := verify(t, accessConfig, signed(t, accessClaims.with(object{"aud": []string{"a", audience}, "nbf": now.Unix(), "exp": now.Unix() - 120})), issuerKeys())
	var got strings.Builder
	for _, c := range v.Checks {
		fmt.Fprintf(&got, "%s %s|%s|%s|%s\n", c.Name, c.State, c.Expected, c.Got, c.Why)
	}
	const want = `format passed|||
type passed|an access token|an access token|
alg passed|RS256|RS256|
crit passed|||
kid passed|one of the issuer's keys|rsa|
key passed|RSA|RSA|
signature passed|||
iss passed|https://dev-1.okta.com/oauth2/default|https://dev-1.okta.com/oauth2/default|
aud passed|api://default|a, api://default|
cid passed|0oaexampleclient|0oaexampleclient|
sub passed||jane@example.com|
exp failed|later than 2023-11-14T22:13:20Z - 120 s|2023-11-14T22:11:20Z|the token has expired
nbf passed|at most 2023-11-14T22:13:20Z + 120 s|2023-11-14T22:13:20Z|
iat passed|at most 2023-11-14T22:13:20Z + 120 s|2023-11-14T22:12:20Z|
at_hash skipped|||only ID tokens have one
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
	if v.Valid() || v.Reason() != "exp" {
		t.Errorf("valid %t, reason %q", v.Valid(), v.Reason())
	}
}

// A time in another unit than seconds fails its check, which says so with the date.
func TestST23_TimesInFinerUnits(t *testing.T) {
	t.Parallel()
	for unit, zeros := range map[string]string{"milliseconds": "000", "microseconds": "000000", "nanoseconds": "000000000"} {
		for _, name := range []string{"exp", "iat", "nbf"} {
			claim := object{name: verbatim(strconv.FormatInt(now.Unix()-30, 10) + zeros)}
			want := "looks like " + unit + " (2023-11-14T22:12:50Z), expected seconds"
			v := verify(t, accessConfig, signed(t, accessClaims.with(claim)), issuerKeys())
			if c := check(t, v, name); failed(t, v) != name || !strings.HasSuffix(c.Why, want) {
				t.Errorf("%s in %s: got %+v, want %q", name, unit, c, want)
			}
			err := jwt.CheckIDToken(signed(t, idClaims.with(claim)), "", idConfig)
			if err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("ID token, %s in %s: got %v, want %q", name, unit, err, want)
			}
		}
	}
}

func TestST23_Claims(t *testing.T) {
	t.Parallel()
	at := func(seconds int64) int64 { return now.Unix() + seconds }
	tests := map[string]struct {
		changes object
		failed  string
	}{
		"iss missing":             {object{"iss": nil}, "iss"},
		"iss of another type":     {object{"iss": []string{issuer}}, "iss"},
		"iss with slash":          {object{"iss": issuer + "/"}, "iss"},
		"iss in capitals":         {object{"iss": strings.ToUpper(issuer)}, "iss"},
		"aud missing":             {object{"aud": nil}, "aud"},
		"aud of another":          {object{"aud": "api://other"}, "aud"},
		"aud a prefix":            {object{"aud": audience + "x"}, "aud"},
		"aud a number":            {object{"aud": 1}, "aud"},
		"aud null":                {object{"aud": []any{nil}}, "aud"},
		"aud empty list":          {object{"aud": []string{}}, "aud"},
		"aud mixed list":          {object{"aud": []any{audience, 1}}, "aud"},
		"aud list":                {object{"aud": []string{"x", audience}}, ""},
		"aud nested list":         {object{"aud": []any{[]string{audience}}}, "aud"},
		"cid missing":             {object{"cid": nil}, "cid"},
		"cid of another":          {object{"cid": "0oaother"}, "cid"},
		"cid a list":              {object{"cid": []string{client}}, "cid"},
		"sub missing":             {object{"sub": nil}, "sub"},
		"sub empty":               {object{"sub": ""}, "sub"},
		"sub a number":            {object{"sub": 1}, "sub"},
		"exp missing":             {object{"exp": nil}, "exp"},
		"exp zero":                {object{"exp": 0}, "exp"},
		"exp a string":            {object{"exp": "9999999999"}, "exp"},
		"exp past":                {object{"exp": at(-120)}, "exp"},
		"exp within leeway":       {object{"exp": at(-119), "iat": at(-3719)}, ""},
		"exp with fraction":       {object{"exp": float64(at(-120)) + 0.5, "iat": at(-3719)}, ""},
		"exp negative":            {object{"exp": -1}, "exp"},
		"exp huge":                {object{"exp": 1e300}, "exp"},
		"exp beyond 64 bits":      {object{"exp": verbatim("18446744073709551616")}, "exp"},
		"exp beyond floats":       {object{"exp": verbatim("1e400")}, "exp"},
		"exp before iat":          {object{"exp": at(20), "iat": at(30)}, "exp"},
		"exp at iat":              {object{"exp": at(30), "iat": at(30)}, "exp"},
		"nbf now":                 {object{"nbf": at(0)}, ""},
		"nbf within leeway":       {object{"nbf": at(120)}, ""},
		"nbf later":               {object{"nbf": at(121)}, "nbf"},
		"nbf a string":            {object{"nbf": "0"}, "nbf"},
		"nbf null":                {object{"nbf": verbatim("null")}, "nbf"},
		"nbf huge":                {object{"nbf": 1e300}, "nbf"},
		"iat missing":             {object{"iat": nil}, "iat"},
		"iat within leeway":       {object{"iat": at(120)}, ""},
		"iat in the future":       {object{"iat": at(121)}, "iat"},
		"iat a fraction too much": {object{"iat": float64(at(120)) + 0.5}, "iat"},
		"iat a boolean":           {object{"iat": true}, "iat"},
		"iat in the past":         {object{"iat": -1}, ""},
		"everything":              {object{"iss": "x", "aud": "x", "cid": "x", "sub": "", "exp": 1, "nbf": at(999), "iat": at(999)}, "iss aud cid sub exp nbf iat"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := verify(t, accessConfig, signed(t, accessClaims.with(test.changes)), issuerKeys())
			if got := failed(t, v); got != test.failed {
				t.Errorf("failed: got %q, want %q", got, test.failed)
			}
			if check(t, v, "signature").State != jwt.Passed {
				t.Error("the signature is not checked")
			}
		})
	}
}

func TestST23_NoLeewayIsNone(t *testing.T) {
	t.Parallel()
	config := accessConfig
	config.Leeway = 0
	for at, want := range map[int64]string{-1: "exp", 0: "exp", 1: ""} {
		v := verify(t, config, signed(t, accessClaims.with(object{"exp": now.Unix() + at})), issuerKeys())
		if got := failed(t, v); got != want {
			t.Errorf("exp %d s from now: failed: got %q, want %q", at, got, want)
		}
	}
}

func TestST23_WhicheverClient(t *testing.T) {
	t.Parallel()
	config := accessConfig
	config.ClientID = ""
	for _, changes := range []object{{}, {"cid": "0oaother"}, {"cid": nil}} {
		if got := failed(t, verify(t, config, signed(t, accessClaims.with(changes)), issuerKeys())); got != "" {
			t.Errorf("%v: failed: %s", changes, got)
		}
	}
	if got := failed(t, verify(t, config, signed(t, accessClaims.with(object{"cid": 1})), issuerKeys())); got != "cid" {
		t.Errorf("cid a number: failed: got %q", got)
	}
}

func TestST27_KindsDoNotPassForEachOther(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config  jwt.Config
		typ     any
		claims  object
		failed  string
		gotType string
	}{
		"access for ID":         {idConfig, nil, accessClaims, "type aud", "an access token"},
		"ID for access":         {accessConfig, nil, idClaims, "type aud cid", "an ID token"},
		"access with jti ID.":   {accessConfig, nil, accessClaims.with(object{"jti": "ID.x"}), "type", "a token"},
		"access with nonce":     {accessConfig, nil, accessClaims.with(object{"nonce": "n"}), "type", "a token"},
		"access with at_hash":   {accessConfig, nil, accessClaims.with(object{"at_hash": "x"}), "type", "a token"},
		"access with c_hash":    {accessConfig, nil, accessClaims.with(object{"c_hash": "x"}), "type", "a token"},
		"access without signs":  {accessConfig, nil, accessClaims.with(object{"cid": nil, "scp": nil}), "type cid", "a token"},
		"access with cid alone": {accessConfig, nil, accessClaims.with(object{"scp": nil}), "", "an access token"},
		"access with amr":       {accessConfig, nil, accessClaims.with(object{"amr": []string{"pwd"}, "idp": "00o"}), "", "an access token"},
		"at+jwt without signs":  {accessConfig, "at+jwt", accessClaims.with(object{"cid": nil, "scp": nil}), "cid", "an access token"},
		"AT+JWT in full":        {accessConfig, "Application/AT+JWT", accessClaims, "", "an access token"},
		"typ JWT":               {accessConfig, "jwt", accessClaims, "", "an access token"},
		"typ of a logout":       {accessConfig, "logout+jwt", accessClaims, "type", "typ \"logout+jwt\""},
		"typ of a proof":        {idConfig, "dpop+jwt", idClaims, "type", "typ \"dpop+jwt\""},
		"typ empty":             {accessConfig, "", accessClaims, "type", "typ \"\""},
		"typ a number":          {accessConfig, 1, accessClaims, "type", "typ 1"},
		"typ a list":            {idConfig, []string{"JWT"}, idClaims, "type", `typ ["JWT"]`},
		"ID with typ at+jwt":    {idConfig, "at+jwt", idClaims, "type", "a token"},
		"ID with typ JWT":       {idConfig, "JWT", idClaims, "", "an ID token"},
		"ID with scp":           {idConfig, nil, idClaims.with(object{"scp": []string{"openid"}}), "type", "a token"},
		"ID with cid":           {idConfig, nil, idClaims.with(object{"cid": client}), "type", "a token"},
		"ID with scope":         {idConfig, nil, idClaims.with(object{"scope": "openid"}), "type", "a token"},
		"ID with client_id":     {idConfig, nil, idClaims.with(object{"client_id": client}), "type", "a token"},
		"ID with jti AT.":       {idConfig, nil, idClaims.with(object{"jti": "AT.x"}), "type", "an access token"},
		"ID with events":        {idConfig, nil, idClaims.with(object{"events": object{}}), "type", "a token"},
		"ID with nonce":         {idConfig, nil, idClaims.with(object{"nonce": "n"}), "", "an ID token"},
		"ID of few claims":      {idConfig, nil, idClaims.with(object{"jti": nil, "amr": nil, "idp": nil}), "", "an ID token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := object{"alg": "RS256", "kid": "rsa", "typ": test.typ}.with(nil)
			if test.typ == nil {
				delete(header, "typ")
			}
			v := verify(t, test.config, sign(t, private()["rsa"], header, test.claims), issuerKeys())
			if got := failed(t, v); got != test.failed {
				t.Errorf("failed: got %q, want %q", got, test.failed)
			}
			if c := check(t, v, "type"); c.Expected != "an "+string(test.config.Kind) || c.Got != test.gotType {
				t.Errorf("got %+v, want %q", c, test.gotType)
			}
		})
	}
	v := verify(t, accessConfig, signed(t, idClaims), issuerKeys())
	if c := check(t, v, "type"); c.Got != "an ID token" || !strings.Contains(c.Why, "as that of an ID token") {
		t.Errorf("an ID token for an access token: got %+v", c)
	}
	v = verify(t, idConfig, signed(t, accessClaims), issuerKeys())
	if c := check(t, v, "type"); c.Got != "an access token" || !strings.Contains(c.Why, "as that of an access token") {
		t.Errorf("an access token for an ID token: got %+v", c)
	}
}

// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func TestST27_AudienceOfIDTokens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changes  object
		audience string
		failed   string
	}{
		"list of one":           {object{"aud": []string{client}}, "", ""},
		"another":               {object{"aud": "0oaother"}, "", "aud"},
		"several":               {object{"aud": []string{client, "x"}}, "", "aud"},
		"several with azp":      {object{"aud": []string{client, "x"}, "azp": client}, "", ""},
		"azp of another":        {object{"azp": "0oaother"}, "", "aud"},
		"azp a list":            {object{"azp": []string{client}}, "", "aud"},
		"an audience besides":   {object{"aud": []string{client, "x"}, "azp": client}, "x", ""},
		"the audience is wrong": {object{}, "x", "aud"},
	} {
		config := idConfig
		config.Audience = test.audience
		v := verify(t, config, signed(t, idClaims.with(test.changes)), issuerKeys())
		if got := failed(t, v); got != test.failed {
			t.Errorf("%s: failed: got %q, want %q", name, got, test.failed)
		}
		want := client
		if test.audience != "" {
			want = test.audience + " and " + client
		}
		if got := check(t, v, "aud").Expected; got != want {
			t.Errorf("%s: expected %q, want %q", name, got, want)
		}
	}
}

func TestST30_TypIsANote(t *testing.T) {
	t.Parallel()
	bound := signed(t, accessClaims.with(object{"cnf": object{"jkt": "x"}}))
	if c := check(t, verify(t, accessConfig, bound, issuerKeys()), "type"); c.State != jwt.Passed || !strings.Contains(c.Why, "DPoP") {
		t.Errorf("a bound token: got %+v", c)
	}
	for _, cnf := range []any{nil, "jkt", []string{"jkt"}, object{"x5t#S256": "x"}} {
		v := verify(t, accessConfig, signed(t, accessClaims.with(object{"cnf": cnf})), issuerKeys())
		if c := check(t, v, "type"); c.State != jwt.Passed || c.Why != "" {
			t.Errorf("cnf %v: got %+v", cnf, c)
		}
	}
}

func TestST31_OrgServer(t *testing.T) {
	t.Parallel()
	config := accessConfig
	config.OrgServer, config.Audience = true, ""
	unasked := keysFunc(func(context.Context, string) (jwt.KeySet, error) {
		t.Error("the keys of an org server are asked for")
		return jwt.KeySet{}, nil
	})
	v := verify(t, config, signed(t, accessClaims), unasked)
	if got := failed(t, v); got != "org_server" {
		t.Errorf("failed: got %q", got)
	}
	if c := check(t, v, "org_server"); !strings.Contains(c.Why, "for Okta alone") {
		t.Errorf("got %+v", c)
	}
	for _, name := range []string{"kid", "key", "signature"} {
		if c := check(t, v, name); c.State != jwt.Skipped {
			t.Errorf("got %+v", c)
		}
	}
	if got := failed(t, verify(t, config, signed(t, accessClaims.with(object{"aud": []string{}})), unasked)); got != "org_server aud" {
		t.Errorf("for no audience: failed: got %q", got)
	}
	config = idConfig
	config.OrgServer = true
	if got := failed(t, verify(t, config, signed(t, idClaims), issuerKeys())); got != "" {
		t.Errorf("ID token of an org server: failed: %s", got)
	}
}

// The first is the example of OpenID Connect Core, appendix A.4; the others are of openssl dgst.
func TestST27_AtHash(t *testing.T) {
	t.Parallel()
	const access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	for name, test := range map[string]struct {
		alg, access string
		hash        any
		failed      string
		state       jwt.State
	}{
		"good":           {"RS256", access, "77QmUPtjPfzWtF2AnpK9RQ", "", jwt.Passed},
		"good for PS256": {"PS256", access, "77QmUPtjPfzWtF2AnpK9RQ", "", jwt.Passed},
		"good for ES384": {"ES384", access, "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs", "", jwt.Passed},
		"good for EdDSA": {"EdDSA", access, "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM", "", jwt.Passed},
		"of another":     {"RS256", "canary-other", "77QmUPtjPfzWtF2AnpK9RQ", "at_hash", jwt.Failed},
		"of another alg": {"ES384", access, "77QmUPtjPfzWtF2AnpK9RQ", "at_hash", jwt.Failed},
		"empty":          {"RS256", access, "", "at_hash", jwt.Failed},
		"a number":       {"RS256", "", 1, "at_hash", jwt.Failed},
		"not at hand":    {"RS256", "", "77QmUPtjPfzWtF2AnpK9RQ", "", jwt.Skipped},
		"absent":         {"RS256", access, nil, "", jwt.Skipped},
	} {
		config := idConfig
		config.AccessToken, config.Algorithms = test.access, []string{test.alg}
		token := sign(t, private()[kidFor(test.alg)], object{"alg": test.alg, "kid": kidFor(test.alg)}, idClaims.with(object{"at_hash": test.hash}))
		v := verify(t, config, token, issuerKeys())
		if got := failed(t, v); got != test.failed {
			t.Errorf("%s: failed: got %q, want %q", name, got, test.failed)
		}
		c := check(t, v, "at_hash")
		if c.State != test.state {
			t.Errorf("%s: got %+v, want %v", name, c, test.state)
		}
		if test.access != "" && strings.Contains(c.Expected+c.Got+c.Why, test.access) {
			t.Errorf("%s: the access token is shown", name)
		}
	}
}

// ST-31: a token of the org server beside a custom one is called what it is, whichever of the two is configured, and is
// asked no key for.
func TestST31_OrgServerBesideACustomOne(t *testing.T) {
	t.Parallel()
	const org = "https://example.okta.com"
	config := accessConfig
	config.OrgIssuer = org
	v := verify(t, config, signed(t, accessClaims.with(object{"iss": org})), issuerKeys())
	if c := check(t, v, "org_server"); v.Reason() != "org_server" || !strings.Contains(c.Why, "for Okta alone") {
		t.Errorf("got %q: %+v", v.Reason(), c)
	}
	if got := failed(t, verify(t, config, signed(t, accessClaims), issuerKeys())); got != "" {
		t.Errorf("a token of the custom server: failed: %s", got)
	}
	ids := idConfig
	ids.OrgIssuer = org
	if got := failed(t, verify(t, ids, signed(t, idClaims.with(object{"iss": org})), issuerKeys())); got != "iss" {
		t.Errorf("an ID token of the org server: failed: %s, want iss", got)
	}
}

// A token whose signature is right and whose header has a member that cannot be read fails, and is told why.
func TestVerifier_UnreadableHeader(t *testing.T) {
	t.Parallel()
	for _, bad := range []object{{"jwk": 5}, {"x5c": []string{"AAAA"}}} {
		header := object{"alg": "RS256", "kid": "rsa"}.with(bad)
		v := verify(t, accessConfig, sign(t, private()["rsa"], header, accessClaims), issuerKeys())
		if got := check(t, v, "signature"); !strings.Contains(got.Why, "cannot be read") {
			t.Errorf("%s: got %q, want a reason that names the header", bad, got.Why)
		}
	}
}
