package grant

import (
	"context"
	"net/url"
	"strings"

	"okauth/pkg/okta"
)

// Types of the tokens that Okta exchanges, beside okta.AccessTokenType.
// https://developer.okta.com/docs/guides/set-up-token-exchange/main/
const (
	IDTokenType = "urn:ietf:params:oauth:token-type:id_token"
	// DeviceSecretType is that of the actor token of Native SSO: who has it is on the device that signed in.
	// https://developer.okta.com/docs/guides/configure-native-sso/main/
	DeviceSecretType = "urn:x-oath:params:oauth:token-type:device-secret"
	// IDJAGType is that of an assertion for another authorization server, which JWTBearer takes there, once.
	// https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-assertion-authz-grant/
	IDJAGType = "urn:ietf:params:oauth:token-type:id-jag"
)

// TypedToken is a token with its type, a URI.
type TypedToken struct {
	Value okta.Secret
	Type  string
}

// TokenExchange gets a token for another one, with other rights or for another API. It yields what was asked for as the
// response's AccessToken, and says in IssuedTokenType what that is.
// RFC 8693: https://www.rfc-editor.org/rfc/rfc8693#section-2.1
type TokenExchange struct {
	Subject TypedToken // whom the new token is about
	Actor   TypedToken // who acts for the subject; zero: no one beside the client
	// RequestedType is the type of the new token; "" leaves it to the server, which issues an access token.
	RequestedType string
	// Audience and Resource say where the new token will be used, by name and by address; "" leaves that to the server.
	// Okta takes one of each.
	Audience, Resource string
	Scopes             []string
}

// Token makes one POST and asks the user nothing. No lost answer does harm: a caller may call Token again.
func (x TokenExchange) Token(ctx context.Context, c *okta.Client, _ Interaction) (*okta.TokenResponse, error) {
	if err := x.Check(); err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {okta.TokenExchangeGrant}}
	for name, value := range map[string]string{
		"subject_token": x.Subject.Value.Reveal(), "subject_token_type": x.Subject.Type,
		"actor_token": x.Actor.Value.Reveal(), "actor_token_type": x.Actor.Type,
		"requested_token_type": x.RequestedType, "audience": x.Audience, "resource": x.Resource,
		"scope": strings.Join(x.Scopes, " "),
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	return c.Token(ctx, form)
}

// Check returns the *InputError of what cannot be sent, or nil.
func (x TokenExchange) Check() error {
	if err := okta.CheckToken(x.Subject.Value.Reveal()); err != nil {
		return &InputError{"subject token", err.Error()}
	}
	if err := okta.CheckToken(x.Actor.Value.Reveal()); x.Actor.Type != "" && err != nil {
		return &InputError{"actor token", err.Error()}
	}
	if x.RequestedType != "" && !okta.ValidTokenType(x.RequestedType) {
		return &InputError{"requested token type", "is not a URI"}
	}
	// "The value of the resource parameter MUST be an absolute URI […] The URI MUST NOT include a fragment component."
	// RFC 8693 §2.1
	if x.Resource != "" && (!okta.ValidTokenType(x.Resource) || strings.Contains(x.Resource, "#")) {
		return &InputError{"resource", "is not an absolute URI without a fragment"}
	}
	if x.Audience != "" {
		if err := checkText("audience", x.Audience); err != nil {
			return err
		}
	}
	return checkScopes(x.Scopes)
}

// JWTBearer gets an access token for an assertion, such as the ID-JAG that a TokenExchange got at another server.
// RFC 7523 §2.1: https://www.rfc-editor.org/rfc/rfc7523#section-2.1
type JWTBearer struct {
	Assertion okta.Secret
	Scopes    []string // none means those of the assertion
}

// Token makes one POST and asks the user nothing. The server takes an ID-JAG once: after a lost answer, a caller needs
// another one.
func (g JWTBearer) Token(ctx context.Context, c *okta.Client, _ Interaction) (*okta.TokenResponse, error) {
	if err := okta.CheckToken(g.Assertion.Reveal()); err != nil {
		return nil, &InputError{"assertion", err.Error()}
	}
	if err := checkScopes(g.Scopes); err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {okta.JWTBearerGrant}, "assertion": {g.Assertion.Reveal()}}
	if len(g.Scopes) > 0 {
		form.Set("scope", strings.Join(g.Scopes, " "))
	}
	return c.Token(ctx, form)
}
