package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
)

// newClientKey makes a key of a client, puts it into a file for the settings of u, and returns the public one.
func newClientKey(t *testing.T, u *user, alg string) (public json.RawMessage) {
	t.Helper()
	key, err := clientauth.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	private, err := key.PrivateJWK()
	if err != nil {
		t.Fatal(err)
	}
	u.vars["OKAUTH_PRIVATE_KEY_FILE"] = filepath.Join(t.TempDir(), "key.jwk")
	if err := os.WriteFile(u.vars["OKAUTH_PRIVATE_KEY_FILE"], []byte(private.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	return key.PublicJWK()
}

// A client without a shared secret, or with one that it does not send, at a server that others wrote: the assertions of
// its token requests, revocations and introspections. With DPoP, a nonce that is asked for once.
func TestForeignServer_Clients(t *testing.T) {
	t.Parallel()
	const secret = "not-a-secret-0123456789-0123456789-0123456789"
	for _, test := range []struct{ name, method, alg, dpop, nonce string }{
		{"RS256", "private_key_jwt", clientauth.RS256, "false", ""},
		{"ES256", "private_key_jwt", clientauth.ES256, "false", ""},
		{"HS256", "client_secret_jwt", "", "false", ""},
		{"post", "client_secret_post", "", "false", ""},
		{"DPoP", "private_key_jwt", clientauth.ES256, "true", ""},
		{"DPoP with a nonce", "private_key_jwt", clientauth.ES256, "true", "nonce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u, _ := household(t, "file")
			client := map[string]any{
				"application_type": "web", "response_types": []string{}, "redirect_uris": []string{},
				"grant_types": []string{"client_credentials"}, "token_endpoint_auth_method": test.method,
				"dpop_bound_access_tokens": test.dpop == "true",
			}
			if test.alg != "" {
				client["token_endpoint_auth_signing_alg"] = test.alg
				client["jwks"] = map[string]any{"keys": []any{newClientKey(t, u, test.alg)}}
			} else {
				client["client_secret"] = secret
			}
			metadata, err := json.Marshal(client)
			if err != nil {
				t.Fatal(err)
			}
			s := startForeignServer(t, u, string(metadata), test.nonce)
			if test.alg == "" {
				u.vars["OKAUTH_CLIENT_SECRET"], u.vars["OKAUTH_CLIENT_AUTH"] = secret, test.method
			}
			u.vars["OKAUTH_GRANT"], u.vars["OKAUTH_SCOPES"], u.vars["OKAUTH_DPOP"] = "client-credentials", "orders:read", test.dpop
			delete(u.vars, "OKAUTH_PASSWORD")
			var tokens []string
			for _, args := range [][]string{{"token"}, {"token"}, {"token", "--refresh"}, {"introspect"}, {"logout"}} {
				p := withoutTerminal(t, u, args...)
				if code := p.ends(); code != 0 {
					t.Fatalf("%q: exit code %d: %s", args, code, &p.stderr)
				}
				tokens = append(tokens, p.stdout.String())
			}
			if tokens[0] == "" || tokens[0] != tokens[1] || tokens[1] == tokens[2] || s.count(tokenAnswer) != 2 {
				t.Errorf("got the tokens %q after %d requests", tokens[:3], s.count(tokenAnswer))
			}
			refusals := 0
			if test.nonce != "" {
				refusals = 1
			}
			if n := s.count("POST /oauth2/default/v1/token 400"); n != refusals {
				t.Errorf("%d token requests were refused, want %d", n, refusals)
			}
			if !strings.Contains(tokens[3], "orders:read") || s.count("POST /oauth2/default/v1/introspect 200") != 1 {
				t.Errorf("introspect says %q", tokens[3])
			}
		})
	}
}

// verifyScript checks an assertion and a proof with PyJWT: the signature, the header, each claim.
const verifyScript = `
import hashlib, base64, json, jwt, sys
x = json.load(sys.stdin)
both = {"require": ["iss", "sub", "aud", "exp", "jti"]}
claims = jwt.decode(x["assertion"], jwt.PyJWK(x["jwk"]).key, algorithms=[x["alg"]], audience=x["endpoint"], issuer=x["client"], options=both)
header = jwt.get_unverified_header(x["assertion"])
assert header["kid"] == x["jwk"]["kid"], header
assert claims["sub"] == x["client"], claims
header = jwt.get_unverified_header(x["proof"])
assert header["typ"] == "dpop+jwt" and "d" not in header["jwk"], header
proof = jwt.decode(x["proof"], jwt.PyJWK(header["jwk"]).key, algorithms=["ES256"], options={"require": ["iat", "jti"]})
assert proof["htm"] == "POST" and proof["htu"] == x["endpoint"] and "ath" not in proof, proof
assert claims["jti"] != proof["jti"]
names = {k: header["jwk"][k] for k in sorted(header["jwk"]) if k in ("crv", "kty", "x", "y")}
sum = hashlib.sha256(json.dumps(names, separators=(",", ":")).encode()).digest()
print(base64.urlsafe_b64encode(sum).rstrip(b"=").decode())
`

// A library that others wrote verifies an assertion and a proof, and finds the key that the token is bound to.
func TestST35_ST36_OthersVerify(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // the one that Debian's packages are for
	if exec.Command(python, "-c", "import jwt").Run() != nil {
		t.Skip("PyJWT is not installed")
	}
	for _, alg := range []string{clientauth.RS256, clientauth.ES256} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			u, _ := household(t, "file")
			public := newClientKey(t, u, alg)
			u.server.AddApp(oktatest.App{ClientID: "0oaKeyClient00000001", AuthMethod: oktatest.PrivateKeyJWT,
				Keys: []json.RawMessage{public}, Grants: []string{oktatest.GrantClientCredentials}, RequireDPoP: true})
			u.vars["OKAUTH_CLIENT_ID"], u.vars["OKAUTH_GRANT"] = "0oaKeyClient00000001", "client-credentials"
			u.vars["OKAUTH_SCOPES"], u.vars["OKAUTH_DPOP"] = "api:read", "true"
			u.vars["OKAUTH_STORAGE_KEY"] = strings.Repeat("00", 32)
			for _, name := range []string{"OKAUTH_CLIENT_SECRET", "OKAUTH_USERNAME", "OKAUTH_PASSWORD"} {
				delete(u.vars, name)
			}
			p := withoutTerminal(t, u, "token")
			if code := p.ends(); code != 0 {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			requests := u.server.Requests()
			last := requests[len(requests)-1]
			input, err := json.Marshal(map[string]any{"assertion": last.Form.Get("client_assertion"), "jwk": public, "alg": alg,
				"endpoint": u.vars["OKAUTH_DOMAIN"] + last.Path, "client": "0oaKeyClient00000001", "proof": last.Header.Get("DPoP")})
			if err != nil {
				t.Fatal(err)
			}
			verify := exec.Command(python, "-c", verifyScript)
			verify.Stdin = strings.NewReader(string(input))
			thumbprint, err := verify.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, thumbprint)
			}
			p = withoutTerminal(t, u, "decode", "--claim", "cnf.jkt")
			if code := p.ends(); code != 0 || p.stdout.String() != string(thumbprint) {
				t.Errorf("the token is bound to %q, want %q", &p.stdout, thumbprint)
			}
		})
	}
}
