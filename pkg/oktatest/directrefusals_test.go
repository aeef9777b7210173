package oktatest_test

import (
	"cmp"
	"net/url"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// values are the names and values of a form, one after the other.
func values(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// with is the form with more values. "" removes one.
func with(form url.Values, pairs ...string) url.Values {
	for name, value := range values(pairs...) {
		if form[name] = value; value[0] == "" {
			form.Del(name)
		}
	}
	return form
}

// challenged is the form that asks whether a user has answered, after a password and /challenge.
func challenged(t *testing.T, s *oktatest.Server, login, channel string) url.Values {
	t.Helper()
	token := mfaToken(t, s, login)
	a := direct(t, s, "challenge", challenge(token, channel))
	return values("grant_type", oktatest.GrantMFAOOB, "mfa_token", token, "oob_code", a.member(t, "oob_code"), "scope", "openid")
}

func challenge(token, channel string) url.Values {
	return values("mfa_token", token, "challenge_types_supported", oktatest.GrantMFAOOB, "channel_hint", channel)
}

// primary asks for a push or a code as a first factor.
func primary(login, channel string) url.Values {
	return values("login_hint", login, "channel_hint", channel, "challenge_hint", oktatest.GrantOOB)
}

// alone is the form that asks whether a user has answered, after /primary-authenticate.
func alone(t *testing.T, s *oktatest.Server, login, channel string) url.Values {
	t.Helper()
	code := direct(t, s, "primary-authenticate", primary(login, channel)).member(t, "oob_code")
	return values("grant_type", oktatest.GrantOOB, "oob_code", code, "scope", "openid")
}

func password(login string) url.Values {
	return values("grant_type", "password", "username", login, "password", oktatest.DefaultPassword, "scope", "openid")
}

func otpAlone(login, code string) url.Values {
	return values("grant_type", oktatest.GrantOTP, "login_hint", login, "otp", code, "scope", "openid")
}

func otpAfter(token string) url.Values {
	return values("grant_type", oktatest.GrantMFAOTP, "mfa_token", token, "otp", oktatest.DefaultOTP, "scope", "openid")
}

// Every refusal of Okta's list for Direct Authentication, each at a server of its own: how the client comes to it, and
// its last request.
func TestDirectAuthenticationRefuses(t *testing.T) {
	t.Parallel()
	const (
		otpOnly, otherApp = "0oaOTPOnlyClient0001", oktatest.DirectAuthClientID
		mfa, two          = "mfa@example.com", "two@example.com"
		unusable          = "The required authenticator cannot be used. Check if it is required by policy and the user is enrolled in the authenticator and try again."
		unsatisfied       = "User couldn't be signed-in through direct authentication because authentication policy wasn't satisfied."
		notPrompted       = "Unable to prompt for the requested authenticators. Review the Authentication Policy’s requirements or request another authenticator and try again."
		disabled          = "The grant types required to satisfy sign on policy are disabled for the client."
		unrelated         = "The 'oob_code' and the 'mfa_token' provided are not associated with each other. Review the values and try again."
		wrongCode         = "The 'otp' provided is either empty or incorrect. Use the correct OTP and try again."
		tooMany           = "API call exceeded rate limit due to too many requests."
	)
	type T = *testing.T
	type S = *oktatest.Server
	for _, test := range []struct {
		name     string
		endpoint string
		form     func(T, S) url.Values
		app      string // "" is DirectAuthClientID
		server   string // "" is "default"
		status   int
		code     string
		text     string
	}{
		{"second factor wanted", "token", func(T, S) url.Values { return password(mfa) }, "", "", 403, "mfa_required",
			"Verify with an additional authenticator to complete the sign-in process."},
		{"no answer yet", "token", func(t T, s S) url.Values {
			form := challenged(t, s, "push@example.com", "push")
			s.Clock().Advance(5 * time.Second)
			return form
		}, "", "", 400, "authorization_pending", "No user response received on the out-of-band authenticator yet. Continue polling to wait for a response."},
		{"a poll too early", "token", func(t T, s S) url.Values { return alone(t, s, "push@example.com", "push") }, "", "",
			400, "slow_down", "Slow down the polling frequency. Please try again later."},
		{"push rejected", "token", func(t T, s S) url.Values {
			form := challenged(t, s, "refuse@example.com", "push")
			s.Clock().Advance(5 * time.Second)
			return form
		}, "", "", 400, "invalid_grant", "User rejected out-of-band authentication prompt."},
		{"wrong code", "token", func(t T, s S) url.Values { return with(otpAfter(mfaToken(t, s, mfa)), "otp", "654321") }, "", "",
			400, "invalid_grant", wrongCode},
		{"wrong code alone", "token", func(T, S) url.Values { return otpAlone(mfa, "654321") }, "", "", 400, "invalid_grant", wrongCode},
		{"code of an unknown user", "token", func(T, S) url.Values { return otpAlone("nobody@example.com", "654321") }, "", "",
			400, "invalid_grant", wrongCode},
		{"code of a locked user", "token", func(t T, s S) url.Values {
			form := otpAfter(mfaToken(t, s, mfa))
			s.SetUserStatus(mfa, oktatest.Locked)
			return form
		}, "", "", 400, "invalid_grant", wrongCode},
		{"wrong code of a text message", "token", func(t T, s S) url.Values {
			return with(challenged(t, s, mfa, "sms"), "binding_code", "000000")
		}, "", "", 400, "invalid_grant", wrongCode},
		{"no code of a text message", "token", func(t T, s S) url.Values { return challenged(t, s, mfa, "sms") }, "", "",
			400, "invalid_request", "The required parameter 'binding_code' is missing."},
		{"mfa_token expired", "token", func(t T, s S) url.Values {
			form := otpAfter(mfaToken(t, s, mfa))
			s.Clock().Advance(5 * time.Minute)
			return form
		}, "", "", 403, "access_denied", "'mfa_token' has expired. Use a new 'mfa_token' and try again."},
		{"oob_code expired", "token", func(t T, s S) url.Values {
			form := alone(t, s, mfa, "push")
			s.Clock().Advance(5 * time.Minute)
			return form
		}, "", "", 403, "access_denied", "'oob_code' has expired. Use a new 'oob_code' and try again."},
		{"mfa_token as oob_code", "token", func(t T, s S) url.Values {
			token := mfaToken(t, s, mfa)
			return values("grant_type", oktatest.GrantMFAOOB, "mfa_token", token, "oob_code", token, "scope", "openid")
		}, "", "", 403, "access_denied", "'oob_code' has expired. Use a new 'oob_code' and try again."},
		{"locked before the push was approved", "token", func(t T, s S) url.Values {
			form := alone(t, s, "push@example.com", "push")
			s.Clock().Advance(5 * time.Second)
			direct(t, s, "token", form)
			s.Clock().Advance(5 * time.Second)
			s.SetUserStatus("push@example.com", oktatest.Locked)
			return form
		}, "", "", 403, "access_denied", unsatisfied},
		{"denied by the sign-on policy", "token", func(T, S) url.Values { return otpAlone("denied@example.com", "123456") }, "", "",
			403, "access_denied", unsatisfied},
		{"user not assigned", "token", func(_ T, s S) url.Values {
			app, _ := s.App(oktatest.DirectAuthClientID)
			app.Assigned = []string{"alice@example.com"}
			s.AddApp(app)
			return otpAlone("otp@example.com", "123456")
		}, "", "", 400, "access_denied", "User is not assigned to the client application."},
		{"the first factor again", "token", func(t T, s S) url.Values {
			return otpAfter(direct(t, s, "token", otpAlone(two, "123456")).member(t, "mfa_token"))
		}, "", "", 403, "access_denied", notPrompted},
		{"the first factor again, by challenge", "challenge", func(t T, s S) url.Values {
			form := with(alone(t, s, two, "sms"), "binding_code", "436575")
			return challenge(direct(t, s, "token", form).member(t, "mfa_token"), "sms")
		}, "", "", 403, "access_denied", notPrompted},
		{"code without an authenticator app", "token", func(t T, s S) url.Values { return otpAfter(mfaToken(t, s, "push@example.com")) },
			"", "", 403, "access_denied", unusable},
		{"push without the app", "challenge", func(t T, s S) url.Values { return challenge(mfaToken(t, s, "sms@example.com"), "push") },
			"", "", 403, "access_denied", unusable},
		{"code challenge without an authenticator app", "challenge", func(t T, s S) url.Values {
			return values("mfa_token", mfaToken(t, s, "push@example.com"), "challenge_types_supported", oktatest.GrantMFAOTP)
		}, "", "", 403, "access_denied", unusable},
		{"push for an unknown user", "primary-authenticate", func(T, S) url.Values { return primary("nobody@example.com", "push") },
			"", "", 403, "access_denied", unusable},
		{"no factor at all", "token", func(T, S) url.Values { return password("nofactor@example.com") }, "", "",
			403, "access_denied", "No supported authenticators are available."},
		{"no second factor", "token", func(_ T, s S) url.Values {
			user, _ := s.User(two)
			user.Factors = map[string]string{"otp": "123456"}
			s.AddUser(user)
			return otpAlone(two, "123456")
		}, "", "", 403, "access_denied", "No supported authenticators are available."},
		{"no factor is wanted any more", "challenge", func(t T, s S) url.Values {
			form := challenge(mfaToken(t, s, mfa), "push")
			user, _ := s.User(mfa)
			user.MFA = false
			s.AddUser(user)
			return form
		}, "", "", 403, "access_denied", "The user is not challenged for any authenticators by the current policy."},
		{"grants of the client too few", "token", func(T, S) url.Values {
			return with(password("push@example.com"), "grant_types_supported", "password "+oktatest.GrantMFAOTP)
		}, "", "", 403, "access_denied", "The 'grant_types_supported' 'password " + oktatest.GrantMFAOTP + "' are not sufficient to satisfy " +
			"the authentication policy. Configure additional grant types for the client or revise the authentication policy to allow the user to sign-in."},
		{"grants of the app too few", "token", func(T, S) url.Values { return password("push@example.com") }, otpOnly, "",
			403, "access_denied", disabled},
		{"challenge by a grant that is off", "challenge", func(t T, s S) url.Values {
			form := challenge(mfaToken(t, s, mfa), "push")
			app, _ := s.App(oktatest.DirectAuthClientID)
			app.Grants = []string{oktatest.GrantMFAOTP}
			s.AddApp(app)
			return form
		}, "", "", 403, "access_denied", disabled},
		{"first factor by a grant that is off", "primary-authenticate", func(T, S) url.Values { return primary(mfa, "push") }, otpOnly, "",
			400, "unauthorized_client", "The client is not authorized to use the provided grant type. Configured grant types: " +
				"[authorization_code, password, refresh_token, urn:okta:params:oauth:grant-type:otp, http://auth0.com/oauth/grant-type/mfa-otp]."},
		{"unknown channel", "challenge", func(t T, s S) url.Values { return challenge(mfaToken(t, s, mfa), "pigeon") }, "", "",
			400, "invalid_request", "'pigeon' is not supported as a 'channel_hint'. Try again with another value."},
		{"unknown channel of a first factor", "primary-authenticate", func(T, S) url.Values { return primary(mfa, "pigeon") }, "", "",
			400, "invalid_request", "'pigeon' is not supported as a 'channel_hint'. Try again with another value."},
		{"unknown challenge type", "challenge", func(t T, s S) url.Values {
			return with(challenge(mfaToken(t, s, mfa), "push"), "challenge_types_supported", "mfa-pigeon")
		}, "", "", 400, "invalid_request", "'mfa-pigeon' is not supported as a 'challenge_type'. Try again with another value."},
		{"unknown challenge hint", "primary-authenticate", func(T, S) url.Values {
			return with(primary(mfa, "push"), "challenge_hint", "pigeon")
		}, "", "", 400, "invalid_request", "'pigeon' is not supported as a 'challenge_hint'. Try again with another value."},
		{"no channel", "challenge", func(t T, s S) url.Values { return challenge(mfaToken(t, s, mfa), "") }, "", "",
			400, "invalid_request", "The required parameter 'channel_hint' is missing."},
		{"oob_code of another mfa_token", "token", func(t T, s S) url.Values {
			form := challenged(t, s, "push@example.com", "push")
			return with(form, "mfa_token", mfaToken(t, s, "push@example.com"))
		}, "", "", 400, "invalid_request", unrelated},
		{"oob_code of a first factor as a second", "token", func(t T, s S) url.Values {
			return with(alone(t, s, mfa, "push"), "grant_type", oktatest.GrantMFAOOB, "mfa_token", mfaToken(t, s, mfa))
		}, "", "", 400, "invalid_request", unrelated},
		{"oob_code of a second factor as a first", "token", func(t T, s S) url.Values {
			return with(challenged(t, s, mfa, "push"), "grant_type", oktatest.GrantOOB, "mfa_token", "")
		}, "", "", 400, "invalid_request", unrelated},
		{"mfa_token at another server", "token", func(t T, s S) url.Values { return otpAfter(mfaToken(t, s, mfa)) },
			"", oktatest.DefaultScopesServerID, 400, "invalid_request", "The authorization server id 'ausDefaultScope00001' in the url_path " +
				"parameter does not match the authorization server id in the original request 'default'."},
		{"oob_code at another server", "token", func(t T, s S) url.Values { return alone(t, s, mfa, "push") },
			"", oktatest.DefaultScopesServerID, 400, "invalid_request", "The authorization server id 'ausDefaultScope00001' in the url_path " +
				"parameter does not match the authorization server id in the original request 'default'."},
		{"other scopes", "token", func(t T, s S) url.Values { return with(otpAfter(mfaToken(t, s, mfa)), "scope", "openid profile") },
			"", "", 400, "invalid_scope", "The requested scopes 'openid profile' do not match the scopes requested in the original request " +
				"'openid'. Use the originally requested scopes and try again."},
		{"scope at challenge", "challenge", func(t T, s S) url.Values { return with(challenge(mfaToken(t, s, mfa), "push"), "scope", "openid") },
			"", "", 400, "invalid_scope", "The 'scope' parameter is unsupported on this endpoint. Try again without this parameter."},
		{"scope at primary-authenticate", "primary-authenticate", func(T, S) url.Values { return with(primary(mfa, "push"), "scope", "openid") },
			"", "", 400, "invalid_scope", "The 'scope' parameter is unsupported on this endpoint. Try again without this parameter."},
		{"another client", "token", func(t T, s S) url.Values { return otpAfter(mfaToken(t, s, mfa)) }, otpOnly, "",
			401, "invalid_client", "The client_id '" + otpOnly + "' does not match the client_id in the original request '" + otherApp + "'."},
		{"sixth code in five minutes", "token", func(t T, s S) url.Values {
			for range 5 {
				direct(t, s, "token", otpAlone(mfa, "654321"))
			}
			s.Clock().Advance(5*time.Minute - time.Second)
			return otpAlone(mfa, "123456")
		}, "", "", 429, "invalid_grant", tooMany},
		{"second text message in 30 seconds", "primary-authenticate", func(t T, s S) url.Values {
			alone(t, s, mfa, "sms")
			s.Clock().Advance(29 * time.Second)
			return primary(mfa, "voice")
		}, "", "", 429, "invalid_grant", tooMany},
		{"Okta cannot reach the user", "challenge", func(t T, s S) url.Values {
			for _, fault := range oktatest.NamedFaults() {
				if fault.Name == "500-factor" {
					s.Fail("/challenge", fault.Fault)
				}
			}
			return challenge(mfaToken(t, s, mfa), "push")
		}, "", "", 500, "server_error", "Failed to initiate out-of-band authentication."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			form := test.form(t, s)
			r := newPost(t, s.Issuer(cmp.Or(test.server, "default"))+"/v1/"+test.endpoint, form)
			r.SetBasicAuth(cmp.Or(test.app, oktatest.DirectAuthClientID), oktatest.DefaultClientSecret)
			got := send(t, s, r)
			if code, text := got.error(t); got.Status != test.status || code != test.code || text != test.text {
				t.Errorf("got %d %s\nwant %d %s %s", got.Status, got.Text, test.status, test.code, test.text)
			}
		})
	}
}
