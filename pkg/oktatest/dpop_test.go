package oktatest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/oktatest"
)

// prover is a client with a DPoP key, which remembers the nonce.
type prover struct {
	key   *ecdsa.PrivateKey
	nonce string
}

func newProver(t *testing.T) *prover { return &prover{key: newECKey(t, elliptic.P256())} }

func (p *prover) header() claims {
	return claims{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: &p.key.PublicKey}}
}

func (p *prover) thumbprint(t *testing.T) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: &p.key.PublicKey}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// claims are those of a proof for the request, with the nonce and, for an access token, its hash.
func (p *prover) claims(s *oktatest.Server, r *http.Request, changes claims) claims {
	all := claims{"htm": r.Method, "htu": r.URL.String(), "iat": s.Clock().Now().Unix(), "jti": rand.Text(), "nonce": p.nonce}
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), "DPoP "); ok {
		sum := sha256.Sum256([]byte(token))
		all["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil || value == "" })
	return all
}

// send proves the request, again with a nonce if the server demands one.
func (p *prover) send(t *testing.T, s *oktatest.Server, r *http.Request) answer {
	t.Helper()
	got := answer{}
	for range 2 {
		again := r.Clone(t.Context())
		if r.GetBody != nil {
			again.Body, _ = r.GetBody()
		}
		again.Header.Set("DPoP", signJWT(t, "ES256", p.key, p.header(), p.claims(s, r, nil)))
		got = send(t, s, again)
		if !strings.Contains(got.Text+got.Header.Get("Www-Authenticate"), "use_dpop_nonce") {
			break
		}
		p.nonce = got.Header.Get("DPoP-Nonce")
	}
	return got
}

func byDPoPClient(t *testing.T, s *oktatest.Server, form url.Values) *http.Request {
	t.Helper()
	r := newPost(t, tokenURL(s, "default"), form)
	r.SetBasicAuth(oktatest.DPoPClientID, oktatest.DefaultClientSecret)
	return r
}

// resource is a request with a token, by a scheme.
func resource(t *testing.T, target, scheme, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", scheme+" "+token)
	return r
}

func TestST35_Nonces(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{UserPerSecond: 1, MaxAttempts: 1}})
	p := newProver(t)
	demand := func() (nonce string) { // also of a nonce that is none of the server's
		t.Helper()
		for range 2 {
			r := byDPoPClient(t, s, passwordForm())
			r.Header.Set("DPoP", signJWT(t, "ES256", p.key, p.header(), p.claims(s, r, nil)))
			got := send(t, s, r)
			mustSay(t, "without a good nonce", got, "400 use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
			if nonce = got.Header.Get("DPoP-Nonce"); len(nonce) != 32 || got.Header.Get("Cache-Control") != "no-cache, no-store" {
				t.Fatalf("got the nonce %q, Cache-Control %q", nonce, got.Header.Get("Cache-Control"))
			}
			if p.nonce == "" {
				p.nonce = "wrong-nonce"
			}
		}
		return nonce
	}
	accepted := func(nonce string) bool {
		t.Helper()
		s.Clock().Advance(time.Second)
		r := byDPoPClient(t, s, passwordForm())
		r.Header.Set("DPoP", signJWT(t, "ES256", p.key, p.header(), p.claims(s, r, claims{"nonce": nonce})))
		got := send(t, s, r)
		if code, _ := got.error(t); got.Status != 200 && code != "use_dpop_nonce" {
			t.Fatalf("got %d %s", got.Status, got.Text)
		}
		return got.Status == 200
	}
	first := demand()
	if demand() != first || !accepted(first) || !accepted(first) { // a demand is no attempt of the user's
		t.Error("the first nonce does not work, or not twice")
	}
	s.Clock().Advance(24 * time.Hour)
	if second := demand(); second == first || !accepted(second) || !accepted(first) {
		t.Error("a day later: the nonce is the same, or one of the two does not work")
	}
	s.Clock().Advance(48*time.Hour - time.Minute)
	if !accepted(first) {
		t.Error("within three days: the first nonce does not work")
	}
	s.Clock().Advance(25 * time.Hour)
	if accepted(first) {
		t.Error("four days later: the first nonce works")
	}
	last := demand()
	s.RotateNonces()
	if accepted(last) || demand() == last {
		t.Error("after RotateNonces: the nonce is the same, or still works")
	}
}

