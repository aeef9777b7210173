package cli

// The table of explanations says what each error of pkg/okta means and what to do about it: the hints of errors,
// "okauth help errors" and docs/errors.md are made from it. The rows are in explanations.txt.

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

// Explanation is a row of the table: an error that it matches, what the error means and what to do about it.
//
// A row for one of Okta's errors has the fields For to Match; where they are empty, they match everything. Every
// other row has When. Of all rows that match an error, the first explains it.
//
// Means and Do contain placeholders, which fill replaces: {server}, {client}, {auth}, {now}, and the fields of
// requestText in lower case, such as {endpoint}.
type Explanation struct {
	ID    string // stays the same in all versions
	Topic string // set by Explanations

	For    []string // what was requested, as requestKind calls it: "password", "refresh_token", "revoke"
	Status int      // HTTP status
	Code   string   // Okta's error code
	Match  string   // part of Okta's description

	When func(error) bool

	Says  string // an example of Okta's description; for an error that is not Okta's, part of okauth's message
	Means string
	Do    string
}

// Printable returns the row for a reader of the whole table: without the names of a server or a client, and with the
// names of what was requested in For.
func (x Explanation) Printable() Explanation {
	kind := "password"
	if len(x.For) > 0 {
		kind = x.For[0]
	}
	names := slices.Clone(x.For)
	for i, kind := range names {
		names[i] = requestTexts()[kind].Name
	}
	x.For = names
	x.Means = fill(strings.ReplaceAll(x.Means, " (it says {now})", ""), kind, okta.RequestInfo{})
	x.Do = fill(x.Do, kind, okta.RequestInfo{})
	return x
}

// matches reports whether the row is about err.
func (x Explanation) matches(err error) bool {
	if x.When != nil {
		return x.When(err)
	}
	e, ok := errors.AsType[*okta.Error](err)
	return ok && (len(x.For) == 0 || slices.Contains(x.For, requestKind(e.RequestInfo))) &&
		(x.Status == 0 || x.Status == e.Status) && (x.Code == "" || x.Code == e.Code) &&
		strings.Contains(e.Description, x.Match)
}

// explanationOf returns the row that explains err.
func explanationOf(err error) (Explanation, bool) {
	all := Explanations()
	i := slices.IndexFunc(all, func(x Explanation) bool { return x.matches(err) })
	if i < 0 {
		return Explanation{}, false
	}
	return all[i], true
}

// explain returns what err means and what to do about it, in one line.
func explain(err error, info okta.RequestInfo) string {
	x, ok := explanationOf(err)
	if !ok {
		return ""
	}
	if info.SecretSource != "" {
		x.Do = strings.ReplaceAll(x.Do, setSecret, "change "+okta.Sanitize(info.SecretSource, 200))
	}
	return fill(x.Means+": "+x.Do, requestKind(info), info)
}

func oktaAdvice(e *okta.Error) string {
	text := explain(e, e.RequestInfo)
	if e.ClockSkew != 0 {
		side := "ahead of"
		if e.ClockSkew < 0 {
			side = "behind"
		}
		text += fmt.Sprintf("; this machine's clock is %s %s Okta's, which may be the reason: set it",
			output.FormatDuration(e.ClockSkew.Abs().Truncate(time.Minute)), side)
	}
	return text
}

func networkAdvice(e *okta.NetworkError) string { return explain(e, e.RequestInfo) }

func responseAdvice(e *okta.ResponseError) string { return explain(e, e.RequestInfo) }

// issuerAdvice names the usual cause, an org's custom URL domain.
func issuerAdvice(e *okta.IssuerError) string {
	if strings.TrimRight(e.Got, "/") == e.Expected {
		return "a proxy changes Okta's responses: check HTTPS_PROXY"
	}
	expected, err := url.Parse(e.Expected)
	got, gotErr := url.Parse(e.Got)
	if err != nil || gotErr != nil || got.Host == expected.Host || !plainHost(got.Hostname()) {
		return "check domain and server: okauth config list"
	}
	return "if " + got.Host + " is your org's own address (its custom URL domain), use it: okauth config set domain " +
		got.Host + "; if not, something on the way answers in Okta's place"
}

