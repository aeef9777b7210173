package okta

import "strings"

// explanation is what a refusal means and what mends it. The first row that fits is taken: status 0, code "" and words "" fit everything.
type explanation struct {
	status int
	code   string
	words  string // part of Okta's description; it refines within a code, and nothing but the advice hangs on it
	means  string
	do     string
}

// Hint explains the refusal: what it means, and where in the Admin Console or with which setting of okauth it is mended. One line.
// Okta's wording may change; an unknown one falls back to the row of its code, an unknown code to the System Log.
func (e *Error) Hint() string {
	row := e.explain()
	server, client := "the server", "the application"
	if e.client != nil {
		server, client = Printable(e.client.Server.ID(), 80), Printable(e.client.ID, 80)
	}
	words := e.about.words()
	text := strings.NewReplacer("{endpoint}", words.endpoint, "{spared}", words.spared, "{grant}", words.grant, "{grantAt}", words.grantAt).Replace(row.means + ": " + row.do)
	return strings.NewReplacer("{server}", server, "{client}", client).Replace(text)
}

func (e *Error) explain() explanation {
	own := signInRows
	switch e.about {
	case clientSignIn:
		own = clientSignInRows
	case refresh:
		own = refreshRows
	case revocation, introspection:
		own = revocationRows
	}
	for _, table := range []func() []explanation{own, userRows, policyRows, clientRows, requestRows, serverRows} {
		for _, row := range table() {
			if (row.status == 0 || row.status == e.Status) && (row.code == "" || row.code == e.Code) && strings.Contains(e.Description, row.words) {
				return row
			}
		}
	}
	return explanation{
		means: "okauth knows no more about this error than Okta's words",
		do:    "Admin Console, Reports › System Log has the reason, under the request id above",
	}
}

// Places in the Admin Console of Identity Engine, as of 2026.
// https://developer.okta.com/docs/guides/implement-grant-type/ropassword/main/
const (
	atApp      = "Admin Console, Applications › Applications › {client} › "
	atServer   = "Admin Console, Security › API › {server} › "
	atUser     = "Admin Console, Directory › People › the user"
	atSignOn   = atApp + "Sign On › User authentication: an app sign-in policy whose rule asks for Password only; the global session policy (Security › Global Session Policy) must not ask for more either"
	atSecret   = "copy it from " + atApp + "General › Client Credentials, then run okauth config set client_secret"
	dpopHint   = "the application requires DPoP, which okauth does not speak: " + doDPoP
	doDPoP     = "clear “Require Demonstrating Proof of Possession (DPoP)” at Applications › Applications › the application › General"
	moreScopes = "run okauth login for all of them (okauth config set scopes), or ask for fewer (--scope)"
	atOwnAPI   = "okauth config set server default, or the id of another custom one (starts with aus)"
	notCounted = "wait for the time given, then try again; {spared}"
)

// signInRows are about the user: the name, the password, the second factor.
func signInRows() []explanation {
	return []explanation{
		{429, "invalid_grant", "", "Okta takes about four password sign-ins a second for one user",
			"wait a few seconds; scripts that run side by side share one session through okauth token"},
		{0, "invalid_grant", "credentials provided were invalid", "the password is wrong, the user is unknown or the account is locked; Okta does not say which, and does not take the right password while it is locked",
			"check both before the next try: by default ten wrong passwords lock the account, until an administrator unlocks it (" + atUser + " › Unlock)"},
		{0, "invalid_grant", "assword has expired", "the user's password has expired", "sign in to Okta in a browser and choose a new one"},
		{0, "invalid_grant", "does not configure a password", "the user has no password in Okta, but signs in by other means",
			"give the user one (" + atUser + " › Reset Password), or use another user"},
		{0, "invalid_grant", "multiple passwords", "the user has more than one password and Okta can't tell which is meant",
			"an administrator removes the others (" + atUser + ")"},
		{0, "invalid_grant", "MFA enabled", "a policy asks for a second factor, which a password sign-in cannot give", atSignOn},
		{0, "mfa_required", "", "the password was right, but a policy asks for a second factor, which a password sign-in cannot give", atSignOn},
		{0, "invalid_grant", "denied by sign on policy", "the application's sign-on policy does not let this user in from here with a password", atSignOn},
		{0, "invalid_grant", "", "Okta does not accept the user name and password, or what stands in for them", "run okauth login and type them again"},
		{0, "interaction_required", "", "the application is set to the interaction code flow, which needs a browser", "clear Interaction Code and choose Resource Owner Password: " + atApp + "General › Grant type › Advanced"},
	}
}

