package okta

import (
	"fmt"
	"net/url"
	"strings"

	"okauth/pkg/internal/orgurl"
)

// OrgServer is the id that okauth gives the org authorization server, which has none at Okta.
const OrgServer = orgurl.OrgServer

// AuthorizationServer is one authorization server of an Okta org: its address and its id. NewAuthorizationServer
// makes it.
type AuthorizationServer struct {
	base string // "https://dev-1.okta.com", without a slash at the end
	id   string // "default", "aus…", or OrgServer
}

// NewAuthorizationServer checks and joins an org's address and the id of an authorization server. baseURL is
// "https://host" or "https://host:port"; "http://" is for loopback hosts alone. id is "default", "aus…", or "org" or
// "" for the org server. The error names the mistake and, where it cannot contain a password, the value.
func NewAuthorizationServer(baseURL, id string) (AuthorizationServer, error) {
	address, err := orgurl.Parse(baseURL)
	switch {
	case err != nil:
		return AuthorizationServer{}, fmt.Errorf("server address: %w", err)
	case address.Server != "" || !strings.Contains(baseURL, "://"):
		return AuthorizationServer{}, fmt.Errorf("server address is %q, expected https:// and a host", Sanitize(baseURL, 80))
	}
	if id == "" {
		id = OrgServer
	}
	if !orgurl.IsServerID(id) {
		return AuthorizationServer{}, fmt.Errorf(
			"server id is %q, expected \"default\", \"org\" or an id like \"aus9o8wzkhckw9TLa0h7z\"", Sanitize(id, 80))
	}
	return AuthorizationServer{base: address.BaseURL, id: id}, nil
}

// ID returns "default", "aus…", or OrgServer; "" for the zero AuthorizationServer.
func (s AuthorizationServer) ID() string { return s.id }

// BaseURL returns the org's address, "https://host[:port]".
func (s AuthorizationServer) BaseURL() string { return s.base }

// Host returns the host and port of the org's address, for messages.
func (s AuthorizationServer) Host() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.base, "https://"), "http://")
}

// Issuer returns the value of iss in the server's tokens. The org server's has no "/oauth2", although its endpoints
// have. https://developer.okta.com/docs/concepts/auth-servers/
func (s AuthorizationServer) Issuer() string {
	if s.id == OrgServer {
		return s.base
	}
	return s.base + "/oauth2/" + s.id
}

// Endpoint returns the URL of "token", "keys", "userinfo", "introspect" or "revoke".
func (s AuthorizationServer) Endpoint(name string) string {
	if s.id == OrgServer {
		return s.base + "/oauth2/v1/" + name
	}
	return s.base + "/oauth2/" + s.id + "/v1/" + name
}

// checkEndpoint returns an error where an endpoint's address does not have the server's scheme, host and port. name is
// what the error calls the address.
func (s AuthorizationServer) checkEndpoint(name, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%s is not a URL", name)
	}
	if u.User != nil || u.Fragment != "" || strings.Contains(address, "#") {
		return fmt.Errorf("%s has a user name or a fragment", name)
	}
	if at, err := orgurl.Parse(u.Scheme + "://" + u.Host); err != nil || at.BaseURL != s.base {
		return fmt.Errorf("%s is at %q, expected %q", name, Sanitize(u.Scheme+"://"+u.Host, 120), s.base)
	}
	return nil
}
