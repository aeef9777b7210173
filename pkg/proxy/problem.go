package proxy

import (
	"encoding/json"
	"errors"
	"net/http"

	"okauth/pkg/internal/safetext"
)

// maxDetail bounds a text of a problem document, in runes.
const maxDetail = 1000

// problem is an answer of the proxy itself: Problem Details, RFC 9457, https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"` // what the user can do; an extension member
}

// tokenError says that there is no token for a request.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "get an access token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// marksErrors makes the errors of a transport that are not the API's a *tokenError.
type marksErrors struct{ http.RoundTripper }

// RoundTrip sends the request unchanged.
func (m marksErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.RoundTripper.RoundTrip(r)
	if err != nil && !isMarked(err) {
		err = &tokenError{err}
	}
	return resp, err
}

func isMarked(err error) bool {
	_, api := errors.AsType[*UpstreamError](err)
	_, token := errors.AsType[*tokenError](err)
	return api || token
}

// fail answers a request that failed, and reports it. A caller that has gone away gets neither.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	status := http.StatusBadGateway
	if refused, ok := errors.AsType[*RequestError](err); ok {
		status, err = refused.Status, refused // without what was done to the API meanwhile
	}
	p.Failed(err)
	answer := problem{Status: status, Detail: safetext.Sanitize(err.Error(), maxDetail)}
	if p.Hint != nil {
		answer.Hint = safetext.Sanitize(p.Hint(err), maxDetail)
	}
	// "about:blank" … indicates that the problem has no additional semantics beyond that of the HTTP status code. …
	// the title SHOULD be the same as the recommended HTTP status phrase. §4.2.1
	answer.Type, answer.Title = "about:blank", http.StatusText(answer.Status)
	text, _ := json.Marshal(answer) // it has text and a number
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(answer.Status)
	_, _ = w.Write(append(text, '\n'))
}
