package output

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"okauth/pkg/internal/safetext"
)

// Request is the request to an API that a token goes with. The zero Request is none.
type Request struct {
	method string
	url    *url.URL
}

// NewRequest returns the request of that method to an address. The error says which of the two is none.
func NewRequest(method, address string) (Request, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil:
		return Request{}, errors.New("expected a whole address without a user, such as https://api.example.com/v1/orders")
	// A method is a token: RFC 9110 §9.1, https://www.rfc-editor.org/rfc/rfc9110#section-9.1
	case !regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$").MatchString(method):
		return Request{}, fmt.Errorf("method %q is none, expected one such as GET", safetext.Sanitize(method, 40))
	}
	return Request{method, u}, nil
}

// Two errors about an access token that is bound to a key, which an API takes only with a proof for each request.
var (
	ErrNoRequest = errors.New("the token is bound to a key (DPoP), so it needs a proof for the request that it goes with")
	ErrBound     = errors.New("the token is bound to a key (DPoP), and no reader of this format makes the proofs for it")
)

// encodeHeaders returns the encoder of the headers that take a token to an API, each in a line with a place for it.
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
// https://www.rfc-editor.org/rfc/rfc9449#section-7.1
func encodeHeaders(line string) func(Token, TokenOptions) ([]byte, error) {
	return func(t Token, o TokenOptions) ([]byte, error) {
		if t.Prover == nil {
			return fmt.Appendf(nil, line, "Authorization: Bearer "+t.Value.Reveal()), nil
		}
		if o.Request.url == nil {
			return nil, ErrNoRequest
		}
		prover, err := t.Prover()
		if err != nil {
			return nil, err
		}
		proof, err := prover.Proof(o.Request.method, o.Request.url, t.Value, o.Now)
		text := fmt.Appendf(nil, line, "Authorization: DPoP "+t.Value.Reveal())
		return fmt.Appendf(text, line, "DPoP: "+proof.Reveal()), err
	}
}
