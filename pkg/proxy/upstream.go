package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"okauth/pkg/internal/orgurl"
	"okauth/pkg/internal/safetext"
)

// AddressError says what is wrong with an address that the caller gave for the proxy or for the API.
type AddressError struct {
	Address string // "" where it may have a secret
	Reason  string
}

func (e *AddressError) Error() string {
	if e.Address == "" {
		return e.Reason
	}
	return fmt.Sprintf("%q: %s", e.Address, e.Reason)
}

// ParseUpstream returns the address of an API, which may have a path below which all requests go. The error is an
// *AddressError.
func ParseUpstream(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	shown := ""
	if err == nil && !strings.ContainsAny(text, "@?") {
		shown = text
	}
	reason := ""
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		reason = "expected the address of an API with its scheme, such as https://api.example.com"
	case badPort(u.Port()):
		reason = "the port is no number from 1 to 65535"
	case u.User != nil:
		reason = "the address of the API has a user name or a password; the proxy adds an access token only"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		reason = "expected an address without a query and a fragment"
	case u.Scheme == "http" && !orgurl.IsLoopback(u.Hostname()):
		// RFC 6750 §5.3: "Clients MUST always use TLS … when making requests with bearer tokens."
		reason = "an access token goes over https only, except to this machine"
	}
	if reason != "" {
		return nil, &AddressError{Address: shown, Reason: reason}
	}
	return u, nil
}

func badPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return text != "" && (err != nil || port == 0)
}

// UpstreamError says that the API did not answer.
type UpstreamError struct {
	Origin string // the API's scheme, host and port
	// Err is the cause. Its text may hold foreign bytes; Error sanitizes them.
	Err error
}

func (e *UpstreamError) Error() string {
	text := e.Err.Error()
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.Err); !ok { // which comes before the token is sent
		text = withoutQuotes(text)
	}
	return "reach " + e.Origin + ": " + safetext.Sanitize(text, 300)
}

// Unwrap returns the cause.
func (e *UpstreamError) Unwrap() error { return e.Err }

var quoted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"(?:[^"\\]|\\.)*"`) })

// withoutQuotes returns the text of an error of net/http without what it quotes of an answer, which may be the token.
func withoutQuotes(text string) string {
	if strings.Contains(text, "malformed") { // some of these have no quotation marks
		return "its answer is not valid HTTP"
	}
	return quoted().ReplaceAllLiteralString(text, `"…"`)
}

// WrapErrors returns base, which sends requests to an API, with *UpstreamErrors as its errors.
func WrapErrors(base http.RoundTripper) http.RoundTripper { return wrapsErrors{base} }

type wrapsErrors struct{ http.RoundTripper }

// RoundTrip sends the request unchanged.
func (w wrapsErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		err = &UpstreamError{Origin: r.URL.Scheme + "://" + r.URL.Host, Err: err}
	}
	return resp, err
}
