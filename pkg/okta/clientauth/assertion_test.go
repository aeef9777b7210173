package clientauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/secret"
)

// An assertion is about the client and the endpoint that is called, lives five minutes, is new for each request, and
// the server can verify it. Nothing else authenticates the client.
func TestST36_Assertions(t *testing.T) {
	t.Parallel()
	const shared = "canary-0123456789-0123456789-012345"
	es, err := GenerateKey(ES256)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := ParseKey(secret.New(pkcs8(rsaKey())))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method   Method
		name     string
		alg      jose.SignatureAlgorithm
		kid      string
		verifier any
	}{
		{PrivateKeyJWT{es}, "private_key_jwt", jose.ES256, es.Thumbprint(), es.jwk.Public().Key},
		{PrivateKeyJWT{rs}, "private_key_jwt", jose.RS256, "", rs.jwk.Public().Key},
		{ClientSecretJWT{secret.New(shared)}, "client_secret_jwt", jose.HS256, "", []byte(shared)},
	} {
		seen := make(map[any]bool)
		for range 2 {
			r := Request{ClientID: "0oa1", URL: "https://a.okta.com/oauth2/default/v1/token?x=1", Now: time.Unix(1_700_000_000, 0),
				Header: http.Header{}, Form: url.Values{"grant_type": {"x"}}}
			if err := test.method.Authenticate(r); err != nil {
				t.Fatal(err)
			}
			if len(r.Header) > 0 || len(r.Form) != 3 || r.Form.Get("client_assertion_type") != assertionType {
				t.Errorf("%s adds %v and %v", test.name, r.Header, r.Form)
			}
			object, err := jose.ParseSignedCompact(r.Form.Get("client_assertion"), []jose.SignatureAlgorithm{test.alg})
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			payload, err := object.Verify(test.verifier)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			var got map[string]any
			if err := json.Unmarshal(payload, &got); err != nil {
				t.Fatal(err)
			}
			jti := got["jti"]
			if s, _ := jti.(string); len(s) < 20 || seen[jti] {
				t.Errorf("%s: the jti %v is short or used", test.name, jti)
			}
			seen[jti] = true
			want := fmt.Sprint(map[string]any{"iss": "0oa1", "sub": "0oa1", "exp": 1_700_000_300.0, "jti": jti,
				"aud": "https://a.okta.com/oauth2/default/v1/token"})
			if fmt.Sprint(got) != want {
				t.Errorf("%s: got %v, want %s", test.name, got, want)
			}
			if kid := object.Signatures[0].Header.KeyID; kid != test.kid {
				t.Errorf("%s: got kid %q, want %q", test.name, kid, test.kid)
			}
		}
		if shown := fmt.Sprintf("%v %+v %#v", test.method, test.method, test.method); strings.Contains(shown, "canary") ||
			strings.Contains(shown, "0x") || test.method.Name() != test.name {
			t.Errorf("%s shows %s", test.name, shown)
		}
	}
}

// A secret that Okta cannot verify an HMAC with is refused here, and so is a key that is not there.
func TestST36_NothingToSignWith(t *testing.T) {
	t.Parallel()
	for _, method := range []Method{ClientSecretJWT{secret.New(strings.Repeat("é", 31))}, ClientSecretJWT{}, PrivateKeyJWT{}} {
		form := url.Values{}
		err := method.Authenticate(Request{ClientID: "0oa1", URL: "https://a.okta.com", Header: http.Header{}, Form: form})
		if _, ok := errors.AsType[*KeyError](err); !ok || len(form) > 0 {
			t.Errorf("%T: got %v and %v", method, err, form)
		}
	}
	if err := CheckHMAC(secret.New(strings.Repeat("x", 32))); err != nil {
		t.Error(err)
	}
}