// plainHost reports whether a host has no letter that could pass for another.
func plainHost(host string) bool {
	return host != "" && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// inputAdvice says where the value of a grant's field comes from.
func inputAdvice(e *grant.InputError) string {
	return map[string]string{
		"username": "set username (OKAUTH_USERNAME), or sign in on a terminal, where okauth asks for it",
		"password": "give the password with --password-stdin or OKAUTH_PASSWORD, or sign in on a terminal, where okauth " +
			"asks for it",
		"client secret": "give the client secret with OKAUTH_CLIENT_SECRET, or run okauth config set client_secret; an " +
			"application without one can sign in users only",
		"refresh token": "run okauth login",
		"scopes": "set scopes (OKAUTH_SCOPES, --scope) to names with spaces between them; to sign a user in, at least " +
			"openid",
	}[e.Field]
}

// interactionAdvice says how to give what a person would be asked for.
func interactionAdvice(e *grant.InteractionRequiredError) string {
	if e.Field == "username" || e.Field == config.KeyPassword {
		return passwordAdvice
	}
	return fmt.Sprintf("give the %s by OKAUTH_%s, %s or %s", e.Field, strings.ToUpper(e.Field), config.FileKey(e.Field),
		config.CommandKey(e.Field))
}

// requestText is what the texts say about one kind of request.
type requestText struct {
	Name       string // "sign-in"
	Endpoint   string // where it is sent
	Sends      string // the secret in it
	Unaffected string // what has not changed after Okta rate-limited the request
	Unsure     string // what may have happened when there was no response
	Next       string // what to do then
	Grant      string // the grant type it needs, as the Admin Console calls it
	GrantPlace string // where to enable it
}

// requestKind returns the key of requestTexts: the grant type of a token request, else the operation.
func requestKind(info okta.RequestInfo) string {
	if info.Operation != "" && info.Operation != okta.OperationToken {
		return string(info.Operation)
	}
	if info.GrantType == "" {
		return "password"
	}
	return info.GrantType
}

// requestTexts has a row for each kind of request. "" is a grant without a row of its own.
func requestTexts() map[string]requestText {
	const password, advanced = "Resource Owner Password", "General › Grant type › Advanced"
	const refresh, grants = "Refresh Token", "General › Grant type"
	public := func(name, endpoint string) requestText {
		return requestText{
			Name: name, Endpoint: endpoint, Sends: "its requests", Unaffected: "nothing was lost",
			Unsure: "the request does no harm", Next: "try again", Grant: password, GrantPlace: advanced,
		}
	}
	userInfo := public("userinfo request", "userinfo endpoint")
	userInfo.Sends, userInfo.Unaffected = "an access token", "the token stays as it was"
	return map[string]requestText{
		"password": {
			Name: "sign-in", Endpoint: "token endpoint", Sends: "a password", Unaffected: "the password was not checked",
			Unsure: "the server may still have counted the password", Next: "try again in a minute",
			Grant: password, GrantPlace: advanced,
		},
		"client_credentials": {
			Name: "client sign-in", Endpoint: "token endpoint", Sends: "a client secret",
			Unaffected: "the client secret was not checked",
			Unsure:     "the server may still have made a token, which does no harm", Next: "try again",
			Grant: "Client Credentials", GrantPlace: "General › Grant type › Client acting on behalf of itself",
		},
		"refresh_token": {
			Name: "refresh", Endpoint: "token endpoint", Sends: "a refresh token",
			Unaffected: "the refresh token stays valid",
			Unsure:     "the server may still have used up the refresh token", Next: "try again at once, or run okauth login",
			Grant: refresh, GrantPlace: grants,
		},
		"": {
			Name: "sign-in", Endpoint: "token endpoint", Sends: "credentials", Unaffected: "the credentials were not checked",
			Unsure: "the server may still have made a token", Next: "try again",
			Grant: "of this sign-in", GrantPlace: grants,
		},
		"revoke": {
			Name: "revocation", Endpoint: "revocation endpoint", Sends: "a token", Unaffected: "the token is not revoked yet",
			Unsure: "the token may still be valid",
			Next: "an administrator can end it (Admin Console, Directory › People › the user › More Actions › " +
				"Clear User Sessions)",
			Grant: refresh, GrantPlace: grants,
		},
		"introspect": {
			Name: "introspection", Endpoint: "introspection endpoint", Sends: "a token",
			Unaffected: "the token stays as it was", Unsure: "the request does no harm", Next: "try again",
			Grant: refresh, GrantPlace: grants,
		},
		"probe": {
			Name: "check of the grant type", Endpoint: "token endpoint", Sends: "a client secret",
			Unaffected: "no password was sent", Unsure: "no password was sent", Next: "try again",
			Grant: password, GrantPlace: advanced,
		},
		"userinfo":     userInfo,
		"metadata":     public("request for the metadata", "metadata"),
		"keys":         public("request for the keys", "list of keys"),
		"organization": public("request for the org's description", "description of an Okta org"),
	}
}

// fill replaces the placeholders in one pass: the name of a server or a client may have braces of its own.
func fill(text, kind string, info okta.RequestInfo) string {
	if !strings.Contains(text, "{") {
		return text
	}
	server, client := okta.Sanitize(info.Server.ID(), 80), okta.Sanitize(info.ClientID, 80)
	if server == "" {
		text = strings.NewReplacer(" than {server}", "", "no authorization server {server}", "no such authorization server",
			"authorization server {server}", "the authorization server", "{server}", "the server").Replace(text)
	}
	if client == "" {
		text = strings.NewReplacer(" than {client}", "", "the client id {client}", "this client id",
			"{client}", "the application").Replace(text)
	}
	request, ok := requestTexts()[kind]
	if !ok {
		request = requestTexts()[""]
	}
	return strings.NewReplacer(
		"{server}", server, "{client}", client, "{auth}", authText(info.AuthMethod),
		"{now}", time.Now().UTC().Format("2006-01-02 15:04 UTC"), "{name}", request.Name,
		"{endpoint}", request.Endpoint, "{sends}", request.Sends, "{unaffected}", request.Unaffected,
		"{unsure}", request.Unsure, "{next}", request.Next, "{grant}", request.Grant, "{grantPlace}", request.GrantPlace,
	).Replace(text)
}

// authText says what may be wrong with the client authentication where Okta does not say it.
func authText(method string) string {
	switch method {
	case "":
		return "the client secret is wrong, or the application authenticates in another way: with a client secret set, " +
			"okauth sends it by Basic; without, it is a public client"
	case "none":
		return "okauth has no client secret and sent none, but the application requires one, or authenticates in yet " +
			"another way"
	}
	return "okauth sent the client secret by Basic, and it is wrong, or the application authenticates in another way"
}
