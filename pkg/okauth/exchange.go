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
	// SubjectType is the token of the session to exchange: session.Access, which "" means, or session.ID.
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

// Exchange returns a token for a token of the session, or for r.SubjectToken: the stored one of an earlier exchange if
// it is valid for at least MinTTL, else a new one, which it stores in the session of the subject. The subject is made
// valid first as [Client.Token] does. Of many processes that ask at once, one makes the request and all get its result.
//
// An ID-JAG is not stored, because it works once. The errors are those of Token, a *grant.InputError, and a
// *ResourceServerError or a *config.Error. With a *session.SaveError comes a token that is valid.
func (c *Client) Exchange(ctx context.Context, r ExchangeRequest) (session.CachedToken, error) {
	steps, err := c.exchangeSteps(r)
	if err != nil {
		return session.CachedToken{}, err
	}
	if !r.SubjectToken.IsZero() {
		exchange, err := steps.prepare(ctx)
		if err != nil {
			return session.CachedToken{}, err
		}
		tokens, err := exchange(ctx, session.Subject{Token: r.SubjectToken})
		if err != nil {
			return session.CachedToken{}, err
		}
		return session.Exchanged(tokens, "", c.settings.MinTTL()), nil
	}
	owner := cmp.Or(r.Subject, c)
	x := session.Exchange{
		Name: steps.name(), Scopes: r.Scopes, MinTTL: c.settings.MinTTL(), Fresh: r.Fresh, Prepare: steps.prepare,
	}
	var storage Storage
	if storage, x.Subject, err = owner.open(steps.SubjectType, false); err != nil {
		return session.CachedToken{}, err
	}
	options, end := owner.renewOptions(storage, x.Subject.Identity)
	token, err := storage.Manager().Exchange(ctx, x, options)
	end(err)
	return token, owner.withProfile(err)
}

// ExchangeIssuer returns the issuer of the token that Exchange returns for r. The error is that of Exchange.
func (c *Client) ExchangeIssuer(r ExchangeRequest) (string, error) {
	steps, err := c.exchangeSteps(r)
	if err != nil {
		return "", err
	}
	return cmp.Or(steps.second, steps.first).Issuer(), nil
}

// exchangeSteps are the requests of an exchange.
type exchangeSteps struct {
	ExchangeRequest
	client        *Client
	first, second okta.AuthorizationServer // second is zero where one request does
}

// exchangeSteps returns the requests that r needs, and checks where they go.
func (c *Client) exchangeSteps(r ExchangeRequest) (exchangeSteps, error) {
	s := exchangeSteps{ExchangeRequest: r, client: c}
	s.SubjectType = cmp.Or(r.SubjectType, session.Access)
	var err error
	if s.first, err = c.Server(); err == nil {
		err = s.check()
	}
	if err != nil || r.ResourceServer == "" {
		return s, err
	}
	org := s.first.BaseURL()
	at, id, err := config.ParseIssuer(r.ResourceServer)
	if err != nil {
		return s, fmt.Errorf("resource server: %w", err)
	}
	if at != org || id == okta.OrgServer {
		return s, &ResourceServerError{Issuer: okta.Sanitize(r.ResourceServer, 200), Org: org}
	}
	target, err := okta.NewAuthorizationServer(at, id)
	if err != nil {
		return s, err
	}
	if s.first, err = okta.NewAuthorizationServer(org, okta.OrgServer); err != nil {
		return s, err
	}
	s.Audience = target.Issuer()
	if r.RequestedType != grant.IDJAGType {
		s.RequestedType, s.second = grant.IDJAGType, target
	}
	return s, nil
}

// check refuses what cannot be sent, before the subject is made valid for it.
func (s exchangeSteps) check() error {
	s.ActorType = "" // it may be read later
	x, err := s.exchange(session.Subject{Token: okta.NewSecret("subject")})
	if err != nil {
		return err
	}
	return x.Check()
}

// name returns what tells the result from that of any other exchange; "" where it is not stored.
func (s exchangeSteps) name() string {
	if !s.ActorToken.IsZero() || s.RequestedType == grant.IDJAGType && s.second.ID() == "" {
		return ""
	}
	scopes := slices.Sorted(slices.Values(cmp.Or(s.Subject, s.client).settings.Scopes()))
	parts := url.Values{
		"issuer": {s.first.Issuer()}, "client_id": {s.client.settings.ClientID()},
		"subject_scope": {strings.Join(scopes, " ")},
	}
	for name, value := range map[string]string{
		"subject": string(s.SubjectType), "actor": s.ActorType, "requested_token_type": s.RequestedType,
		"audience": s.Audience, "resource": s.Resource, "resource_server": s.second.ID(), "dpop": s.dpop(),
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
func (s exchangeSteps) dpop() string {
	if s.client.settings.DPoP() {
		return "true"
	}
	return ""
}

// prepare reads the client's credentials.
func (s exchangeSteps) prepare(ctx context.Context) (session.Exchanger, error) {
	client, err := s.client.oktaClient(ctx, s.first, s.client.settings.ClientID())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, subject session.Subject) (*okta.TokenResponse, error) {
		exchange, err := s.exchange(subject)
		if err != nil {
			return nil, err
		}
		first := client
		ownSession := s.Subject == nil && !subject.DPoPKey.IsZero() // it stays bound
		if s.dpop() != "" || ownSession {
			if first, err = client.Bound(subject.DPoPKey, subject.DPoPNonce); err != nil {
				return nil, err
			}
		}
		tokens, err := exchange.Token(ctx, first, nil)
		if err != nil || s.second.ID() == "" {
			return tokens, err
		}
		second := *first
		second.Server = s.second
		return grant.JWTBearer{Assertion: tokens.AccessToken, Scopes: s.Scopes}.Token(ctx, &second, nil)
	}, nil
}

// exchange returns the first request for a subject.
func (s exchangeSteps) exchange(subject session.Subject) (grant.TokenExchange, error) {
	x := grant.TokenExchange{
		Subject:       grant.TypedToken{Value: subject.Token, Type: okta.AccessTokenType},
		RequestedType: s.RequestedType, Audience: s.Audience, Resource: s.Resource, Scopes: s.Scopes,
	}
	if s.SubjectType == session.ID {
		x.Subject.Type = grant.IDTokenType
	}
	x.Actor = grant.TypedToken{Value: s.ActorToken, Type: s.ActorType}
	if x.Actor.Value.IsZero() && s.ActorType == grant.DeviceSecretType {
		if x.Actor.Value = subject.DeviceSecret; x.Actor.Value.IsZero() {
			return x, &session.MissingTokenError{Type: session.DeviceSecret}
		}
	}
	return x, nil
}
