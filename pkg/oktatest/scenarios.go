package oktatest

import (
	"cmp"
	"slices"
)

// The app and the user that work, at the org server and at the server "default". The secrets are no secrets: they are
// printed in the documentation.
const (
	DefaultServerID     = "default"
	DefaultAudience     = "api://default"
	DefaultClientID     = "0oaSandboxClient0001"
	DefaultClientSecret = "not-a-secret-sandbox-client-000000000000000000000000000000000001"
	DefaultUser         = "alice@example.com"
	DefaultPassword     = "correct-horse-battery-staple"
)

// The other apps and servers of Scenarios.
const (
	PostClientID        = "0oaPostBodyClient001" // DefaultClientSecret in the body
	PublicClientID      = "0oaPublicClient00001" // no secret
	NoPasswordClientID  = "0oaNoPasswordGrant01" // without the password grant
	NoRefreshClientID   = "0oaNoRefreshGrant001" // without the refresh grant
	DirectAuthClientID  = "0oaDirectAuthApp0001" // with Direct Authentication's MFA grants
	OutsideZoneClientID = "0oaOutsideTheZone001" // used from outside its network zones
	InactiveClientID    = "0oaInactiveClient001" // deactivated
	DPoPClientID        = "0oaNeedsDPoPProof001" // requires a DPoP proof
	ServiceClientID     = "0oaServiceClient0001" // acts for itself: the client credentials grant and no other

	NoPolicyServerID      = "ausNoPolicy000000001" // without an access policy, like a new org's default server
	DefaultScopesServerID = "ausDefaultScope00001" // accepts a request without scope
)

// Scenario is one sign-in at a freshly started server, and its result.
type Scenario struct {
	Description string // in a few words
	Grant       string // grant_type: GrantPassword, or GrantClientCredentials, which sends no Login and no Password
	Server      string // authorization server id, or OrgServerID
	ClientID    string
	AuthMethod  string // how the client sends its secret: ClientSecretBasic, ClientSecretPost, NoSecret
	Secret      string
	Login       string
	Password    string
	Scope       string // space-separated; "" sends none
	Status      int    // of the answer
	Error       string // error or errorCode of the answer; "" for tokens
	Text        string // error_description or errorSummary
}

// none is an empty value in a row of Scenarios, where "" is the default.
const none = "none"

// Scenarios are what the test users, apps and servers are for: first what works, then one for each refusal of the
// password grant and of client credentials. What is an org's setting at Okta (MFA, consent, policies) has a user, an
// app, a scope or a server of its own. The results are those with the zero Quirks.
func Scenarios() []Scenario {
	defaults := Scenario{
		Grant: GrantPassword, Server: DefaultServerID, ClientID: DefaultClientID, AuthMethod: ClientSecretBasic,
		Secret: DefaultClientSecret, Login: DefaultUser, Password: DefaultPassword, Scope: "openid profile",
	}
	service := defaults
	service.Grant, service.ClientID = GrantClientCredentials, ServiceClientID
	service.Login, service.Password, service.Scope = "", "", "api:read"
	return slices.Concat(fill(userSuccesses(), defaults), fill(clientSuccesses(), service),
		fill(userRefusals(), defaults), fill(clientRefusals(), service))
}

// scenario is a row: what differs from the defaults, and the result.
type scenario struct {
	description string
	with        Scenario
	status      int
	code, text  string
}

func fill(rows []scenario, defaults Scenario) []Scenario {
	list := make([]Scenario, len(rows))
	for i, row := range rows {
		s := row.with
		s.Description, s.Status, s.Error, s.Text = row.description, row.status, row.code, row.text
		for _, field := range []struct {
			value     *string
			otherwise string
		}{
			{&s.Grant, defaults.Grant}, {&s.Server, defaults.Server}, {&s.ClientID, defaults.ClientID},
			{&s.AuthMethod, defaults.AuthMethod}, {&s.Secret, defaults.Secret}, {&s.Login, defaults.Login},
			{&s.Password, defaults.Password}, {&s.Scope, defaults.Scope},
		} {
			*field.value = cmp.Or(*field.value, field.otherwise)
		}
		for _, value := range []*string{&s.Secret, &s.Login, &s.Password, &s.Scope} {
			if *value == none {
				*value = ""
			}
		}
		list[i] = s
	}
	return list
}

