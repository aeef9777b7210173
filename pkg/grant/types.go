package grant

import (
	"context"
	"slices"

	"okauth/pkg/okta"
)

// Type describes a grant that signs in: what it needs, what it may yield, and how to make one. It holds the answer to
// every question that depends on the grant, so that no caller compares names.
type Type struct {
	Name      string // value of the setting "grant": "client-credentials"
	GrantType string // value of the parameter grant_type: "client_credentials"

	// User: a user signs in. Otherwise the client signs in for itself: there is no ID token, no refresh token and no
	// user name, and the session is one of its own, apart from every user's.
	User bool
	// Username: the grant sends Params.Username.
	Username bool
	// Secret is the name of the setting that Params.Secret comes from: "password"; with "otp", Params.OTP reads it. ""
	// means that the grant has no secret beside the client's.
	Secret string
	// Person: no setting can take the place of the person who signs in, in a browser or with a phone.
	Person bool
	// Endpoint is where the sign-in begins, as okta.AuthorizationServer.Endpoint names it: "device/authorize". "" is the
	// token endpoint.
	Endpoint string
	// RedirectURI: a browser comes back to Params.RedirectURI.
	RedirectURI bool
	// LimitsFailures: Okta counts wrong values of Params.Secret and locks the user's account after some, so a rejected
	// one must not be sent again by a loop.
	LimitsFailures bool
	// ProbeParameter is a parameter without which Okta refuses the grant before anything is counted or made, for
	// okta.Client.ProbeGrant; "" where there is none, because a request could make a token.
	ProbeParameter string

	New func(Params) Grant
}

// Params are the inputs of Type.New. A zero field is unset.
type Params struct {
	Username string
	Secret   okta.Secret // the value of Type.Secret
	Scopes   []string

	Factor Factor // the second or only factor; "" asks
	Last   Factor // the factor that the user chose at the last sign-in, to propose
	// OTP returns a one-time code without a person; nil where only a person can give one. Each call may return another.
	OTP func(context.Context) (okta.Secret, error)

	RedirectURI string   // where the browser comes back to, "http://127.0.0.1:8085/callback"
	ACRValues   []string // of the sign-in, Okta's step-up levels
	Prompt      string   // OpenID Connect's prompt: "login"; "" leaves it to Okta
	NoBrowser   bool     // the browser is on another machine
}

// All returns the grants, the default first.
func All() []Type {
	return []Type{
		{
			Name: "password", GrantType: "password",
			User: true, Username: true, Secret: "password", LimitsFailures: true,
			ProbeParameter: "username",
			New: func(p Params) Grant {
				return Password{
					Username: p.Username, Password: p.Secret, Scopes: p.Scopes, Factor: p.Factor, Last: p.Last, OTP: p.OTP,
				}
			},
		},
		{
			Name: "authorization-code", GrantType: "authorization_code",
			User: true, Person: true, Endpoint: "authorize", RedirectURI: true, ProbeParameter: "code",
			New: func(p Params) Grant {
				return AuthorizationCode{
					Scopes: p.Scopes, RedirectURI: p.RedirectURI, Username: p.Username, ACRValues: p.ACRValues,
					Prompt: p.Prompt, NoBrowser: p.NoBrowser,
				}
			},
		},
		{
			Name: "device-code", GrantType: deviceGrantType,
			User: true, Person: true, Endpoint: "device/authorize", ProbeParameter: "device_code",
			New: func(p Params) Grant { return Device{Scopes: p.Scopes} },
		},
		{
			Name: "otp", GrantType: otpGrantType,
			User: true, Username: true, Secret: "otp", ProbeParameter: "otp",
			New: func(p Params) Grant {
				return OTP{Username: p.Username, Scopes: p.Scopes, OTP: p.OTP}
			},
		},
		{
			Name: "oob", GrantType: oobGrantType,
			User: true, Username: true, Person: true, ProbeParameter: "oob_code",
			New: func(p Params) Grant {
				return OOB{Username: p.Username, Scopes: p.Scopes, Factor: p.Factor, Last: p.Last, OTP: p.OTP}
			},
		},
		{
			Name: "client-credentials", GrantType: "client_credentials",
			New: func(p Params) Grant { return ClientCredentials{Scopes: p.Scopes} },
		},
	}
}

// Lookup returns the grant of that name.
func Lookup(name string) (Type, bool) {
	all := All()
	i := slices.IndexFunc(all, func(t Type) bool { return t.Name == name })
	if i < 0 {
		return Type{}, false
	}
	return all[i], true
}

// NonInteractive reports whether the grant can sign in without asking a person, given which of Params are set.
func (t Type) NonInteractive(hasUsername, hasSecret bool) bool {
	return !t.Person && (hasUsername || !t.Username) && (hasSecret || t.Secret == "")
}