// clientSignInRows are about a client without a user, where the advice for a user would lead astray.
// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
func clientSignInRows() []explanation {
	const custom = "the org authorization server gives a client tokens only for a signed assertion (private_key_jwt), which okauth does not make"
	return []explanation{
		{0, "invalid_client", "private_key_jwt", custom, "use a custom server: " + atOwnAPI},
		{0, "invalid_client", "application_type", custom, "use a custom server: " + atOwnAPI},
		{0, "unsupported_grant_type", "", "authorization server {server} does not know the grant type {grant}; the org server is one of those", "use a custom server: " + atOwnAPI},
		{0, "unauthorized_client", "custom authorization server", "this application can use the org authorization server only, which takes no client secret for this",
			"use another application (Admin Console, Applications › Applications › Create App Integration › API Services)"},
		{0, "unauthorized_client", "grant type", "the grant type {grant} is not switched on for the application",
			"choose {grant}: " + atApp + "{grantAt}; where that is not offered, as for native applications, make one of type API Services"},
		{0, "access_denied", "Policy evaluation failed", "no access policy of authorization server {server} lets this client, grant and list of scopes through (no_matching_policy); a new server has no policy at all",
			atServer + "Access Policies: add a policy for {client} and a rule with {grant} (IF Grant type is › Client acting on behalf of itself) and these scopes"},
		{0, "consent_required", "not allowed any", "the application was granted none of the scopes", "grant them: " + atApp + "Okta API Scopes"},
		{0, "consent_required", "", "a scope needs a user's consent, and a client has no user to ask",
			"clear “Block services from requesting this scope”: " + atServer + "Scopes › the scope; or leave it out (okauth config set scopes)"},
		{0, "client_credentials_self_scope_requested", "", "a scope that ends in .self is about a user, and a client has none", "leave it out: okauth config set scopes"},
		{0, "invalid_scope", "using client credentials", "openid, profile, offline_access and the like are about a user, and a client has none",
			"ask for custom scopes instead (okauth config set scopes …; " + atServer + "Scopes has them), or for the server's default ones (okauth config unset scopes)"},
		{0, "invalid_scope", "offline_access", "a client has no session that could be refreshed", "leave out offline_access: okauth config set scopes"},
		{0, "invalid_scope", "'openid' scope", "scopes like profile and email are about a user, and a client has none", "leave them out: okauth config set scopes"},
		{0, "invalid_scope", "No scopes", "at least one scope is needed", "okauth config set scopes …; " + atServer + "Scopes has the custom ones"},
		{0, "invalid_scope", "default scopes", "authorization server {server} has no default scopes, so some must be named",
			"okauth config set scopes …; or give it some: " + atServer + "Scopes › the scope › Set as a default scope"},
		{0, "E0000015", "", "this Okta org has no custom authorization servers, which alone give tokens to a client with a secret: they need the licence for API Access Management",
			"get the licence, or sign in as a user (okauth config set grant password, okauth config set server org)"},
	}
}

// refreshRows are about the session: the refresh token, and whom and what it was given for.
func refreshRows() []explanation {
	return []explanation{
		{429, "invalid_grant", "", "too many requests", notCounted},
		{0, "invalid_grant", "refresh token is invalid", "the session has ended: it expired, was revoked, or its refresh token was used twice",
			"run okauth login; Admin Console, Reports › System Log tells which it was (detect_reuse: used twice)"},
		{0, "invalid_grant", "another client", "the session belongs to another client id than {client}", "run okauth login, or set client_id to what it was (okauth config get client_id)"},
		{0, "invalid_grant", "", "Okta does not take the session's refresh token any more", "run okauth login"},
		{0, "invalid_request", "another authorization server", "the session belongs to another authorization server than {server}", "run okauth login, or set server to what it was (okauth config get server)"},
		{0, "access_denied", "refresh request", "a refresh cannot add scopes that the sign-in did not have", moreScopes},
		{0, "invalid_scope", "exceeds the scope", "a refresh cannot add scopes that the sign-in did not have", moreScopes},
	}
}

