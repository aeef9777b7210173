package oktatest_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// verifier lists all that is wrong with an access token for the API api://default, in the order of a careful API. It knows
// nothing of how the tokens were made.
type verifier struct {
	issuer string
	org    string // the issuer of the org server
	keys   map[string]*rsa.PublicKey
	now    time.Time
}

func (j verifier) failures(token string) []string {
	head, claims, signature, ok := readStrictly(token)
	if !ok {
		return []string{"format"}
	}
	var wrong []string
	check := func(name string, unless bool) {
		if !unless {
			wrong = append(wrong, name)
		}
	}
	_, isID := claims["at_hash"]
	kid, _ := head["kid"].(string)
	key := j.keys[kid]
	sum := sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))
	org := claims["iss"] == j.org // then no published key has signed it
	check("type", !isID)
	check("org_server", !org)
	check("alg", head["alg"] == "RS256")
	check("crit", head["crit"] == nil && head["b64"] == nil)
	check("kid", key != nil || org)
	check("signature", key == nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil)
	check("iss", claims["iss"] == j.issuer)
	check("aud", claims["aud"] == oktatest.DefaultAudience)
	check("cid", claims["cid"] == oktatest.DefaultClientID)
	exp, _ := claims["exp"].(float64)
	check("exp", int64(exp) > j.now.Unix())
	nbf, _ := claims["nbf"].(float64)
	check("nbf", int64(nbf) <= j.now.Unix())
	iat, ok := claims["iat"].(float64)
	check("iat", ok && int64(iat) <= j.now.Unix())
	return wrong
}

// readStrictly takes what has one spelling only: three parts, no padding, no spare bits, no name twice, no more than 64 KiB.
func readStrictly(token string) (header, claims map[string]any, signature []byte, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 64<<10 {
		return nil, nil, nil, false
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, nil, nil, false
		}
	}
	for _, object := range raw[:2] {
		if all := names(object); len(slices.Compact(sorted(all))) != len(names(object)) {
			return nil, nil, nil, false
		}
	}
	return header, claims, raw[2], json.Unmarshal(raw[0], &header) == nil && json.Unmarshal(raw[1], &claims) == nil
}

func sorted(list []string) []string { slices.Sort(list); return list }

// names are those of an object's members, as often as they are there.
func names(object []byte) []string {
	dec := json.NewDecoder(strings.NewReader(string(object)))
	var out []string
	_, _ = dec.Token()
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil
		}
		out = append(out, name.(string))
	}
	return out
}

// Each token is wrong in the way it says, in no other, and the check that it names is the first to see it.
func TestInvalidTokens(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"good": nil, "dpop-bound": nil,
		"expired": {"exp"}, "not-yet-valid": {"nbf", "iat"}, "wrong-issuer": {"iss"}, "org-issuer": {"org_server", "iss", "aud"}, "wrong-audience": {"aud"},
		"two-audiences": {"aud"}, "wrong-client": {"cid"}, "id-token": {"type", "aud", "cid"}, "no-exp": {"exp"}, "exp-as-string": {"exp"}, "no-iat": {"iat"},
		"duplicate-claim": {"format"}, "no-kid": {"kid"}, "unknown-kid": {"kid"}, "other-key": {"signature"}, "tampered": {"signature"}, "jku": {"kid"},
		"embedded-jwk": {"kid"}, "alg-none": {"alg", "signature"}, "alg-None": {"alg", "signature"}, "hs256-public-key": {"alg", "signature"},
		"hs256-modulus": {"alg", "signature"}, "rs512": {"alg", "signature"}, "crit": {"crit"}, "b64-false": {"crit"}, "padded": {"format"},
		"trailing-bits": {"format"}, "encrypted": {"format"}, "opaque": {"format"}, "too-long": {"format"},
	}
	s := start(t)
	j := verifier{issuer: s.Issuer("default"), org: s.URL(), keys: publicKeys(t, s, s.URL()+defaultBase+"keys"), now: testTime}
	list := s.InvalidTokens()
	if len(list) != len(want) || len(oktatest.InvalidTokenKinds()) != len(list) {
		t.Errorf("got %d tokens and %d flaws, want %d", len(list), len(oktatest.InvalidTokenKinds()), len(want))
	}
	for i, f := range list {
		expected, known := want[f.Name]
		got := j.failures(f.Token)
		if !known || !slices.Equal(got, expected) {
			t.Errorf("%s: got the failures %q, want %q", f.Name, got, expected)
		}
		if first := append(got, "")[0]; f.Check != first || f.Description == "" || f.Name != oktatest.InvalidTokenKinds()[i].Name {
			t.Errorf("%s: got %+v, want the check %q", f.Name, f.Name, first)
		}
	}
}

