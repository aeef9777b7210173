package jwt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/strictjson"
)

// IDTokenClaims are the claims that a client expects in an ID token that the token endpoint just gave it.
type IDTokenClaims struct {
	Issuer      string        // iss must be exactly this
	ClientID    string        // aud must hold it, and azp be it where there is one
	Nonce       string        // the one sent in the authentication request; "" if none was
	AccessToken string        // the one that came with the ID token, for at_hash; "" if none did
	Now         time.Time     // when it came
	Leeway      time.Duration // how far clocks may be apart; 0 or more
}

// IDTokenError says which claim of an ID token is not what the client expects. All texts are printable.
type IDTokenError struct {
	Claim    string // "iss", "aud", "azp", "sub", "exp", "nbf", "iat", "nonce" or "at_hash"
	Expected string // "" where any value would do
	Got      string // "" where the token has none
	Reason   string // "the token has expired"
}

// Error says what is expected, what the token has, and why they don't match, in one line.
func (e *IDTokenError) Error() string {
	text := "ID token has no " + e.Claim
	if e.Got != "" {
		text = fmt.Sprintf("ID token has %s %q", e.Claim, e.Got)
	}
	if e.Expected != "" {
		text += fmt.Sprintf(", expected %q", e.Expected)
	}
	return text + ": " + e.Reason
}

// CheckIDToken checks the claims of an ID token that came straight from the token endpoint. It does not check the
// signature: "If the ID Token is received via direct communication between the Client and the Token Endpoint […], the
// TLS server validation MAY be used to validate the issuer in place of checking the token signature."
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
//
// The error is an [*IDTokenError] for the first claim that is wrong, a [*FormatError] for a text that is no JWT (an
// encrypted token is none that the client can read), or a [*ConfigError] where want lacks the issuer or the client.
func CheckIDToken(token string, want IDTokenClaims) error {
	v, err := NewVerifier(Config{
		Kind: KindID, Issuer: want.Issuer, ClientID: want.ClientID, AccessToken: want.AccessToken, Leeway: want.Leeway,
		Now: func() time.Time { return want.Now },
	}, KeySet{})
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
	c.checkNonce(want.Nonce)
	for _, check := range c.checks {
		if check.State == Failed {
			return c.idTokenError(check)
		}
	}
	if want.AccessToken != "" && c.token.Claims.has(checkAtHash) && !c.algOK {
		return &IDTokenError{
			Claim: checkAtHash, Got: c.token.Claims.show(checkAtHash),
			Reason: "no hash is known for alg " + strictjson.Quote(alg),
		}
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
	c.settle(check)
}

// idTokenError names azp where the check of aud found that one wrong.
func (c *checker) idTokenError(check Check) *IDTokenError {
	e := &IDTokenError{Claim: check.Name, Expected: check.Expected, Got: check.Got, Reason: check.Why}
	audiences, _ := c.token.Claims.Strings(checkAud)
	if check.Name == checkAud && slices.Contains(audiences, c.config.ClientID) {
		azp, _ := c.token.Claims.text("azp")
		e.Claim, e.Got = "azp", printable(azp)
	}
	return e
}
