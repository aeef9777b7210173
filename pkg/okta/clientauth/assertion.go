package clientauth

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/secret"
)

// assertionLife is how long an assertion is valid. Okta accepts up to an hour; RFC 7523 §3 advises against more than
// needed.
const assertionLife = 5 * time.Minute

// assertionType is the value of client_assertion_type: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// claims are those that Okta requires, and jti, which lets it refuse a copy of the assertion.
// https://developer.okta.com/docs/guides/build-self-signed-jwt/
//
// There is no iat, which is optional: Okta refuses one that is later than its own clock.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"` // "the full URL of the endpoint"
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
}

// PrivateKeyJWT signs an assertion with the client's private key, so that no secret is sent: a reader of the
// request cannot make another.
type PrivateKeyJWT struct{ Key Key }

// Name returns "private_key_jwt".
func (PrivateKeyJWT) Name() string { return "private_key_jwt" }

// Authenticate adds a new assertion to the form. The client id is in the assertion alone: whether Okta takes it beside
// one is not documented.
func (m PrivateKeyJWT) Authenticate(r Request) error {
	if m.Key.IsZero() {
		return keyError(KeyUnreadable, "there is no private key")
	}
	return assert(r, jose.SigningKey{Algorithm: jose.SignatureAlgorithm(m.Key.Algorithm()), Key: *m.Key.jwk})
}

// ClientSecretJWT signs an assertion with the client secret by HMAC, so that the secret itself is not sent.
type ClientSecretJWT struct{ Secret secret.Secret } // an okta.Secret of 32 characters or more

// Name returns "client_secret_jwt".
func (ClientSecretJWT) Name() string { return "client_secret_jwt" }

// Authenticate adds a new assertion to the form. The error is that of CheckHMAC.
func (m ClientSecretJWT) Authenticate(r Request) error {
	if err := CheckHMAC(m.Secret); err != nil {
		return err
	}
	return assert(r, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(m.Secret.Reveal())})
}

// minHMACSecret is Okta's limit, in characters, which is RFC 7518's: "A key of the same size as the hash output (for
// instance, 256 bits for 'HS256') or larger MUST be used". https://www.rfc-editor.org/rfc/rfc7518#section-3.2
const minHMACSecret = 32

// CheckHMAC returns a *KeyError if a client secret is too short for ClientSecretJWT.
func CheckHMAC(s secret.Secret) error {
	if n := utf8.RuneCountInString(s.Reveal()); n < minHMACSecret {
		return keyError(SecretTooShort, "the client secret has %d characters, and client_secret_jwt needs %d",
			n, minHMACSecret)
	}
	return nil
}

// assert adds a signed assertion about the client to the form.
func assert(r Request, key jose.SigningKey) error {
	endpoint, _, _ := strings.Cut(r.URL, "?")
	text, _ := json.Marshal(claims{ // texts and a number have no error
		Issuer: r.ClientID, Subject: r.ClientID, Audience: endpoint,
		Expires: r.Now.Add(assertionLife).Unix(), ID: rand.Text(),
	})
	var object *jose.JSONWebSignature
	signer, err := jose.NewSigner(key, nil)
	if err == nil {
		object, err = signer.Sign(text)
	}
	assertion := ""
	if err == nil {
		assertion, err = object.CompactSerialize()
	}
	if err != nil {
		return fmt.Errorf("sign the client assertion with %s: %w", key.Algorithm, err)
	}
	r.Form.Set("client_assertion_type", assertionType)
	r.Form.Set("client_assertion", assertion)
	return nil
}