func userSuccesses() []scenario {
	return []scenario{
		{"a user signs in", Scenario{}, 200, "", ""},
		{"the org server", Scenario{Server: OrgServerID}, 200, "", ""},
		{"a refresh token and a custom scope", Scenario{Scope: "openid offline_access api:read"}, 200, "", ""},
		{"the secret in the body", Scenario{ClientID: PostClientID, AuthMethod: ClientSecretPost}, 200, "", ""},
		{"a public client", Scenario{ClientID: PublicClientID, AuthMethod: NoSecret, Secret: none}, 200, "", ""},
		{"no scope, at a server with default scopes", Scenario{Server: DefaultScopesServerID, Scope: none}, 200, "", ""},
		{"a custom scope alone: no ID token", Scenario{Scope: "api:read"}, 200, "", ""},
	}
}

func clientSuccesses() []scenario {
	return []scenario{
		{"a client acts for itself", Scenario{}, 200, "", ""},
		{"a client, no scope, at a server with default scopes", Scenario{Server: DefaultScopesServerID, Scope: none},
			200, "", ""},
	}
}

// userRefusals are in the order of the documentation: those of the password grant, then those of client authentication.
func userRefusals() []scenario {
	const wrong = "The credentials provided were invalid."
	const mismatch = "Client authentication failed. Either the client or the client credentials are invalid."
	return []scenario{
		{"wrong password", Scenario{Password: "wrong-horse"}, 400, "invalid_grant", wrong},
		{"unknown user", Scenario{Login: "nobody@example.com"}, 400, "invalid_grant", wrong},
		{"locked user", Scenario{Login: "locked@example.com"}, 400, "invalid_grant", wrong},
		{"expired password", Scenario{Login: "expired@example.com"}, 400, "invalid_grant", "Password has expired."},
		{"user without a password", Scenario{Login: "nopassword@example.com"}, 400, "invalid_grant",
			"The user does not configure a password."},
		{"MFA is required", Scenario{Login: "mfa@example.com"}, 400, "invalid_grant",
			"Resource owner password credentials cannot be used with MFA enabled."},
		{"the sign-on policy denies", Scenario{Login: "denied@example.com"}, 400, "invalid_grant",
			"Resource owner password credentials authentication denied by sign on policy."},
		{"MFA is required, and the app could do it", Scenario{Login: "mfa@example.com", ClientID: DirectAuthClientID}, 403,
			"mfa_required", "Verify with an additional authenticator to complete the sign-in process."},
		{"user not assigned to the app", Scenario{Login: "unassigned@example.com"}, 400, "access_denied",
			"User is not assigned to the client application."},
		{"no access policy matches", Scenario{Server: NoPolicyServerID}, 401, "access_denied",
			"Policy evaluation failed for this request, please check the policy configurations."},
		{"policy rejects every scope", Scenario{Scope: "api:admin"}, 400, "access_denied",
			"Policy evaluation succeeded, but all the requested scopes were rejected."},
		{"policy rejects one scope", Scenario{Scope: "openid api:admin"}, 400, "access_denied",
			"Some of the requested scopes were denied by the policy. Denied scopes: [api:admin]."},
		{"password grant not enabled", Scenario{ClientID: NoPasswordClientID}, 400, "unauthorized_client",
			"The client is not authorized to use the provided grant type. " +
				"Configured grant types: [authorization_code, refresh_token]."},
		{"scope needs consent", Scenario{Scope: "openid api:consent"}, 400, "consent_required",
			"The following scopes require user consent: [api:consent]. To access protected scopes using the resource owner " +
				"password grant type, please uncheck 'Require consent' in the app settings or set the 'consent_method' to " +
				"'TRUSTED' through the apps API."},
		{"unknown scope", Scenario{Scope: "openid api:unknown"}, 400, "invalid_scope",
			"One or more scopes are not configured for the authorization server resource."},
		{"custom scope at the org server", Scenario{Server: OrgServerID, Scope: "openid api:read"}, 400, "invalid_scope",
			"Custom scopes are not allowed for this request."},
		{"OIDC scope without openid", Scenario{Scope: "profile"}, 400, "invalid_scope",
			"Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."},
		{"no scope", Scenario{Scope: none}, 400, "invalid_scope", "The authorization server resource does not have any " +
			"configured default scopes, 'scope' must be provided."},
		{"no scope at the org server", Scenario{Server: OrgServerID, Scope: none}, 400, "invalid_scope",
			"No scopes were requested."},
		{"offline_access without the refresh grant", Scenario{ClientID: NoRefreshClientID, Scope: "openid offline_access"},
			400, "invalid_scope", "The following scopes are not allowed for this request: [offline_access]."},
		{"no user name", Scenario{Login: none}, 400, "invalid_request", "The required parameter 'username' is missing."},
		{"no password", Scenario{Password: none}, 400, "invalid_request", "The required parameter 'password' is missing."},
		{"too many tries for this user", Scenario{Login: "busy@example.com"}, 429, "invalid_grant",
			"API call exceeded rate limit due to too many requests."},
		{"wrong network zone", Scenario{ClientID: OutsideZoneClientID}, 403, "access_denied",
			"The request is made from outside the client's permitted network zones."},
		{"lite user", Scenario{Login: "lite@example.com"}, 403, "access_denied",
			"User with lite classification status is not allowed to use the provided 'grant_type'"},
		{"DPoP is required", Scenario{ClientID: DPoPClientID}, 400, "invalid_dpop_proof",
			"The DPoP proof JWT header is missing."},
		{"unknown client", Scenario{ClientID: "0oaNobodyKnowsMe0001"}, 401, "invalid_client",
			"Invalid value for 'client_id' parameter."},
		{"deactivated app", Scenario{ClientID: InactiveClientID}, 401, "invalid_client",
			"Invalid value for 'client_id' parameter."},
		{"wrong client secret", Scenario{Secret: "canary-wrong-secret"}, 401, "invalid_client",
			"The client secret supplied for a confidential client is invalid."},
		{"no client secret", Scenario{AuthMethod: NoSecret, Secret: none}, 401, "invalid_client", mismatch},
		{"secret sent by the wrong method", Scenario{ClientID: PostClientID}, 401, "invalid_client", mismatch},
		{"unknown authorization server", Scenario{Server: "ausNobodyKnowsMe0001"}, 404, "E0000007",
			"Not found: Resource not found: ausNobodyKnowsMe0001 (AuthorizationServer)"},
	}
}

