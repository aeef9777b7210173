package okta

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"okauth/pkg/internal/safetext"
)

// Sanitize returns text as one printable line of at most limit runes, which is safe to show on a terminal: invisible
// characters become U+FFFD, white space becomes single spaces, "…" marks a cut.
func Sanitize(text string, limit int) string { return safetext.Sanitize(text, limit) }

// Error is an error that Okta answered with. IsRejection tells whether it is about the request or about Okta.
// Foreign text in it is sanitized and contains no secret of the request.
type Error struct {
	RequestInfo
	Status      int    // HTTP status; also 200, where an error came with it; 0 where a browser brought it
	Code        string // "invalid_grant", or "E0000007" in Okta's other shape
	Description string // Okta's text, or ""
	// MFAToken continues the sign-in with a second factor, where Code is "mfa_required"; zero elsewhere.
	MFAToken  Secret
	RequestID string // X-Okta-Request-Id, which Okta's support and its System Log can search for
	// RetryAfter is how long to wait before another request makes sense, by the header; 0 where it says nothing.
	RetryAfter time.Duration
	// ClockSkew is how far this machine's clock is ahead of Okta's, by the header Date; 0 within five minutes, or where
	// there is no Date.
	ClockSkew time.Duration
}

func (e *Error) Error() string {
	did := "refused"
	switch {
	case e.Status == http.StatusTooManyRequests:
		did = "rate-limited"
	case !e.IsRejection():
		did = "could not handle"
	}
	text := "Okta " + did + " the " + e.Name()
	if e.Description != "" {
		text += ": " + e.Description
	}
	if e.Status == 0 {
		return text + " (" + e.Code + ")"
	}
	text += fmt.Sprintf(" (%s, %s)", e.Code, status(e.Status, e.RequestID))
	if e.RetryAfter > 0 {
		text += fmt.Sprintf("; retry after %s", safetext.Duration(e.RetryAfter.Round(time.Second)))
	}
	return text
}

// status names a response, for messages.
func status(code int, requestID string) string {
	text := fmt.Sprintf("HTTP %d", code)
	if requestID != "" {
		text += ", request " + requestID
	}
	return text
}

// IsRejection reports whether the error is about these credentials, this client or this request, so that sending the
// same again is useless and may lock the account. It is false where Okta had too much to do, was down or failed (429,
// 5xx, temporarily_unavailable).
func (e *Error) IsRejection() bool {
	// It "is needed because a 500 […] HTTP status code cannot be returned to the client via an HTTP redirect":
	// RFC 6749 §4.1.2.1, https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
	if e.Status == 0 && e.Code == "server_error" {
		return false
	}
	return e.Status != http.StatusTooManyRequests && e.Status < 500 && e.Code != "temporarily_unavailable"
}

// Two values of ResponseError.What.
const (
	HTMLPage      = "an HTML page"
	EmptyResponse = "an empty response"
)

// ResponseError says that something answered, but not as the endpoint does: a proxy's page, a captive portal, a
// redirect, JSON that cannot be trusted. It contains nothing of the body.
type ResponseError struct {
	RequestInfo
	Status    int
	What      string // what came: HTMLPage, EmptyResponse, …
	Redirect  string // the host that a redirect pointed to, sanitized; "" where it was none
	RequestID string
	Err       error // what is wrong with it, or nil
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("expected %s from %s, got %s (%s)",
		e.Operation.traits().expected, e.Server.Host(), e.What, status(e.Status, e.RequestID))
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *ResponseError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed reports whether the server may have handled the request behind err although no usable response
// came: a refresh token may be used up, a token revoked. In doubt it says yes. A caller may send the same refresh
// token once more, at once: Okta accepts a rotated one again for the grace period, by default 30 s.
// https://developer.okta.com/docs/guides/refresh-tokens/main/
//
// It is true where the connection broke, the time was up or the caller canceled after sending had begun; after a
// server's failure (5xx, in any form); and after a success (2xx) that cannot be read. It is false for nil, while
// nothing was sent (name, connection, TLS, proxy, a credential that cannot be sent), after a rejection (4xx, 429, an
// error with 200), after a redirect, and where the network wants a sign-in of its own: 511, or a page with 200, which
// intercepted the request.
func MayHaveBeenProcessed(err error) bool {
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return mayBeSent(e.Phase)
	}
	if e, ok := errors.AsType[*canceledError](err); ok {
		return mayBeSent(e.phase)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status >= 500
	}
	e, ok := errors.AsType[*ResponseError](err)
	switch {
	case !ok, e.Status == http.StatusNetworkAuthenticationRequired:
		return false
	case e.Status >= 200 && e.Status < 300:
		return e.What != HTMLPage
	}
	return e.Status >= 500
}

// maxClockSkew is how far a clock may be off without a warning. Tokens, certificates and rate limits tolerate it.
const maxClockSkew = 5 * time.Minute

// clockSkew returns how far now is ahead of the header Date, 0 where there is none or within maxClockSkew.
func clockSkew(header http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if skew := now.Sub(date); err == nil && skew.Abs() > maxClockSkew {
		return skew
	}
	return 0
}

func clockWarning(skew time.Duration) string {
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	d := skew.Abs()
	amount := fmt.Sprintf("%d days", d/(24*time.Hour))
	switch {
	case d < 2*time.Hour:
		amount = fmt.Sprintf("%d minutes", d/time.Minute)
	case d < 48*time.Hour:
		amount = fmt.Sprintf("%d hours", d/time.Hour)
	}
	return "this machine's clock is " + amount + " " + side + " Okta's: set it, or tokens seem expired or not valid yet"
}
