package okauth

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// ExchangeRequest says which token to exchange for which. The zero ExchangeRequest exchanges the session's access token
// for one that the server chooses.
type ExchangeRequest struct {
	// SubjectType is the token of the session to exchange: session.Access or session.ID; "": the ID token for an ID-JAG
	// and with a device secret, which are about who signed in, else the access token.
	SubjectType session.TokenType
	// Subject is a client of the profile whose session has the token; nil: the one that Exchange is called on.
	Subject *Client
	// SubjectToken is exchanged in place of the session's. The result is not stored.
	SubjectToken okta.Secret

	// ActorType is the type of the token that says who acts for the subject: a URI, such as okta.AccessTokenType; "": no
	// one. ActorToken is that token, and then the result is not stored; zero with grant.DeviceSecretType: the device
	// secret of the session.
	ActorType  string
	ActorToken okta.Secret

	RequestedType      string // of the new token, a URI; "" leaves it to the server, which issues an access token
	Audience, Resource string // of the new token
	Scopes             []string
	// ResourceServer is the issuer of another authorization server of the org, which shall issue the new token: the org
	// server makes an ID-JAG for it, and that server exchanges the ID-JAG. With grant.IDJAGType as RequestedType it is the
	// ID-JAG that is returned.
	ResourceServer string

	Fresh bool // get a new token even if the stored one is valid
}

// ResourceServerError says that ExchangeRequest.ResourceServer is no custom authorization server of the org of the
// settings. Nothing was sent: the client's credentials are for that org alone.
type ResourceServerError struct {
	Issuer string // sanitized
	Org    string // address of the org
}

func (e *ResourceServerError) Error() string {
	return fmt.Sprintf("resource server is %q, expected a custom authorization server of %s", e.Issuer, e.Org)
}

// Exchange is an ExchangeRequest of a Client that has been checked. Its tokens may still be set.
type Exchange struct {
	ExchangeRequest
	client        *Client
	first, second okta.AuthorizationServer // second is zero where one request does
}

// Exchange returns a token for a token of the session, or for r.SubjectToken: the stored one of an earlier exchange if
// it is valid for at least MinTTL, else a new one, which it stores in the session of the subject. The subject is made
// valid first as [Client.Token] does. Of many processes that ask at once, one makes the request and all get its result.
//
// An ID-JAG is not stored, because it works once. The errors are those of Token and of [Client.NewExchange]. With a
// *session.SaveError comes a token that is valid.
func (c *Client) Exchange(ctx context.Context, r ExchangeRequest) (session.CachedToken, error) {
	x, err := c.NewExchange(r)
	if err != nil {
		return session.CachedToken{}, err
	}
	return x.Token(ctx)
}

// NewExchange checks r, and sends nothing. The error is a *grant.InputError, a *ResourceServerError or a *config.Error.
func (c *Client) NewExchange(r ExchangeRequest) (Exchange, error) {
	x := Exchange{ExchangeRequest: r, client: c}
	aboutSignIn := r.RequestedType == grant.IDJAGType || r.ResourceServer != "" || r.ActorType == grant.DeviceSecretType
	switch {
	case r.SubjectType != "":
	case aboutSignIn:
		x.SubjectType = session.ID
	default:
		x.SubjectType = session.Access
	}
	var err error
	if x.first, err = c.Server(); err == nil {
		err = x.check()
	}
	if err != nil || r.ResourceServer == "" {
		return x, err
	}
	org := x.first.BaseURL()
	at, id, err := config.ParseIssuer(r.ResourceServer)
	if err != nil {
		return x, fmt.Errorf("resource server: %w", err)
	}
	if at != org || id == okta.OrgServer {
		return x, &ResourceServerError{Issuer: okta.Sanitize(r.ResourceServer, 200), Org: org}
	}
	target, err := okta.NewAuthorizationServer(at, id)
	if err != nil {
		return x, err
	}
	if x.first, err = okta.NewAuthorizationServer(org, okta.OrgServer); err != nil {
		return x, err
	}
	x.Audience = target.Issuer()
	if r.RequestedType != grant.IDJAGType {
		x.RequestedType, x.second = grant.IDJAGType, target
	}
	return x, nil
}

// Issuer returns the issuer of the new token.
func (x Exchange) Issuer() string { return cmp.Or(x.second, x.first).Issuer() }

