package jwt

import (
	"fmt"
	"slices"
	"strings"

	"okauth/pkg/internal/strictjson"
)

// IDTokenError says which claim of an ID token is not what the client expects: the first check that failed. Its Name
// may also be "azp" or "nonce".
type IDTokenError struct{ Check }

// Error says what is expected, what the token has, and why they don't match, in one line.
func (e *IDTokenError) Error() string {
	text := "ID token has no " + e.Name
	if e.Got != "" {
		text = fmt.Sprintf("ID token has %s %q", e.Name, e.Got)
	}
	if e.Expected != "" {
		text += fmt.Sprintf(", expected %q", e.Expected)
	}
	return text + ": " + e.Why
}

// CheckIDToken checks the claims of an ID token that came straight from the token endpoint. It does not check the
// signature: "If the ID Token is received via direct communication between the Client and the Token Endpoint […], the
// TLS server validation MAY be used to validate the issuer in place of checking the token signature."
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
//
// client describes the receiver, and its Kind does not count. nonce is the one sent in the authentication request, ""
// if none was.
//
// The error is an [*IDTokenError] for the first claim that is wrong, a [*FormatError] for a text that is not a JWT or
// is encrypted, or a [*ConfigError] where the issuer or the client is not given.
func CheckIDToken(token, nonce string, client Config) error {
	client.Kind = KindID
	v, err := NewVerifier(client, KeySet{})
	if err != nil {
		return err
	}
	c := checker{Verifier: v}
	if c.token, err = Parse(token); err != nil {
		return err
	}
	alg, _ := c.token.Header.String("alg")
	c.alg, c.algOK = algorithmOf(alg)
	if strings.HasPrefix(alg, "HS") { // signed with the client's secret: the hash is that of the others
		c.alg, c.algOK = algorithmOf("RS" + alg[len("HS"):])
	}
	c.checkClaims()
	c.checkNonce(nonce)
	for _, check := range c.checks {
		if check.State == Failed {
			return c.idTokenError(check)
		}
	}
	if client.AccessToken != "" && c.token.Claims.has("at_hash") && !c.algOK {
		why := "no hash is known for alg " + strictjson.Quote(alg)
		return &IDTokenError{Check{Name: "at_hash", Got: c.token.Claims.show("at_hash"), Why: why}}
	}
	return nil
}

// checkNonce checks that the token answers the request that was sent. "If a nonce value was sent in the Authentication
// Request, a nonce Claim MUST be present and its value checked to verify that it is the same value":
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (c *checker) checkNonce(sent string) {
	if sent == "" {
		return
	}
	check, got := c.stringCheck("nonce", printable(sent))
	if check.Why == "" && got != sent {
		check.Why = "the token answers another request"
	}
	c.add(check)
}

// idTokenError returns the error of a check that failed. It names azp if that is why the check of aud failed.
func (c *checker) idTokenError(check Check) *IDTokenError {
	audiences, _ := c.token.Claims.Strings("aud")
	if check.Name == "aud" && slices.Contains(audiences, c.config.ClientID) {
		azp, _ := c.token.Claims.text("azp")
		check.Name, check.Got = "azp", printable(azp)
	}
	return &IDTokenError{check}
}
