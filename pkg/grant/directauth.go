package grant

import (
	"context"
	"fmt"
	"slices"

	"okauth/pkg/okta"
)

// OTP signs in with a one-time code and no password: Okta's Direct Authentication.
// https://developer.okta.com/docs/guides/configure-direct-auth-grants/aotp/main/
type OTP struct {
	Username string   // Okta login, as the user types it; "" is asked for
	Scopes   []string // at least one; without openid there is no ID token
	// OTP is Params.OTP; nil asks a person.
	OTP func(context.Context) (okta.Secret, error)
}

const otpGrantType = "urn:okta:params:oauth:grant-type:otp"

// Token sends the code with one POST. Where Okta then wants a second factor, it goes on as Password.Token does.
func (g OTP) Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	username, err := completeUsername(ctx, i, g.Username, g.Scopes)
	if err != nil {
		return nil, err
	}
	only := direct{username: username, scopes: g.Scopes, usable: Factors(), fixed: FactorOTP, otp: g.OTP}
	return only.Token(ctx, c, i)
}

// OOB signs in with a push, a text message or a call and no password: Okta's Direct Authentication, out of band.
// https://developer.okta.com/docs/guides/configure-direct-auth-grants/coobov/main/
type OOB struct {
	Username string   // Okta login, as the user types it; "" is asked for
	Scopes   []string // at least one; without openid there is no ID token
	Factor   Factor   // not FactorOTP; "" asks
	Last     Factor   // the one to propose
	// OTP is Params.OTP, for the case that Okta wants a second factor.
	OTP func(context.Context) (okta.Secret, error)
}

const oobGrantType = "urn:okta:params:oauth:grant-type:oob"

// Token asks Okta to reach the user, and waits for the answer as Password.Token does after a password. Where Okta then
// wants a second factor, it goes on in the same way.
func (g OOB) Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	if i == nil {
		return nil, &InteractionRequiredError{}
	}
	outOfBand := slices.DeleteFunc(Factors(), func(f Factor) bool { return f == FactorOTP })
	if g.Factor != "" && !slices.Contains(outOfBand, g.Factor) {
		return nil, &InputError{"factor", fmt.Sprintf("is %q, expected push, sms or voice", g.Factor)}
	}
	username, err := completeUsername(ctx, i, g.Username, g.Scopes)
	if err != nil {
		return nil, err
	}
	first := direct{username: username, scopes: g.Scopes, usable: outOfBand, fixed: g.Factor, last: g.Last, otp: g.OTP}
	return first.Token(ctx, c, i)
}
