package transport

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"okauth/pkg/internal/safetext"
)

// publicFields are the parameters of a form or a query whose values may be shown. Any other may be secret.
func publicFields() []string {
	return []string{
		"grant_type", "scope", "token_type_hint", "client_id",
		"subject_token_type", "actor_token_type", "requested_token_type", "audience",
	}
}

// publicHeaders are the headers whose values may be shown. Any other may hold a credential, or say it again.
func publicHeaders() []string {
	return []string{
		"Accept", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Retry-After",
		"Server", "Transfer-Encoding", "User-Agent", "Via", "X-Okta-Request-Id", "X-Rate-Limit-Limit",
		"X-Rate-Limit-Remaining", "X-Rate-Limit-Reset",
	}
}

// redactForm returns a form or a query, sorted by name, with the values that may be shown.
func redactForm(form url.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if !slices.Contains(publicFields(), name) {
				value = safetext.Redacted
			}
			parts = append(parts, name+"="+value)
		}
	}
	return strings.Join(parts, "&")
}

// redactURL returns a URL without user and fragment and with a redacted query.
func redactURL(u *url.URL) string {
	text := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	if u.RawQuery != "" {
		text += "?" + redactForm(u.Query())
	}
	return text
}

// redactHeader returns what may be shown of a header's value.
func redactHeader(name, value string) string {
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Authorization", "Proxy-Authorization", "Www-Authenticate", "Proxy-Authenticate":
		return scheme(value) + safetext.Redacted
	case "Location":
		if to, err := url.Parse(value); err == nil {
			return redactURL(to)
		}
	}
	if slices.Contains(publicHeaders(), name) {
		return value
	}
	return safetext.Redacted
}

// scheme returns the authentication scheme before a credential and a space, "" for an unknown one: it may be the
// credential.
func scheme(value string) string {
	name, _, _ := strings.Cut(value, " ")
	for _, known := range []string{"Basic", "Bearer", "DPoP", "Digest", "Negotiate", "NTLM", "SSWS"} {
		if strings.EqualFold(name, known) {
			return known + " "
		}
	}
	return ""
}