// revocationRows are about the token to be revoked.
func revocationRows() []explanation {
	return []explanation{
		{0, "unsupported_token_type", "", "Okta does not revoke tokens of this kind", "it ends by itself, or an administrator ends it: " + atUser + " › More Actions › Clear User Sessions"},
		{0, "server_error", "", "Okta failed", "try again later; https://status.okta.com tells of outages"},
	}
}

// userRows are about the user, whatever is asked for.
func userRows() []explanation {
	return []explanation{
		{0, "access_denied", "password is expired", "the user's password has expired", "sign in to Okta in a browser and choose a new one"},
		{0, "access_denied", "not assigned", "the user may not use this application", "assign the user or one of their groups: " + atApp + "Assignments"},
		{0, "access_denied", "lite classification", "a user of the “lite” class may not use the grant type {grant}", "use a full user, or have an administrator change the class"},
		{0, "unmet_authentication_requirements", "", "the policy wants a stronger sign-in than a password", atSignOn},
	}
}

// policyRows are about what may be had: access policies, scopes, consent.
func policyRows() []explanation {
	return []explanation{
		{0, "access_denied", "Policy evaluation failed", "no access policy of authorization server {server} lets this client, user, grant and list of scopes through (no_matching_policy); a new server has no policy at all",
			atServer + "Access Policies: add a policy for {client} and a rule with Resource Owner Password (IF Grant type is › Advanced) and these scopes; or set server to org, which needs none"},
		{0, "access_denied", "all the requested scopes were rejected", "the rule that matched allows none of the requested scopes", atServer + "Access Policies › the rule › scopes; or ask for others (okauth config set scopes)"},
		{0, "access_denied", "Denied scopes", "the rule that matched allows only some of the requested scopes", "leave out the denied ones (okauth config set scopes), or allow them: " + atServer + "Access Policies › the rule › scopes"},
		{0, "access_denied", "network zones", "the client may not be used from this network", atApp + "General › Client Credentials: the network zones; or go to a network that is allowed"},
		{0, "access_denied", "'openid' scope", "scopes like profile and email come only together with openid", "add it: okauth config set scopes \"openid profile\""},
		{0, "access_denied", "", "a policy says no", "Admin Console, Reports › System Log names the policy, under the request id above"},
		{0, "consent_required", "", "a scope needs the user's consent, and okauth has no page to ask for it",
			"set the scope's consent to Implicit: " + atServer + "Scopes; or clear “Require consent”: " + atApp + "General"},
		{0, "invalid_scope", "not configured for the authorization server", "authorization server {server} does not know one of the scopes",
			"check their spelling (okauth config get scopes), or add it: " + atServer + "Scopes"},
		{0, "invalid_scope", "Custom scopes", "the org authorization server has no custom scopes", "use a custom one: okauth config set server default"},
		{0, "invalid_scope", "'openid' scope", "scopes like profile and email come only together with openid", "add it: okauth config set scopes \"openid profile\""},
		{0, "invalid_scope", "offline_access", "the application may not have refresh tokens", "leave out offline_access (okauth config set scopes), or choose Refresh Token: " + atApp + "General › Grant type"},
		{0, "invalid_scope", "not allowed for this request", "this client may not have one of the scopes", "leave it out: okauth config set scopes"},
		{0, "invalid_scope", "No scopes", "at least one scope is needed", "okauth config set scopes openid"},
		{0, "invalid_scope", "default scopes", "authorization server {server} has no default scopes, so some must be named", "okauth config set scopes openid"},
		{0, "invalid_scope", "", "Okta does not give out one of the scopes in this way", "check the list: okauth config get scopes"},
	}
}

