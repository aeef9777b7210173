package okta

// Operation is the kind of a request.
type Operation string

// The operations of a Client.
const (
	OperationToken        Operation = "token"
	OperationProbe        Operation = "probe" // a token request that cannot succeed, see Client.ProbeGrant
	OperationRevoke       Operation = "revoke"
	OperationIntrospect   Operation = "introspect"
	OperationUserInfo     Operation = "userinfo"
	OperationMetadata     Operation = "metadata"
	OperationKeys         Operation = "keys"
	OperationOrganization Operation = "organization"
)

// RequestInfo says which request an error is about.
type RequestInfo struct {
	Operation Operation
	GrantType string // of a token request or a probe: "password"
	Server    AuthorizationServer
	ClientID  string
	// AuthMethod is how the client authenticated: "client_secret_basic", "none", …; "" where it did not need to.
	AuthMethod   string
	SecretSource string // the Client's
}

// Name returns what errors call the request: "sign-in", "client sign-in", "refresh", "revocation", ….
func (r RequestInfo) Name() string {
	names := map[Operation]string{
		OperationProbe:        "check of the grant type",
		OperationRevoke:       "revocation",
		OperationIntrospect:   "introspection",
		OperationUserInfo:     "userinfo request",
		OperationMetadata:     "request for the metadata",
		OperationKeys:         "request for the keys",
		OperationOrganization: "request for the org's description",
	}
	if name, ok := names[r.Operation]; ok {
		return name
	}
	switch r.GrantType {
	case "refresh_token":
		return "refresh"
	case "client_credentials":
		return "client sign-in"
	}
	return "sign-in"
}

// expected is what the endpoint should answer with, for messages.
func (op Operation) expected() string {
	texts := map[Operation]string{
		OperationProbe:        "a refusal",
		OperationRevoke:       "a response to the revocation",
		OperationIntrospect:   "a response to the introspection",
		OperationUserInfo:     "a user's claims",
		OperationMetadata:     "the metadata of an authorization server",
		OperationKeys:         "a list of keys",
		OperationOrganization: "the description of an Okta org",
	}
	if text, ok := texts[op]; ok {
		return text
	}
	return "a token response"
}

// counts reports whether a request sends a credential that Okta counts or uses up: a password, a client secret, a
// refresh token, an authorization code.
func (op Operation) counts() bool { return op == OperationToken || op == OperationProbe }

// repeatable reports whether a request may be sent again whatever happened to the one before.
func (op Operation) repeatable() bool {
	return op == OperationIntrospect || op == OperationMetadata || op == OperationKeys || op == OperationOrganization
}
