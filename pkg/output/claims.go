package output

import (
	"encoding/json"
	"strings"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// maxValue is how many runes of one value people are shown; JSON shows all.
const maxValue = 4096

// headerWord says in a word or two what a header parameter is, or nothing.
// https://www.rfc-editor.org/rfc/rfc7515#section-4.1
func headerWord(name string) string {
	switch name {
	case "alg":
		return "signature algorithm"
	case "kid":
		return "key id"
	case "typ":
		return "token type"
	case "cty":
		return "content type"
	case "crit":
		return "must be understood"
	case "jku", "jwk", "x5u", "x5c":
		return "key, not trusted"
	case "x5t", "x5t#S256":
		return "certificate hash"
	}
	return ""
}

// claimWord says in a word or two what a claim is, or nothing.
// https://www.rfc-editor.org/rfc/rfc7519#section-4.1, https://openid.net/specs/openid-connect-core-1_0.html#IDToken,
// https://developer.okta.com/docs/reference/api/oidc/#reserved-claims-in-the-payload-section
func claimWord(name string) string {
	switch name {
	case "iss":
		return "issuer"
	case "sub":
		return "subject"
	case "aud":
		return "audience"
	case "iat":
		return "issued at"
	case "nbf":
		return "not before"
	case "exp":
		return "expires at"
	case "auth_time":
		return "signed in at"
	case "updated_at":
		return "profile changed"
	case "jti":
		return "token id"
	case "ver":
		return "token version"
	case "cid", "client_id", "azp":
		return "client"
	case "uid":
		return "user id"
	case "scp", "scope":
		return "scopes"
	case "amr":
		return "signed in with"
	case "acr":
		return "assurance level"
	case "idp":
		return "identity provider"
	case "sid":
		return "session id"
	case "nonce":
		return "ties to request"
	case "at_hash":
		return "access token hash"
	case "c_hash":
		return "code hash"
	case "cnf":
		return "bound to key"
	case "groups":
		return "groups"
	case "preferred_username":
		return "login"
	}
	return ""
}

// amrWord says what an authentication method is, or nothing. https://www.rfc-editor.org/rfc/rfc8176#section-2
func amrWord(method string) string {
	switch method {
	case "pwd":
		return "password"
	case "mfa":
		return "several factors"
	case "otp":
		return "one-time code"
	case "kba":
		return "security question"
	case "sms":
		return "text message"
	case "tel":
		return "phone call"
	case "swk":
		return "software key"
	case "hwk":
		return "hardware key"
	case "pop":
		return "proof of a key"
	case "pin":
		return "PIN"
	case "sc":
		return "smart card"
	case "mca":
		return "several channels"
	case "user":
		return "presence of the user"
	case "fpt":
		return "fingerprint"
	case "face":
		return "face"
	case "bio":
		return "biometrics"
	case "geo":
		return "location"
	case "rba":
		return "risk"
	case "wia":
		return "Windows sign-in"
	}
	return ""
}

// isTime reports whether the claim called name is a NumericDate.
func isTime(name string) bool {
	switch name {
	case "exp", "iat", "nbf", "auth_time", "updated_at":
		return true
	}
	return false
}

// value gives the value of m on one printable line.
func (p *page) value(m jwt.Member) string {
	if isTime(m.Name) {
		t, ok := jwt.Object{m}.Time(m.Name)
		if !ok {
			return harmless(m.Value) + " (not a time)"
		}
		return p.dateTime(t) + ", " + Relative(t, p.opts.Now)
	}
	if m.Value[0] != '[' {
		return scalar(m.Value)
	}
	var list []json.RawMessage
	if json.Unmarshal(m.Value, &list) != nil || len(list) == 0 {
		return harmless(m.Value)
	}
	shown := make([]string, len(list))
	for i, element := range list {
		if element[0] == '[' || element[0] == '{' {
			return harmless(m.Value)
		}
		shown[i] = scalar(element)
		// An element must not pass for two.
		if strings.ContainsAny(shown[i], ", ") {
			shown[i] = harmless(element)
		}
		if word := amrWord(shown[i]); m.Name == "amr" && word != "" {
			shown[i] += " (" + word + ")"
		}
	}
	return okta.Printable(strings.Join(shown, ", "), maxValue)
}

// scalar gives a string without quotes, unless it is empty, and everything else as JSON.
func scalar(raw json.RawMessage) string {
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			if s = okta.Printable(s, maxValue); s != "" {
				return s
			}
		}
	}
	return harmless(raw)
}

// harmless gives compact JSON with nothing in it that a terminal acts on.
func harmless(raw json.RawMessage) string {
	return okta.Printable(string(appendHarmless(nil, raw)), maxValue)
}

// dateTime gives local date, time and zone.
func (p *page) dateTime(t time.Time) string {
	return t.In(p.opts.Location).Format("2006-01-02 15:04:05 MST")
}
