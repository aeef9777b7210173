// Package okta speaks with one Okta authorization server.
//
// A Server knows where things are, a Client is an application registered there, and Client.Token is the one call everything else
// is built on: it sends the form of a grant to the token endpoint, once, and returns Tokens or an error that says who failed. Client.Revoke
// takes a token back in the same way, and Lost tells whether a request that failed may have been handled all the same.
//
// The rest asks: Metadata and Keys for what tokens are judged by, Introspect and UserInfo for what a token stands for, Organization and
// ProbeGrant for whether all is set up. What may be asked twice is asked again where it can't be counted (patience.go).
//
//	*Error          Okta answered, and said no or not now; Hint explains it and names the place where it is mended
//	*NetworkError   there was no complete answer
//	*ResponseError  there was one, but not the endpoint's
//	*IssuerError    the metadata is another authorization server's
//
// What comes from outside is not trusted: tokens must have the grammar of tokens, JSON must be exact (members.go), and words for people pass
// through Printable. What must stay inside is a Secret, which no way of printing shows.
package okta
