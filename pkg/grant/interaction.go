package grant

import (
	"context"
	"time"

	"okauth/pkg/okta"
)

// Interaction is a grant's only way to the person who signs in. An error of a method ends the sign-in and is returned
// as it is. The methods that show something return at once; the grant calls done when it is no longer of use.
type Interaction interface {
	// AskUsername asks for the user's Okta login.
	AskUsername(ctx context.Context) (string, error)
	// AskPassword asks for the password of username.
	AskPassword(ctx context.Context, username string) (okta.Secret, error)
	// ChooseFactor asks with which of factors to go on, and proposes last, which may be "". problem says why the one
	// before did not work; "" at first.
	ChooseFactor(ctx context.Context, factors []Factor, last Factor, problem string) (Factor, error)
	// AskCode asks for the one-time code of a factor. problem says why the one before was not accepted; "" at first.
	AskCode(ctx context.Context, f Factor, problem string) (okta.Secret, error)
	// ShowPush says that a push notification waits for approval.
	ShowPush(ctx context.Context, p Push) (done func(), err error)
	// ShowDeviceCode says where to enter which code.
	ShowDeviceCode(ctx context.Context, d DeviceCode) (done func(), err error)
	// OpenBrowser opens an address in a browser, or shows it.
	OpenBrowser(ctx context.Context, b Browser) (done func(), err error)
}

// Factor is a way to prove who one is, beside or in place of a password.
type Factor string

// The factors of Okta's Direct Authentication. A value that is not FactorOTP is a channel_hint.
const (
	FactorOTP   Factor = "otp"   // a one-time code that an app or a key makes
	FactorPush  Factor = "push"  // a notification of Okta Verify to approve
	FactorSMS   Factor = "sms"   // a code in a text message
	FactorVoice Factor = "voice" // a code in a call
)

// Factors returns the factors in the order of a menu.
func Factors() []Factor { return []Factor{FactorPush, FactorOTP, FactorSMS, FactorVoice} }

// MFAGrantType returns the grant type of the factor where it is the second one, in Okta's Direct Authentication. The
// values are literal.
func (f Factor) MFAGrantType() string {
	if f == FactorOTP {
		return "http://auth0.com/oauth/grant-type/mfa-otp"
	}
	return "http://auth0.com/oauth/grant-type/mfa-oob"
}

// MFAGrantTypes returns the grant types of all factors.
func MFAGrantTypes() []string { return []string{FactorOTP.MFAGrantType(), FactorPush.MFAGrantType()} }

// Push is a notification that waits for approval.
type Push struct {
	Number  string    // to choose on the phone; "" where there is none. Digits only.
	Expires time.Time // when Okta stops waiting
}

// DeviceCode is the code that a person enters in a browser on any device. Its texts have no control character.
// RFC 8628 §3.2: https://www.rfc-editor.org/rfc/rfc8628#section-3.2
type DeviceCode struct {
	UserCode    string
	Address     string // where to enter it
	FullAddress string // the address with the code in it; "" where Okta gives none
	Expires     time.Time
}

// Browser is a page to open, where the person signs in.
type Browser struct {
	Address string
	Expires time.Time // when the grant stops waiting
	// Paste takes the address that the browser has ended at, for a browser on another machine. The error says what is
	// wrong with it; another may be pasted. The person may also close the browser and never paste any.
	Paste func(address string) error
}

// InteractionRequiredError says that a person must give something, or approve something, and that the grant was not
// given an Interaction.
type InteractionRequiredError struct {
	Field string // what is missing: "username", "password", "factor", "otp"; "" where the grant always needs a person
	// Resume continues the sign-in where it stopped: the first factor has been accepted and is not sent again. It is
	// called with an Interaction, once. nil: the same grant is called again; nothing has been sent.
	Resume Grant
}

func (e *InteractionRequiredError) Error() string {
	switch {
	case e.Field == "":
		return "only a person can sign in with this grant"
	case e.Resume != nil:
		return "Okta wants a second factor, and there is no one to ask for it"
	}
	return e.Field + " is not set, and there is no way to ask for it"
}
