package okta

import (
	"errors"
	"net/http"
)

// MayHaveBeenProcessed reports whether the server may have handled the request behind err although no usable answer came: a refresh token may be used up,
// a token revoked. In doubt it says yes. A caller may send the same refresh token once more, at once: Okta takes a rotated one again for
// the grace period, by default 30 s. https://developer.okta.com/docs/guides/refresh-tokens/main/
//
// It is true when the connection broke, the time was up or the caller cancelled once sending had begun; after a server's failure (5xx,
// in whatever form); and after a success (2xx) of which nothing can be read. It is false for nil, while nothing was sent (name, connection,
// TLS, proxy, a credential that cannot be sent), after a refusal (4xx, 429, an error with 200), after a redirect, and where a network wants a
// sign-in of its own: 511, or a page with 200, which took the request for itself.
func MayHaveBeenProcessed(err error) bool {
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return sending(e.Phase)
	}
	if e, ok := errors.AsType[*canceledError](err); ok {
		return sending(e.phase)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status >= 500
	}
	e, ok := errors.AsType[*ResponseError](err)
	switch {
	case !ok, e.Status == http.StatusNetworkAuthenticationRequired:
		return false
	case e.Status >= 200 && e.Status < 300:
		return e.What != htmlPage
	}
	return e.Status >= 500
}

// sending reports whether something of the request may have been sent in that phase.
func sending(phase string) bool {
	return phase == PhaseSend || phase == PhaseAwait || phase == PhaseRead
}
