package grant

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"okauth/pkg/okta"
)

const (
	// maxCodes is how many codes a person may type for a factor. Okta counts wrong ones, and locks the account after some.
	maxCodes = 3
	// maxChoices is how often a person may choose from the menu in one sign-in: each choice may ring the phone.
	maxChoices = 5
)

// direct is a sign-in with a factor of Okta's Direct Authentication: its second step where something has been proved
// before, else its only one. Each step is for the same scopes, client and server, or Okta refuses it.
// https://developer.okta.com/docs/guides/configure-direct-auth-grants/
type direct struct {
	username string
	scopes   []string
	mfaToken okta.Secret // of what has been proved before; zero: nothing has
	usable   []Factor    // the menu
	fixed    Factor      // the one to use; "" asks
	last     Factor
	otp      func(context.Context) (okta.Secret, error) // Params.OTP
}

// Token proves one factor, and the next one where Okta asks for it. A person may choose again where a factor did not
// work; one that is fixed is used once.
func (d direct) Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	f := d.fixed
	if f == "" && d.otp != nil && slices.Contains(d.usable, FactorOTP) {
		f = FactorOTP
	}
	if i == nil && (f != FactorOTP || d.otp == nil) {
		return nil, d.personRequired()
	}
	if f != "" {
		return d.prove(ctx, c, i, f)
	}
	problem := ""
	for n := 1; ; n++ {
		f, err := i.ChooseFactor(ctx, d.usable, d.last, problem)
		if err != nil {
			return nil, err
		}
		tokens, err := d.prove(ctx, c, i, f)
		if err == nil || n == maxChoices || !mayChooseAgain(f, err) {
			return tokens, err
		}
		problem = err.Error()
	}
}

func (d direct) personRequired() error {
	required := &InteractionRequiredError{Field: "factor"}
	if d.fixed == FactorOTP {
		required.Field = "otp"
	}
	if !d.mfaToken.IsZero() {
		required.Resume = d
	}
	return required
}

// prove signs in with the factor f.
func (d direct) prove(ctx context.Context, c *okta.Client, i Interaction, f Factor) (*okta.TokenResponse, error) {
	form := url.Values{"scope": {strings.Join(d.scopes, " ")}}
	if !d.mfaToken.IsZero() {
		form.Set("grant_type", f.MFAGrantType())
		form.Set("mfa_token", d.mfaToken.Reveal())
	}
	var tokens *okta.TokenResponse
	var err error
	switch {
	case f != FactorOTP:
		tokens, err = d.outOfBand(ctx, c, i, proof{f, form, "binding_code"})
	case d.otp != nil:
		var code okta.Secret
		if code, err = d.otp(ctx); err == nil {
			tokens, err = proof{f, d.named(form), "otp"}.send(ctx, c, code)
		}
	default:
		tokens, err = proof{f, d.named(form), "otp"}.ask(ctx, c, i)
	}
	if err == nil {
		tokens.Username, tokens.Factor = d.username, string(f)
		return tokens, nil
	}
	others := d.usable
	if d.mfaToken.IsZero() { // the first factor is none of the menu's that follows
		others = Factors()
	}
	rest := slices.DeleteFunc(slices.Clone(others), func(used Factor) bool { return used == f })
	return direct{username: d.username, scopes: d.scopes, usable: rest, last: d.last, otp: d.otp}.goOn(ctx, c, i, err)
}

// named adds who signs in and the grant type to the form of a one-time code, where that is the first step.
func (d direct) named(form url.Values) url.Values {
	if d.mfaToken.IsZero() {
		form.Set("grant_type", otpGrantType)
		form.Set("login_hint", d.username)
	}
	return form
}

// goOn continues a sign-in whose step before ended in err, if that asks for another factor and there is one.
func (d direct) goOn(ctx context.Context, c *okta.Client, i Interaction, err error) (*okta.TokenResponse, error) {
	if e, ok := errors.AsType[*okta.Error](err); ok && !e.MFAToken.IsZero() && len(d.usable) > 0 {
		d.mfaToken = e.MFAToken
		return d.Token(ctx, c, i)
	}
	return nil, err
}

// outOfBand signs in with a push, a text message or a call.
func (d direct) outOfBand(
	ctx context.Context, c *okta.Client, i Interaction, p proof,
) (*okta.TokenResponse, error) {
	request := okta.ChallengeRequest{MFAToken: d.mfaToken, Channel: string(p.factor)}
	if d.mfaToken.IsZero() {
		request.LoginHint = d.username
		p.form.Set("grant_type", oobGrantType)
	}
	challenge, err := c.Challenge(ctx, request)
	if err != nil {
		return nil, err
	}
	p.form.Set("oob_code", challenge.OOBCode.Reveal())
	if challenge.BindingMethod == "prompt" {
		return p.ask(ctx, c, i)
	}
	expires := expiry(challenge.Lifetime)
	done, err := i.ShowPush(ctx, Push{Number: challenge.BindingCode, Expires: expires})
	if err != nil {
		return nil, err
	}
	defer done()
	return poll{what: "push", form: p.form, interval: challenge.Interval, expires: expires}.tokens(ctx, c)
}

// proof is a token request that lacks a code.
type proof struct {
	factor    Factor
	form      url.Values
	parameter string // of the code
}

// ask sends the code that a person types, and asks again where Okta says that it was wrong: "Use the correct OTP and
// try again", with the same mfa_token.
func (p proof) ask(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	problem := ""
	for n := 1; ; n++ {
		code, err := i.AskCode(ctx, p.factor, problem)
		if err != nil {
			return nil, err
		}
		tokens, err := p.send(ctx, c, code)
		e, _ := errors.AsType[*okta.Error](err)
		if e == nil || e.Code != "invalid_grant" || !e.IsRejection() || n == maxCodes {
			return tokens, err
		}
		problem = "that code was wrong"
		if e.Description != "" {
			problem = e.Description
		}
	}
}

// send sends a code, once: one that has arrived is used up.
func (p proof) send(ctx context.Context, c *okta.Client, code okta.Secret) (*okta.TokenResponse, error) {
	if err := checkText("one-time code", code.Reveal()); err != nil {
		return nil, err
	}
	p.form.Set(p.parameter, code.Reveal())
	return c.Token(ctx, p.form)
}

// mayChooseAgain reports whether another factor, or the same one again, can still end a sign-in in which f ended in
// err. Okta has one code for what is wrong with the factor and with the sign-in, so that its texts decide.
func mayChooseAgain(f Factor, err error) bool {
	if _, ok := errors.AsType[*ExpiredError](err); ok {
		return true
	}
	e, ok := errors.AsType[*okta.Error](err)
	switch {
	case !ok:
		return false
	case e.Status == http.StatusTooManyRequests: // Okta limits messages for each phone, and codes for each user
		return true
	case e.Code == "invalid_grant":
		return f == FactorPush // refused on the phone; a code has been asked for often enough
	case e.Code == "unauthorized_client": // the application may have the grant of another factor
		return true
	}
	return slices.ContainsFunc([]string{
		"Unable to prompt for the requested authenticators",
		"The required authenticator cannot be used",
		"'oob_code' has expired",
		"as a 'channel_hint'",
		"are disabled for the client",
	}, func(text string) bool { return strings.Contains(e.Description, text) })
}