// clientRows are about the application: its id, its secret, its grants.
func clientRows() []explanation {
	return []explanation{
		{0, "invalid_client", "client_id", "this Okta org has no active application with the client id {client}",
			"compare client_id and domain (okauth config list) with Admin Console, Applications › Applications › the application › General"},
		{0, "invalid_client", "client secret supplied", "the client secret is wrong, or was taken out of use", atSecret},
		{0, "invalid_client", "No client credentials", "the application has a client secret, and okauth sent none", atSecret},
		{0, "invalid_client", "not valid client credentials", "Okta could not read the client id and secret", atSecret},
		{0, "invalid_client", "Proof Key", "Okta takes the request for a browser's: something on the way added an Origin header", "check the proxy (HTTPS_PROXY)"},
		{0, "invalid_client", "", "the client secret is wrong, or the application authenticates in another way: with a client secret set, okauth sends it by Basic; without, it is a public client",
			"compare with " + atApp + "General › Client Credentials › Client authentication; then run okauth config set client_secret, or unset it"},
		{0, "unauthorized_client", "grant type", "the grant type {grant} is not switched on for the application", "choose {grant}: " + atApp + "{grantAt}"},
		{0, "unauthorized_client", "custom authorization server", "this application can use the org authorization server only", "okauth config set server org"},
		{0, "unauthorized_client", "Confidential client", "the application must have a client secret for this", "choose Client secret: " + atApp + "General › Client Credentials › Client authentication; then run okauth config set client_secret"},
		{0, "unauthorized_client", "Browser requests", "Okta takes the request for a browser's: something on the way added an Origin header", "check the proxy (HTTPS_PROXY)"},
		{0, "unauthorized_client", "", "the application may not do this", "choose {grant}: " + atApp + "{grantAt}"},
		{0, "unsupported_grant_type", "", "authorization server {server} does not know the grant type {grant}", "choose another: okauth config set server default (or org)"},
		{0, "invalid_dpop_proof", "", "the application requires DPoP, which okauth does not speak", doDPoP},
		{0, "use_dpop_nonce", "", "the application requires DPoP, which okauth does not speak", doDPoP},
	}
}

// requestRows are about the request itself. okauth builds it, so that most of them point to something in between.
func requestRows() []explanation {
	return []explanation{
		{0, "invalid_request", "multiple client credentials", "the client's id or secret arrived twice", "something on the way changes requests: check HTTPS_PROXY"},
		{0, "invalid_request", "authorization server id", "there is no authorization server {server}", "compare with Admin Console, Security › API: okauth config set server default (or org, or the id that starts with aus)"},
		{0, "invalid_request", "rowser request", "Okta takes the request for a browser's: something on the way added an Origin header", "check the proxy (HTTPS_PROXY)"},
		{0, "invalid_request", "is missing", "a part of the request did not arrive", "something on the way changes requests: check HTTPS_PROXY"},
		{0, "invalid_request", "", "Okta does not understand the request", "check domain and server (okauth config list), and that no proxy changes requests"},
		{0, "E0000003", "", "the request did not arrive whole", "something on the way changes requests: check HTTPS_PROXY"},
		{0, "E0000021", "", "the content type did not arrive", "something on the way changes requests: check HTTPS_PROXY"},
		{0, "E0000022", "", "this is no {endpoint}, or the request arrived with another method", "check domain (okauth config get domain) and HTTPS_PROXY"},
		{0, "E0000007", "", "this Okta org has no authorization server {server}", "compare with Admin Console, Security › API: okauth config set server default (or org, or the id that starts with aus)"},
		{0, "E0000008", "", "this Okta org has no such address", "check domain and server (okauth config list)"},
		{0, "E0000015", "", "this Okta org has no custom authorization servers: they need the licence for API Access Management", "use the org's own: okauth config set server org"},
		{0, "E0000006", "", "Okta does not let this client do that", "check domain: the address with -admin is for administrators only (okauth config get domain)"},
		{0, "E0000011", "", "this is an address of Okta's management API, not a {endpoint}", "check domain (okauth config get domain)"},
	}
}

// serverRows are about Okta itself. They come last and catch by status what has no row of its own.
func serverRows() []explanation {
	return []explanation{
		{0, "server_error", "groups claim", "the user is in more groups than fit into the token", "narrow the filter of the groups claim: " + atServer + "Claims"},
		{0, "server_error", "", "Okta failed while it made the token; a claim's expression or a token inline hook may be at fault", atServer + "Token Preview shows it; else try again later"},
		{0, "temporarily_unavailable", "", "Okta is too busy", "try again in a minute"},
		{0, "E0000010", "", "Okta is read-only for maintenance", "try again later; https://status.okta.com tells how long"},
		{0, "E0000047", "", "the org has used up its requests for this minute", notCounted},
		{429, "", "", "too many requests", notCounted},
		{0, "E0000009", "", "Okta failed", "try again later; https://status.okta.com tells of outages"},
		{503, "", "", "Okta is unavailable", "try again later; https://status.okta.com tells of outages"},
		{500, "", "", "Okta failed", "try again later; https://status.okta.com tells of outages"},
		{502, "", "", "Okta is not reachable behind its own front", "try again later; https://status.okta.com tells of outages"},
		{504, "", "", "Okta did not answer in time behind its own front", "try again later; https://status.okta.com tells of outages"},
	}
}
