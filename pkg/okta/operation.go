package okta

import "cmp"

// Operation is the kind of a request.
type Operation string

// The operations of a Client.
const (
	OperationToken     Operation = "token"
	OperationProbe     Operation = "probe"     // a token request that cannot succeed, see Client.ProbeGrant
	OperationAuthorize Operation = "authorize" // in a browser; the client sends no request
	OperationDevice    Operation = "device"    // a request for a device code
	OperationChallenge Operation = "challenge" // a push, a text message or a call, after a password
	// OperationPrimaryAuthenticate is the same without a password.
	OperationPrimaryAuthenticate Operation = "primary-authenticate"
	OperationRevoke              Operation = "revoke"
	OperationIntrospect          Operation = "introspect"
	OperationUserInfo            Operation = "userinfo"
	OperationMetadata            Operation = "metadata"
	OperationKeys                Operation = "keys"
	OperationOrganization        Operation = "organization"
)

// RequestInfo says which request an error is about.
type RequestInfo struct {
	Operation Operation
	GrantType string // of a token request, a probe or a sign-in in a browser: "password"
	Server    AuthorizationServer
	ClientID  string
	// AuthMethod is how the client authenticated: "client_secret_basic", "none", …; "" where it did not need to.
	AuthMethod   string
	SecretSource string // the Client's
	KeyID        string // the kid of the key that signed, with private_key_jwt; "" if it has none
	DPoP         bool   // it carried a proof
}

// Name returns what errors call the request: "sign-in", "client sign-in", "refresh", "revocation", ….
func (r RequestInfo) Name() string {
	grants := map[string]string{
		"refresh_token": "refresh", "client_credentials": "client sign-in",
		TokenExchangeGrant: "token exchange", JWTBearerGrant: "exchange of the ID-JAG",
	}
	return cmp.Or(r.Operation.traits().name, grants[r.GrantType], "sign-in")
}

// traits are what the requests of an Operation have in common.
type traits struct {
	name     string // what errors call the request; "" where the grant type decides
	expected string // what the endpoint should answer with, for messages
	// counted: it is a token request, whose credentials Okta may count or use up: a password, a refresh token.
	counted    bool
	repeatable bool // it may be sent again whatever happened to the one before
	proven     bool // it carries a DPoP proof, if the Client makes them
}

func (op Operation) traits() traits {
	table := map[Operation]traits{
		OperationProbe:     {name: "check of the grant type", expected: "a refusal", counted: true, proven: true},
		OperationAuthorize: {name: "sign-in"},
		OperationDevice:    {name: "request for a device code", expected: "a device code", repeatable: true},
		// Not repeated: each may send a message, and Okta limits them for each phone.
		OperationChallenge:           {name: "request for the second factor", expected: "a challenge", counted: true},
		OperationPrimaryAuthenticate: {name: "sign-in", expected: "a challenge", counted: true},
		OperationRevoke:              {name: "revocation", expected: "a response to the revocation"},
		OperationIntrospect:          {name: "introspection", expected: "a response to the introspection", repeatable: true},
		OperationUserInfo:            {name: "userinfo request", expected: "a user's claims", proven: true},
		OperationMetadata: {name: "request for the metadata", expected: "the metadata of an authorization server",
			repeatable: true},
		OperationKeys: {name: "request for the keys", expected: "a list of keys", repeatable: true},
		OperationOrganization: {name: "request for the org's description", expected: "the description of an Okta org",
			repeatable: true},
	}
	if t, ok := table[op]; ok {
		return t
	}
	return traits{expected: "a token response", counted: true, proven: true} // OperationToken
}