func clientRefusals() []scenario {
	const notEnabled = "The client is not authorized to use the provided grant type. " +
		"Configured grant types: [authorization_code, password, refresh_token]."
	return []scenario{
		{"a client asks for openid", Scenario{Scope: "openid api:read"}, 400, "invalid_scope",
			"Cannot request 'openid' scopes using client credentials."},
		{"a client asks for an unknown scope", Scenario{Scope: "api:unknown"}, 400, "invalid_scope",
			"One or more scopes are not configured for the authorization server resource."},
		{"a client names no scope", Scenario{Scope: none}, 400, "invalid_scope", "The authorization server resource does " +
			"not have any configured default scopes, 'scope' must be provided."},
		{"a client at the org server", Scenario{Server: OrgServerID}, 401, "invalid_client", "Client Credentials requests " +
			"to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method."},
		{"no access policy matches the client", Scenario{Server: NoPolicyServerID}, 401, "access_denied",
			"Policy evaluation failed for this request, please check the policy configurations."},
		{"policy rejects the client's scope", Scenario{Scope: "api:admin"}, 400, "access_denied",
			"Policy evaluation succeeded, but all the requested scopes were rejected."},
		{"a client asks for a scope that needs consent", Scenario{Scope: "api:consent"}, 400, "consent_required",
			"The following scopes require user consent and cannot be granted for the client credentials grant type: " +
				"[api:consent]."},
		{"client credentials not enabled", Scenario{ClientID: DefaultClientID}, 400, "unauthorized_client", notEnabled},
		{"a public client cannot act for itself", Scenario{ClientID: PublicClientID, AuthMethod: NoSecret, Secret: none},
			400, "unauthorized_client", notEnabled},
		{"wrong secret of a client", Scenario{Secret: "canary-wrong-secret"}, 401, "invalid_client",
			"The client secret supplied for a confidential client is invalid."},
	}
}
