package okta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/internal/strictjson"
)

// ChallengeRequest asks for an out-of-band sign-in: a push, a text message or a call.
type ChallengeRequest struct {
	MFAToken  Secret // goes on after a password, at /challenge; zero: LoginHint begins at /primary-authenticate
	LoginHint string // the user's Okta login
	Channel   string // "push", "sms" or "voice"
}

// Challenge is a push, a text message or a call on its way.
type Challenge struct {
	OOBCode       Secret
	BindingMethod string        // "none", "transfer" (the person chooses BindingCode) or "prompt" (types a code)
	BindingCode   string        // 1 to 8 digits where BindingMethod is "transfer", else ""
	Lifetime      time.Duration // more than 0, at most a year
	Interval      time.Duration // between two polls, as DeviceAuthorization has it
}

// Challenge makes one POST, which is not repeated: each may reach the phone. The error is one of Token's.
// https://developer.okta.com/docs/guides/configure-direct-auth-grants/
func (c *Client) Challenge(ctx context.Context, req ChallengeRequest) (*Challenge, error) {
	op, form := OperationPrimaryAuthenticate, url.Values{"login_hint": {req.LoginHint},
		"channel_hint": {req.Channel}, "challenge_hint": {"urn:okta:params:oauth:grant-type:oob"}}
	if !req.MFAToken.IsZero() {
		op, form = OperationChallenge, url.Values{"mfa_token": {req.MFAToken.Reveal()},
			"channel_hint": {req.Channel}, "challenge_types_supported": {"http://auth0.com/oauth/grant-type/mfa-oob"}}
	}
	r, err := c.post(ctx, c.info(op), form)
	if err != nil {
		return nil, err
	}
	challenge, err := r.object.challenge(req.Channel)
	if err != nil {
		return nil, r.unusable("an unusable challenge", err)
	}
	return challenge, nil
}

func (o jsonObject) challenge(channel string) (*Challenge, error) {
	kind, err := o.text("challenge_type")
	if err != nil {
		return nil, err
	}
	if kind != "" && !strings.HasSuffix(kind, "oob") {
		return nil, fmt.Errorf("challenge_type is %q, expected an out-of-band one", Sanitize(kind, 80))
	}
	var c Challenge
	if c.OOBCode, c.Lifetime, c.Interval, err = o.polling("oob_code"); err != nil {
		return nil, err
	}
	if c.BindingMethod, err = o.text("binding_method"); err != nil {
		return nil, err
	}
	switch typed := channel != "push"; {
	case c.BindingMethod == "transfer" && !typed:
		c.BindingCode, err = o.bindingCode()
	case c.BindingMethod == "none" && !typed, c.BindingMethod == "prompt" && typed:
	default:
		err = fmt.Errorf("binding_method is %q for %s", Sanitize(c.BindingMethod, 40), channel)
	}
	return &c, err
}

// bindingCode reads the number to choose, which Okta sends as a string or as a number.
func (o jsonObject) bindingCode() (string, error) {
	code := string(o["binding_code"])
	if strings.HasPrefix(code, `"`) {
		code, _ = strictjson.Unquote(o["binding_code"])
	}
	if code == "" || len(code) > 8 || strings.Trim(code, "0123456789") != "" {
		return "", errors.New("binding_code is not 1 to 8 digits")
	}
	return code, nil
}