// A proof that is refused, whatever it is for, and those that pass.
func TestST35_Proofs(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	p, target, now := newProver(t), tokenURL(s, "default"), s.Clock().Now().Unix()
	if got := p.send(t, s, byDPoPClient(t, s, passwordForm())); got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Text)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other := newECKey(t, elliptic.P256())
	jwk := func(key any) claims { return claims{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: key}} }
	const algorithm, unparsable = "The DPoP proof JWT signature algorithm is invalid.", "The DPoP proof JWT cannot be parsed."
	const invalid, typ = "The DPoP proof JWT is invalid.", "'typ' must be 'dpop+jwt' in the DPoP proof JWT."
	claim := func(name string) string { return "'" + name + "' claim in the DPoP proof JWT is invalid." }
	for name, test := range map[string]struct {
		alg     string
		key     any
		header  claims
		changes claims
		text    string // "": tokens
	}{
		"good":                     {"ES256", p.key, p.header(), nil, ""},
		"RS256":                    {"RS256", rsaKey, jwk(&rsaKey.PublicKey), nil, ""},
		"exp in the future":        {"ES256", p.key, p.header(), claims{"exp": now + 1}, ""},
		"five minutes old":         {"ES256", p.key, p.header(), claims{"iat": now - 300}, ""},
		"PS256":                    {"PS256", rsaKey, jwk(&rsaKey.PublicKey), nil, algorithm},
		"HS256":                    {"HS256", []byte(strings.Repeat("s", 32)), jwk(&rsaKey.PublicKey), nil, algorithm},
		"typ JWT":                  {"ES256", p.key, claims{"typ": "JWT", "jwk": jose.JSONWebKey{Key: &p.key.PublicKey}}, nil, typ},
		"no typ":                   {"ES256", p.key, claims{"jwk": jose.JSONWebKey{Key: &p.key.PublicKey}}, nil, typ},
		"no jwk":                   {"ES256", p.key, claims{"typ": "dpop+jwt"}, nil, invalid},
		"private jwk":              {"ES256", p.key, jwk(p.key), nil, unparsable},
		"another key signed it":    {"ES256", other, p.header(), nil, "The DPoP proof JWT signature is invalid."},
		"no htm":                   {"ES256", p.key, p.header(), claims{"htm": nil}, claim("htm")},
		"another method":           {"ES256", p.key, p.header(), claims{"htm": "GET"}, claim("htm")},
		"method in small print":    {"ES256", p.key, p.header(), claims{"htm": "post"}, claim("htm")},
		"no htu":                   {"ES256", p.key, p.header(), claims{"htu": nil}, claim("htu")},
		"another server":           {"ES256", p.key, p.header(), claims{"htu": tokenURL(s, "org")}, claim("htu")},
		"htu with a query":         {"ES256", p.key, p.header(), claims{"htu": target + "?x=y"}, claim("htu")},
		"no iat":                   {"ES256", p.key, p.header(), claims{"iat": nil}, claim("iat")},
		"iat as text":              {"ES256", p.key, p.header(), claims{"iat": "now"}, claim("iat")},
		"no jti":                   {"ES256", p.key, p.header(), claims{"jti": nil}, claim("jti")},
		"jti is a number":          {"ES256", p.key, p.header(), claims{"jti": 7}, claim("jti")},
		"issued in the future":     {"ES256", p.key, p.header(), claims{"iat": now + 1}, "The DPoP proof JWT is issued in the future."},
		"six minutes old":          {"ES256", p.key, p.header(), claims{"iat": now - 301}, "The DPoP proof JWT is issued more than five minutes in the past."},
		"expired":                  {"ES256", p.key, p.header(), claims{"exp": now}, "The DPoP proof JWT is expired."},
		"no nonce: jti is no must": {"ES256", p.key, p.header(), claims{"nonce": nil, "jti": nil}, "Authorization server requires nonce in DPoP proof."},
	} {
		r := byDPoPClient(t, s, passwordForm())
		r.Header.Set("DPoP", signJWT(t, test.alg, test.key, test.header, p.claims(s, r, test.changes)))
		got := send(t, s, r)
		if _, text := got.error(t); got.Status != 200 && got.Status != 400 || text != test.text {
			t.Errorf("%s: got %d %s, want %q", name, got.Status, got.Text, test.text)
		}
	}
	r := byDPoPClient(t, s, passwordForm())
	mustSay(t, "none", send(t, s, r), "400 invalid_dpop_proof", "The DPoP proof JWT header is missing.")
	proof := func() string { return signJWT(t, "ES256", p.key, p.header(), p.claims(s, r, nil)) }
	for text, headers := range map[string][]string{"Multiple DPoP proof JWT headers are not allowed.": {proof(), proof()}, unparsable: {"x"}} {
		r := byDPoPClient(t, s, passwordForm())
		r.Header["Dpop"] = headers
		mustSay(t, text, send(t, s, r), "400 invalid_dpop_proof", text)
	}
}

