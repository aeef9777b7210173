package cli

import (
	"fmt"
	"strings"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

// formatAdvice says what to do about a text that is not a token.
func formatAdvice(e *jwt.FormatError) string {
	const whole = "check that the whole token was copied, and nothing else"
	return map[jwt.Reason]string{
		jwt.ReasonEmpty:    "give a token as argument, or - and the token on standard input",
		jwt.ReasonTooLong:  whole,
		jwt.ReasonParts:    whole,
		jwt.ReasonEncoding: whole,
		jwt.ReasonOpaque: "a refresh token or authorization code has nothing inside to show; okauth introspect asks Okta " +
			"what it stands for",
		jwt.ReasonEncrypted: "only the API it was issued for can read it; in Okta's admin console see the token encryption " +
			"settings under Security > API > Authorization Servers",
		jwt.ReasonNested:     "decode the inner token by itself",
		jwt.ReasonNotCompact: "give the token alone: three parts joined by dots, not the JSON around it",
		jwt.ReasonCharset: "save the text as UTF-8 without a byte order mark; in PowerShell: " +
			"okauth token | Set-Content -Encoding ascii token.txt",
		jwt.ReasonAlphabet: "paste the token on one line, without quotes, padding or white space inside it",
	}[e.Reason]
}

// VerifyAdvice says what to do about the first check of an invalid token that failed, or "".
func VerifyAdvice(report jwt.Report) string {
	const console = " against the authorization server's, in the Admin Console under Security > API"
	switch reason := report.Reason(); {
	case report.Format != nil:
		return formatAdvice(report.Format)
	case reason == "type" && report.Kind == jwt.KindID:
		return "give the ID token, or verify this one as an access token: okauth verify --type access"
	case reason == "aud" && report.Kind == jwt.KindID:
		return "check client_id of the profile"
	default:
		return map[string]string{
			"type":       "send the access token, or verify this one as an ID token: okauth verify --type id",
			"org_server": "ask Okta about it: okauth introspect --server org",
			"alg":        "if the issuer is meant to sign like this, allow it: okauth verify --alg NAME",
			"iss":        "check domain and server of the profile",
			"aud":        "check audience of the profile" + console,
			"cid":        "check client_id of the profile",
			"exp":        "get a new token: okauth token",
		}[reason]
	}
}

// claimAdvice names the claim that was probably meant and those that there are, or the way to see all.
func claimAdvice(e *output.ClaimError) string {
	switch names := "there are: " + okta.Sanitize(strings.Join(e.Names, ", "), 400); {
	case len(e.Names) == 0:
		return "okauth decode -o json shows the whole token, with control characters escaped"
	case e.Suggestion == "":
		return names
	default:
		return fmt.Sprintf("did you mean %q? %s", okta.Sanitize(e.Suggestion, 80), names)
	}
}