// Token makes the exchange, as [Client.Exchange] does.
func (x Exchange) Token(ctx context.Context) (session.CachedToken, error) {
	minTTL := x.client.settings.MinTTL()
	if !x.SubjectToken.IsZero() {
		exchange, err := x.prepare(ctx)
		if err != nil {
			return session.CachedToken{}, err
		}
		tokens, err := exchange(ctx, session.Subject{Token: x.SubjectToken})
		if err != nil {
			return session.CachedToken{}, err
		}
		return session.Exchanged(tokens, "", minTTL), nil
	}
	owner := cmp.Or(x.Subject, x.client)
	storage, subject, err := owner.open(x.SubjectType, false)
	if err != nil {
		return session.CachedToken{}, err
	}
	options, end := owner.renewOptions(storage, subject.Identity)
	token, err := storage.Manager().Exchange(ctx, session.Exchange{
		Name: x.name(), Scopes: x.Scopes, MinTTL: minTTL, Fresh: x.Fresh, Subject: subject, Prepare: x.prepare,
	}, options)
	end(err)
	return token, owner.withProfile(err)
}

// check refuses what cannot be sent, before the subject is made valid for it.
func (x Exchange) check() error {
	x.ActorType = "" // it may be read later
	request, err := x.request(session.Subject{Token: okta.NewSecret("subject")})
	if err != nil {
		return err
	}
	return request.Check()
}

// name returns what tells the result from that of any other exchange; "" where it is not stored.
func (x Exchange) name() string {
	if !x.ActorToken.IsZero() || x.RequestedType == grant.IDJAGType && x.second.ID() == "" {
		return ""
	}
	scopes := slices.Sorted(slices.Values(cmp.Or(x.Subject, x.client).settings.Scopes()))
	parts := url.Values{
		"issuer": {x.first.Issuer()}, "client_id": {x.client.settings.ClientID()},
		"subject_scope": {strings.Join(scopes, " ")},
	}
	for name, value := range map[string]string{
		"subject": string(x.SubjectType), "actor": x.ActorType, "requested_token_type": x.RequestedType,
		"audience": x.Audience, "resource": x.Resource, "resource_server": x.second.ID(), "dpop": x.dpop(),
	} {
		if value != "" {
			parts.Set(name, value)
		}
	}
	return parts.Encode()
}

// DescribeExchange says what a token of the session of id was exchanged for, where Exchange of its store.TokenSet is
// name: "audience api://orders, client 0oa…". It is "" for an ordinary one.
func DescribeExchange(name string, id store.Identity) string {
	parts, err := url.ParseQuery(name)
	if err != nil {
		return ""
	}
	var text []string
	for _, part := range []struct{ name, label, usual string }{
		{"audience", "audience", ""}, {"resource", "resource", ""}, {"resource_server", "resource server", ""},
		{"requested_token_type", "type", grant.IDJAGType}, {"subject", "for the token", string(session.Access)},
		{"actor", "actor", ""}, {"issuer", "issuer", id.Issuer}, {"client_id", "client", id.ClientID},
	} {
		if value := parts.Get(part.name); value != "" && value != part.usual {
			text = append(text, part.label+" "+value)
		}
	}
	if name != "" && text == nil {
		return "as the server chose"
	}
	return strings.Join(text, ", ")
}

// dpop returns "true" where the setting binds the new token to a key.
func (x Exchange) dpop() string {
	if x.client.settings.DPoP() {
		return "true"
	}
	return ""
}

// prepare reads the client's credentials.
func (x Exchange) prepare(ctx context.Context) (session.Exchanger, error) {
	client, err := x.client.oktaClient(ctx, x.first, x.client.settings.ClientID())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, subject session.Subject) (*okta.TokenResponse, error) {
		request, err := x.request(subject)
		if err != nil {
			return nil, err
		}
		first := client
		ownSession := x.Subject == nil && !subject.DPoPKey.IsZero() // it stays bound
		if x.dpop() != "" || ownSession {
			if first, err = client.Bound(subject.DPoPKey, subject.DPoPNonce); err != nil {
				return nil, err
			}
		}
		tokens, err := request.Token(ctx, first, nil)
		if err != nil || x.second.ID() == "" {
			return tokens, err
		}
		second := *first
		second.Server = x.second
		return grant.JWTBearer{Assertion: tokens.AccessToken, Scopes: x.Scopes}.Token(ctx, &second, nil)
	}, nil
}

// request returns the first request for a subject.
func (x Exchange) request(subject session.Subject) (grant.TokenExchange, error) {
	r := grant.TokenExchange{
		Subject:       grant.TypedToken{Value: subject.Token, Type: okta.AccessTokenType},
		RequestedType: x.RequestedType, Audience: x.Audience, Resource: x.Resource, Scopes: x.Scopes,
	}
	if x.SubjectType == session.ID {
		r.Subject.Type = grant.IDTokenType
	}
	r.Actor = grant.TypedToken{Value: x.ActorToken, Type: x.ActorType}
	if r.Actor.Value.IsZero() && x.ActorType == grant.DeviceSecretType {
		if r.Actor.Value = subject.DeviceSecret; r.Actor.Value.IsZero() {
			return r, &session.MissingTokenError{Type: session.DeviceSecret}
		}
	}
	return r, nil
}
