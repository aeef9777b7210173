package cli

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

func oktaAdvice(e *okta.Error) string {
	text := explain(e, e.RequestInfo)
	if e.ClockSkew != 0 {
		side := "ahead of"
		if e.ClockSkew < 0 {
			side = "behind"
		}
		apart := output.FormatDuration(e.ClockSkew.Abs().Truncate(time.Minute))
		before, after, said := strings.Cut(text, "clock is "+side) // it is the reason
		if said {
			return before + "clock is " + apart + " " + side + after
		}
		text += fmt.Sprintf("; this machine's clock is %s %s Okta's, which may be the reason: set it", apart, side)
	}
	return text
}

// issuerAdvice names the usual cause, an org's custom URL domain.
func issuerAdvice(e *okta.IssuerError) string {
	if strings.TrimRight(e.Got, "/") == e.Expected {
		return "a proxy changes Okta's responses: check HTTPS_PROXY"
	}
	expected, err := url.Parse(e.Expected)
	got, gotErr := url.Parse(e.Got)
	if err != nil || gotErr != nil || got.Host == expected.Host || !plainHost(got.Hostname()) {
		return "check domain and server: okauth config list"
	}
	return "if " + got.Host + " is your org's own address (its custom URL domain), use it: okauth config set domain " +
		got.Host + "; if not, something on the way answers in Okta's place"
}

// plainHost reports whether a host has no letter that could pass for another.
func plainHost(host string) bool { return regexp.MustCompile(`^[a-zA-Z0-9.-]+$`).MatchString(host) }

// inputAdvice says where the value of a grant's field comes from.
func inputAdvice(e *grant.InputError) string {
	return map[string]string{
		"username": "set username (OKAUTH_USERNAME), or sign in on a terminal, where okauth asks for it",
		"password": "give the password with --password-stdin or OKAUTH_PASSWORD, or sign in on a terminal, where okauth " +
			"asks for it",
		"one-time code": factorAdvice(grant.FactorOTP),
		"factor":        "run okauth login --grant oob with --factor push, sms or voice, or unset factor to be asked",
		"client secret": "give the client secret with OKAUTH_CLIENT_SECRET, or run okauth config set client_secret; or " +
			"make a private key: okauth config keygen; an application without either can sign in users only",
		"refresh token": "run okauth login",
		"subject token": "give a token as okauth token prints it",
		"actor token":   "give a token as okauth token prints it",
		"resource":      "give the address of an API: --resource https://api.example.com",
		"requested token type": "give a word such as id-jag, or a URI such as urn:ietf:params:oauth:token-type:jwt " +
			"(--requested-type)",
		"redirect URI": "set redirect_uri to an address of this machine, such as http://127.0.0.1:8085/callback, and " +
			redirectURIPlace,
		"scopes": "set scopes (OKAUTH_SCOPES, --scope) to names with spaces between them; to sign a user in, at least " +
			"openid",
	}[e.Field]
}

// interactionAdvice says how to give what a person would be asked for.
func interactionAdvice(e *grant.InteractionRequiredError) string {
	switch e.Field {
	case "":
		return "sign in on a terminal with: okauth login"
	case "username", config.KeyPassword:
		return passwordAdvice
	case "factor":
		return factorAdvice(grant.Factors()...)
	case "otp":
		return factorAdvice(grant.FactorOTP)
	}
	return fmt.Sprintf("give the %s by OKAUTH_%s, %s or %s", e.Field, strings.ToUpper(e.Field), config.FileKey(e.Field),
		config.CommandKey(e.Field))
}

const redirectURIPlace = "register it at Okta: Admin Console, Applications › Applications › the application › " +
	"General › Sign-in redirect URIs"

// listenAdvice says how to get another port, or to do without.
func listenAdvice(*grant.ListenError) string {
	return "end the program that has the port, which may be another okauth login; or set redirect_uri to another port " +
		"and " + redirectURIPlace + "; or run okauth login --no-browser and paste the address that the browser ends at"
}

// noAnswerAdvice says why a browser may not have come back. Okta sends it back with neither a client nor a redirect URI
// that it does not know.
func noAnswerAdvice(e *grant.NoAnswerError) string {
	return "run okauth login again; if the browser showed an error about redirect_uri, " + redirectURIPlace +
		"; if it is on another machine, add --no-browser"
}
