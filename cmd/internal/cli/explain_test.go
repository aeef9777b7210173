package cli

import (
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
)

// refusalFor is an error of Okta's about one request of the client 0oa1 at the server aus1.
func refusalFor(t *testing.T, kind string, status int, code, description string) *okta.Error {
	t.Helper()
	server, err := okta.NewAuthorizationServer("https://dev-1.okta.com", "aus1")
	if err != nil {
		t.Fatal(err)
	}
	info := okta.RequestInfo{Operation: okta.OperationToken, GrantType: kind, Server: server, ClientID: "0oa1",
		AuthMethod: "none"}
	if kind == "revoke" {
		info.Operation, info.GrantType = okta.OperationRevoke, ""
	}
	return &okta.Error{RequestInfo: info, Status: status, Code: code, Description: description}
}

// Okta's own texts, and what the advice must name.
func TestEveryRefusalIsExplained(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status      int
		code, words string
		want        string
	}{
		{400, "invalid_grant", "The credentials provided were invalid.", "locked"},
		{400, "invalid_grant", "Password has expired.", "browser"},
		{403, "access_denied", "The user's password is expired.", "browser"},
		{400, "invalid_grant", "The user does not configure a password.", "Reset Password"},
		{400, "invalid_grant", "The user has multiple passwords.", "Directory › People"},
		{400, "invalid_grant", "Resource owner password credentials cannot be used with MFA enabled.", "MFA OTP"},
		{400, "invalid_grant", "Resource owner password credentials authentication denied by sign on policy.", "Sign On"},
		{403, "mfa_required", "Verify with an additional authenticator to complete the sign-in process.",
			"one more factor"},
		{400, "invalid_grant", "Invalid grant", "okauth login"},
		{400, "access_denied", "User is not assigned to the client application.", "Assignments"},
		{401, "access_denied", "Policy evaluation failed for this request, please check the policy configurations.",
			"Access Policies"},
		{400, "access_denied", "Policy evaluation failed for this request, please check the policy configurations.",
			"no_matching_policy"},
		{400, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected.",
			"Access Policies"},
		{400, "access_denied", "Some of the requested scopes were denied by the policy. Denied scopes: [x].",
			"denied ones"},
		{403, "access_denied", "The request is made from outside the client's permitted network zones.", "network zones"},
		{403, "access_denied", "User with lite classification status is not allowed to use the provided 'grant_type'",
			"lite"},
		{403, "access_denied",
			"Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.", "openid profile"},
		{403, "access_denied", "new words", "System Log"},
		{400, "unauthorized_client",
			"The client is not authorized to use the provided grant type. Configured grant types: [authorization_code, refresh_token].", "Resource Owner Password"},
		{400, "unauthorized_client", "This client cannot use a custom authorization server.", "server org"},
		{400, "unauthorized_client", "Confidential client is required to make this request.", "client_secret"},
		{400, "unauthorized_client",
			"Browser requests to the token endpoint may only use the authorization_code grant_type.", "Origin"},
		{400, "consent_required", "The following scopes require user consent: [x]. To access protected scopes …",
			"Implicit"},
		{400, "interaction_required",
			"Your client is configured to use the interaction code flow and user interaction is required to complete the request.", "Interaction Code"},
		{400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.", "Scopes"},
		{400, "invalid_scope", "Custom scopes are not allowed for this request.", "server default"},
		{400, "invalid_scope",
			"Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.", "openid profile"},
		{400, "invalid_scope", "The following scopes are not allowed for this request: [offline_access].",
			"Refresh Token"},
		{400, "invalid_scope", "The following scopes are not allowed for this request: [x].", "leave it out"},
		{400, "invalid_scope", "No scopes were requested.", "scopes openid"},
		{400, "invalid_scope",
			"The authorization server resource does not have any configured default scopes, 'scope' must be provided.", "scopes openid"},
		{400, "invalid_scope",
			"The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
			"config get scopes"},
		{400, "invalid_request", "The required parameter 'username' is missing.", "HTTPS_PROXY"},
		{401, "invalid_request", "Cannot supply multiple client credentials. Use one of the following: …",
			"arrived twice"},
		{400, "invalid_request", "The authorization server id is invalid.", "aus1"},
		{400, "invalid_request",
			"Browser requests to the token endpoint must be part of at least one whitelisted redirect_uri.", "Origin"},
		{400, "invalid_request", "Invalid request", "domain and server"},
		{401, "invalid_client", "Invalid value for 'client_id' parameter.", "0oa1"},
		{400, "invalid_client", "Invalid value for `client_id` parameter", "0oa1"},
		{401, "invalid_client", "The client secret supplied for a confidential client is invalid.", "Client Credentials"},
		{401, "invalid_client", "No client credentials found.", "config set client_secret"},
		{401, "invalid_client", "Found Authentication header but was not valid client credentials.", "client_secret"},
		{401, "invalid_client",
			"Client authentication failed. Either the client or the client credentials are invalid.", "sent none"},
		{401, "invalid_client", "Browser requests to the token endpoint must use Proof Key for Code Exchange.", "Origin"},
		{400, "unsupported_grant_type",
			"The authorization grant type is not supported by the authorization server. Configured grant types: [x].",
			"server default"},
		{400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.", "config set dpop true"},
		{400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.", "OKAUTH_DPOP=true"},
		{400, "unmet_authentication_requirements",
			"Unable to meet the authentication requirements imposed by 'acr_values' parameter.", "Password only"},
		{400, "temporarily_unavailable", "", "try again"},
		{400, "server_error",
			"The groups claim matched too many groups and must be configured to match fewer groups.", "Claims"},
		{500, "server_error", "", "Token Preview"},
		{429, "invalid_grant", "API call exceeded rate limit due to too many requests.", "four password sign-ins"},
		{429, "E0000047", "API call exceeded rate limit due to too many requests.", "not checked"},
		{429, "anything", "", "not checked"},
		{400, "E0000003", "The request body was not well-formed.", "HTTPS_PROXY"},
		{400, "E0000021", "Bad request.  Accept and/or Content-Type headers likely do not match supported values.",
			"HTTPS_PROXY"},
		{401, "E0000015", "You do not have permission to access the feature you are requesting", "server org"},
		{401, "E0000011", "Invalid token provided", "management API"},
		{403, "E0000006", "You do not have permission to perform the requested action", "-admin"},
		{404, "E0000007", "Not found: Resource not found: aus1 (AuthorizationServer)", "aus1"},
		{404, "E0000008", "The requested path was not found", "domain and server"},
		{405, "E0000022", "The endpoint does not support the provided HTTP method", "domain"},
		{500, "E0000009", "Internal Server Error", "status.okta.com"},
		{503, "E0000010", "Service is in read only mode", "maintenance"},
		{502, "anything", "", "status.okta.com"},
		{400, "brand_new_error", "Something new.", "System Log"},
	} {
		hint := Hint(refusalFor(t, "password", test.status, test.code, test.words))
		if !strings.Contains(hint, test.want) || strings.ContainsAny(hint, "{}\n") || strings.HasSuffix(hint, ".") {
			t.Errorf("%d %s %q: got %q, want %q in it", test.status, test.code, test.words, hint, test.want)
		}
		for _, kind := range []string{"client_credentials", "refresh_token", "revoke"} {
			hint := Hint(refusalFor(t, kind, test.status, test.code, test.words))
			if strings.ContainsAny(hint, "{}\n") || strings.Contains(hint, "type them") ||
				strings.Contains(hint, "the password was") {
				t.Errorf("%s %d %s %q: got %q", kind, test.status, test.code, test.words, hint)
			}
		}
		unknown := refusalFor(t, "urn:example:new-grant", test.status, test.code, test.words)
		if hint := Hint(unknown); hint == "" || strings.ContainsAny(hint, "{}\n") ||
			strings.Contains(hint, "the password") && !strings.Contains(hint, "user's password") {
			t.Errorf("a grant without a row, %s %q: got %q", test.code, test.words, hint)
		}
		if other := Hint(&okta.Error{Status: test.status, Code: test.code,
			Description: test.words}); strings.ContainsAny(other, "{}") {
			t.Errorf("%s: without a client: got %q", test.code, other)
		}
	}
}

// What Okta says to a refresh and to a revocation in particular.
func TestAT83_EveryRefusalOfARefreshIsExplained(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind        string
		status      int
		code, words string
		want        string
	}{
		{"refresh_token", 400, "invalid_grant", "The refresh token is invalid or expired.", "session has ended"},
		{"refresh_token", 400, "invalid_grant", "The refresh token is invalid or expired.", "System Log"},
		{"refresh_token", 400, "invalid_grant",
			"The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request.", "application than 0oa1"},
		{"refresh_token", 400, "invalid_grant", "Invalid grant", "run okauth login"},
		{"refresh_token", 400, "invalid_grant", "new words", "no longer accepts the session's refresh token"},
		{"refresh_token", 429, "invalid_grant", "API call exceeded rate limit due to too many requests.", "stays valid"},
		{"refresh_token", 429, "E0000047", "API call exceeded rate limit due to too many requests.", "stays valid"},
		{"refresh_token", 400, "invalid_request", "The grant was issued for another authorization server.",
			"server than aus1"},
		{"refresh_token", 400, "invalid_request", "The required parameter 'refresh_token' is missing.", "HTTPS_PROXY"},
		{"refresh_token", 400, "access_denied",
			"Some of the scopes requested for the refresh request were not granted in the original authorize request. Denied scopes: [x].", "okauth login"},
		{"refresh_token", 400, "invalid_scope",
			"The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
			"--scope"},
		{"refresh_token", 400, "invalid_scope",
			"One or more scopes are not configured for the authorization server resource.", "Scopes"},
		{"refresh_token", 400, "access_denied", "User is not assigned to the client application.", "Assignments"},
		{"refresh_token", 403, "access_denied", "The user's password is expired.", "browser"},
		{"refresh_token", 403, "access_denied",
			"User with lite classification status is not allowed to use the provided 'grant_type'",
			"grant type Refresh Token"},
		{"refresh_token", 400, "access_denied",
			"Policy evaluation failed for this request, please check the policy configurations.", "Access Policies"},
		{"refresh_token", 400, "unauthorized_client",
			"The client is not authorized to use the provided grant type. Configured grant types: [password].",
			"choose Refresh Token: Admin Console, Applications › Applications › 0oa1 › General › Grant type"},
		{"refresh_token", 400, "unauthorized_client", "new words", "choose Refresh Token"},
		{"refresh_token", 400, "unsupported_grant_type",
			"The authorization grant type is not supported by the authorization server. Configured grant types: [x].",
			"Refresh Token"},
		{"refresh_token", 401, "invalid_client", "The client secret supplied for a confidential client is invalid.",
			"Client Credentials"},
		{"refresh_token", 400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.", "config set dpop true"},
		{"refresh_token", 405, "E0000022", "The endpoint does not support the provided HTTP method", "no token endpoint"},
		{"refresh_token", 500, "E0000009", "Internal Server Error", "status.okta.com"},
		{"revoke", 400, "unsupported_token_type", "", "Clear User Sessions"},
		{"revoke", 400, "invalid_request", "The required parameter 'token' is missing.", "HTTPS_PROXY"},
		{"revoke", 401, "invalid_client", "Invalid value for 'client_id' parameter.", "0oa1"},
		{"revoke", 429, "E0000047", "API call exceeded rate limit due to too many requests.", "not revoked yet"},
		{"revoke", 405, "E0000022", "The endpoint does not support the provided HTTP method", "no revocation endpoint"},
		{"revoke", 500, "server_error", "", "try again later"},
	} {
		hint := Hint(refusalFor(t, test.kind, test.status, test.code, test.words))
		if !strings.Contains(hint, test.want) || strings.ContainsAny(hint, "{}\n") || strings.HasSuffix(hint, ".") {
			t.Errorf("%s %d %s %q: got %q, want %q in it", test.kind, test.status, test.code, test.words, hint, test.want)
		}
	}
}

// What Okta says to a client that signs in for itself, and no advice that only a user could follow.
func TestEveryRefusalOfAClientIsExplained(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status      int
		code, words string
		want        string
	}{
		{400, "unauthorized_client", "Confidential client is required to make this request.", "config set client_secret"},
		{400, "unauthorized_client",
			"The client is not authorized to use the provided grant type. Configured grant types: [password].",
			"choose Client Credentials: Admin Console, Applications › Applications › 0oa1 › General › Grant type"},
		{400, "unauthorized_client", "The client is not authorized to use the provided grant type.", "API Services"},
		{400, "unauthorized_client", "This client cannot use a custom authorization server.", "another application"},
		{400, "unauthorized_client", "new words", "choose Client Credentials"},
		{401, "invalid_client",
			"Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.", "set server default"},
		{401, "invalid_client",
			"Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org Authorization Server.", "set server default"},
		{400, "unsupported_grant_type",
			"'client_credentials' grant type can only be used with a custom authorization server.", "another custom one"},
		{401, "invalid_client", "The client secret supplied for a confidential client is invalid.",
			"Client Credentials, then run okauth config set client_secret"},
		{401, "invalid_client", "Invalid value for 'client_id' parameter.", "0oa1"},
		{401, "invalid_client",
			"Client authentication failed. Either the client or the client credentials are invalid.", "sent none"},
		{401, "access_denied", "Policy evaluation failed for this request, please check the policy configurations.",
			"a rule with Client Credentials"},
		{400, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected.",
			"Access Policies"},
		{400, "access_denied", "Some of the requested scopes were denied by the policy. Denied scopes: [x].",
			"denied ones"},
		{403, "access_denied", "The request is made from outside the client's permitted network zones.", "network zones"},
		{400, "consent_required",
			"The following scopes require user consent and cannot be granted for the client credentials grant type: [x].", "Block services"},
		{400, "consent_required", "You are not allowed any of the requested scopes.", "Okta API Scopes"},
		{400, "client_credentials_self_scope_requested",
			"The 'client_credentials' grant type may not request .self scopes.", "leave it out"},
		{400, "invalid_scope", "Cannot request 'openid' scopes using client credentials.", "config unset scopes"},
		{400, "invalid_scope",
			"Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.", "leave them out"},
		{400, "invalid_scope", "The following scopes are not allowed for this request: [offline_access].",
			"leave out offline_access"},
		{400, "invalid_scope", "The following scopes are not allowed for this request: [x].", "leave it out"},
		{400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.",
			"does not know one of the scopes"},
		{400, "invalid_scope",
			"The authorization server resource does not have any configured default scopes, 'scope' must be provided.", "default scope"},
		{400, "invalid_scope", "No scopes were requested.", "at least one"},
		{400, "invalid_scope", "Custom scopes are not allowed for this request.", "set server default"},
		{400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.", "config set dpop true"},
		{429, "E0000047", "API call exceeded rate limit due to too many requests.", "the client secret was not checked"},
		{429, "invalid_grant", "API call exceeded rate limit due to too many requests.",
			"the client secret was not checked"},
		{401, "E0000015", "You do not have permission to access the feature you are requesting", "get the license"},
		{404, "E0000007", "Not found: Resource not found: aus1 (AuthorizationServer)", "aus1"},
		{500, "E0000009", "Internal Server Error", "status.okta.com"},
	} {
		hint := Hint(refusalFor(t, "client_credentials", test.status, test.code, test.words))
		if !strings.Contains(hint, test.want) || strings.ContainsAny(hint, "{}\n") || strings.HasSuffix(hint, ".") {
			t.Errorf("%d %s %q: got %q, want %q in it", test.status, test.code, test.words, hint, test.want)
		}
		for _, absent := range []string{"Resource Owner Password", "the password", "scopes openid", "okauth login",
			"Refresh Token"} {
			if strings.Contains(hint, absent) {
				t.Errorf("%d %s %q: %q is in the hint %q", test.status, test.code, test.words, absent, hint)
			}
		}
	}
}

// A secret that does not come from the keychain must be changed where it comes from: okauth would not read the
// keychain.
func TestAT83_TheSecretIsChangedWhereItCameFrom(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"The client secret supplied for a confidential client is invalid.",
		"Client authentication failed. Either the client or the client credentials are invalid."} {
		e := refusalFor(t, "password", 401, "invalid_client", words)
		if hint := Hint(e); !strings.Contains(hint, "then run okauth config set client_secret") {
			t.Errorf("from the keychain: got %q", hint)
		}
		e.SecretSource = "OKAUTH_CLIENT_SECRET"
		if hint := Hint(e); !strings.Contains(hint, "then change OKAUTH_CLIENT_SECRET") ||
			strings.Contains(hint, "config set") {
			t.Errorf("from the environment: got %q", hint)
		}
	}
}

// What is wrong with a key names it, and the same words of Okta about an HMAC name the client secret.
func TestST36_HintsNameTheKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, keyID, words, want string }{
		{"private_key_jwt", "k-1", "The client_assertion JWT kid is invalid.",
			"the private key (kid k-1) is not among the application's public keys"},
		{"private_key_jwt", "", "The client_assertion JWT kid is invalid.", "the private key is not among"},
		{"private_key_jwt", "k\x1b", "The client_assertion signature is invalid.", "the private key (kid k\ufffd) does not match"},
		{"client_secret_jwt", "", "The client_assertion signature is invalid.", "the client secret does not match what the application has at Okta: copy it from"},
		{"private_key_jwt", "", "Client authentication failed. Either the client or the client credentials are invalid.",
			"Client authentication; then add the public key"},
		{"client_secret_post", "", "Client authentication failed. Either the client or the client credentials are invalid.",
			"okauth sent the client secret in the form"},
	} {
		e := refusalFor(t, "client_credentials", 401, "invalid_client", test.words)
		e.AuthMethod, e.KeyID = test.method, test.keyID
		if hint := Hint(e); !strings.Contains(hint, test.want) || strings.ContainsAny(hint, "{}\n\x1b") {
			t.Errorf("%s, %q: got %q, want %q in it", test.method, test.words, hint, test.want)
		}
	}
	e := refusalFor(t, "client_credentials", 401, "invalid_client", "The client_assertion token is expired.")
	e.AuthMethod, e.ClockSkew = "private_key_jwt", -7*time.Minute
	if hint := Hint(e); !strings.Contains(hint, "set the clock") || !strings.Contains(hint, "clock is 7 minutes behind Okta's:") {
		t.Errorf("got %q", hint)
	}
}
