package okta

import (
	"fmt"
	"strings"

	"okauth/pkg/internal/orgurl"
)

// OrgServer is the id by which okauth calls the org authorization server, which has none at Okta.
const OrgServer = orgurl.OrgServer

// AuthorizationServer is one authorization server of an Okta org: where it is and what it is called. Make it with NewServer.
type AuthorizationServer struct {
	base string // "https://dev-1.okta.com", without a slash at the end
	id   string // "default", "aus…", or OrgServer
}

// NewAuthorizationServer checks and joins an org's address and the id of an authorization server. baseURL is "https://host" or
// "https://host:port"; "http://" is for loopback hosts alone. id is "default", "aus…", or "org" or "" for the org server.
// The error names the mistake and, where there can be no password in it, the value.
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
		return AuthorizationServer{}, fmt.Errorf("server id is %q, expected \"default\", \"org\" or an id like \"aus9o8wzkhckw9TLa0h7z\"", Sanitize(id, 80))
	}
	return AuthorizationServer{base: address.Base, id: id}, nil
}

// ID returns "default", "aus…", or OrgServer.
func (s AuthorizationServer) ID() string { return s.id }

// BaseURL returns the org's address, "https://host[:port]".
func (s AuthorizationServer) BaseURL() string { return s.base }

// Host returns the host and port of the org's address, for messages.
func (s AuthorizationServer) Host() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.base, "https://"), "http://")
}

// Issuer returns the value of iss in the server's tokens. The org server's has no "/oauth2", although its endpoints have.
// https://developer.okta.com/docs/concepts/auth-servers/
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
