package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Metadata is what okauth uses of the metadata document of an authorization server. The lists are in the document's
// order, nil where it has none. Okta leaves out grants that work.
type Metadata struct {
	Issuer     string   // always AuthorizationServer.Issuer
	JWKSURI    string   // at the server's own host; for Client.Keys
	GrantTypes []string // grant_types_supported
	Scopes     []string // scopes_supported
	Challenges []string // code_challenge_methods_supported
	// Endpoints are where people sign in, which may be at any host, by what AuthorizationServer.Endpoint calls them:
	// "authorize" and "device/authorize"; "" where there is no such endpoint.
	Endpoints map[string]string
}

// IssuerError says that what came from the configured address is another authorization server's, or names it otherwise.
type IssuerError struct {
	Source   string // what names the issuer: "metadata" or "answer to the sign-in"
	Expected string // the issuer of the configuration
	Got      string // the issuer that it names, sanitized
}

func (e *IssuerError) Error() string {
	return fmt.Sprintf("%s of %s names the issuer %q", e.Source, e.Expected, e.Got)
}

// Metadata gets the server's OpenID Connect metadata and checks that it is this server's own: "The issuer value
// returned MUST be identical to the Issuer URL that was used as the prefix to /.well-known/openid-configuration".
// OpenID Connect Discovery §4.3:
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
//
// Where an org has a custom URL domain, the issuer can depend on the application, so a client with an ID asks a
// second time with its ID.
//
// The error is one of Token's, or an *IssuerError. A document that points to another host than the issuer's is a
// *ResponseError: keys from there would verify an attacker's tokens.
func (c *Client) Metadata(ctx context.Context) (*Metadata, error) {
	m, err := c.metadata(ctx, "")
	if _, other := errors.AsType[*IssuerError](err); other && c.ID != "" {
		return c.metadata(ctx, "?client_id="+url.QueryEscape(c.ID))
	}
	return m, err
}

func (c *Client) metadata(ctx context.Context, query string) (*Metadata, error) {
	address := c.Server.Issuer() + "/.well-known/openid-configuration" + query
	r, err := c.get(ctx, OperationMetadata, address, Secret{})
	if err != nil {
		return nil, err
	}
	issuer, err := r.object.text("issuer")
	if err == nil && issuer == "" {
		err = errors.New("issuer is missing")
	}
	if err != nil {
		return nil, r.unusable("unusable metadata", err)
	}
	if issuer != c.Server.Issuer() {
		return nil, &IssuerError{Source: "metadata", Expected: c.Server.Issuer(), Got: r.foreign(issuer, 300)}
	}
	metadata, err := r.object.metadata(c.Server)
	if err != nil {
		return nil, r.unusable("unusable metadata", err)
	}
	return metadata, nil
}

// metadata reads the document of server, whose issuer is known to be right. All addresses must be at its host.
func (o jsonObject) metadata(server AuthorizationServer) (*Metadata, error) {
	for _, endpoint := range []struct {
		name     string
		required bool
	}{
		{"token_endpoint", true}, {"jwks_uri", true},
		{"userinfo_endpoint", false}, {"introspection_endpoint", false}, {"revocation_endpoint", false},
	} {
		address, err := o.text(endpoint.name)
		switch {
		case err != nil:
		case address != "":
			err = server.checkEndpoint(endpoint.name, address)
		case endpoint.required:
			err = fmt.Errorf("%s is missing", endpoint.name)
		}
		if err != nil {
			return nil, err
		}
	}
	m := &Metadata{Issuer: server.Issuer()}
	m.JWKSURI, _ = o.text("jwks_uri")
	authorization, _ := o.text("authorization_endpoint")
	device, _ := o.text("device_authorization_endpoint")
	m.Endpoints = map[string]string{"authorize": authorization, "device/authorize": device}
	for _, list := range []struct {
		name string
		to   *[]string
	}{
		{"grant_types_supported", &m.GrantTypes}, {"scopes_supported", &m.Scopes},
		{"code_challenge_methods_supported", &m.Challenges},
	} {
		var err error
		if *list.to, err = o.list(list.name); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Bounds of KeyDocument.MaxAge. Okta allows weeks; a withdrawn key should not live so long here.
const (
	KeysAtLeast = 5 * time.Minute
	KeysAtMost  = 24 * time.Hour
)

// KeyDocument is a server's key set (JWKS).
type KeyDocument struct {
	Text []byte // a JSON object with the array "keys", at most 1 MiB, as it was received; the keys are not checked
	// MaxAge is how long it may be kept, by the header Cache-Control: from KeysAtLeast to KeysAtMost.
	MaxAge time.Duration
}

// Keys gets the key set at uri, which is Metadata.JWKSURI: an address at another host than the server's is refused. The
// error is one of Token's. https://developer.okta.com/docs/concepts/key-rotation/
func (c *Client) Keys(ctx context.Context, uri string) (*KeyDocument, error) {
	if err := c.Server.checkEndpoint("address of the keys", uri); err != nil {
		return nil, err
	}
	r, err := c.get(ctx, OperationKeys, uri, Secret{})
	if err != nil {
		return nil, err
	}
	if list := r.object["keys"]; len(list) == 0 || list[0] != '[' {
		return nil, r.unusable("an unusable list of keys", errors.New("keys is not an array"))
	}
	return &KeyDocument{Text: r.body, MaxAge: min(max(maxAge(r.Header), KeysAtLeast), KeysAtMost)}, nil
}

// maxAge reads Cache-Control: 0 where the response must not be kept, or the header has no usable age.
// RFC 9111 §5.2.2: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2
func maxAge(header http.Header) time.Duration {
	age, known := time.Duration(0), false
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 32)
			if err == nil && !known { // of two, the first counts: §4.2.1
				age = time.Duration(seconds) * time.Second
			}
			known = true
		}
	}
	return age
}

// Organization is the public description of an Okta org.
type Organization struct {
	ID string // "00o…"
	// Pipeline is the engine: "idx" is Identity Engine, "v1" Classic Engine. Another word is as it came, sanitized.
	Pipeline string
}

// Organization asks which org is at the server's address. Only an Okta org answers. The error is one of Token's.
func (c *Client) Organization(ctx context.Context) (*Organization, error) {
	address := c.Server.BaseURL() + "/.well-known/okta-organization"
	r, err := c.get(ctx, OperationOrganization, address, Secret{})
	if err != nil {
		return nil, err
	}
	id, err := r.object.text("id")
	if err == nil && id == "" {
		err = errors.New("id is missing")
	}
	pipeline, pipelineErr := r.object.text("pipeline")
	if err = errors.Join(err, pipelineErr); err != nil {
		return nil, r.unusable("an unusable description of an org", err)
	}
	return &Organization{ID: r.foreign(id, 80), Pipeline: r.foreign(pipeline, 40)}, nil
}
