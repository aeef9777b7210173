package okta

import "net/url"

// operation is what a request is for. Errors speak of it, and their advice depends on it. The zero operation is a sign-in.
type operation int

const (
	signIn       operation = iota
	clientSignIn           // without a user
	refresh
	revocation
	introspection
	probe // of a grant type, without what the grant is about
	// What follows is a GET.
	discovery
	keys
	userInfo
	organization
)

// harmless reports whether a request has no credential that could be counted or used up before the server puts it off.
func (e operation) harmless() bool { return e == introspection || e == revocation || e >= discovery }

// free reports whether it may be asked again and again, also when nobody knows what became of it.
func (e operation) free() bool {
	return e == introspection || e == discovery || e == keys || e == organization
}

// errandOf tells by its form what a request to the token endpoint is for.
func errandOf(form url.Values) operation {
	switch form.Get("grant_type") {
	case "refresh_token":
		return refresh
	case "client_credentials":
		return clientSignIn
	}
	return signIn
}

// words are what differs from errand to errand in an address and in messages.
type words struct {
	path     string // of the endpoint, as Server.Endpoint knows it
	name     string // what Okta refuses or puts off
	endpoint string // whom it is sent to
	answer   string // what is expected back
	carries  string // the secret that it carries
	spared   string // what is still so after Okta put it off
	unsure   string // what may be so when no answer came
	next     string // what to do then
	grant    string // the grant type it needs, as the Admin Console calls it
	grantAt  string // and where that stands
}

func (e operation) words() words {
	switch e {
	case clientSignIn:
		return words{
			path: "token", name: "client sign-in", endpoint: "token endpoint", answer: "a token answer", carries: "a client secret",
			spared: "the client secret was not judged",
			unsure: "the server may have made a token all the same, which does no harm", next: "try again",
			grant: "Client Credentials", grantAt: "General › Grant type › Client acting on behalf of itself",
		}
	case refresh:
		return words{
			path: "token", name: "refresh", endpoint: "token endpoint", answer: "a token answer", carries: "a refresh token",
			spared: "the refresh token is as good as before",
			unsure: "the server may have used up the refresh token all the same", next: "try again at once, or run okauth login",
			grant: "Refresh Token", grantAt: "General › Grant type",
		}
	case revocation:
		return words{
			path: "revoke", name: "revocation", endpoint: "revocation endpoint", answer: "an answer to the revocation", carries: "a token",
			spared: "the token is not revoked yet",
			unsure: "the token may still be valid", next: "an administrator can end it (" + atUser + " › More Actions › Clear User Sessions)",
			grant: "Refresh Token", grantAt: "General › Grant type",
		}
	case introspection:
		return words{
			path: "introspect", name: "introspection", endpoint: "introspection endpoint", answer: "an answer to the introspection", carries: "a token",
			spared: "the token is as good as before",
			unsure: "the server may have answered all the same, which does no harm", next: "try again",
			grant: "Refresh Token", grantAt: "General › Grant type",
		}
	case probe:
		return words{
			path: "token", name: "check of the grant type", endpoint: "token endpoint", answer: "a refusal", carries: "a client secret",
			spared: "no password was sent",
			unsure: "no password was sent", next: "try again",
			grant: "Resource Owner Password", grantAt: "General › Grant type › Advanced",
		}
	case discovery:
		return question("request for the metadata", "metadata", "the metadata of an authorization server")
	case keys:
		return question("request for the keys", "list of keys", "a list of keys")
	case organization:
		return question("request for the org's description", "description of an Okta org", "the description of an Okta org")
	case userInfo:
		w := question("userinfo request", "userinfo endpoint", "a user's claims")
		w.carries, w.spared = "an access token", "the token is as good as before"
		return w
	default:
		return words{
			path: "token", name: "sign-in", endpoint: "token endpoint", answer: "a token answer", carries: "a password",
			spared: "the password was not judged",
			unsure: "the server may have counted the password all the same", next: "try again in a minute",
			grant: "Resource Owner Password", grantAt: "General › Grant type › Advanced",
		}
	}
}

// question returns the words for what anybody may ask.
func question(name, endpoint, answer string) words {
	return words{
		name: name, endpoint: endpoint, answer: answer, carries: "its requests",
		spared: "nothing was lost",
		unsure: "asking does no harm", next: "try again",
		grant: "Resource Owner Password", grantAt: "General › Grant type › Advanced",
	}
}
