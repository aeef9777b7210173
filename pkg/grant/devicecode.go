package grant

import (
	"context"
	"net/url"

	"okauth/pkg/okta"
)

// Device is the device authorization grant: the user opens a page on any device, enters a code there and signs in. It
// needs no browser on this machine. RFC 8628: https://www.rfc-editor.org/rfc/rfc8628
type Device struct {
	Scopes []string // at least one; without openid there is no ID token
}

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// Token gets the codes, shows one of them, and polls with the other until the user has signed in.
//
// The error may also be an *ExpiredError, or one of okta.Client.AuthorizeDevice.
func (g Device) Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	if i == nil {
		return nil, &InteractionRequiredError{}
	}
	if err := checkUserScopes(g.Scopes); err != nil {
		return nil, err
	}
	codes, err := c.AuthorizeDevice(ctx, g.Scopes)
	if err != nil {
		return nil, err
	}
	expires := expiry(codes.Lifetime)
	done, err := i.ShowDeviceCode(ctx, DeviceCode{
		UserCode: codes.UserCode, Address: codes.VerificationURI, FullAddress: codes.VerificationURIComplete,
		Expires: expires,
	})
	if err != nil {
		return nil, err
	}
	defer done()
	form := url.Values{"grant_type": {deviceGrantType}, "device_code": {codes.DeviceCode.Reveal()}}
	tokens, err := poll{what: "device code", form: form, interval: codes.Interval, expires: expires}.tokens(ctx, c)
	if err == nil {
		tokens.CompareScopes(g.Scopes)
	}
	return tokens, err
}
