package okta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"okauth/pkg/internal/orgurl"
)

// Metadata is what an authorization server says about itself. The addresses are at the server's own host, "" where the document has none; the
// lists are in the document's order, nil where it has none. They tell less than there is: Okta leaves out grants that work.
type Metadata struct {
	Issuer                string // always Server.Issuer
	TokenEndpoint         string // never ""
	JWKSURI               string // never ""; what Keys takes
	UserInfoEndpoint      string
	IntrospectionEndpoint string
	RevocationEndpoint    string
	GrantTypes            []string // grant_types_supported
	Scopes                []string // scopes_supported
	AuthMethods           []string // token_endpoint_auth_methods_supported
}

// Metadata asks the server for its OpenID Connect metadata, which needs no client, and checks that it is this server's own: "The issuer value returned MUST be
// identical to the Issuer URL that was used as the prefix to /.well-known/openid-configuration". OpenID Connect Discovery §4.3:
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
//
// Where an org has a custom URL domain, the issuer can depend on the application, so a client with an ID asks a second time in its own name.
//
// The error is one of Token's, or an *IssuerError where the issuer is another one. A document that points to another host than the
// issuer's is a *ResponseError: keys from there would vouch for anybody's tokens.
func (c *Client) Metadata(ctx context.Context) (*Metadata, error) {
	m, err := c.metadata(ctx, "")
	if _, other := errors.AsType[*IssuerError](err); other && c.ID != "" {
		return c.metadata(ctx, "?client_id="+url.QueryEscape(c.ID))
	}
	return m, err
}

func (c *Client) metadata(ctx context.Context, query string) (*Metadata, error) {
	a, err := c.get(ctx, discovery, c.Server.Issuer()+"/.well-known/openid-configuration"+query, Secret{})
	if err != nil {
		return nil, err
	}
	m, err := a.document()
	if err != nil {
		return nil, err
	}
	issuer, err := m.text("issuer")
	if err == nil && issuer == "" {
		err = errors.New("issuer is missing")
	}
	if err != nil {
		return nil, a.unusable("unusable metadata", err)
	}
	if issuer != c.Server.Issuer() {
		return nil, &IssuerError{Expected: c.Server.Issuer(), Got: a.foreign(issuer, 300)}
	}
	metadata, err := m.metadata(c.Server)
	if err != nil {
		return nil, a.unusable("unusable metadata", err)
	}
	return metadata, nil
}

// metadata reads the document of server, whose issuer is known to be right.
func (m jsonObject) metadata(server AuthorizationServer) (*Metadata, error) {
	d := &Metadata{Issuer: server.Issuer()}
	for _, part := range []struct {
		name     string
		into     *string
		required bool
	}{
		{"token_endpoint", &d.TokenEndpoint, true},
		{"jwks_uri", &d.JWKSURI, true},
		{"userinfo_endpoint", &d.UserInfoEndpoint, false},
		{"introspection_endpoint", &d.IntrospectionEndpoint, false},
		{"revocation_endpoint", &d.RevocationEndpoint, false},
	} {
		text, err := m.text(part.name)
		switch {
		case err != nil:
			return nil, err
		case text == "" && !part.required:
			continue
		case text == "":
			return nil, fmt.Errorf("%s is missing", part.name)
		}
		if err := server.owns(text); err != nil {
			return nil, fmt.Errorf("%s %w", part.name, err)
		}
		*part.into = text
	}
	for name, into := range map[string]*[]string{
		"grant_types_supported": &d.GrantTypes, "scopes_supported": &d.Scopes, "token_endpoint_auth_methods_supported": &d.AuthMethods,
	} {
		var err error
		if *into, err = m.list(name); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// owns returns what is wrong with the address of an endpoint that should be this server's: it must be at the same scheme, host and port.
func (s AuthorizationServer) owns(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("is not a URL")
	}
	if u.User != nil || u.Fragment != "" || strings.Contains(address, "#") {
		return errors.New("has a user name or a fragment")
	}
	if at, err := orgurl.Parse(u.Scheme + "://" + u.Host); err != nil || at.Base != s.base {
		return fmt.Errorf("is at %q, expected %q", Sanitize(u.Scheme+"://"+u.Host, 120), s.base)
	}
	return nil
}

// IssuerError says that the metadata at the configured address is another authorization server's, or is given under another name.
type IssuerError struct {
	Expected string // the issuer of the configuration
	Got      string // the issuer that the metadata names, made printable
}

func (e *IssuerError) Error() string {
	return fmt.Sprintf("metadata of %s names the issuer %q", e.Expected, e.Got)
}

// Hint names the usual cause, an org's custom URL domain, and the setting that goes with it.
func (e *IssuerError) Hint() string {
	if strings.TrimRight(e.Got, "/") == e.Expected {
		return "something between here and Okta changes its answers: check HTTPS_PROXY"
	}
	expected, _ := url.Parse(e.Expected)
	got, err := url.Parse(e.Got)
	if err != nil || expected == nil || got.Host == "" || got.Host == expected.Host {
		return "check domain and server: okauth config list"
	}
	if _, err := orgurl.Parse("https://" + got.Host); err != nil {
		return "check domain and server: okauth config list"
	}
	return "if you know " + got.Host + " as your org's own address (its custom URL domain), use it: okauth config set domain " + got.Host +
		"; if not, something in between answers in Okta's place"
}