func invalidToken(t *testing.T, s *oktatest.Server, name string) string {
	t.Helper()
	return s.InvalidToken(name, httptest.NewRequest("GET", s.URL(), nil))
}

// tokenHeader is what the flaws change in a header.
type tokenHeader struct {
	Alg, Kid, JKU string
	JWK           struct{ Kid, E, N string }
}

// part is one part of a token, decoded with or without padding and spare bits.
func part(t *testing.T, token string, i int) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.Split(token, ".")[i], "="))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func headerOf(t *testing.T, token string) (h tokenHeader) {
	t.Helper()
	if err := json.Unmarshal(part(t, token, 0), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func signingInput(token string) []byte { return []byte(token[:strings.LastIndexByte(token, '.')]) }

func signedBy(t *testing.T, key *rsa.PublicKey, token string) bool {
	t.Helper()
	sum := sha256.Sum256(signingInput(token))
	return key != nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], part(t, token, 2)) == nil
}

// What a careless verifier would be taken in by: the signature is as right as the flaw leaves it.
func TestInvalidTokensSignatures(t *testing.T) {
	t.Parallel()
	s := start(t)
	keys := publicKeys(t, s, s.URL()+defaultBase+"keys")
	attackers := publicKeys(t, s, s.URL()+"/sandbox/attacker-keys")
	for _, name := range []string{"padded", "trailing-bits", "too-long", "duplicate-claim", "b64-false"} {
		if token := invalidToken(t, s, name); !signedBy(t, keys[headerOf(t, token).Kid], token) {
			t.Errorf("%s: not signed by a published key", name)
		}
	}
	for _, name := range []string{"jku", "embedded-jwk"} {
		if token := invalidToken(t, s, name); !signedBy(t, attackers[headerOf(t, token).Kid], token) {
			t.Errorf("%s: not signed by the attacker", name)
		}
	}
	token := invalidToken(t, s, "other-key")
	byAttacker := slices.ContainsFunc(slices.Collect(maps.Values(attackers)), func(k *rsa.PublicKey) bool { return signedBy(t, k, token) })
	if keys[headerOf(t, token).Kid] == nil || !byAttacker {
		t.Error("other-key: not the attacker's, under a published name")
	}
	for name, secret := range map[string]func(*rsa.PublicKey) []byte{"hs256-public-key": spki, "hs256-modulus": func(k *rsa.PublicKey) []byte { return k.N.Bytes() }} {
		token := invalidToken(t, s, name)
		mac := hmac.New(sha256.New, secret(keys[headerOf(t, token).Kid]))
		mac.Write(signingInput(token))
		if headerOf(t, token).Alg != "HS256" || !hmac.Equal(mac.Sum(nil), part(t, token, 2)) {
			t.Errorf("%s: not what that secret makes", name)
		}
	}
	token = invalidToken(t, s, "rs512")
	sum := sha512.Sum512(signingInput(token))
	if err := rsa.VerifyPKCS1v15(keys[headerOf(t, token).Kid], crypto.SHA512, sum[:], part(t, token, 2)); err != nil || headerOf(t, token).Alg != "RS512" {
		t.Errorf("rs512: %v", err)
	}
	for _, alg := range []string{"none", "None"} {
		if token := invalidToken(t, s, "alg-"+alg); headerOf(t, token).Alg != alg || !strings.HasSuffix(token, ".") {
			t.Errorf("alg-%s: got %s", alg, token)
		}
	}
}