// A jti works once, even if all it brought was a nonce, and with any key.
func TestST35_ProofsWorkOnce(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	p, other := newProver(t), newProver(t)
	prove := func(by *prover, jti string) answer {
		t.Helper()
		r := byDPoPClient(t, s, passwordForm())
		r.Header.Set("DPoP", signJWT(t, "ES256", by.key, by.header(), by.claims(s, r, claims{"jti": jti})))
		return send(t, s, r)
	}
	p.nonce = prove(p, "first").Header.Get("DPoP-Nonce")
	other.nonce = p.nonce
	const used = "The DPoP proof JWT has already been used."
	mustSay(t, "the jti of the demand", prove(p, "first"), "400 invalid_dpop_proof", used)
	if got := prove(p, "second"); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
	mustSay(t, "again", prove(p, "second"), "400 invalid_dpop_proof", used)
	mustSay(t, "by another key", prove(other, "second"), "400 invalid_dpop_proof", used)
}

// Every grant binds its tokens, also those of an app that requires no proof.
func TestST35_BoundTokens(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	p := newProver(t)
	page := newBrowser(t, s).open(t, authorizeURL(s, nil)).password(t, oktatest.DefaultUser)
	device := startDevice(t, s, "openid")
	allowDevice(t, s, device)
	s.Clock().Advance(5 * time.Second)
	service := newPost(t, tokenURL(s, "default"), url.Values{"grant_type": {"client_credentials"}, "scope": {"api:read"}})
	service.SetBasicAuth(oktatest.ServiceClientID, oktatest.DefaultClientSecret)
	for name, r := range map[string]*http.Request{
		"password":           byDPoPClient(t, s, passwordForm()),
		"unasked":            good(t, s),
		"authorization code": redeeming(t, s, page.result(t).Get("code"), nil), // a demand of a nonce does not use it up
		"client credentials": service,
		"device code": byClient(t, s, tokenURL(s, "default"), url.Values{
			"grant_type": {oktatest.GrantDeviceCode}, "device_code": {device.member(t, "device_code")},
		}),
	} {
		p.nonce = "" // each is sent twice
		got := p.send(t, s, r)
		if got.Status != 200 || got.member(t, "token_type") != "DPoP" {
			t.Errorf("%s: got %d %s", name, got.Status, got.Text)
			continue
		}
		_, claims, _ := open(t, got.member(t, "access_token"), nil)
		want := `"cnf":{"jkt":"` + p.thumbprint(t) + `"}`
		if !strings.Contains(claims, want) {
			t.Errorf("%s: got the claims %s, want %s", name, claims, want)
		}
		introspection := byClient(t, s, s.Issuer("default")+"/v1/introspect", url.Values{"token": {got.member(t, "access_token")}})
		if text := send(t, s, introspection).Text; !strings.Contains(text, want) {
			t.Errorf("%s: introspection: got %s, want %s", name, text, want)
		}
	}
	if got := send(t, s, good(t, s)); got.member(t, "token_type") != "Bearer" {
		t.Errorf("without a proof: got %s", got.Text)
	} else if _, claims, _ := open(t, got.member(t, "access_token"), nil); strings.Contains(claims, "cnf") {
		t.Errorf("without a proof: got %s", claims)
	}
}

