package okta

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// OrgServer is the id by which okauth calls the org authorization server, which has none at Okta.
const OrgServer = "org"

// AuthorizationServer is one authorization server of an Okta org: where it is and what it is called. Make it with NewServer.
type AuthorizationServer struct {
	base string // "https://dev-1.okta.com", without a slash at the end
	id   string // "default", "aus…", or OrgServer
}

// NewAuthorizationServer checks and joins an org's address and the id of an authorization server. baseURL is "https://host" or
// "https://host:port"; "http://" is for loopback hosts alone. id is "default", "aus…", or "org" or "" for the org server.
// The error names the mistake and, where there can be no password in it, the value.
func NewAuthorizationServer(baseURL, id string) (AuthorizationServer, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return AuthorizationServer{}, err
	}
	if id == "" {
		id = OrgServer
	}
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" || strings.Trim(id, ".") == "" {
		return AuthorizationServer{}, fmt.Errorf("server id is %q, expected \"default\", \"org\" or an id like \"aus9o8wzkhckw9TLa0h7z\"", Sanitize(id, 80))
	}
	return AuthorizationServer{base: base, id: id}, nil
}

func parseBase(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("server address is not a URL, expected https://your-org.okta.com") // url.Error quotes it, with a password if there is one
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	switch {
	case u.User != nil:
		return "", errors.New("server address contains a user name or password, expected https://your-org.okta.com")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("server address starts with %q, expected https://", Sanitize(u.Scheme+":", 20))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return "", errors.New("server address contains a query or a fragment, expected https://your-org.okta.com")
	case strings.Trim(u.Path, "/") != "" || len(u.Path) > 1:
		return "", fmt.Errorf("server address contains the path %q, expected https://your-org.okta.com", Sanitize(u.Path, 80))
	case !plainHost(host):
		return "", fmt.Errorf("server address has the host %q, expected letters, digits, dots and hyphens (a name with other letters is written xn--…)", Sanitize(host, 80))
	case u.Scheme == "http" && !loopback(host):
		return "", fmt.Errorf("server address starts with http://, expected https:// for %q: only a server on this machine may do without", Sanitize(host, 80))
	}
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", fmt.Errorf("server address has the port %q, expected 1 to 65535", Sanitize(port, 20))
		}
	}
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

// plainHost accepts ASCII names and IP addresses. A name in other letters may look like another one; its xn-- form can not.
func plainHost(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	rest := strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-")
	return host != "" && rest == "" && !strings.HasPrefix(host, ".") && !strings.Contains(host, "..")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
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