func spki(key *rsa.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// And what it would believe.
func TestInvalidTokensContents(t *testing.T) {
	t.Parallel()
	s := start(t)
	if h := headerOf(t, invalidToken(t, s, "jku")); h.JKU != s.URL()+"/sandbox/attacker-keys" {
		t.Errorf("jku: got %q", h.JKU)
	}
	h := headerOf(t, invalidToken(t, s, "embedded-jwk"))
	n, err := base64.RawURLEncoding.DecodeString(h.JWK.N)
	key := publicKeys(t, s, s.URL()+"/sandbox/attacker-keys")[h.Kid]
	if err != nil || key == nil || new(big.Int).SetBytes(n).Cmp(key.N) != 0 || h.JWK.Kid != h.Kid {
		t.Errorf("embedded-jwk: got %+v", h)
	}
	var claims struct {
		Aud string
		Scp []string
		Cnf struct{ JKT string }
	}
	read := func(name string) {
		if err := json.Unmarshal(part(t, invalidToken(t, s, name), 1), &claims); err != nil {
			t.Fatal(err)
		}
	}
	if read("duplicate-claim"); claims.Aud != oktatest.DefaultAudience {
		t.Errorf("duplicate-claim: got %+v: the last one does not count", claims)
	}
	if read("tampered"); !slices.Contains(claims.Scp, "api:admin") {
		t.Errorf("tampered: got %+v", claims)
	}
	if read("dpop-bound"); len(claims.Cnf.JKT) != 43 {
		t.Errorf("dpop-bound: got %+v", claims)
	}
	for name, parts := range map[string]int{"encrypted": 5, "opaque": 1} {
		if got := len(strings.Split(invalidToken(t, s, name), ".")); got != parts {
			t.Errorf("%s: got %d parts, want %d", name, got, parts)
		}
	}
	if got := len(invalidToken(t, s, "too-long")); got < 300<<10 {
		t.Errorf("too-long: got %d bytes", got)
	}
}

// The API of the sandbox takes "good" alone, and introspect knows what was issued.
func TestInvalidTokensAtTheServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, f := range s.InvalidTokens() {
		want := 401
		if f.Name == "good" {
			want = 200
		}
		if got := get(t, s, s.URL()+"/api/hello", f.Token); got.Status != want {
			t.Errorf("%s: hello: got %d %q, want %d", f.Name, got.Status, got.Header.Get("Www-Authenticate"), want)
		}
		active := strings.Contains(introspect(t, s, f.Token), `"active":true`)
		if want := f.Name == "good" || f.Name == "id-token"; active != want {
			t.Errorf("%s: active: got %v, want %v", f.Name, active, want)
		}
		if f.Name == "org-issuer" {
			r := byClient(t, s, s.URL()+"/oauth2/v1/introspect", url.Values{"token": {f.Token}})
			if got := send(t, s, r).Text; !strings.Contains(got, `"active":true`) {
				t.Errorf("org-issuer at the org server: got %s", got)
			}
		}
	}
}

// A token is as fresh as the request: by the server's clock, with an id of its own, for the host that was asked.
func TestInvalidTokensIsFresh(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := invalidToken(t, s, "expired")
	s.Clock().Advance(time.Minute)
	second := invalidToken(t, s, "expired")
	_, before, _ := open(t, first, nil)
	_, after, _ := open(t, second, nil)
	if !strings.Contains(before, `"exp":1785582000,`) || !strings.Contains(after, `"exp":1785582060,`) || first == second {
		t.Errorf("got %s, then %s", before, after)
	}
	local := strings.Replace(s.URL(), "127.0.0.1", "localhost", 1)
	_, claims, _ := open(t, s.InvalidToken("good", httptest.NewRequest("GET", local, nil)), nil)
	if !strings.Contains(claims, `"iss":"`+local+`/oauth2/default"`) {
		t.Errorf("by another name: got %s", claims)
	}
}