// A refresh needs the key of the sign-in, and does not end the session where it has another.
func TestST35_RefreshWithTheSameKey(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	p, form := newProver(t), passwordForm()
	form.Set("scope", "openid offline_access")
	bound := p.send(t, s, byDPoPClient(t, s, form)).member(t, "refresh_token")
	const binding = "Invalid DPoP Public Key binding in refresh token"
	refresh := func(token string) *http.Request {
		return byDPoPClient(t, s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	}
	mustSay(t, "another key", newProver(t).send(t, s, refresh(bound)), "400 invalid_dpop_proof", binding)
	mustSay(t, "no proof", send(t, s, refresh(bound)), "400 invalid_dpop_proof", "The DPoP proof JWT header is missing.")
	if got := p.send(t, s, refresh(bound)); got.Status != 200 || got.member(t, "token_type") != "DPoP" {
		t.Errorf("the same key: got %d %s", got.Status, got.Text)
	}
	bound = p.send(t, s, byClient(t, s, tokenURL(s, "default"), form)).member(t, "refresh_token")
	mustSay(t, "no proof of an app that requires none", send(t, s, refreshing(t, s, bound, "")), "400 invalid_dpop_proof", binding)
	unbound := signIn(t, s, "default", "openid offline_access").member(t, "refresh_token")
	mustSay(t, "a key comes too late", p.send(t, s, refreshing(t, s, unbound, "")), "400 invalid_dpop_proof", binding)
}

func TestST35_Resources(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	p, other := newProver(t), newProver(t)
	bound := p.send(t, s, byDPoPClient(t, s, passwordForm())).member(t, "access_token")
	unbound := signIn(t, s, "default", "openid").member(t, "access_token")
	revoked := p.send(t, s, byDPoPClient(t, s, passwordForm())).member(t, "access_token")
	revoke := newPost(t, s.Issuer("default")+"/v1/revoke", url.Values{"token": {revoked}})
	revoke.SetBasicAuth(oktatest.DPoPClientID, oktatest.DefaultClientSecret)
	send(t, s, revoke)
	good := []*prover{p}
	for _, target := range []string{s.URL() + "/api/hello", s.Issuer("default") + "/v1/userinfo"} {
		for name, test := range map[string]struct {
			scheme, token string
			provers       []*prover
			changes       claims
			status        int
			challenge     string // scheme, error, text
		}{
			"good":          {"DPoP", bound, good, nil, 200, ""},
			"small letters": {"dpop", bound, good, claims{"ath": hashOf(bound)}, 200, ""},
			"Bearer":        {"Bearer", unbound, nil, nil, 200, ""},
			"Bearer for a bound token": {"Bearer", bound, good, nil, 400,
				`DPoP error="invalid_request", error_description="The resource request must use the DPoP authentication scheme when using a DPoP bound token."`},
			"no proof":         {"DPoP", bound, nil, nil, 400, `DPoP error="invalid_request", error_description="The resource request requires a DPoP proof."`},
			"not bound":        {"DPoP", unbound, good, nil, 401, `DPoP error="invalid_token", error_description="The presented access_token is not DPoP bound."`},
			"two proofs":       {"DPoP", bound, []*prover{p, p}, nil, 400, `DPoP error="invalid_dpop_proof", error_description="Multiple DPoP proof JWT headers are not allowed."`},
			"no ath":           {"DPoP", bound, good, claims{"ath": nil}, 400, `DPoP error="invalid_dpop_proof", error_description="'ath' claim in the DPoP proof does not match the presented access_token."`},
			"another token's":  {"DPoP", bound, good, claims{"ath": hashOf(unbound)}, 400, `DPoP error="invalid_dpop_proof", error_description="'ath' claim in the DPoP proof does not match the presented access_token."`},
			"another key":      {"DPoP", bound, []*prover{other}, nil, 400, `DPoP error="invalid_dpop_proof", error_description="The access_token is not bound to the provided DPoP proof."`},
			"another method":   {"DPoP", bound, good, claims{"htm": "POST"}, 400, `DPoP error="invalid_dpop_proof", error_description="'htm' claim in the DPoP proof JWT is invalid."`},
			"another resource": {"DPoP", bound, good, claims{"htu": s.URL()}, 400, `DPoP error="invalid_dpop_proof", error_description="'htu' claim in the DPoP proof JWT is invalid."`},
			"used":             {"DPoP", bound, good, claims{"jti": "the same"}, 0, ""},
			"revoked":          {"DPoP", revoked, good, nil, 401, ""},
		} {
			r := resource(t, target, test.scheme, test.token)
			for _, by := range test.provers {
				r.Header.Add("DPoP", signJWT(t, "ES256", by.key, by.header(), by.claims(s, r, test.changes)))
			}
			got := send(t, s, r)
			if name == "used" {
				got, test.status = send(t, s, r), 400
				test.challenge = `DPoP error="invalid_dpop_proof", error_description="The DPoP proof JWT has already been used."`
			}
			challenge := got.Header.Get("Www-Authenticate")
			if got.Status != test.status || test.challenge != "" && challenge != test.challenge || (got.Status == 200) != (challenge == "") {
				t.Errorf("%s, %s: got %d %s, want %d %s", target, name, got.Status, challenge, test.status, test.challenge)
			}
			if got.Status != 200 && (got.Text != "" || got.Header.Get("Content-Type") != "") {
				t.Errorf("%s, %s: got the body %q of %q", target, name, got.Text, got.Header.Get("Content-Type"))
			}
		}
	}
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// The nonces of a resource are its own.
func TestST35_NonceOfAResource(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Quirks: oktatest.Quirks{ResourceNonce: true}})
	p := newProver(t)
	r := resource(t, s.URL()+"/api/hello", "DPoP", p.send(t, s, byDPoPClient(t, s, passwordForm())).member(t, "access_token"))
	ofTokens := p.nonce
	r.Header.Set("DPoP", signJWT(t, "ES256", p.key, p.header(), p.claims(s, r, nil)))
	got, nonce := send(t, s, r), ""
	if nonce = got.Header.Get("DPoP-Nonce"); got.Status != 401 || len(nonce) != 32 || nonce == ofTokens ||
		got.Header.Get("Www-Authenticate") != `DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof."` {
		t.Fatalf("got %d %v", got.Status, got.Header)
	}
	if got := p.send(t, s, r); got.Status != 200 || p.nonce != nonce {
		t.Errorf("with the nonce: got %d %s", got.Status, got.Header.Get("Www-Authenticate"))
	}
	userinfo := resource(t, s.Issuer("default")+"/v1/userinfo", "DPoP", strings.TrimPrefix(r.Header.Get("Authorization"), "DPoP "))
	if got := p.send(t, s, userinfo); got.Status != 200 || p.nonce == nonce {
		t.Errorf("userinfo: got %d %s", got.Status, got.Header.Get("Www-Authenticate"))
	}
}
