// Package clientauth authenticates a client to an authorization server: a [Method] adds what proves the client's
// identity to each request to the token, revocation and introspection endpoints.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
package clientauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"time"

	"okauth/pkg/internal/secret"
)

// Method is one way to authenticate a client. Its value in the registry of token_endpoint_auth_methods names it.
type Method interface {
	// Name returns "none", "client_secret_basic", ….
	Name() string
	// Authenticate adds the authentication to r. The error says why it cannot be made; it contains no secret.
	Authenticate(r Request) error
}

// Request is a request of a client. A Method may change the header and the form.
type Request struct {
	ClientID string
	URL      string    // of the endpoint
	Now      time.Time // by the client's clock
	Header   http.Header
	Form     url.Values
}

// ForSecret returns the method of a client that has this client secret: ClientSecretBasic, or None where it is empty.
func ForSecret(s secret.Secret) Method {
	if s.IsZero() {
		return None{}
	}
	return ClientSecretBasic{Secret: s}
}

// None is for a public client, which has nothing to prove its identity with: "A client MAY use the 'client_id' request
// parameter to identify itself when sending requests to the token endpoint". RFC 6749 §3.2.1:
// https://www.rfc-editor.org/rfc/rfc6749#section-3.2.1
type None struct{}

// Name returns "none".
func (None) Name() string { return "none" }

// Authenticate adds the client id to the form.
func (None) Authenticate(r Request) error {
	r.Form.Set("client_id", r.ClientID)
	return nil
}

// ClientSecretBasic sends the client id and the client secret by HTTP Basic authentication.
type ClientSecretBasic struct {
	Secret secret.Secret // an okta.Secret
}

// Name returns "client_secret_basic".
func (ClientSecretBasic) Name() string { return "client_secret_basic" }

// Authenticate sets the Authorization header. It encodes both parts before it joins them: "The client identifier is
// encoded using the 'application/x-www-form-urlencoded' encoding algorithm … and the encoded value is used as the
// username; the client password is encoded using the same algorithm". RFC 6749 §2.3.1:
// https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1. The encoding does not change the values that Okta generates.
//
// The id is not repeated in the form: Okta answers that with 401 "Cannot supply multiple client credentials".
func (m ClientSecretBasic) Authenticate(r Request) error {
	pair := url.QueryEscape(r.ClientID) + ":" + url.QueryEscape(m.Secret.Reveal())
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	return nil
}

// ClientSecretPost sends the client id and the client secret in the form. RFC 6749 §2.3.1:
// https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
type ClientSecretPost struct {
	Secret secret.Secret // an okta.Secret
}

// Name returns "client_secret_post".
func (ClientSecretPost) Name() string { return "client_secret_post" }

// Authenticate adds both to the form.
func (m ClientSecretPost) Authenticate(r Request) error {
	r.Form.Set("client_id", r.ClientID)
	r.Form.Set("client_secret", m.Secret.Reveal())
	return nil
}
